package schema

import (
	"cmp"
	"fmt"
	"strings"
	"unicode/utf8"

	"github.com/theeye/theeye/shared/event"
	"github.com/theeye/theeye/shared/stream"
)

// Type is the type of an event: its category and its name, both strings of 1 to
// event.MaxIDLength characters.
type Type struct{ Category, Name string }

// String returns the form used in declarations: category and name, escaped as in
// subjects, separated by a slash. ParseType reverses it.
func (t Type) String() string {
	return stream.Escape(t.Category) + "/" + stream.Escape(t.Name)
}

// ParseType parses the form that String returns.
func ParseType(s string) (Type, error) {
	category, name, ok := strings.Cut(s, "/")
	if !ok {
		return Type{}, fmt.Errorf("%q is not a category and a name with a slash between them", s)
	}
	return UnescapeType(category, name)
}

// UnescapeType returns the type whose category and name have these escaped
// forms.
func UnescapeType(category, name string) (Type, error) {
	c, err := stream.Unescape(category)
	if err != nil {
		return Type{}, fmt.Errorf("category: %w", err)
	}
	n, err := stream.Unescape(name)
	if err != nil {
		return Type{}, fmt.Errorf("name: %w", err)
	}
	for _, s := range []string{c, n} {
		if !utf8.ValidString(s) {
			return Type{}, fmt.Errorf("%q is not UTF-8", s)
		}
		if s == "" || utf8.RuneCountInString(s) > event.MaxIDLength {
			return Type{}, fmt.Errorf("category and name have 1 to %d characters", event.MaxIDLength)
		}
	}
	return Type{Category: c, Name: n}, nil
}

// compareTypes orders types by category, then by name.
func compareTypes(a, b Type) int {
	return cmp.Or(strings.Compare(a.Category, b.Category), strings.Compare(a.Name, b.Name))
}
