package filter

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/go-json-experiment/json/jsontext"
)

// ParseValue parses the text of one JSON value. Strict as the collector: a name may
// stand once in an object, and every text is Unicode. The Value does not alias raw.
func ParseValue(raw []byte) (Value, error) {
	d := jsontext.NewDecoder(bytes.NewBuffer(raw))
	v, err := readValue(d)
	if err != nil {
		return Value{}, fmt.Errorf("no JSON value: %w", err)
	}
	if _, err := d.ReadToken(); !errors.Is(err, io.EOF) {
		return Value{}, errors.New("more than one JSON value")
	}
	return v, nil
}

// readValue reads the next value. The decoder bounds the depth.
func readValue(d *jsontext.Decoder) (Value, error) {
	token, err := d.ReadToken()
	if err != nil {
		return Value{}, err
	}
	switch token.Kind() {
	case 'n':
		return Null(), nil
	case 'f', 't':
		return Bool(token.Bool()), nil
	case '"':
		return Text(token.String()), nil
	case '0':
		return number(token.String()), nil
	case '[':
		return readArray(d)
	default:
		return readObject(d)
	}
}

func readArray(d *jsontext.Decoder) (Value, error) {
	t := &tree{}
	for d.PeekKind() != ']' {
		v, err := readValue(d)
		if err != nil {
			return Value{}, err
		}
		t.values = append(t.values, v)
	}
	_, err := d.ReadToken()
	return Value{kind: KindArray, tree: t}, err
}

func readObject(d *jsontext.Decoder) (Value, error) {
	t := &tree{}
	for d.PeekKind() != '}' {
		name, err := d.ReadToken()
		if err != nil {
			return Value{}, err
		}
		t.names = append(t.names, name.String())
		v, err := readValue(d)
		if err != nil {
			return Value{}, err
		}
		t.values = append(t.values, v)
	}
	_, err := d.ReadToken()
	return Value{kind: KindObject, tree: t}, err
}

// AppendJSON appends the JSON of v: members in the order sent, numbers as they were
// given. It appends null for a missing value.
func (v Value) AppendJSON(dst []byte) []byte { return v.appendJSON(dst, false) }

// Key returns a text that is equal for exactly those values that are equal: JSON with
// the members of objects in the order of their names, and numbers in one spelling. That
// of a missing value is empty.
func (v Value) Key() string {
	if v.kind == KindMissing {
		return ""
	}
	return string(v.appendJSON(nil, true))
}

// appendJSON appends the JSON of v, or the canonical one.
func (v Value) appendJSON(dst []byte, canonical bool) []byte {
	switch v.kind {
	case KindFalse:
		return append(dst, "false"...)
	case KindTrue:
		return append(dst, "true"...)
	case KindNumber:
		if canonical {
			return splitDecimal(v.text).appendText(dst)
		}
		return append(dst, v.text...)
	case KindText:
		return appendQuoted(dst, v.text)
	case KindArray:
		dst = append(dst, '[')
		for i, e := range v.tree.values {
			if i > 0 {
				dst = append(dst, ',')
			}
			dst = e.appendJSON(dst, canonical)
		}
		return append(dst, ']')
	case KindObject:
		return v.tree.appendMembers(dst, canonical)
	case KindMissing, KindNull:
	}
	return append(dst, "null"...)
}

func (t *tree) appendMembers(dst []byte, canonical bool) []byte {
	order := make([]int, len(t.names))
	for i := range order {
		order[i] = i
	}
	if canonical {
		slices.SortFunc(order, func(i, j int) int { return strings.Compare(t.names[i], t.names[j]) })
	}
	dst = append(dst, '{')
	for n, i := range order {
		if n > 0 {
			dst = append(dst, ',')
		}
		dst = append(appendQuoted(dst, t.names[i]), ':')
		dst = t.values[i].appendJSON(dst, canonical)
	}
	return append(dst, '}')
}

// appendQuoted appends a JSON string.
func appendQuoted(dst []byte, s string) []byte {
	dst, _ = jsontext.AppendQuote(dst, s) // the error only reports replaced UTF-8
	return dst
}
