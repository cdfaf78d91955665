package interval_test

import (
	"archive/zip"
	"go/build"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/theeye/theeye/queryapi/analytics/interval"
)

// Every zone, at every change of its offset in these years, by the calendar of
// package time alone: a day lasts as long as the local date is the same, an hour as
// long as date, hour and offset are.
func TestEveryZoneAtItsChanges(t *testing.T) {
	zones, changes := zoneNames(t), 0
	for _, name := range zones {
		zone := zoneOf(t, name)
		for _, at := range changesOf(zone, time.Date(2024, 1, 1, 0, 0, 0, 0, time.UTC), time.Date(2028, 1, 1, 0, 0, 0, 0, time.UTC)) {
			changes++
			checkAround(t, zone, at, interval.Day, func(t time.Time) any {
				year, month, day := t.Date()
				return [3]int{year, int(month), day}
			})
			checkAround(t, zone, at, interval.Hour, func(t time.Time) any {
				_, offset := t.Zone()
				return [3]int{t.Day(), t.Hour(), offset}
			})
		}
	}
	if len(zones) < 400 || changes < 1000 {
		t.Errorf("%d zones and %d changes are too few to be all", len(zones), changes)
	}
}

// checkAround compares intervals around a change with the runs of equal keys.
func checkAround(t *testing.T, zone *time.Location, at time.Time, unit interval.Unit, key func(time.Time) any) {
	t.Helper()
	// Every offset since 2024 is a multiple of a quarter of an hour.
	const step, around = 15 * time.Minute, 30 * time.Hour
	from, to := at.Add(-around), at.Add(around)
	l, err := interval.Divide(unit, zone, from, to)
	if err != nil {
		t.Fatal(err)
	}
	i, last := 0, key(from.In(zone))
	for instant := from; instant.Before(to); instant = instant.Add(step) {
		if k := key(instant.In(zone)); k != last {
			i, last = i+1, k
			if i >= len(l.Starts) || !l.Starts[i].Equal(instant) {
				t.Fatalf("%v: a %v begins at %v; the intervals are %v", zone, unit, instant.In(zone), texts(l))
			}
		}
	}
	if i != len(l.Starts)-1 {
		t.Fatalf("%v: %d of a %v, want %d: %v", zone, len(l.Starts), unit, i+1, texts(l))
	}
}

// changesOf returns when the offset of a zone changes.
func changesOf(zone *time.Location, from, to time.Time) []time.Time {
	var all []time.Time
	for t := from.In(zone); ; {
		_, end := t.ZoneBounds()
		if end.IsZero() || !end.Before(to) {
			return all
		}
		_, before := t.Zone()
		if _, after := end.Zone(); after != before {
			all = append(all, end)
		}
		t = end
	}
}

// zoneNames lists the zones of the database that comes with Go, which is the
// embedded one.
func zoneNames(t *testing.T) []string {
	t.Helper()
	archive, err := zip.OpenReader(filepath.Join(build.Default.GOROOT, "lib", "time", "zoneinfo.zip"))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = archive.Close() }()
	var names []string
	for _, f := range archive.File {
		if !strings.HasSuffix(f.Name, "/") {
			names = append(names, f.Name)
		}
	}
	return names
}
