package refresh

import (
	"context"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/theeye/theeye/shared/store"
	"github.com/theeye/theeye/shared/store/storetest"
)

// A question asks for a pass only where that helps: every pass wakes it, and while a
// builder works on the days that it waits for, passes would follow each other without an end.
func TestQuestionAsksForPassesThatHelp(t *testing.T) {
	clock := newClock()
	s := openSQLite(t, clock.now)
	history(t, s, clock, 3)
	r := newRefresher(t, s, t.TempDir(), clock.now)
	asks := func() bool {
		t.Helper()
		_, missing := r.selectParts(Need{Applications: []string{"demo"}}, clock.now().Add(-freshFor))
		if missing == nil {
			t.Fatal("nothing is missing")
		}
		ended, cancel := context.WithCancel(t.Context())
		cancel()
		if err := r.awaitChange(ended, missing); err == nil {
			t.Fatal("no deadline")
		}
		select {
		case <-r.kick:
			return true
		default:
			return false
		}
	}
	if !asks() {
		t.Error("before the first pass: none is asked for")
	}
	if err := r.runPass(t.Context()); err != nil {
		t.Fatal(err)
	}
	if asks() {
		t.Error("while the days are built: a pass is asked for")
	}
	clock.advance(time.Minute)
	if !asks() {
		t.Error("when the marks were read long ago: no pass is asked for")
	}
}

// Builders work on different days at the same time, and each day is one builder's.
func TestDaysAreBuiltAtOnce(t *testing.T) {
	clock := newClock()
	s := &hookedStore{Store: openSQLite(t, clock.now)}
	history(t, s, clock, 3)
	r := newRefresher(t, s, t.TempDir(), clock.now)
	r.kickBuilders = makeKicks(2)
	var scans, most atomic.Int32
	both, once := make(chan struct{}), sync.Once{}
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	s.hook = func(step string) error {
		switch step {
		case "before scan":
			if most.Add(1); scans.Add(1) == 2 {
				once.Do(func() { close(both) })
			}
			select {
			case <-both:
			case <-ctx.Done():
			}
		case "after scan":
			scans.Add(-1)
		}
		return nil
	}
	defer runInBackground(t, r)()
	defer cancel()
	snapshot, err := r.Snapshot(ctx, Need{Applications: []string{"demo"}})
	if err != nil {
		t.Fatal(err)
	}
	if len(keys(snapshot)) != 3 || most.Load() != 3 {
		t.Errorf("%d scans of parts %v", most.Load(), keys(snapshot))
	}
}

// A restart takes up a day that one file has all of without the marks of its slots, and
// reads them once the day was written to.
func TestRestartReadsMarksOfSlotsWhereDaysChanged(t *testing.T) {
	clock := newClock()
	s := &hookedStore{Store: openSQLite(t, clock.now)}
	w := store.NewWriter(store.WriterConfig{Backend: s.Store, Now: clock.now})
	dir, n := t.TempDir(), Need{Applications: []string{"demo"}}
	received := clock.now()
	write := func(first, count int) {
		t.Helper()
		docs := storetest.Events(first, count)
		for i, d := range docs {
			d.ReceivedAt = received.Add(time.Duration(i%3) * time.Minute)
		}
		if _, err := w.Write(t.Context(), docs); err != nil {
			t.Fatal(err)
		}
	}
	reads := 0
	s.hook = func(step string) error {
		if step == "before slot marks" {
			reads++
		}
		return nil
	}
	restart := func() (before int) {
		t.Helper()
		reads = 0
		clock.advance(time.Second)
		r := newRefresher(t, s, dir, clock.now)
		snapshot, err := settle(t.Context(), r, n)
		if err != nil {
			t.Fatal(err)
		}
		before = reads
		got, err := snapshotRows(t.Context(), snapshot)
		if err != nil {
			t.Fatal(err)
		}
		want, err := storeRows(t.Context(), s.Store, n.Applications, snapshot.Now)
		if err != nil || len(want) == 0 {
			t.Fatalf("%d documents: %v", len(want), err)
		}
		if !slices.Equal(got, want) {
			t.Fatalf("rows\n%v\nwant\n%v", got, want)
		}
		for r.hasWork(false) { // the files of a changed day become one
			if _, _, err := r.runWork(t.Context(), false); err != nil {
				t.Fatal(err)
			}
		}
		return before
	}
	write(1, 20)
	clock.advance(48 * time.Hour)
	for i, expected := range []bool{true, false, true, false} {
		if i == 2 {
			write(21, 3)
		}
		if days := restart(); (days > 0) != expected {
			t.Errorf("start %d read the marks of slots of %d days", i, days)
		}
	}
}

// A day that was built is answered from while its file is being written.
func TestDayIsAnsweredBeforeItsFileIsWritten(t *testing.T) {
	clock := newClock()
	s := openSQLite(t, clock.now)
	history(t, s, clock, 1)
	clock.advance(48 * time.Hour)
	r, n := newRefresher(t, s, t.TempDir(), clock.now), Need{Applications: []string{"demo"}}
	writes := 0
	r.folderHook = func(step string) error {
		if step == "write" {
			writes++
			if _, missing := r.selectParts(n, clock.now()); missing != nil {
				t.Errorf("write %d begins while questions wait for the day", writes)
			}
		}
		return nil
	}
	snapshot, err := settle(t.Context(), r, n)
	if err != nil {
		t.Fatal(err)
	}
	if rows, err := snapshotRows(t.Context(), snapshot); err != nil || len(rows) != 1 || writes != 1 || r.Status().Bytes == 0 {
		t.Errorf("%d rows, %d files of %d bytes: %v", len(rows), writes, r.Status().Bytes, err)
	}
}
