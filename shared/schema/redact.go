package schema

import (
	"bytes"
	"errors"
	"fmt"
	"io"

	"github.com/go-json-experiment/json/jsontext"
)

// errNoKey is returned for a value to hash when the registry has no key.
var errNoKey = errors.New("no key to hash with")

// effectivePII holds the marks of one location by the effective schema and by the
// newest one of the type, so that an event that names an old version does not
// evade newer marks. Either may be nil.
type effectivePII [2]*piiMark

func (b effectivePII) isEmpty() bool { return b[0] == nil && b[1] == nil }

func (b effectivePII) treatment() piiTreatment {
	t := keep
	for _, m := range b {
		if m != nil {
			t = max(t, m.treatment)
		}
	}
	return t
}

func (b effectivePII) ofMember(name []byte) (inside effectivePII) {
	for i, m := range b {
		if m != nil {
			inside[i] = m.members[string(name)]
		}
	}
	return inside
}

func (b effectivePII) ofElements() (inside effectivePII) {
	for i, m := range b {
		if m != nil {
			inside[i] = m.elements
		}
	}
	return inside
}

// redactor copies data without the marked values. All other data stays byte for
// byte: it is copied from the text and never encoded again.
type redactor struct {
	data   []byte
	dec    *jsontext.Decoder
	hasher hasher
	out    []byte
	copied int // bytes of data that are in out, or dropped
	name   []byte
}

// redact returns data, in the form of event.Event, without the marked values: a
// dropped member is missing, a dropped element is null, a hashed value is the text
// of its hash. It returns data itself where no value is marked. Values of a kind
// that the marks do not expect stay as they are.
func redact(data []byte, marks effectivePII, h hasher) ([]byte, error) {
	r := redactor{data: data, hasher: h}
	// A Buffer is decoded in place. Data has been checked for duplicates.
	r.dec = jsontext.NewDecoder(bytes.NewBuffer(data), jsontext.AllowDuplicateNames(true))
	if err := r.copyUntreated(marks); err != nil {
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

// copyUntreated reads a value that is not treated itself; values inside it may be.
func (r *redactor) copyUntreated(marks effectivePII) error {
	kind := r.dec.PeekKind()
	if marks.isEmpty() || kind != '{' && kind != '[' {
		return r.dec.SkipValue()
	}
	if _, err := r.dec.ReadToken(); err != nil {
		return err
	}
	read := r.redactMembers
	if kind == '[' {
		read = r.redactElements
	}
	if err := read(marks); err != nil {
		return err
	}
	_, err := r.dec.ReadToken()
	return err
}

// redactMembers reads the members of an object. A dropped member takes the comma
// before it with it or, if no member before it is kept, the comma after it.
func (r *redactor) redactMembers(marks effectivePII) error {
	kept, dropped := false, false
	for r.dec.PeekKind() != '}' {
		before := r.inputOffset()
		name, err := r.dec.ReadValue()
		if err != nil {
			return err
		}
		start := r.inputOffset() - len(name)
		if r.name, err = jsontext.AppendUnquote(r.name[:0], name); err != nil {
			return err
		}
		at := marks.ofMember(r.name)
		if at.treatment() == drop {
			if err := r.dec.SkipValue(); err != nil {
				return err
			}
			r.replaceSpan(before, r.inputOffset(), "")
			dropped = true
			continue
		}
		if dropped && !kept {
			r.replaceSpan(before, start, "")
		}
		kept = true
		if err := r.redactValue(at); err != nil {
			return err
		}
	}
	return nil
}

func (r *redactor) redactElements(marks effectivePII) error {
	at := marks.ofElements()
	for r.dec.PeekKind() != ']' {
		if err := r.redactValue(at); err != nil {
			return err
		}
	}
	return nil
}

// redactValue reads the value of a member that is not dropped, or an element.
func (r *redactor) redactValue(at effectivePII) error {
	t := at.treatment()
	if t == keep {
		return r.copyUntreated(at)
	}
	value, err := r.dec.ReadValue()
	if err != nil {
		return err
	}
	text := "null"
	if t == hash {
		if text, err = r.hasher.hashValue(value); err != nil {
			return err
		}
	}
	r.replaceSpan(r.inputOffset()-len(value), r.inputOffset(), text)
	return nil
}

// replaceSpan replaces data[from:to] by text. Spans must come in ascending order.
func (r *redactor) replaceSpan(from, to int, text string) {
	if r.out == nil {
		r.out = make([]byte, 0, len(r.data)+len(text))
	}
	r.out = append(r.out, r.data[r.copied:from]...)
	r.out = append(r.out, text...)
	r.copied = to
}

// inputOffset is the end of the last token or value.
func (r *redactor) inputOffset() int { return int(r.dec.InputOffset()) }
