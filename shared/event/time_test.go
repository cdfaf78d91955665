package event_test

import (
	"errors"
	"regexp"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/theeye/theeye/shared/event"
)

func TestParseTimeAcceptsBothForms(t *testing.T) {
	for in, want := range map[string]string{
		"2021-01-01 09:15:27.243860":          "2021-01-01T09:15:27.243860Z",
		"2021-01-01 09:15:27":                 "2021-01-01T09:15:27.000000Z",
		"2021-01-01 09:15:27.5":               "2021-01-01T09:15:27.500000Z",
		"2021-01-01 09:15:27.1234567":         "2021-01-01T09:15:27.123456Z",
		"2021-01-01 09:15:27Z":                "2021-01-01T09:15:27.000000Z",
		"2021-01-01 09:15:27+02:00":           "2021-01-01T07:15:27.000000Z",
		"2021-01-01T09:15:27Z":                "2021-01-01T09:15:27.000000Z",
		"2021-01-01t09:15:27z":                "2021-01-01T09:15:27.000000Z",
		"2021-01-01T09:15:27.1Z":              "2021-01-01T09:15:27.100000Z",
		"2021-01-01T09:15:27.1234567Z":        "2021-01-01T09:15:27.123456Z",
		"2021-01-01T09:15:27.999999999Z":      "2021-01-01T09:15:27.999999Z",
		"1969-12-31T23:59:59.999999999Z":      "1969-12-31T23:59:59.999999Z",
		"2021-01-01T00:30:00.000001+05:45":    "2020-12-31T18:45:00.000001Z",
		"2021-01-01T09:15:27-00:00":           "2021-01-01T09:15:27.000000Z",
		"2021-01-01T09:15:27-23:59":           "2021-01-02T09:14:27.000000Z",
		"2024-02-29T00:00:00Z":                "2024-02-29T00:00:00.000000Z",
		"2000-02-29T00:00:00Z":                "2000-02-29T00:00:00.000000Z",
		"0001-01-01T00:00:00Z":                "0001-01-01T00:00:00.000000Z",
		"9999-12-31T23:59:59.999999Z":         "9999-12-31T23:59:59.999999Z",
		"9999-12-31T23:59:59.999999999+00:01": "9999-12-31T23:58:59.999999Z",

		// Without an offset, as isoformat of Python and Dart write it.
		"2021-01-01T09:15:27":        "2021-01-01T09:15:27.000000Z",
		"2021-01-01t09:15:27.123456": "2021-01-01T09:15:27.123456Z",
		// More digits than nanoseconds.
		"2021-01-01T09:15:27.1234567890Z":                            "2021-01-01T09:15:27.123456Z",
		"2021-01-01 09:15:27." + strings.Repeat("9", 500):            "2021-01-01T09:15:27.999999Z",
		"2021-01-01T09:15:27." + strings.Repeat("0", 99) + "1+01:00": "2021-01-01T08:15:27.000000Z",
		// Leap seconds: every instant of one is the first microsecond of the next second.
		"2016-12-31T23:59:60Z":           "2017-01-01T00:00:00.000000Z",
		"2016-12-31T23:59:60.999999999Z": "2017-01-01T00:00:00.000000Z",
		"2016-12-31 23:59:60":            "2017-01-01T00:00:00.000000Z",
		"1990-12-31T15:59:60-08:00":      "1991-01-01T00:00:00.000000Z",
		"1998-12-31T15:59:60.123-08:00":  "1999-01-01T00:00:00.000000Z",
		"2017-01-01T05:29:60.5+05:30":    "2017-01-01T00:00:00.000000Z",
		"2017-01-01T23:58:60+23:59":      "2017-01-01T00:00:00.000000Z",
		"2016-12-31T00:00:60-23:59":      "2017-01-01T00:00:00.000000Z",
	} {
		got, err := event.ParseTime(in)
		if err != nil || event.FormatTime(got) != want || got.Location() != time.UTC {
			t.Errorf("ParseTime(%s) = %v, %v; want %s", in, got, err, want)
		}
	}
}

// Each mistake has its own text, so that its author need not guess.
func TestParseTimeNamesTheMistake(t *testing.T) {
	const example = `"2021-01-01T09:15:27.243860Z"`
	for in, want := range map[string]string{
		"":                                  "is empty; send text such as " + example,
		"now":                               "is not a time; send RFC 3339 text such as " + example,
		"20210101T091527Z":                  "is not a time; send RFC 3339 text such as " + example,
		"2021-01-0१T09:15:27Z":              "is not a time; send RFC 3339 text such as " + example,
		"2021-1-1 09:15:27":                 "is not a time; send RFC 3339 text such as " + example,
		"Fri, 01 Jan 2021 09:15:27":         "is not a time; send RFC 3339 text such as " + example,
		"1609492527":                        "is a number in quotes; send text such as " + example,
		"-1.5":                              "is a number in quotes; send text such as " + example,
		"2021":                              "is a number in quotes; send text such as " + example,
		"1.7e9":                             "is a number in quotes; send text such as " + example,
		"2021/01/01T09:15:27Z":              "the date is written year-month-day with hyphens, as in " + example,
		"31.12.2021 09:15:27":               "the date is written year-month-day with hyphens, as in " + example,
		"+2021-01-01T09:15:27Z":             "the year is written with four digits and without a sign, as in " + example,
		"10000-01-01T00:00:00Z":             "year 10000 is out of range 0001–9999 in UTC",
		"+012021-01-01T00:00:00Z":           "year 12021 is out of range 0001–9999 in UTC",
		"-000001-01-01T00:00:00Z":           "year -1 is out of range 0001–9999 in UTC",
		"0000-12-31T23:59:59Z":              "year 0 is out of range 0001–9999 in UTC",
		"0001-01-01T00:00:00+00:01":         "year 0 is out of range 0001–9999 in UTC",
		"9999-12-31T23:59:59-00:01":         "year 10000 is out of range 0001–9999 in UTC",
		"9999-12-31T23:59:60Z":              "year 10000 is out of range 0001–9999 in UTC",
		"2021-00-01T00:00:00Z":              "month 00 is out of range 01–12",
		"2021-13-01T00:00:00Z":              "month 13 is out of range 01–12",
		"2021-02-29T00:00:00Z":              "day 29 is out of range 01–28 of February 2021",
		"1900-02-29T00:00:00Z":              "day 29 is out of range 01–28 of February 1900",
		"2021-04-31T00:00:00Z":              "day 31 is out of range 01–30 of April 2021",
		"2021-01-00T00:00:00Z":              "day 00 is out of range 01–31 of January 2021",
		"2021-01-01":                        "has no time of day; send text such as " + example,
		"2021-01-01_09:15:27Z":              "the date and the time of day are separated by T or one space",
		"2021-01-01T09:15Z":                 "has no seconds; send text such as " + example,
		"2021-01-01 09:15":                  "has no seconds; send text such as " + example,
		"2021-01-01  09:15:27":              "the time of day is written HH:MM:SS with two digits each, as in " + example,
		"2021-01-01T9:15:27Z":               "the time of day is written HH:MM:SS with two digits each, as in " + example,
		"2021-01-01T":                       "the time of day is written HH:MM:SS with two digits each, as in " + example,
		"2021-01-01T24:00:00Z":              "hour 24 is out of range 00–23",
		"2021-01-01T00:60:00Z":              "minute 60 is out of range 00–59",
		"2021-01-01T00:00:61Z":              "second 61 is out of range 00–59",
		"2021-01-01T09:15:60Z":              "second 60 is a leap second, which is at 23:59:60 UTC alone",
		"2021-01-01T23:58:60":               "second 60 is a leap second, which is at 23:59:60 UTC alone",
		"2016-12-31T23:59:60+01:00":         "second 60 is a leap second, which is at 23:59:60 UTC alone",
		"2021-01-01T09:15:27.Z":             "the point after the seconds is followed by digits",
		"2021-01-01T09:15:27.":              "the point after the seconds is followed by digits",
		"2021-01-01T09:15:27,5Z":            "the fraction of a second follows a point, not a comma",
		"2021-01-01T09:15:27+0100":          "the offset needs a colon, as in +01:00",
		"2021-01-01T09:15:27-0530":          "the offset needs a colon, as in -05:30",
		"2021-01-01 09:15:27.5+01":          "the offset needs its minutes, as in +01:00",
		"2021-01-01T09:15:27+1":             "the offset needs its minutes, as in +01:00",
		"2021-01-01T09:15:27+24:00":         "the offset +24:00 is out of range -23:59–+23:59",
		"2021-01-01T09:15:27+00:60":         "the offset +00:60 is out of range -23:59–+23:59",
		"2021-01-01T09:15:27 UTC":           "has a zone by name; send Z for UTC, or an offset such as +01:00",
		"2021-01-01T09:15:27CET":            "has a zone by name; send Z for UTC, or an offset such as +01:00",
		"2021-01-01T09:15:27[Europe/Paris]": "has a zone by name; send Z for UTC, or an offset such as +01:00",
		"2021-01-01T09:15:27 +00:00":        "the time of day is followed by Z, or by an offset such as +01:00, and nothing more",
		"2021-01-01T09:15:27ZZ":             "has a zone by name; send Z for UTC, or an offset such as +01:00",
		"2021-01-01T09:15:27x":              "the time of day is followed by Z, or by an offset such as +01:00, and nothing more",
		"2021-01-01T09:15:27Z[UTC]":         "the time of day is followed by Z, or by an offset such as +01:00, and nothing more",
		"2021-01-01T09:15:27−01:00":         "the time of day is followed by Z, or by an offset such as +01:00, and nothing more",
		" 2021-01-01T09:15:27Z":             "has white space around it",
		"2021-01-01 09:15:27 ":              "has white space around it",
	} {
		got, err := event.ParseTime(in)
		var mistake *event.TimeError
		if !errors.As(err, &mistake) || !got.IsZero() {
			t.Errorf("ParseTime(%q) = %v, %v", in, got, err)
			continue
		}
		if mistake.Reason != want {
			t.Errorf("ParseTime(%q)\ngot  %s\nwant %s", in, mistake.Reason, want)
		}
	}
}

// The time of a schema's date-time is the strict form of the same grammar.
func TestValidRFC3339NeedsSeparatorAndOffset(t *testing.T) {
	for in, want := range map[string]bool{
		"1963-06-19T08:30:06.283185Z":      true,
		"1963-06-19t08:30:06z":             true,
		"1990-12-31T15:59:60.123-08:00":    true,
		"0000-01-01T00:00:00Z":             true,
		"9999-12-31T23:59:59-23:59":        true,
		"2021-01-01T00:00:00.1234567891Z":  true,
		"1963-06-19 08:30:06Z":             false,
		"1963-06-19T08:30:06":              false,
		"1998-12-31T22:59:60Z":             false,
		"1998-12-31T23:58:60Z":             false,
		"1998-12-31T23:59:61Z":             false,
		"1990-02-31T15:59:59.123-08:00":    false,
		"1990-12-31T15:59:59-24:00":        false,
		"1990-12-31T10:00:00+10:60":        false,
		"1963-06-19T08:30:06.28123+01:00Z": false,
		"2013-350T01:01:01":                false,
		"":                                 false,
	} {
		if got := event.ValidRFC3339(in); got != want {
			t.Errorf("ValidRFC3339(%q) = %t", in, got)
		}
	}
}

func TestFormatTimeIsInUTC(t *testing.T) {
	zone := time.FixedZone("", -5*3600)
	for at, want := range map[time.Time]string{
		time.Date(2021, 1, 1, 22, 15, 27, 999_999_999, zone): "2021-01-02T03:15:27.999999Z",
		time.Date(2021, 1, 1, 0, 0, 0, 0, time.UTC):          "2021-01-01T00:00:00.000000Z",
		time.Date(1, 1, 1, 0, 0, 0, 1, time.UTC):             "0001-01-01T00:00:00.000000Z",
	} {
		if got := event.FormatTime(at); got != want {
			t.Errorf("FormatTime(%v) = %s, want %s", at, got, want)
		}
	}
}

// The body of an event is parsed where it lies.
func TestParseTimeDoesNotAllocate(t *testing.T) {
	for _, text := range []string{"2021-01-01T09:15:27.243860+02:00", "2021-01-01 09:15:27", "2016-12-31T23:59:60Z"} {
		raw := []byte(text)
		want, wantErr := event.ParseTime(text)
		if n := testing.AllocsPerRun(100, func() {
			if got, err := event.ParseTime(raw); !got.Equal(want) || err != nil || wantErr != nil {
				t.Errorf("the bytes of %s are %v, %v; the string is %v, %v", text, got, err, want, wantErr)
			}
		}); n != 0 {
			t.Errorf("%s: %v allocations", text, n)
		}
	}
}

// rfc3339 is the grammar of RFC 3339. The standard library also accepts hours of
// one digit, a comma and zones of 24 hours.
var rfc3339 = regexp.MustCompile(`^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]([01]\d|2[0-3]):[0-5]\d)$`)

// checkTime compares ParseTime with the standard library, which accepts neither t
// nor a space as separator, no leap second and no time without an offset.
func checkTime(tb fataler, s string) {
	tb.Helper()
	got, err := event.ParseTime(s)
	var mistake *event.TimeError
	if err != nil && (!errors.As(err, &mistake) || mistake.Reason == "" || len(mistake.Reason) > 160) {
		tb.Fatalf("%q: %v", s, err)
	}
	if err == nil {
		again, err := event.ParseTime(event.FormatTime(got))
		if err != nil || !again.Equal(got) || got.Nanosecond()%1000 != 0 {
			tb.Fatalf("%q is %v, formatted and parsed again %v, %v", s, got, again, err)
		}
	}
	std, stdErr := time.Parse(time.RFC3339, s)
	switch {
	case stdErr == nil && err == nil:
		if !std.Truncate(time.Microsecond).Equal(got) {
			tb.Fatalf("%q is %v, the standard library says %v", s, got, std)
		}
	case stdErr == nil:
		if year := std.UTC().Year(); year >= 1 && year <= 9999 && rfc3339.MatchString(s) {
			tb.Fatalf("%q is refused; the standard library says %v", s, std)
		}
	case err == nil && rfc3339.MatchString(s) && s[17] != '6':
		tb.Fatalf("%q is %v; the standard library says %v", s, got, stdErr)
	}
}

func TestTimesAgreeWithTheStandardLibrary(t *testing.T) {
	layouts := []string{time.RFC3339Nano, time.RFC3339, "2006-01-02 15:04:05.999999", "2006-01-02t15:04:05.000z07:00"}
	rapid.Check(t, func(t *rapid.T) {
		zone := time.FixedZone("", 60*rapid.IntRange(-1439, 1439).Draw(t, "offset"))
		at := time.Unix(rapid.Int64Range(-62135596800, 253402300799).Draw(t, "s"), rapid.Int64Range(0, 999999999).Draw(t, "ns"))
		layout := rapid.SampledFrom(layouts).Draw(t, "layout")
		checkTime(t, at.In(zone).Format(layout))
		if got, err := event.ParseTime(event.FormatTime(at)); err != nil || !got.Equal(at.Truncate(time.Microsecond)) {
			t.Fatalf("%v came back as %v, %v", at, got, err)
		}
	})
	rapid.Check(t, func(t *rapid.T) {
		checkTime(t, rapid.StringMatching(`[0-9]{4}-[0-1][0-9]-[0-3][0-9][Tt ][0-2][0-9]:[0-6][0-9]:[0-6][0-9](\.[0-9]{0,11})?(Z|z|[+-][0-2][0-9]:[0-6][0-9])?`).Draw(t, "text"))
	})
}

func FuzzParseTime(f *testing.F) {
	for _, s := range []string{
		"2021-01-01 09:15:27.243860", "2021-01-01T09:15:27Z", "2024-02-29t00:00:00.999999999+23:59", "0001-01-01T00:00:00Z",
		"9999-12-31T23:59:59-00:01", "2021-02-30T00:00:00Z", "2016-12-31T23:59:60Z", "2021-01-01T24:00:00Z", "2021-01-01T09:15:27,5Z", "0001-01-01T0:00:00Z",
		"2021-01-01T09:15:27+0100", "+010000-01-01T00:00:00Z", "2021-01-01T09:15:27.1234567890123",
	} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) { checkTime(t, s) })
}
