package event

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"time"
)

// ExampleTime is a valid timestamp, for messages.
const ExampleTime = "2021-01-01T09:15:27.243860Z"

// The years of a valid time, in UTC.
const (
	minYear = 1
	maxYear = 9999
)

// maxExplained bounds the text that is read to name a mistake, in bytes.
const maxExplained = 128

// TimeError is the first mistake in the text of a time.
type TimeError struct {
	// Reason names the mistake and the cure, in one sentence without a
	// subject: "the offset needs a colon, as in +01:00".
	Reason string
}

// Error returns the reason.
func (e *TimeError) Error() string { return e.Reason }

func timeErrorf(format string, args ...any) *TimeError {
	return &TimeError{Reason: fmt.Sprintf(format, args...)}
}

// yearError is the mistake of a year out of range.
func yearError(year int) *TimeError {
	return timeErrorf("year %d is out of range 0001–9999 in UTC", year)
}

var (
	numericText = regexp.MustCompile(`^[+-]?\d+(\.\d+)?([eE][+-]?\d+)?$`)
	longYear    = regexp.MustCompile(`^([+-]\d{4,6}|\d{5,6})-\d`)
	dateText    = regexp.MustCompile(`^\d{4}-\d\d-\d\d`)
	clockText   = regexp.MustCompile(`^\d\d:\d\d:\d\d`)
	shortClock  = regexp.MustCompile(`^\d\d:\d\d($|[^:\d])`)
	otherDate   = regexp.MustCompile(`^(\d{4}[/.]\d|\d{1,2}[/.]\d)`)
	bareOffset  = regexp.MustCompile(`^[+-]\d{4}$`)
	hourOffset  = regexp.MustCompile(`^[+-]\d\d?$`)
	fullOffset  = regexp.MustCompile(`^[+-]\d\d:\d\d$`)
	zoneName    = regexp.MustCompile(`^ ?(\[?[A-Za-z_]{2,}|\[)`)
)

// explainTime names the first mistake of a text that parseParts refuses. It runs
// for refused times only.
func explainTime(s string) *TimeError {
	switch {
	case s == "":
		return timeErrorf("is empty; send text such as %q", ExampleTime)
	case s != strings.TrimSpace(s):
		return timeErrorf("has white space around it")
	case longYear.MatchString(s):
		year, _ := strconv.Atoi(s[:strings.IndexByte(s[1:], '-')+1])
		if year >= minYear && year <= maxYear {
			return timeErrorf("the year is written with four digits and without a sign, as in %q", ExampleTime)
		}
		return yearError(year)
	case numericText.MatchString(s):
		return timeErrorf("is a number in quotes; send text such as %q", ExampleTime)
	case otherDate.MatchString(s):
		return timeErrorf("the date is written year-month-day with hyphens, as in %q", ExampleTime)
	case !dateText.MatchString(s):
		return timeErrorf("is not a time; send RFC 3339 text such as %q", ExampleTime)
	}
	if e := explainDate(s[:10]); e != nil {
		return e
	}
	return explainClock(s[10:])
}

// explainDate names the mistake of a date, nil for one that exists.
func explainDate(s string) *TimeError {
	year, _ := parseDigits(s[0:4])
	month, _ := parseDigits(s[5:7])
	day, _ := parseDigits(s[8:10])
	switch {
	case month < 1 || month > 12:
		return timeErrorf("month %02d is out of range 01–12", month)
	case day < 1 || day > daysIn(year, month):
		return timeErrorf("day %02d is out of range 01–%d of %s %04d", day, daysIn(year, month), time.Month(month), year)
	}
	return nil
}

// explainClock names the mistake of what follows the date.
func explainClock(s string) *TimeError {
	switch {
	case s == "":
		return timeErrorf("has no time of day; send text such as %q", ExampleTime)
	case s[0] != 'T' && s[0] != 't' && s[0] != ' ':
		return timeErrorf("the date and the time of day are separated by T or one space")
	case shortClock.MatchString(s[1:]):
		return timeErrorf("has no seconds; send text such as %q", ExampleTime)
	case !clockText.MatchString(s[1:]):
		return timeErrorf("the time of day is written HH:MM:SS with two digits each, as in %q", ExampleTime)
	}
	hour, _ := parseDigits(s[1:3])
	minute, _ := parseDigits(s[4:6])
	second, _ := parseDigits(s[7:9])
	switch {
	case hour > 23:
		return timeErrorf("hour %02d is out of range 00–23", hour)
	case minute > 59:
		return timeErrorf("minute %02d is out of range 00–59", minute)
	case second > 60:
		return timeErrorf("second %02d is out of range 00–59", second)
	}
	return explainZone(s[9:], second == 60)
}

// explainZone names the mistake of what follows the seconds.
func explainZone(s string, leap bool) *TimeError {
	_, zone, ok := parseFraction(s)
	switch {
	case !ok:
		return timeErrorf("the point after the seconds is followed by digits")
	case zone != "" && zone[0] == ',':
		return timeErrorf("the fraction of a second follows a point, not a comma")
	case bareOffset.MatchString(zone):
		return timeErrorf("the offset needs a colon, as in %s:%s", zone[:3], zone[3:])
	case hourOffset.MatchString(zone):
		return timeErrorf("the offset needs its minutes, as in +01:00")
	case fullOffset.MatchString(zone):
		if _, ok := parseOffset(zone); !ok {
			return timeErrorf("the offset %s is out of range -23:59–+23:59", zone)
		}
	case zoneName.MatchString(zone):
		return timeErrorf("has a zone by name; send Z for UTC, or an offset such as +01:00")
	}
	if _, ok := parseOffset(zone); leap && (ok || zone == "") {
		return timeErrorf("second 60 is a leap second, which is at 23:59:60 UTC alone")
	}
	return timeErrorf("the time of day is followed by Z, or by an offset such as +01:00, and nothing more")
}
