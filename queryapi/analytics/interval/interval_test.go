package interval_test

import (
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/theeye/theeye/queryapi/analytics/interval"
)

// divide returns the starts of intervals, and the end of the last.
func divide(t *testing.T, unit interval.Unit, zone, from, to string) []string {
	t.Helper()
	l, err := interval.Divide(unit, zoneOf(t, zone), timeOf(t, from), timeOf(t, to))
	if err != nil {
		t.Fatal(err)
	}
	return texts(l)
}

func texts(l interval.List) []string {
	var all []string
	for _, s := range l.Starts {
		all = append(all, interval.FormatStart(s))
	}
	return append(all, interval.FormatStart(l.End))
}

func zoneOf(t *testing.T, name string) *time.Location {
	t.Helper()
	zone, err := interval.LoadZone(name)
	if err != nil {
		t.Fatal(err)
	}
	return zone
}

func timeOf(t *testing.T, text string) time.Time {
	t.Helper()
	at, err := time.Parse(time.RFC3339, text)
	if err != nil {
		t.Fatal(err)
	}
	return at
}

// The changes of clocks that are unlike the common ones.
func TestIntervalsFollowTheClocks(t *testing.T) {
	for name, c := range map[string]struct {
		unit           interval.Unit
		zone, from, to string
		want           []string
	}{
		"a day of 25 hours": {
			interval.Day, "Europe/Berlin", "2026-10-24T10:00:00Z", "2026-10-26T10:00:00Z",
			[]string{"2026-10-24T00:00:00+02:00", "2026-10-25T00:00:00+02:00", "2026-10-26T00:00:00+01:00", "2026-10-27T00:00:00+01:00"},
		},
		"an hour twice": {
			interval.Hour, "Europe/Berlin", "2026-10-24T23:30:00Z", "2026-10-25T02:00:00Z",
			[]string{"2026-10-25T01:00:00+02:00", "2026-10-25T02:00:00+02:00", "2026-10-25T02:00:00+01:00", "2026-10-25T03:00:00+01:00"},
		},
		"an hour skipped": {
			interval.Hour, "Europe/Berlin", "2026-03-29T00:00:00Z", "2026-03-29T02:00:00Z",
			[]string{"2026-03-29T01:00:00+01:00", "2026-03-29T03:00:00+02:00", "2026-03-29T04:00:00+02:00"},
		},
		"midnight skipped": {
			interval.Day, "Africa/Cairo", "2026-04-22T22:00:00Z", "2026-04-24T21:00:00Z",
			[]string{"2026-04-23T00:00:00+02:00", "2026-04-24T01:00:00+03:00", "2026-04-25T00:00:00+03:00"},
		},
		"midnight twice": {
			interval.Day, "America/Havana", "2026-11-01T03:00:00Z", "2026-11-02T05:00:00Z",
			[]string{"2026-10-31T00:00:00-04:00", "2026-11-01T00:00:00-04:00", "2026-11-02T00:00:00-05:00"},
		},
		"half an hour": {
			interval.Hour, "Australia/Lord_Howe", "2026-04-04T14:00:00Z", "2026-04-04T16:30:00Z",
			[]string{"2026-04-05T01:00:00+11:00", "2026-04-05T01:30:00+10:30", "2026-04-05T02:00:00+10:30", "2026-04-05T03:00:00+10:30"},
		},
		"a day that a zone skipped": {
			interval.Day, "Pacific/Apia", "2011-12-29T20:00:00Z", "2011-12-31T09:00:00Z",
			[]string{"2011-12-29T00:00:00-10:00", "2011-12-31T00:00:00+14:00", "2012-01-01T00:00:00+14:00"},
		},
		"clocks set back over midnight": {
			interval.Day, "America/St_Johns", "2010-11-07T02:20:00Z", "2010-11-08T03:30:00Z",
			[]string{"2010-11-06T00:00:00-02:30", "2010-11-07T00:00:00-02:30", "2010-11-08T00:00:00-03:30"},
		},
		"a week begins on Monday": {
			interval.Week, "UTC", "2027-01-03T23:59:59Z", "2027-01-04T00:00:01Z",
			[]string{"2026-12-28T00:00:00Z", "2027-01-04T00:00:00Z", "2027-01-11T00:00:00Z"},
		},
		"months": {
			interval.Month, "Europe/Berlin", "2026-01-31T23:30:00Z", "2026-03-31T22:00:00Z",
			[]string{"2026-02-01T00:00:00+01:00", "2026-03-01T00:00:00+01:00", "2026-04-01T00:00:00+02:00"},
		},
		"an offset with seconds": {
			interval.Minute, "Europe/Berlin", "1890-01-01T00:00:00Z", "1890-01-01T00:00:40Z",
			[]string{"1890-01-01T00:52:32+00:53", "1890-01-01T00:53:32+00:53", "1890-01-01T00:54:32+00:53"},
		},
		"before 1970": {
			interval.Hour, "UTC", "1969-12-31T22:30:00Z", "1969-12-31T23:30:00Z",
			[]string{"1969-12-31T22:00:00Z", "1969-12-31T23:00:00Z", "1970-01-01T00:00:00Z"},
		},
		"the first year": {
			interval.Month, "UTC", "0001-01-01T00:00:00Z", "0001-01-31T00:00:00Z",
			[]string{"0001-01-01T00:00:00Z", "0001-02-01T00:00:00Z"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			if diff := cmp.Diff(c.want, divide(t, c.unit, c.zone, c.from, c.to)); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

func TestPreviousHasAsManyLocalIntervals(t *testing.T) {
	for name, c := range map[string]struct {
		unit           interval.Unit
		zone, from, to string
		want           []string
	}{
		"over a day of 25 hours": {
			interval.Day, "Europe/Berlin", "2026-10-26T00:00:00+01:00", "2026-10-27T12:00:00+01:00",
			[]string{"2026-10-24T00:00:00+02:00", "2026-10-25T00:00:00+02:00", "2026-10-26T00:00:00+01:00"},
		},
		"over a day that is skipped": {
			interval.Day, "Pacific/Apia", "2011-12-31T00:00:00+14:00", "2012-01-02T00:00:00+14:00",
			[]string{"2011-12-28T00:00:00-10:00", "2011-12-29T00:00:00-10:00", "2011-12-31T00:00:00+14:00"},
		},
		"months": {
			interval.Month, "UTC", "2026-03-05T00:00:00Z", "2026-04-05T00:00:00Z",
			[]string{"2026-01-01T00:00:00Z", "2026-02-01T00:00:00Z", "2026-03-01T00:00:00Z"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			l, err := interval.Divide(c.unit, zoneOf(t, c.zone), timeOf(t, c.from), timeOf(t, c.to))
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(c.want, texts(l.Previous())); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

func TestPartialIntervals(t *testing.T) {
	for _, c := range []struct {
		from, to    string
		first, last bool
	}{
		{"2026-01-01T00:00:00Z", "2026-01-03T00:00:00Z", false, false},
		{"2026-01-01T00:00:01Z", "2026-01-03T00:00:00Z", true, false},
		{"2026-01-01T00:00:00Z", "2026-01-02T23:59:59Z", false, true},
		{"2026-01-01T10:00:00Z", "2026-01-01T11:00:00Z", true, true},
		{"2026-01-01T10:00:00Z", "2026-01-01T10:00:00Z", false, false},
	} {
		from, to := timeOf(t, c.from), timeOf(t, c.to)
		l, err := interval.Divide(interval.Day, time.UTC, from, to)
		first, last := l.Partial(from, to)
		if err != nil || first != c.first || last != c.last {
			t.Errorf("%s to %s: %v %v %v", c.from, c.to, first, last, err)
		}
	}
}

// The bound holds at any length of the range, and costs no more than its own number.
func TestIntervalsAreBounded(t *testing.T) {
	from := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	l, err := interval.Divide(interval.Minute, time.UTC, from, from.Add(interval.Most*time.Minute))
	if err != nil || len(l.Starts) != interval.Most {
		t.Errorf("%d intervals, %v", len(l.Starts), err)
	}
	_, err = interval.Divide(interval.Minute, time.UTC, from, from.Add(interval.Most*time.Minute+1))
	if !errors.Is(err, interval.ErrTooMany) {
		t.Error(err)
	}
	for unit := interval.Minute; unit <= interval.Month; unit++ {
		_, err := interval.Divide(unit, zoneOf(t, "Europe/Berlin"), time.Date(0, 1, 1, 0, 0, 0, 0, time.UTC), time.Date(9999, 12, 31, 0, 0, 0, 0, time.UTC))
		if !errors.Is(err, interval.ErrTooMany) {
			t.Errorf("%v: %v", unit, err)
		}
	}
}

// Intervals are adjacent, cover the range, and do not depend on where it starts.
func TestIntervalsCoverAnyRange(t *testing.T) {
	zones := []string{"UTC", "Europe/Berlin", "Australia/Lord_Howe", "Pacific/Apia", "America/Havana", "Africa/Casablanca", "Asia/Kathmandu", "America/St_Johns"}
	rapid.Check(t, func(rt *rapid.T) {
		zone := zoneOf(t, rapid.SampledFrom(zones).Draw(rt, "zone"))
		unit := interval.Unit(rapid.IntRange(int(interval.Minute), int(interval.Month)).Draw(rt, "unit"))
		from := time.UnixMicro(rapid.Int64Range(-5e15, 5e15).Draw(rt, "from"))
		nominal := map[interval.Unit]time.Duration{
			interval.Minute: time.Minute, interval.Hour: time.Hour, interval.Day: 24 * time.Hour, interval.Week: 7 * 24 * time.Hour, interval.Month: 30 * 24 * time.Hour,
		}[unit]
		to := from.Add(time.Duration(rapid.Int64Range(1, int64(40*nominal)).Draw(rt, "length")))
		l, err := interval.Divide(unit, zone, from, to)
		if err != nil {
			rt.Fatal(err)
		}
		bounds := l.Bounds()
		if !slices.IsSorted(bounds) || len(slices.Compact(slices.Clone(bounds))) != len(bounds) {
			rt.Fatalf("bounds are not ascending: %v", bounds)
		}
		if l.Starts[0].After(from) || l.End.Before(to) || len(l.Starts) > 1 && (!l.Starts[1].After(from) || !l.Starts[len(l.Starts)-1].Before(to)) {
			rt.Fatalf("%v do not cover %v to %v tightly", texts(l), from, to)
		}
		again, err := interval.Divide(unit, zone, l.Starts[0], l.End)
		if err != nil || !slices.Equal(again.Bounds(), bounds) {
			rt.Fatalf("divided again: %v, not %v", texts(again), texts(l))
		}
		after, err := interval.Divide(unit, zone, l.Previous().Starts[0], l.End)
		if err != nil || len(after.Starts) != 2*len(l.Starts) {
			rt.Fatalf("with the previous ones: %v, %v", texts(after), err)
		}
	})
}

func TestOnlyNamesOfTheDatabaseAreZones(t *testing.T) {
	for _, name := range []string{"", "Local", "local", "../etc/passwd", "/etc/localtime", "Europe/Nowhere", "UTC+1", "Europe/Berlin\x00"} {
		if zone, err := interval.LoadZone(name); err == nil {
			t.Errorf("%q is %v", name, zone)
		}
	}
}
