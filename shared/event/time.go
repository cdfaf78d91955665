package event

import (
	"time"
)

// timeLayout is RFC 3339 in UTC with exactly six fractional digits.
const timeLayout = "2006-01-02T15:04:05.000000Z"

// minTimeLength is the length of a time without fraction and zone.
const minTimeLength = len("2006-01-02T15:04:05")

// FormatTime returns t in UTC as RFC 3339 with exactly six fractional digits,
// which ParseTime accepts. Fractions of a microsecond are truncated.
func FormatTime(t time.Time) string { return t.UTC().Format(timeLayout) }

// ParseTime parses a timestamp: RFC 3339, also with a space as separator, and also
// without an offset, which means UTC. The result is in UTC, truncated to the
// microsecond: a fraction may have any number of digits. A leap second is the
// first microsecond of the next second. A year in UTC is between 1 and 9999. The
// error is a *TimeError. A time that is parsed does not allocate.
func ParseTime[T string | []byte](s T) (time.Time, error) {
	p, ok := parseParts(s)
	if !ok {
		return time.Time{}, explainTime(string(s[:min(len(s), maxExplained)]))
	}
	t := p.instant()
	if t.Year() < minYear || t.Year() > maxYear {
		return time.Time{}, yearError(t.Year())
	}
	return t, nil
}

// ValidRFC3339 reports whether s is a date-time of RFC 3339: T as separator, an
// offset, and a leap second only at 23:59:60 in UTC. Every year of four digits is
// valid.
func ValidRFC3339[T string | []byte](s T) bool {
	p, ok := parseParts(s)
	return ok && p.separator != ' ' && p.zoned
}

// timeParts are the parts of a time whose text is valid.
type timeParts struct {
	year, month, day, hour, minute, second int
	micros                                 int
	// offset is in minutes east of UTC.
	offset int
	// zoned is set when the text has an offset.
	zoned     bool
	separator byte
}

// instant returns the instant in UTC.
func (p timeParts) instant() time.Time {
	micros := p.micros
	if p.second == 60 {
		micros = 0 // time.Date makes the second the next minute's first
	}
	t := time.Date(p.year, time.Month(p.month), p.day, p.hour, p.minute, p.second, micros*1000, time.UTC)
	if p.offset != 0 {
		t = t.Add(-time.Duration(p.offset) * time.Minute)
	}
	return t
}

// parseParts parses the text of a time. Every part is within its range, and the
// date exists.
func parseParts[T string | []byte](s T) (timeParts, bool) {
	if len(s) < minTimeLength || s[4] != '-' || s[7] != '-' || s[13] != ':' || s[16] != ':' {
		return timeParts{}, false
	}
	p := timeParts{separator: s[10]}
	if p.separator != 'T' && p.separator != 't' && p.separator != ' ' {
		return p, false
	}
	var ok1, ok2, ok3, ok4, ok5, ok6 bool
	p.year, ok1 = parseDigits(s[0:4])
	p.month, ok2 = parseDigits(s[5:7])
	p.day, ok3 = parseDigits(s[8:10])
	p.hour, ok4 = parseDigits(s[11:13])
	p.minute, ok5 = parseDigits(s[14:16])
	p.second, ok6 = parseDigits(s[17:19])
	if !(ok1 && ok2 && ok3 && ok4 && ok5 && ok6) {
		return p, false
	}
	if p.month < 1 || p.month > 12 || p.day < 1 || p.day > daysIn(p.year, p.month) || p.hour > 23 || p.minute > 59 || p.second > 60 {
		return p, false
	}
	micros, rest, ok := parseFraction(s[minTimeLength:])
	if !ok {
		return p, false
	}
	p.micros = micros
	if p.zoned = len(rest) > 0; p.zoned {
		if p.offset, ok = parseOffset(rest); !ok {
			return p, false
		}
	}
	return p, p.second < 60 || p.endsDay()
}

// endsDay reports whether the time is in the last minute of a day in UTC, which
// alone can have a leap second.
func (p timeParts) endsDay() bool {
	const day = 24 * 60
	return (p.hour*60+p.minute-p.offset+1)%day == 0
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
	if n == 1 {
		return 0, s, false
	}
	for digits := n - 1; digits < 6; digits++ {
		micros *= 10
	}
	return micros, s[n:], true
}

// parseOffset parses Z or the offset from UTC, in minutes.
func parseOffset[T string | []byte](s T) (minutes int, ok bool) {
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
