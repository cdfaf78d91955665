package when

import (
	"errors"
	"fmt"
	"regexp"
	"strings"
	"time"

	"github.com/theeye/theeye/shared/event"
)

// TimeForms describes the forms of a time, for messages.
const TimeForms = "a time: RFC 3339 (2026-11-19T10:00:00Z), a date (2026-11-19), " +
	"how long ago (90m, 7d, 1h30m), today, yesterday or now"

// Clock is what a time is relative to.
type Clock struct {
	// Now is the present time.
	Now time.Time
	// Zone is that of dates and of times without an offset; nil is UTC.
	Zone *time.Location
}

// UTC returns the clock of a machine: the time now, in UTC.
func UTC() Clock { return Clock{Now: time.Now()} }

// Relative reports whether the time that a text names depends on the present
// time. The text may be invalid.
func Relative(text string) bool {
	_, err := event.ParseTime(text)
	return err != nil && !dateText.MatchString(strings.TrimSpace(text))
}

var (
	dateText    = regexp.MustCompile(`^\d{4}-\d\d-\d\d`)
	wholeDate   = regexp.MustCompile(`^\d{4}-\d\d-\d\d$`)
	minuteText  = regexp.MustCompile(`^\d{4}-\d\d-\d\d[Tt ]\d\d:\d\d($|[^:\d])`)
	lostPlus    = regexp.MustCompile(`^\d{4}-\d\d-\d\d[Tt ]\d\d:\d\d.* \d\d:\d\d$`)
	numericText = regexp.MustCompile(`^[+-]?\d+(\.\d+)?$`)
	// calendarText is a date in a form that is not read, which is no duration either.
	calendarText = regexp.MustCompile(`^\d+[-/]`)
)

// Parse reads a time, in UTC and truncated to the microsecond. The error names
// the forms, or the mistake.
func (c Clock) Parse(text string) (time.Time, error) {
	text = strings.TrimSpace(text)
	if len(text) > maxText {
		return time.Time{}, errTime
	}
	if dateText.MatchString(text) {
		return c.parseDate(text)
	}
	switch strings.ToLower(text) {
	case "now":
		return inYears(c.Now)
	case "today":
		return inYears(c.dayBefore(0))
	case "yesterday":
		return inYears(c.dayBefore(1))
	}
	if numericText.MatchString(text) {
		return time.Time{}, errors.New("is a number without a unit; it must be " + TimeForms)
	}
	if calendarText.MatchString(text) {
		return time.Time{}, errTime
	}
	ago, err := ParseDuration(text)
	if errors.Is(err, errDuration) {
		return time.Time{}, errTime
	}
	if err != nil {
		return time.Time{}, err
	}
	return inYears(c.Now.Add(-ago))
}

// errTime is the error of a text that is no time.
var errTime = errors.New("must be " + TimeForms)

// dayBefore returns the beginning of the day that lies a number of days before
// the present one.
func (c Clock) dayBefore(days int) time.Time {
	year, month, day := c.Now.In(c.zone()).Date()
	return time.Date(year, month, day-days, 0, 0, 0, 0, c.zone())
}

func (c Clock) zone() *time.Location {
	if c.Zone == nil {
		return time.UTC
	}
	return c.Zone
}

// parseDate reads a text that begins with a date.
func (c Clock) parseDate(text string) (time.Time, error) {
	full := text
	switch {
	case wholeDate.MatchString(text):
		full += "T00:00:00"
	case minuteText.MatchString(text):
		const minute = len("2006-01-02T15:04")
		full = text[:minute] + ":00" + text[minute:]
	}
	t, err := event.ParseTime(full)
	if err != nil {
		if lostPlus.MatchString(text) {
			return time.Time{}, errors.New("has a space before its offset; in a URL '+' is sent as %2B")
		}
		return time.Time{}, fmt.Errorf("is not a time: %w", err)
	}
	if _, err := event.ParseTime(full + "Z"); err != nil {
		return t, nil //nolint:nilerr // no offset can follow: it has one
	}
	return inYears(time.Date(t.Year(), t.Month(), t.Day(), t.Hour(), t.Minute(), t.Second(), t.Nanosecond(), c.zone()))
}

// inYears returns a time in UTC, to the microsecond, unless its year is out of
// the range that the stores keep.
func inYears(t time.Time) (time.Time, error) {
	t = t.UTC().Truncate(time.Microsecond)
	if t.Year() < 1 || t.Year() > 9999 {
		return time.Time{}, errors.New("lies outside of the years 1 to 9999")
	}
	return t, nil
}
