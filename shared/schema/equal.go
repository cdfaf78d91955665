package schema

import (
	"encoding/json"
	"maps"
	"slices"
	"strconv"
	"strings"
)

// appendKey appends a text that is equal for exactly those JSON values that are
// equal: numbers by their decimal value, whatever their form or length (0, -0.0 and
// 0e5 are one number), objects without regard to order. Its length is linear in that
// of the value.
func appendKey(dst []byte, v any) []byte {
	switch v := v.(type) {
	case nil:
		return append(dst, 'n')
	case bool:
		if v {
			return append(dst, 't')
		}
		return append(dst, 'f')
	case string:
		return appendSized(append(dst, 's'), v)
	case json.Number:
		return appendDecimal(dst, string(v))
	case []any:
		dst = append(dst, '[')
		for _, e := range v {
			dst = appendKey(dst, e)
		}
		return append(dst, ']')
	case map[string]any:
		dst = append(dst, '{')
		for _, name := range slices.Sorted(maps.Keys(v)) {
			dst = appendKey(appendSized(dst, name), v[name])
		}
		return append(dst, '}')
	}
	panic("not a value of a decoded event")
}

// appendSized appends a text after its length, so that no text contains the end of
// another.
func appendSized(dst []byte, s string) []byte {
	dst = append(strconv.AppendInt(dst, int64(len(s)), 10), ':')
	return append(dst, s...)
}

// appendDecimal appends the normal form of a JSON number: its digits without zeros
// at either end, and the power of ten of the last one.
func appendDecimal(dst []byte, text string) []byte {
	d := splitDecimal(text)
	if d.digits == "" {
		return append(dst, "0;"...)
	}
	if d.negative {
		dst = append(dst, '-')
	}
	dst = append(append(dst, d.digits...), 'e')
	return append(strconv.AppendInt(dst, int64(d.exponent), 10), ';')
}

// decimal is the number digits × 10^exponent. digits has no zero at either end; it is
// empty for 0.
type decimal struct {
	digits   string
	exponent int
	negative bool
}

// splitDecimal splits a number that ParseNumber accepts.
func splitDecimal(text string) decimal {
	var d decimal
	text, d.negative = strings.CutPrefix(text, "-")
	if i := strings.IndexAny(text, "eE"); i >= 0 {
		d.exponent, _ = strconv.Atoi(text[i+1:])
		text = text[:i]
	}
	if whole, fraction, ok := strings.Cut(text, "."); ok {
		text = whole + fraction
		d.exponent -= len(fraction)
	}
	text = strings.TrimLeft(text, "0")
	d.digits = strings.TrimRight(text, "0")
	d.exponent += len(text) - len(d.digits)
	return d
}

// isInteger reports whether a number has no fraction: 1.0 and 10e-1 have none.
func isInteger(n json.Number) bool {
	d := splitDecimal(string(n))
	return d.digits == "" || d.exponent >= 0
}

// holdsNumber reports whether a value is a number or contains one.
func holdsNumber(v any) bool {
	switch v := v.(type) {
	case json.Number:
		return true
	case []any:
		return slices.ContainsFunc(v, holdsNumber)
	case map[string]any:
		for _, e := range v {
			if holdsNumber(e) {
				return true
			}
		}
	}
	return false
}

// allowedValues is what const or enum allows.
type allowedValues struct {
	keys    map[string]struct{}
	message string
	// objects is set where one of the values is an object.
	objects bool
}

func (a *allowedValues) contains(v any) bool {
	var buffer [128]byte
	_, ok := a.keys[string(appendKey(buffer[:0], v))]
	return ok
}

// hasEqualElements reports whether two elements are equal, in time and memory linear
// in the length of the array's text.
func hasEqualElements(list []any) bool {
	if len(list) < 2 {
		return false
	}
	seen := make(map[string]struct{}, len(list))
	var key []byte
	for _, e := range list {
		key = appendKey(key[:0], e)
		if _, ok := seen[string(key)]; ok {
			return true
		}
		seen[string(key)] = struct{}{}
	}
	return false
}
