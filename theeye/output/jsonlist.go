package output

import (
	"fmt"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

// JSONList is a JSON object with one list that is printed in parts, and then its
// last members.
type JSONList struct {
	p      *Printer
	member string
	begun  bool
	any    bool
}

// BeginJSONList returns a list of which nothing is printed yet.
func (p *Printer) BeginJSONList(member string) *JSONList { return &JSONList{p: p, member: member} }

// Append prints more items. Their numbers are printed as they are written there.
func (l *JSONList) Append(items []jsontext.Value) error {
	var b []byte
	if !l.begun {
		b = append(b, `{"`+l.member+`":[`...)
		l.begun = true
	}
	for _, item := range items {
		if l.any {
			b = append(b, ',')
		}
		l.any = true
		text := item.Clone()
		if err := text.Compact(); err != nil {
			return fmt.Errorf("the answer is no JSON; is --url right?")
		}
		b = append(b, escapeControls(text)...)
	}
	return l.p.writeJSON(b)
}

// End prints the members of an object after the list, and ends both.
func (l *JSONList) End(members any) error {
	if err := l.Append(nil); err != nil {
		return err
	}
	text, err := json.Marshal(members, json.Deterministic(true))
	if err != nil {
		return fmt.Errorf("encode the output: %w", err)
	}
	return l.p.writeJSON(append(append([]byte("],"), escapeControls(text[1:])...), '\n'))
}
