package event

import (
	"bytes"
	"fmt"
	"math"
	"strconv"
)

// Kind is the form in which both stores keep a number.
type Kind uint8

// The three kinds of numbers. The zero Kind is not valid.
const (
	// Int64 is an integer literal that fits int64.
	Int64 Kind = iota + 1
	// Decimal is a longer integer literal of at most maxDecimalDigits digits.
	Decimal
	// Double is every other number, and the literal -0.
	Double
)

// maxDecimalDigits is the number of digits that a Decimal128 keeps exactly.
const maxDecimalDigits = 34

// Number is a JSON number as both stores keep it.
type Number struct {
	Kind Kind
	// Int is the value of an Int64.
	Int int64
	// Double is the value of a Double.
	Double float64
	// Text is the parsed text; it aliases ParseNumber's argument.
	Text []byte
}

// ParseNumber parses one JSON number. It reports false for text that is not a
// JSON number, that is longer than MaxNumberBytes, that has an exponent over
// MaxExponent, that overflows a double, or that a double rounds to 0 though it is
// not 0. So `1e400` cannot become infinity, nor `1e-350` nothing.
func ParseNumber(text []byte) (Number, bool) {
	kind, ok := numberKind(text)
	if !ok {
		return Number{}, false
	}
	n := Number{Kind: kind, Text: text}
	switch kind {
	case Int64:
		n.Int, _ = strconv.ParseInt(string(text), 10, 64)
	case Double:
		n.Double, ok = parseDouble(text)
	case Decimal:
	}
	return n, ok
}

// ValidNumber reports whether ParseNumber accepts text.
func ValidNumber(text []byte) bool {
	kind, ok := numberKind(text)
	if !ok || kind != Double {
		return ok
	}
	_, ok = parseDouble(text)
	return ok
}

// AppendNumber appends the text of a number as both stores keep and return it:
// the digits of an Int64 or a Decimal, for a Double the shortest text that parses
// to the same value. The text of a Double always has a point or an exponent, so
// that its kind is preserved: 1e2 becomes 100.0, -0 becomes -0.0. Text that
// ParseNumber refuses is appended unchanged.
func AppendNumber(dst, text []byte) []byte {
	kind, ok := numberKind(text)
	if !ok || kind != Double {
		return append(dst, text...)
	}
	f, ok := parseDouble(text)
	if !ok {
		return append(dst, text...)
	}
	return AppendDouble(dst, f)
}

// AppendDouble appends the text that AppendNumber gives a Double of value f,
// which must be finite.
func AppendDouble(dst []byte, f float64) []byte {
	format := byte('f')
	if abs := math.Abs(f); abs != 0 && (abs < 1e-6 || abs >= 1e21) {
		format = 'e'
	}
	start := len(dst)
	dst = strconv.AppendFloat(dst, f, format, -1, 64)
	if format == 'e' {
		return trimExponent(dst)
	}
	if bytes.IndexByte(dst[start:], '.') < 0 {
		dst = append(dst, '.', '0')
	}
	return dst
}

// trimExponent replaces a trailing e-07 by e-7, the form of other languages.
func trimExponent(b []byte) []byte {
	if n := len(b); n >= 4 && b[n-4] == 'e' && b[n-2] == '0' {
		b[n-2] = b[n-1]
		b = b[:n-1]
	}
	return b
}

// numberKind checks the grammar and the limits of a number and returns its kind.
// It does not check the range of a Double; parseDouble does.
func numberKind(text []byte) (Kind, bool) {
	if len(text) > MaxNumberBytes {
		return 0, false
	}
	digits := bytes.TrimPrefix(text, []byte{'-'})
	whole := countDigits(digits)
	if whole == 0 || whole > 1 && digits[0] == '0' {
		return 0, false
	}
	if whole < len(digits) {
		return Double, validFraction(digits[whole:])
	}
	switch {
	case whole == 1 && digits[0] == '0' && len(text) == 2:
		return Double, true // -0 has no integer form
	case whole <= 18 || fitsInt64(text):
		return Int64, true
	case whole <= maxDecimalDigits:
		return Decimal, true
	}
	return Double, true
}

// validFraction reports whether b, the text after the integer digits, is a
// fraction, an exponent, or both.
func validFraction(b []byte) bool {
	if b[0] == '.' {
		n := countDigits(b[1:])
		if n == 0 {
			return false
		}
		if b = b[1+n:]; len(b) == 0 {
			return true
		}
	}
	if b[0] != 'e' && b[0] != 'E' {
		return false
	}
	b = b[1:]
	if len(b) > 0 && (b[0] == '+' || b[0] == '-') {
		b = b[1:]
	}
	if len(b) == 0 || countDigits(b) != len(b) {
		return false
	}
	exponent := 0
	for _, c := range b {
		if exponent = exponent*10 + int(c-'0'); exponent > MaxExponent {
			return false
		}
	}
	return true
}

// countDigits returns the number of digits that b starts with.
func countDigits(b []byte) int {
	for i, c := range b {
		if c < '0' || c > '9' {
			return i
		}
	}
	return len(b)
}

// fitsInt64 reports whether an integer literal fits int64. It is needed for
// literals of 19 digits and more; shorter ones always fit.
func fitsInt64(text []byte) bool {
	_, err := strconv.ParseInt(string(text), 10, 64)
	return err == nil
}

// parseDouble returns the nearest double. It reports false when the value
// overflows, or is rounded to 0.
func parseDouble(text []byte) (float64, bool) {
	f, err := strconv.ParseFloat(string(text), 64)
	if err != nil {
		return 0, false
	}
	return f, f != 0 || isZero(text)
}

// ExplainNumber says why ParseNumber refuses the text of a JSON number: a
// predicate such as "is 79 characters long; 64 are allowed".
func ExplainNumber(text []byte) string {
	if len(text) > MaxNumberBytes {
		return fmt.Sprintf("is %d characters long; %d are allowed, a longer one can be sent as a string", len(text), MaxNumberBytes)
	}
	f, err := strconv.ParseFloat(string(text), 64)
	switch {
	case err != nil:
		return "is over the largest double, 1.7976931348623157e308"
	case f == 0 && !isZero(text):
		return "would be rounded to 0; the smallest double is 5e-324"
	}
	return fmt.Sprintf("has an exponent over %d", MaxExponent)
}

// isZero reports whether every digit before the exponent is 0.
func isZero(text []byte) bool {
	for _, c := range text {
		switch {
		case c == 'e' || c == 'E':
			return true
		case c >= '1' && c <= '9':
			return false
		}
	}
	return true
}
