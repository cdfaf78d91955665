package schema

import (
	"bytes"
	"errors"
	"fmt"
	"io"

	"github.com/go-json-experiment/json/jsontext"
)

// errNoKey says that a value is to be hashed and the registry holds no key.
var errNoKey = errors.New("no key to hash with")

// both are the marks of one place by the schema that judged and by the newest
// one of the type: whoever names an old version does not escape the newer law.
// Either may be nil.
type both [2]*mark

func (b both) none() bool { return b[0] == nil && b[1] == nil }

func (b both) treatment() treatment {
	t := leave
	for _, m := range b {
		if m != nil {
			t = max(t, m.treatment)
		}
	}
	return t
}

func (b both) member(name []byte) (inside both) {
	for i, m := range b {
		if m != nil {
			inside[i] = m.members[string(name)]
		}
	}
	return inside
}

func (b both) element() (inside both) {
	for i, m := range b {
		if m != nil {
			inside[i] = m.elements
		}
	}
	return inside
}

// redactor copies data without what is marked. Everything else stays byte for
// byte: it is cut from the text, and never written anew.
type redactor struct {
	data   []byte
	dec    *jsontext.Decoder
	hasher hasher
	out    []byte
	copied int // how much of data is in out, or left out
	name   []byte
}

// redact returns data, the form that event.Event has, without what the marks
// name: a dropped member is missing, a dropped element null, a hashed value the
// text of its hash. What nothing marks is data itself. Values of a kind that
// the marks do not expect are left as they are.
func redact(data []byte, marks both, h hasher) ([]byte, error) {
	r := redactor{data: data, hasher: h}
	// A Buffer is decoded where it lies. Data has been checked for duplicates.
	r.dec = jsontext.NewDecoder(bytes.NewBuffer(data), jsontext.AllowDuplicateNames(true))
	if err := r.inside(marks); err != nil {
		if errors.Is(err, io.EOF) {
			err = io.ErrUnexpectedEOF
		}
		return nil, fmt.Errorf("redact the data: %w", err)
	}
	if r.copied == 0 {
		return data, nil
	}
	return append(r.out, data[r.copied:]...), nil
}

// inside reads a value that is not treated itself.
func (r *redactor) inside(marks both) error {
	kind := r.dec.PeekKind()
	if marks.none() || kind != '{' && kind != '[' {
		return r.dec.SkipValue()
	}
	if _, err := r.dec.ReadToken(); err != nil {
		return err
	}
	read := r.members
	if kind == '[' {
		read = r.elements
	}
	if err := read(marks); err != nil {
		return err
	}
	_, err := r.dec.ReadToken()
	return err
}

// members reads the members of an object. A dropped one goes with the comma
// before it, or, where none is kept before it, with the one behind it.
func (r *redactor) members(marks both) error {
	kept, dropped := false, false
	for r.dec.PeekKind() != '}' {
		before := r.offset()
		name, err := r.dec.ReadValue()
		if err != nil {
			return err
		}
		start := r.offset() - len(name)
		if r.name, err = jsontext.AppendUnquote(r.name[:0], name); err != nil {
			return err
		}
		at := marks.member(r.name)
		if at.treatment() == drop {
			if err := r.dec.SkipValue(); err != nil {
				return err
			}
			r.replace(before, r.offset(), "")
			dropped = true
			continue
		}
		if dropped && !kept {
			r.replace(before, start, "")
		}
		kept = true
		if err := r.value(at); err != nil {
			return err
		}
	}
	return nil
}

func (r *redactor) elements(marks both) error {
	at := marks.element()
	for r.dec.PeekKind() != ']' {
		if err := r.value(at); err != nil {
			return err
		}
	}
	return nil
}

// value reads the value of a member that stays, or an element.
func (r *redactor) value(at both) error {
	t := at.treatment()
	if t == leave {
		return r.inside(at)
	}
	value, err := r.dec.ReadValue()
	if err != nil {
		return err
	}
	text := "null"
	if t == hash {
		if text, err = r.hasher.hash(value); err != nil {
			return err
		}
	}
	r.replace(r.offset()-len(value), r.offset(), text)
	return nil
}

// replace puts text in the place of data[from:to]. Places come in their order.
func (r *redactor) replace(from, to int, text string) {
	if r.out == nil {
		r.out = make([]byte, 0, len(r.data)+len(text))
	}
	r.out = append(r.out, r.data[r.copied:from]...)
	r.out = append(r.out, text...)
	r.copied = to
}

// offset is the end of what was read last.
func (r *redactor) offset() int { return int(r.dec.InputOffset()) }
