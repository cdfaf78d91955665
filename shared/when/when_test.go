package when_test

import (
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/theeye/theeye/shared/event"
	"github.com/theeye/theeye/shared/when"
)

// The forms of a time, at 09:30 in Berlin on the day after summer time ended, so
// that the day before had 25 hours.
func TestTimes(t *testing.T) {
	berlin, err := time.LoadLocation("Europe/Berlin")
	if err != nil {
		t.Fatal(err)
	}
	now := time.Date(2026, 10, 26, 8, 30, 0, 123_456_789, time.UTC)
	for _, c := range []struct{ text, utc, local string }{
		{"now", "2026-10-26T08:30:00.123456Z", ""},
		{"NOW", "2026-10-26T08:30:00.123456Z", ""},
		{"today", "2026-10-26T00:00:00.000000Z", "2026-10-25T23:00:00.000000Z"},
		{"yesterday", "2026-10-25T00:00:00.000000Z", "2026-10-24T22:00:00.000000Z"},
		{" Yesterday ", "2026-10-25T00:00:00.000000Z", "2026-10-24T22:00:00.000000Z"},
		{"7d", "2026-10-19T08:30:00.123456Z", ""},
		{"90m", "2026-10-26T07:00:00.123456Z", ""},
		{"2w", "2026-10-12T08:30:00.123456Z", ""},
		{"1h30m", "2026-10-26T07:00:00.123456Z", ""},
		{"2026-11-19", "2026-11-19T00:00:00.000000Z", "2026-11-18T23:00:00.000000Z"},
		{"2026-07-01", "2026-07-01T00:00:00.000000Z", "2026-06-30T22:00:00.000000Z"},
		{"2026-11-19 10:00", "2026-11-19T10:00:00.000000Z", "2026-11-19T09:00:00.000000Z"},
		{"2026-11-19T10:00Z", "2026-11-19T10:00:00.000000Z", ""},
		{"2026-11-19T10:00+02:00", "2026-11-19T08:00:00.000000Z", ""},
		{"2026-11-19T10:00:00.1234567", "2026-11-19T10:00:00.123456Z", "2026-11-19T09:00:00.123456Z"},
		{"2026-11-19T10:00:00-02:30", "2026-11-19T12:30:00.000000Z", ""},
		{"2026-11-19 10:00:00", "2026-11-19T10:00:00.000000Z", "2026-11-19T09:00:00.000000Z"},
	} {
		if c.local == "" {
			c.local = c.utc
		}
		for _, zoned := range []struct {
			zone *time.Location
			want string
		}{{nil, c.utc}, {berlin, c.local}} {
			got, err := when.Clock{Now: now, Zone: zoned.zone}.Parse(c.text)
			if err != nil || event.FormatTime(got) != zoned.want || got.Location() != time.UTC {
				t.Errorf("%q in %v is %v, %v; want %s", c.text, zoned.zone, got, err, zoned.want)
			}
		}
	}
}

// Each error names the mistake, or the forms.
func TestErrorsSayWhatToWrite(t *testing.T) {
	clock := when.Clock{Now: time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)}
	for text, want := range map[string]string{
		"":                          "must be a time",
		"soon":                      "must be a time",
		"tomorrow":                  "must be a time",
		"19.11.2026":                "must be a time",
		"0":                         "is a number without a unit",
		"1700000000":                "is a number without a unit",
		"-7":                        "is a number without a unit",
		"-7d":                       "must not be negative",
		"7x":                        `unknown unit "x"`,
		"1y":                        `unknown unit "y"`,
		"1mo":                       `unknown unit "mo"`,
		"2026-11":                   "must be a time",
		"2026-W47":                  "must be a time",
		"1/2/2026":                  "must be a time",
		"7d12":                      "has no unit",
		"9999999999d":               "is too long",
		"106752d":                   "is too long",
		"3000000h":                  "is too long",
		"2026-13-01":                "month",
		"2026-02-30":                "30",
		"2026-11-19T25:00:00Z":      "hour",
		"2026-11-19T10:00:00 02:00": "%2B",
		"2026-11-19Z":               "",
		"2026-11-19T":               "",
		"0000-01-01":                "0001",
		strings.Repeat("1h", 40):    "must be a time",
	} {
		if got, err := clock.Parse(text); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q is %v, error %v; want %q", text, got, err, want)
		}
	}
	if got, err := (when.Clock{Now: time.Date(3, 1, 1, 0, 0, 0, 0, time.UTC)}).Parse("2000d"); err == nil {
		t.Errorf("a time before year 1 is %v", got)
	}
}

func TestDurations(t *testing.T) {
	const day = 24 * time.Hour
	for text, want := range map[string]time.Duration{
		"0": 0, "0s": 0, "30d": 30 * day, "2w": 14 * day, "1d12h": 36 * time.Hour, "1.5d": 36 * time.Hour, "720h": 30 * day,
		"1h30m": 90 * time.Minute, "90s": 90 * time.Second, "250ms": 250 * time.Millisecond, "1w2d3h4m5s6ms": 9*day + 3*time.Hour + 4*time.Minute + 5006*time.Millisecond,
		".5h": 30 * time.Minute, "1.h": time.Hour, " 7d ": 7 * day, "106751d": 106751 * day, "5µs": 5000, "5us": 5000, "7ns": 7,
	} {
		if got, err := when.ParseDuration(text); err != nil || got != want {
			t.Errorf("%q is %v, %v; want %v", text, got, err, want)
		}
	}
	for _, text := range []string{"", " ", "d", "7", "7 d", "1h 30m", "-1h", "+1h", "1..5h", ".h", "1e3s", "∞", "7d-1h", "1D", "٣d"} {
		if got, err := when.ParseDuration(text); err == nil {
			t.Errorf("%q is %v", text, got)
		}
	}
}

// A duration is read back as it was written, and as Go writes it.
func TestDurationsAreReadBack(t *testing.T) {
	for d, want := range map[time.Duration]string{
		0: "0s", 30 * when.Day: "30d", 36 * time.Hour: "1d12h", time.Hour: "1h", 90 * time.Minute: "1h30m", 10 * time.Minute: "10m",
		100 * time.Second: "1m40s", 10 * time.Second: "10s", -time.Hour: "-1h", 250 * time.Millisecond: "250ms", 20 * time.Hour: "20h",
	} {
		if got := when.FormatDuration(d); got != want {
			t.Errorf("%v is written %s, want %s", d, got, want)
		}
	}
	rapid.Check(t, func(t *rapid.T) {
		d := time.Duration(rapid.OneOf(
			rapid.Int64Range(0, 1<<63-1),
			rapid.Map(rapid.Int64Range(0, 10_000_000), func(s int64) int64 { return s * int64(time.Second) }),
		).Draw(t, "duration"))
		for _, text := range []string{when.FormatDuration(d), d.String()} {
			if got, err := when.ParseDuration(text); err != nil || got != d {
				t.Fatalf("%s is read as %v, %v; want %v", text, got, err, d)
			}
		}
	})
}

// Whatever the text: no panic, a time between the years 1 and 9999, relative
// exactly if it moves with the clock, and the same when written out.
func TestAnyTextIsATimeOrAnError(t *testing.T) {
	piece := rapid.SampledFrom([]string{
		"2026", "-", "11", "19", "T", " ", "10", ":", "00", "Z", "+", "7", "d", "h", "m", "1.5", "w", "now", "today", "0", "é", "\x00", "9999999",
		"2026-11-19", "10:00:00", "yesterday", "s",
	})
	now := time.Date(2026, 10, 26, 8, 30, 0, 0, time.UTC)
	rapid.Check(t, func(t *rapid.T) {
		text := strings.Join(rapid.SliceOfN(piece, 0, 6).Draw(t, "pieces"), "")
		got, err := when.Clock{Now: now}.Parse(text)
		if err != nil {
			return
		}
		if got.Year() < 1 || got.Year() > 9999 || got.Nanosecond()%1000 != 0 {
			t.Fatalf("%q is %v", text, got)
		}
		later, err := when.Clock{Now: now.Add(48 * time.Hour)}.Parse(text)
		if err != nil || when.Relative(text) == later.Equal(got) {
			t.Fatalf("%q is %v and two days later %v, %v; relative: %v", text, got, later, err, when.Relative(text))
		}
		again, err := when.Clock{Now: now}.Parse(event.FormatTime(got))
		if err != nil || !again.Equal(got) {
			t.Fatalf("%v is read back as %v, %v", got, again, err)
		}
	})
}
