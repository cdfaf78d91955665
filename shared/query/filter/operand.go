package filter

import (
	"strings"
	"time"

	"github.com/theeye/theeye/shared/event"
	"github.com/theeye/theeye/shared/when"
)

// parseOperand reads what follows the operator: the rest of the text.
func (p *parser) parseOperand(c *Condition, now time.Time) *Error {
	switch c.Op {
	case OpExists:
		return p.parseExists(c)
	case OpIn:
		return p.parseList(c, now)
	}
	v, source, err := p.parseValue(c, p.rest(), now)
	if err != nil {
		return err
	}
	c.setOperand(v, source)
	return nil
}

func (p *parser) parseExists(c *Condition) *Error {
	switch strings.TrimRight(p.rest(), " ") {
	case "", "true":
		c.setOperand(Bool(true), "")
	case "false":
		c.setOperand(Bool(false), "")
	default:
		return p.errorf(p.at, "true, false, or the end")
	}
	return nil
}

// parseList reads the array of the operator in.
func (p *parser) parseList(c *Condition, now time.Time) *Error {
	list, err := ParseValue([]byte(p.rest()))
	if err != nil || list.Kind() != KindArray {
		return p.errorf(p.at, `a JSON array, such as ["a","b"] or [1,2]`)
	}
	values := make([]Value, len(list.Elements()))
	var sources []string
	for i, v := range list.Elements() {
		written, ok := v.TextValue()
		if !ok {
			written = string(v.AppendJSON(nil))
		}
		switch {
		case c.Field.Name.IsTime():
			t, source, err := parseInstant(written, now)
			if err != nil {
				return p.errorf(p.at, "an array of times, whose element %d %v", i, err)
			}
			values[i], sources = t, append(sources, source)
		case c.Field.Name.IsText() && v.Kind() < KindArray:
			values[i] = Text(lowerFor(c.Field, written))
		default:
			values[i] = v
		}
	}
	c.setOperand(Value{kind: KindArray, tree: &tree{values: values}}, bindSources(values, sources))
	return nil
}

// bindSources returns the text of an array of times of which some depend on now, ""
// if none does.
func bindSources(values []Value, sources []string) string {
	relative := false
	for i, source := range sources {
		if relative = relative || source != ""; source == "" {
			sources[i] = values[i].text
		}
	}
	if !relative {
		return ""
	}
	return strings.Join(sources, ",")
}

// parseInstant reads a time. source is its text if it depends on now, else "".
func parseInstant(text string, now time.Time) (v Value, source string, err error) {
	t, err := when.Clock{Now: now}.Parse(text)
	if err != nil {
		return Value{}, "", err
	}
	if when.Relative(text) {
		source = strings.ToLower(strings.TrimSpace(text))
	}
	return Text(event.FormatTime(t)), source, nil
}

// parseValue reads the value of an operator that takes one. source is the text of a
// time that depends on now, else "".
func (p *parser) parseValue(c *Condition, text string, now time.Time) (v Value, source string, _ *Error) {
	v, err := ParseValue([]byte(text))
	plain := err != nil
	if written, ok := v.TextValue(); ok {
		text, plain = written, true
	}
	switch {
	case c.Field.Name.IsTime():
		if v, source, err = parseInstant(text, now); err != nil {
			return v, "", p.errorf(p.at, "%s; this %v", when.TimeForms, err)
		}
		return v, source, nil
	case plain || c.Field.Name.IsText() || c.Op == OpPrefix || c.Op == OpContains:
		return Text(lowerFor(c.Field, text)), "", nil
	}
	return v, "", nil
}

// lowerFor returns the form of a text that values of a field have: session ids are
// lower case.
func lowerFor(f Field, text string) string {
	if f.Name != SessionID {
		return text
	}
	return strings.Map(func(r rune) rune {
		if r >= 'A' && r <= 'Z' {
			return r + 'a' - 'A'
		}
		return r
	}, text)
}
