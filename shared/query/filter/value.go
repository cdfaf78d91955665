package filter

import (
	"math"
	"strconv"

	"github.com/go-json-experiment/json/jsontext"
)

// Kind is the kind of a Value. The order of kinds is that of values of different
// kinds.
type Kind uint8

// The kinds of values.
const (
	// KindMissing is that of the zero Value: there is no value.
	KindMissing Kind = iota
	KindNull
	KindFalse
	KindTrue
	KindNumber
	KindText
	KindArray
	KindObject
)

// Value is a JSON value, or none: the zero Value is missing. It is immutable.
type Value struct {
	kind Kind
	// text is that of a text, and the JSON of a number.
	text string
	// double is the nearest double of a number, infinite beyond the largest.
	double float64
	tree   *tree
}

// tree holds the parts of an array or an object.
type tree struct {
	// values are the elements, or the values of the members.
	values []Value
	// names are the names of the members in the order sent.
	names []string
}

// Null returns the JSON null, which is a value unlike a missing one.
func Null() Value { return Value{kind: KindNull} }

// Bool returns a boolean.
func Bool(b bool) Value {
	if b {
		return Value{kind: KindTrue}
	}
	return Value{kind: KindFalse}
}

// Text returns a text, which should be UTF-8.
func Text(s string) Value { return Value{kind: KindText, text: s} }

// Number returns the number that a JSON number names, exactly. It returns the missing
// Value for text that is no JSON number.
func Number(text string) Value {
	if text == "" || text[0] != '-' && !isDigit(text[0]) || !isDigit(text[len(text)-1]) || !jsontext.Value(text).IsValid() {
		return Value{}
	}
	return number(text)
}

// Int returns an integer.
func Int(n int64) Value {
	return Value{kind: KindNumber, text: strconv.FormatInt(n, 10), double: float64(n)}
}

// number returns the Value of a valid JSON number.
func number(text string) Value {
	f, err := strconv.ParseFloat(text, 64)
	if err != nil && !math.IsInf(f, 0) {
		return Value{} // never, for a valid number
	}
	return Value{kind: KindNumber, text: text, double: f}
}

// ParsedNumber returns the number that Number returned for a text before, of which double is
// the nearest double.
func ParsedNumber(text string, double float64) Value {
	return Value{kind: KindNumber, text: text, double: double}
}

func isDigit(c byte) bool { return c >= '0' && c <= '9' }

// Kind returns the kind of v.
func (v Value) Kind() Kind { return v.kind }

// IsMissing reports whether there is no value.
func (v Value) IsMissing() bool { return v.kind == KindMissing }

// Float returns the nearest double of a number. It is infinite where the number is
// beyond the largest double, which no number of an event is.
func (v Value) Float() (f float64, ok bool) { return v.double, v.kind == KindNumber }

// TextValue returns a text.
func (v Value) TextValue() (s string, ok bool) {
	if v.kind != KindText {
		return "", false
	}
	return v.text, true
}

// NumberText returns the JSON of a number as it was given.
func (v Value) NumberText() (s string, ok bool) {
	if v.kind != KindNumber {
		return "", false
	}
	return v.text, true
}

// Elements returns the elements of an array, nil for any other value. The caller must
// not change them.
func (v Value) Elements() []Value {
	if v.kind != KindArray {
		return nil
	}
	return v.tree.values
}

// Members returns the names and the values of the members of an object in the order
// sent, nil for any other value. The caller must not change them.
func (v Value) Members() (names []string, values []Value) {
	if v.kind != KindObject {
		return nil, nil
	}
	return v.tree.names, v.tree.values
}

// Member returns the member of an object with a name; it is missing if v has none, or
// is no object.
func (v Value) Member(name string) Value {
	if v.kind != KindObject {
		return Value{}
	}
	for i, n := range v.tree.names {
		if n == name {
			return v.tree.values[i]
		}
	}
	return Value{}
}

// element returns an element of an array; it is missing if v has none, or is no array.
func (v Value) element(i int) Value {
	if v.kind != KindArray || i < 0 || i >= len(v.tree.values) {
		return Value{}
	}
	return v.tree.values[i]
}
