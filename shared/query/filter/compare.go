package filter

import (
	"cmp"
	"strings"
)

// Compare orders values: missing, null, false, true, numbers, texts by their bytes,
// then arrays and objects by their canonical JSON. It is 0 for equal values alone.
func (v Value) Compare(w Value) int {
	if v.kind != w.kind {
		return cmp.Compare(v.kind, w.kind)
	}
	switch v.kind {
	case KindNumber:
		return compareNumbers(v, w)
	case KindText:
		return strings.Compare(v.text, w.text)
	case KindArray, KindObject:
		return strings.Compare(v.Key(), w.Key())
	case KindMissing, KindNull, KindFalse, KindTrue:
	}
	return 0
}

// Equal reports whether two values are equal as by the operator =. Missing values are
// equal to each other.
func (v Value) Equal(w Value) bool { return v.kind == w.kind && v.Compare(w) == 0 }

// compareNumbers compares two numbers exactly. Rounding to the nearest double keeps
// the order, so different doubles decide; only equal ones need the digits.
func compareNumbers(v, w Value) int {
	if v.double != w.double {
		return cmp.Compare(v.double, w.double)
	}
	if v.text == w.text {
		return 0
	}
	return compareDecimals(splitDecimal(v.text), splitDecimal(w.text))
}
