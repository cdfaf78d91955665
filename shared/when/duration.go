package when

import (
	"errors"
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"
)

// DurationForms describes the forms of a duration, for messages.
const DurationForms = "a duration such as 90m, 1h30m, 30d or 2w"

// Day is the length of a day as a unit of durations.
const Day = 24 * time.Hour

// maxText bounds the text of a time or a duration, in bytes.
const maxText = 64

// maxFraction is how many digits of a fraction count.
const maxFraction = 15

// units are the units of durations.
var units = map[string]time.Duration{
	"w": 7 * Day, "d": Day, "h": time.Hour, "m": time.Minute, "s": time.Second,
	"ms": time.Millisecond, "us": time.Microsecond, "µs": time.Microsecond, "μs": time.Microsecond, "ns": 1,
}

// errDuration is the error of a text that is no duration.
var errDuration = errors.New("must be " + DurationForms)

// ParseDuration reads a duration, which is not negative. The error names
// the forms.
func ParseDuration(text string) (time.Duration, error) {
	text = strings.TrimSpace(text)
	switch {
	case text == "0":
		return 0, nil
	case text == "" || len(text) > maxText:
		return 0, errDuration
	case text[0] == '-':
		return 0, errors.New("must not be negative; it is " + DurationForms)
	}
	var sum time.Duration
	for rest := text; rest != ""; {
		part, after, err := parsePart(rest)
		if err != nil {
			return 0, err
		}
		if sum += part; sum < 0 {
			return 0, errTooLong
		}
		rest = after
	}
	return sum, nil
}

var errTooLong = errors.New("is too long: the most is 292 years, 106751d")

// parsePart reads a number with its unit, and returns the text after it.
func parsePart(text string) (time.Duration, string, error) {
	number, rest := cutWhile(text, "0123456789.")
	unit, rest := cutUntil(rest, "0123456789.")
	length, ok := units[unit]
	switch {
	case number == "" || number == "." || strings.Count(number, ".") > 1:
		return 0, "", errDuration
	case unit == "":
		return 0, "", fmt.Errorf("has no unit: write %sd, %sh, %sm or %ss", number, number, number, number)
	case !ok:
		return 0, "", fmt.Errorf("has the unknown unit %q: units are w, d, h, m, s and ms", unit)
	}
	whole, fraction, _ := strings.Cut(number, ".")
	part, err := multiply(whole, length)
	if err != nil || fraction == "" {
		return part, rest, err
	}
	// In this order of operations the fractions that FormatDuration writes are
	// exact.
	digits := fraction[:min(len(fraction), maxFraction)]
	share, err := strconv.ParseInt(digits, 10, 64)
	if err != nil {
		return 0, "", errDuration
	}
	scale := math.Pow10(len(digits))
	if part += time.Duration(float64(share) * (float64(length) / scale)); part < 0 {
		return 0, "", errTooLong
	}
	return part, rest, nil
}

func multiply(whole string, unit time.Duration) (time.Duration, error) {
	if whole == "" {
		return 0, nil
	}
	n, err := strconv.ParseInt(whole, 10, 64)
	if err != nil || n > math.MaxInt64/int64(unit) {
		return 0, errTooLong
	}
	return time.Duration(n) * unit, nil
}

// cutWhile splits a text behind its first bytes that are in the set.
func cutWhile(text, set string) (head, rest string) {
	n := 0
	for n < len(text) && strings.IndexByte(set, text[n]) >= 0 {
		n++
	}
	return text[:n], text[n:]
}

// cutUntil splits a text before its first byte that is in the set.
func cutUntil(text, set string) (head, rest string) {
	n := strings.IndexAny(text, set)
	if n < 0 {
		n = len(text)
	}
	return text[:n], text[n:]
}

// FormatDuration writes a duration in the units that people use: 30d, 1d12h,
// 1h30m, 250ms. ParseDuration reads it back exactly.
func FormatDuration(d time.Duration) string {
	if d < 0 {
		return "-" + FormatDuration(-d)
	}
	var b strings.Builder
	if days := d / Day; days > 0 {
		b.WriteString(strconv.FormatInt(int64(days), 10) + "d")
		if d %= Day; d == 0 {
			return b.String()
		}
	}
	text := d.String()
	// Go writes 1h0m0s where people write 1h.
	if strings.HasSuffix(text, "m0s") {
		text = strings.TrimSuffix(text, "0s")
	}
	if strings.HasSuffix(text, "h0m") {
		text = strings.TrimSuffix(text, "0m")
	}
	b.WriteString(text)
	return b.String()
}
