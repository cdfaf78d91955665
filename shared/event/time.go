package event

import (
	"errors"
	"time"
)

// ErrTime is the error of text that is not a time, or whose year in UTC is not
// between 1 and 9999.
var ErrTime = errors.New("not a time as RFC 3339 or YYYY-MM-DD HH:MM:SS[.ffffff] writes it")

// timeLayout is RFC 3339 in UTC with exactly six fractional digits.
const timeLayout = "2006-01-02T15:04:05.000000Z"

// maxFraction is the limit of the fractional digits of a second: nanoseconds.
const maxFraction = 9

// FormatTime returns t in UTC as RFC 3339 with exactly six fractional digits,
// which ParseTime accepts. Fractions of a microsecond are truncated.
func FormatTime(t time.Time) string { return t.UTC().Format(timeLayout) }

// ParseTime parses a timestamp: RFC 3339 (with T, t or a space), or
// `YYYY-MM-DD HH:MM:SS[.ffffff]`, which is in UTC. The result is in UTC, truncated
// to the microsecond. Dates that do not exist, 24:00 and second 60 are ErrTime. It
// does not allocate.
func ParseTime[T string | []byte](s T) (time.Time, error) {
	t, ok := parseTime(s)
	if !ok {
		return time.Time{}, ErrTime
	}
	return t, nil
}

// parseTime is ParseTime without an error value.
func parseTime[T string | []byte](s T) (time.Time, bool) {
	const date = len("2006-01-02T15:04:05")
	if len(s) < date || s[4] != '-' || s[7] != '-' || s[13] != ':' || s[16] != ':' {
		return time.Time{}, false
	}
	separator := s[10]
	year, ok1 := parseDigits(s[0:4])
	month, ok2 := parseDigits(s[5:7])
	day, ok3 := parseDigits(s[8:10])
	hour, ok4 := parseDigits(s[11:13])
	minute, ok5 := parseDigits(s[14:16])
	second, ok6 := parseDigits(s[17:19])
	if !(ok1 && ok2 && ok3 && ok4 && ok5 && ok6) {
		return time.Time{}, false
	}
	if month < 1 || month > 12 || day < 1 || day > daysIn(year, month) || hour > 23 || minute > 59 || second > 59 {
		return time.Time{}, false
	}
	micros, rest, ok := parseFraction(s[date:])
	if !ok {
		return time.Time{}, false
	}
	offset, ok := parseZone(rest, separator)
	if !ok {
		return time.Time{}, false
	}
	t := time.Date(year, time.Month(month), day, hour, minute, second, micros*1000, time.UTC)
	if offset != 0 {
		t = t.Add(-time.Duration(offset) * time.Minute)
	}
	return t, t.Year() >= 1 && t.Year() <= 9999
}

// parseFraction parses the optional fraction of a second, in microseconds, and
// returns the text after it.
func parseFraction[T string | []byte](s T) (micros int, rest T, ok bool) {
	if len(s) == 0 || s[0] != '.' {
		return 0, s, true
	}
	n := 1
	for ; n < len(s) && s[n] >= '0' && s[n] <= '9'; n++ {
		if n <= 6 {
			micros = micros*10 + int(s[n]-'0')
		}
	}
	digits := n - 1
	if digits == 0 || digits > maxFraction {
		return 0, s, false
	}
	for ; digits < 6; digits++ {
		micros *= 10
	}
	return micros, s[n:], true
}

// parseZone parses the offset from UTC. Only a time with a space as separator may
// omit it.
func parseZone[T string | []byte](s T, separator byte) (minutes int, ok bool) {
	switch separator {
	case ' ':
		if len(s) == 0 {
			return 0, true
		}
	case 'T', 't':
	default:
		return 0, false
	}
	if len(s) == 1 {
		return 0, s[0] == 'Z' || s[0] == 'z'
	}
	if len(s) != len("+00:00") || s[0] != '+' && s[0] != '-' || s[3] != ':' {
		return 0, false
	}
	h, ok1 := parseDigits(s[1:3])
	m, ok2 := parseDigits(s[4:6])
	if !ok1 || !ok2 || h > 23 || m > 59 {
		return 0, false
	}
	if minutes = h*60 + m; s[0] == '-' {
		minutes = -minutes
	}
	return minutes, true
}

// parseDigits parses decimal digits.
func parseDigits[T string | []byte](s T) (int, bool) {
	n := 0
	for i := 0; i < len(s); i++ {
		if s[i] < '0' || s[i] > '9' {
			return 0, false
		}
		n = n*10 + int(s[i]-'0')
	}
	return n, true
}

// daysIn returns the number of days of a month.
func daysIn(year, month int) int {
	switch month {
	case 4, 6, 9, 11:
		return 30
	case 2:
		if year%4 == 0 && (year%100 != 0 || year%400 == 0) {
			return 29
		}
		return 28
	}
	return 31
}
