package filter

import (
	"fmt"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/theeye/theeye/shared/event"
)

// Bounds of a filter.
const (
	// MaxConditions bounds the conditions of one filter.
	MaxConditions = 20
	// MaxBytes bounds the text of one condition.
	MaxBytes = 4 << 10
)

// Parse parses the conditions of a filter. Times are relative to now, in UTC. The
// error is an *Error.
func Parse(texts []string, now time.Time) (Filter, error) {
	if len(texts) > MaxConditions {
		return nil, &Error{Index: MaxConditions, Text: "", Expected: fmt.Sprintf("at most %d filters", MaxConditions)}
	}
	f := make(Filter, len(texts))
	for i, text := range texts {
		if err := f[i].parse(text, now); err != nil {
			err.Index = i
			return nil, err
		}
	}
	return f, nil
}

func (c *Condition) parse(text string, now time.Time) *Error {
	p := &parser{text: text}
	if err := p.checkText(); err != nil {
		return err
	}
	return p.parseCondition(c, now)
}

// parser reads the text of one condition.
type parser struct {
	text string
	// at is the number of bytes that are read.
	at int
}

func (p *parser) errorf(at int, format string, args ...any) *Error {
	return &Error{Position: at, Expected: fmt.Sprintf(format, args...), Text: p.text}
}

func (p *parser) checkText() *Error {
	if len(p.text) > MaxBytes {
		return p.errorf(MaxBytes, "the end: a filter has at most %d bytes", MaxBytes)
	}
	for i, r := range p.text {
		if r == utf8.RuneError && !strings.HasPrefix(p.text[i:], string(utf8.RuneError)) {
			return p.errorf(i, "UTF-8")
		}
	}
	return nil
}

func (p *parser) rest() string { return p.text[p.at:] }

func (p *parser) skipSpaces() {
	for p.at < len(p.text) && p.text[p.at] == ' ' {
		p.at++
	}
}

// parseCondition reads the whole text.
func (p *parser) parseCondition(c *Condition, now time.Time) *Error {
	p.skipSpaces()
	var err *Error
	if c.Field, err = p.parseField(); err != nil {
		return err
	}
	p.skipSpaces()
	if c.Op, err = p.parseOp(c.Field); err != nil {
		return err
	}
	if c.Field.Name.IsTime() && (c.Op == OpPrefix || c.Op == OpContains) {
		return p.errorf(p.at-len(c.Op.String()), "one of the operators = != > >= < <= in exists: %s is a time, not a text", c.Field)
	}
	p.skipSpaces()
	return p.parseOperand(c, now)
}

// fieldNames finds the name that another one is a misspelling of.
var fieldNames = event.NewVocabulary(names[1:]...)

// parseField reads a field from the beginning of the remaining text.
func (p *parser) parseField() (Field, *Error) {
	start := p.at
	name := p.readBare()
	for n := Application; n <= Data; n++ {
		if names[n] != name {
			continue
		}
		f := Field{Name: n}
		var err *Error
		if n == Data {
			f.Path, err = p.parsePath()
		}
		return f, err
	}
	want := "one of the fields " + strings.Join(names[1:], ", ")
	if _, near := fieldNames.Nearest(name); near != "" {
		want = "the field " + near
	}
	if strings.HasPrefix(p.rest(), ".") {
		want += "; members of the data begin with data."
	}
	return Field{}, p.errorf(start, "%s", want)
}

// readBare reads a bare word, which may be empty.
func (p *parser) readBare() string {
	start := p.at
	for _, r := range p.rest() {
		if !isBareRune(r) {
			break
		}
		p.at += utf8.RuneLen(r)
	}
	return p.text[start:p.at]
}

// parsePath reads the segments behind data.
func (p *parser) parsePath() (Path, *Error) {
	var path Path
	for {
		switch {
		case strings.HasPrefix(p.rest(), "[]"):
			p.at += len("[]")
			path = append(path, Segment{Each: true})
		case strings.HasPrefix(p.rest(), "["):
			return nil, p.errorf(p.at+1, "]: a single element is named by its number, as in data.items.0")
		case strings.HasPrefix(p.rest(), "."):
			p.at++
			s, err := p.parseSegment()
			if err != nil {
				return nil, err
			}
			path = append(path, s)
		default:
			return path, nil
		}
	}
}

// parseSegment reads the segment behind a dot.
func (p *parser) parseSegment() (Segment, *Error) {
	if !strings.HasPrefix(p.rest(), `"`) {
		at := p.at
		name := p.readBare()
		if name == "" {
			return Segment{}, p.errorf(at, `the name of a member: letters, digits, _ and -, or quoted as in data."a name"`)
		}
		return Segment{Name: name, Element: isDigits(name)}, nil
	}
	end := quotedEnd(p.rest())
	name, err := jsontext.AppendUnquote(nil, p.rest()[:end])
	if end == 0 || err != nil {
		return Segment{}, p.errorf(p.at, "the name of a member, quoted as a JSON string")
	}
	p.at += end
	return Segment{Name: string(name)}, nil
}

// quotedEnd returns the length of the quoted string that s begins with, 0 if it does
// not end.
func quotedEnd(s string) int {
	for i := 1; i < len(s); i++ {
		switch s[i] {
		case '\\':
			i++
		case '"':
			return i + 1
		}
	}
	return 0
}

// parseOp reads the operator behind a field.
func (p *parser) parseOp(f Field) (Op, *Error) {
	for op := OpEqual; op <= OpContains; op++ {
		if strings.HasPrefix(p.rest(), ops[op]) {
			p.at += len(ops[op])
			return op, nil
		}
	}
	at := p.at
	word := p.readBare()
	for op := OpIn; op <= OpExists; op++ {
		if word == ops[op] {
			return op, nil
		}
	}
	p.at = at
	return 0, p.errorf(at, "%s", fieldEnd(f))
}

// fieldEnd is what may follow a field.
func fieldEnd(f Field) string {
	want := "an operator: = != > >= < <= ^= *= in exists"
	if f.Name != Data {
		return want
	}
	return want + `, or more of the path (a name with other characters is quoted: data."a name")`
}
