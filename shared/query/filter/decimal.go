package filter

import (
	"cmp"
	"math/big"
	"strconv"
	"strings"
)

// decimal is the number digits × 10^exponent. digits has no zero at either end; it is
// empty for 0, which is never negative.
type decimal struct {
	negative bool
	digits   string
	exponent int64
	// wide is the exponent where that may not fit an int64, else nil.
	wide *big.Int
}

// safeExponent is the number of digits of a written exponent up to which sums of it
// and of lengths fit an int64.
const safeExponent = 17

// splitDecimal splits the text of a JSON number. Its work is linear in that text.
func splitDecimal(text string) decimal {
	var d decimal
	text, d.negative = strings.CutPrefix(text, "-")
	written := ""
	if i := strings.IndexAny(text, "eE"); i >= 0 {
		text, written = text[:i], text[i+1:]
	}
	if whole, fraction, ok := strings.Cut(text, "."); ok {
		text = whole + fraction
		d.exponent = -int64(len(fraction))
	}
	text = strings.TrimLeft(text, "0")
	d.digits = strings.TrimRight(text, "0")
	d.exponent += int64(len(text) - len(d.digits))
	if d.digits == "" {
		return decimal{}
	}
	if len(written) <= safeExponent {
		n, _ := strconv.ParseInt(written, 10, 64) // 0 without an exponent
		d.exponent += n
		return d
	}
	d.wide, _ = new(big.Int).SetString(written, 10)
	d.wide.Add(d.wide, big.NewInt(d.exponent))
	if d.wide.IsInt64() && d.wide.BitLen() < 60 {
		d.exponent, d.wide = d.wide.Int64(), nil
	}
	return d
}

// compareDecimals compares two numbers exactly.
func compareDecimals(a, b decimal) int {
	if c := cmp.Compare(a.sign(), b.sign()); c != 0 || a.digits == "" {
		return c
	}
	c := compareScales(a, b)
	if c == 0 {
		// Both begin at the same power of ten: the digits compare as a fraction.
		c = strings.Compare(a.digits, b.digits)
	}
	if a.negative {
		return -c
	}
	return c
}

func (d decimal) sign() int {
	switch {
	case d.digits == "":
		return 0
	case d.negative:
		return -1
	}
	return 1
}

// compareScales compares the powers of ten of the first digits.
func compareScales(a, b decimal) int {
	if a.wide == nil && b.wide == nil {
		return cmp.Compare(a.exponent+int64(len(a.digits)), b.exponent+int64(len(b.digits)))
	}
	return a.wideScale().Cmp(b.wideScale())
}

func (d decimal) wideScale() *big.Int {
	n := big.NewInt(int64(len(d.digits)))
	if d.wide != nil {
		return n.Add(n, d.wide)
	}
	return n.Add(n, big.NewInt(d.exponent))
}

// Bounds of the numbers that appendText writes without an exponent: those of
// JavaScript.
const (
	plainDigits = 21
	plainZeros  = 6
)

// appendText appends the one spelling of a number as JSON: 1200, 0.012, 1.2e21.
func (d decimal) appendText(dst []byte) []byte {
	if d.digits == "" {
		return append(dst, '0')
	}
	if d.negative {
		dst = append(dst, '-')
	}
	point := d.exponent + int64(len(d.digits)) // of the decimal point within the digits
	switch {
	case d.wide != nil || point > plainDigits || point <= -plainZeros:
		return d.appendScientific(dst, point)
	case d.exponent >= 0:
		return append(append(dst, d.digits...), zeros[:d.exponent]...)
	case point > 0:
		return append(append(append(dst, d.digits[:point]...), '.'), d.digits[point:]...)
	}
	return append(append(append(dst, "0."...), zeros[:-point]...), d.digits...)
}

const zeros = "000000000000000000000"

func (d decimal) appendScientific(dst []byte, point int64) []byte {
	dst = append(dst, d.digits[0])
	if len(d.digits) > 1 {
		dst = append(append(dst, '.'), d.digits[1:]...)
	}
	dst = append(dst, 'e')
	if d.wide != nil {
		scale := d.wideScale()
		return scale.Sub(scale, big.NewInt(1)).Append(dst, 10)
	}
	return strconv.AppendInt(dst, point-1, 10)
}
