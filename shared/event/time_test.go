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
	} {
		got, err := event.ParseTime(in)
		if err != nil || event.FormatTime(got) != want || got.Location() != time.UTC {
			t.Errorf("ParseTime(%s) = %v, %v; want %s", in, got, err, want)
		}
	}
}

func TestParseTimeRejectsOtherForms(t *testing.T) {
	for _, in := range []string{
		"", "2021", "2021-01-01", "now", "1609492527", "2021-01-01T09:15Z", "20210101T091527Z",
		"2021-01-01T09:15:27", "2021-01-01T09:15:27.5", // T without a zone
		"2021-02-29T00:00:00Z", "1900-02-29T00:00:00Z", "2021-02-30T00:00:00Z", "2021-04-31T00:00:00Z",
		"2021-00-01T00:00:00Z", "2021-13-01T00:00:00Z", "2021-01-00T00:00:00Z", "2021-01-32T00:00:00Z",
		"2021-01-01T24:00:00Z", "2021-01-01T00:60:00Z", "2016-12-31T23:59:60Z",
		"2021-01-01T09:15:27.Z", "2021-01-01T09:15:27.1234567890Z", "2021-01-01T09:15:27,5Z",
		"2021-01-01T09:15:27+24:00", "2021-01-01T09:15:27+00:60", "2021-01-01T09:15:27+0000",
		"2021-01-01T09:15:27+00", "2021-01-01T09:15:27 +00:00", "2021-01-01T09:15:27ZZ", "2021-01-01T09:15:27x",
		"2021-01-01_09:15:27Z", "2021/01/01T09:15:27Z", "2021-01-01  09:15:27", "2021-01-01T9:15:27Z",
		" 2021-01-01T09:15:27Z", "2021-01-01T09:15:27Z ", "2021-01-01 09:15:27 ", "+2021-01-01T09:15:27Z",
		"0000-12-31T23:59:59Z", "0001-01-01T00:00:00+00:01", "9999-12-31T23:59:59-00:01", "10000-01-01T00:00:00Z",
		"2021-01-0१T09:15:27Z", "2021-01-01T09:15:27−01:00",
	} {
		if got, err := event.ParseTime(in); !errors.Is(err, event.ErrTime) || !got.IsZero() {
			t.Errorf("ParseTime(%q) = %v, %v", in, got, err)
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

// The body of an event is parsed where it lies, also where it is not a time.
func TestParseTimeDoesNotAllocate(t *testing.T) {
	for _, text := range []string{"2021-01-01T09:15:27.243860+02:00", "2021-01-01 09:15:27", "2021-02-30T00:00:00Z", "yesterday"} {
		raw := []byte(text)
		want, wantErr := event.ParseTime(text)
		if n := testing.AllocsPerRun(100, func() {
			if got, err := event.ParseTime(raw); !got.Equal(want) || !errors.Is(err, wantErr) {
				t.Errorf("the bytes of %s are %v, %v; the string is %v, %v", text, got, err, want, wantErr)
			}
		}); n != 0 {
			t.Errorf("%s: %v allocations", text, n)
		}
	}
}

// rfc3339 is the grammar of RFC 3339. The standard library also accepts hours of
// one digit, a comma, zones of 24 hours and any number of digits.
var rfc3339 = regexp.MustCompile(`^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,9})?(Z|[+-]([01]\d|2[0-3]):[0-5]\d)$`)

// checkTime compares ParseTime with the standard library, which accepts neither t
// nor a space as separator.
func checkTime(tb fataler, s string) {
	tb.Helper()
	got, err := event.ParseTime(s)
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
	case err == nil && s[10] == 'T' && !strings.HasSuffix(s, "z"):
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
	} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) { checkTime(t, s) })
}
