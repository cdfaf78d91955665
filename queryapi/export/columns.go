package export

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/theeye/theeye/shared/query/filter"
	"github.com/theeye/theeye/shared/store"
)

// MaxColumns bounds the columns of data.
const MaxColumns = 500

// ColumnError describes the fault of a list of columns, for people.
type ColumnError struct{ Reason string }

// Error implements error.
func (e *ColumnError) Error() string { return e.Reason }

func columnErrorf(format string, args ...any) error {
	return &ColumnError{fmt.Sprintf(format, args...)}
}

// Columns are the paths of data that have a column each. They are immutable.
type Columns struct {
	names []string
	root  *columnNode
}

// columnNode is a member, or an element, on the way to columns.
type columnNode struct {
	column   int // -1 where the path has none
	element  bool
	children map[string]*columnNode
}

// ParseColumns parses paths joined by commas: data.plan,data."a,b".c. The error is a
// *ColumnError.
func ParseColumns(text string) (*Columns, error) {
	c := &Columns{root: &columnNode{column: -1}}
	for _, name := range splitColumns(text) {
		f, err := filter.ParseField(strings.TrimSpace(name))
		switch {
		case err != nil:
			return nil, columnErrorf("must be paths of data joined by commas, as data.plan,data.cart.total: %v", err)
		case f.Name != filter.Data || len(f.Path) == 0:
			return nil, columnErrorf("names %s, which is no path of data; the columns of events are always there", f)
		case f.Path.Many():
			return nil, columnErrorf("names %s: a column holds one value, so no path has []", f)
		}
		if err := c.addField(f); err != nil {
			return nil, err
		}
	}
	return c, nil
}

// splitColumns splits at the commas outside of quotes.
func splitColumns(text string) []string {
	var parts []string
	start, quoted := 0, false
	for i := 0; i < len(text); i++ {
		switch c := text[i]; {
		case c == '\\' && quoted:
			i++
		case c == '"':
			quoted = !quoted
		case c == ',' && !quoted:
			parts = append(parts, text[start:i])
			start = i + 1
		}
	}
	return append(parts, text[start:])
}

// addField gives a path a column.
func (c *Columns) addField(f filter.Field) error {
	if len(c.names) == MaxColumns {
		return columnErrorf("names more than %d columns", MaxColumns)
	}
	at := c.root
	for _, s := range f.Path {
		next := at.children[s.Name]
		switch {
		case next == nil:
			next = &columnNode{column: -1, element: s.Element}
			if at.children == nil {
				at.children = map[string]*columnNode{}
			}
			at.children[s.Name] = next
		case next.element != s.Element:
			return columnErrorf("names a member of %s both with and without quotes", f)
		}
		at = next
	}
	if at.column >= 0 {
		return columnErrorf("names %s twice", f)
	}
	at.column = len(c.names)
	c.names = append(c.names, f.String())
	return nil
}

// Names returns the columns as filters spell them.
func (c *Columns) Names() []string { return c.names }

// Survey returns the columns of events: the paths of their leaves, in the order of
// their spelling. Of more than MaxColumns it returns those that most events have.
func Survey(docs []*store.Document) *Columns {
	counts := map[string]int{}
	paths := map[string]filter.Path{}
	leaves := newSplitter(&Columns{root: &columnNode{column: -1}}, func(p filter.Path, _ jsontext.Value) {
		name := filter.Field{Name: filter.Data, Path: p}.String()
		if counts[name]++; counts[name] == 1 {
			paths[name] = slices.Clone(p)
		}
	})
	for _, d := range docs {
		leaves.split(d.Data)
	}
	names := make([]string, 0, len(counts))
	for name := range counts {
		names = append(names, name)
	}
	slices.SortFunc(names, func(a, b string) int { return cmp.Or(counts[b]-counts[a], cmp.Compare(a, b)) })
	names = names[:min(len(names), MaxColumns)]
	slices.Sort(names)
	c := &Columns{root: &columnNode{column: -1}}
	for _, name := range names {
		_ = c.addField(filter.Field{Name: filter.Data, Path: paths[name]}) // distinct, bounded, and all members alike
	}
	return c
}
