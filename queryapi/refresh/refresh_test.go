package refresh

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/theeye/theeye/queryapi/problem"
	"github.com/theeye/theeye/shared/api"
	"github.com/theeye/theeye/shared/columns"
	"github.com/theeye/theeye/shared/event"
	"github.com/theeye/theeye/shared/folderlock"
	"github.com/theeye/theeye/shared/store"
	"github.com/theeye/theeye/shared/store/storetest"
)

// history writes one event a day, received at noon, for some days before the clock.
func history(t testing.TB, s store.Store, clock *testClock, days int) {
	t.Helper()
	var docs []*store.Document
	noon := startOf(dayOf(clock.now())).Add(12 * time.Hour)
	for i := range days {
		docs = append(docs, storetest.With(storetest.Event(i), func(d *store.Document) {
			d.ReceivedAt = noon.Add(-time.Duration(i) * dayLength)
			d.Timestamp = d.ReceivedAt.Add(-time.Second)
			d.ExpiresAt = time.Time{}
		}))
	}
	if _, err := store.NewWriter(store.WriterConfig{Backend: s, Now: clock.now}).Write(t.Context(), docs); err != nil {
		t.Fatal(err)
	}
}

func keys(s *columns.Snapshot) (days []string) {
	for _, a := range s.Applications {
		for _, v := range a.Views {
			days = append(days, v.Part.Key().Date())
		}
	}
	return days
}

// A file that is lost while its day is refreshed is rebuilt: the day does not count as
// held because the changes that were found before are built.
func TestFileIsLostWhileItsDayIsRefreshed(t *testing.T) {
	clock := newClock()
	s := &hookedStore{Store: openSQLite(t, clock.now)}
	history(t, s, clock, 2)
	dir := t.TempDir()
	r := newRefresher(t, s, dir, clock.now)
	everything := Need{Applications: []string{"demo"}}
	if _, err := settle(t.Context(), r, everything); err != nil {
		t.Fatal(err)
	}
	late := storetest.With(storetest.Event(7), func(d *store.Document) {
		d.ReceivedAt = startOf(dayOf(clock.now())).Add(-time.Hour)
		d.ExpiresAt = time.Time{}
	})
	if _, err := store.NewWriter(store.WriterConfig{Backend: s, Now: clock.now}).Write(t.Context(), []*store.Document{late}); err != nil {
		t.Fatal(err)
	}
	lost := false
	s.hook = func(step string) error {
		if step == "before scan" && !lost {
			lost = true
			if err := os.RemoveAll(dir); err != nil {
				return err
			}
			r.checkFiles()
		}
		return nil
	}
	clock.advance(time.Second)
	snapshot, err := settle(t.Context(), r, everything)
	if err != nil || !lost {
		t.Fatalf("lost %t, %v", lost, err)
	}
	got, err := snapshotRows(t.Context(), snapshot)
	if err != nil {
		t.Fatal(err)
	}
	want, err := storeRows(t.Context(), s, everything.Applications, clock.now())
	if err != nil || len(want) != 3 || !slices.Equal(got, want) {
		t.Errorf("rows\n%v\nwant\n%v, %v", got, want, err)
	}
}

// While the columns are built, a question is answered as soon as the days that it needs
// are there; past its deadline the problem says from when on all are.
func TestStillBuilding(t *testing.T) {
	clock := newClock()
	s := openSQLite(t, clock.now)
	history(t, s, clock, 5)
	r := newRefresher(t, s, t.TempDir(), clock.now)
	if err := r.runPass(t.Context()); err != nil {
		t.Fatal(err)
	}
	for range 2 { // the two newest days
		if worked, urgent, err := r.runWork(t.Context(), false); !worked || !urgent || err != nil {
			t.Fatalf("worked %v, urgent %v, %v", worked, urgent, err)
		}
	}
	ended, cancel := context.WithTimeout(t.Context(), time.Millisecond)
	defer cancel()
	<-ended.Done()
	_, err := r.Snapshot(ended, Need{Applications: []string{"demo"}})
	var p *problem.Error
	if !errors.As(err, &p) || p.Code != api.CodeStillBuilding || !slices.Contains(p.Members, problem.Member{Name: "built_from", Value: event.FormatTime(startOf(20515))}) {
		t.Errorf("a question about everything: %v", err)
	}
	from := time.Date(2026, 3, 3, 0, 0, 0, 0, time.UTC)
	snapshot, err := r.Snapshot(t.Context(), Need{Applications: []string{"demo"}, ReceivedFrom: from})
	if err != nil {
		t.Fatal(err)
	}
	if got := keys(snapshot); !slices.Equal(got, []string{"2026-03-03", "2026-03-04"}) {
		t.Errorf("received from built_from on: parts of %v", got)
	}
	status := r.Status()
	if status.Days != 5 || status.DaysBuilt != 2 || status.BuiltFrom.Format(time.DateOnly) != "2026-03-03" {
		t.Errorf("status %+v", status)
	}
}

// A question about timestamps waits for the days that can have some of the range, as
// their marks say, and for every day of which that is not known.
func TestTimestampsOfDaysThatAreNotBuilt(t *testing.T) {
	clock := newClock()
	for _, bounded := range []bool{true, false} {
		s := &hookedStore{Store: openSQLite(t, clock.now), unbounded: !bounded}
		history(t, s, clock, 5)
		r := newRefresher(t, s, t.TempDir(), clock.now)
		if err := r.runPass(t.Context()); err != nil {
			t.Fatal(err)
		}
		if _, _, err := r.runWork(t.Context(), false); err != nil { // the newest day
			t.Fatal(err)
		}
		today := startOf(dayOf(clock.now()))
		ask := func(n Need) (*columns.Snapshot, error) {
			ended, cancel := context.WithCancel(t.Context())
			cancel()
			n.Applications = []string{"demo"}
			selection, missing := r.selectParts(n, clock.now())
			if missing != nil {
				return nil, r.awaitChange(ended, missing)
			}
			snapshot, _, err := r.openViews(t.Context(), selection)
			return snapshot, err
		}
		var p *problem.Error
		snapshot, err := ask(Need{From: today})
		switch {
		case bounded && (err != nil || !slices.Equal(keys(snapshot), []string{today.Format(time.DateOnly)})):
			t.Errorf("the newest day: %v", err)
		case !bounded && (!errors.As(err, &p) || p.Code != api.CodeStillBuilding || p.Members != nil):
			t.Errorf("the newest day, of unknown days: %v", err)
		}
		// The event of yesterday was a second before noon.
		yesterday := event.FormatTime(today.Add(-12*time.Hour - time.Second + time.Microsecond))
		_, err = ask(Need{From: today.Add(-dayLength)})
		if !errors.As(err, &p) || p.Code != api.CodeStillBuilding || bounded != slices.Contains(p.Members, problem.Member{Name: "built_from", Value: yesterday}) {
			t.Errorf("yesterday and today: %v", err)
		}
	}
}

// An event may have been received on any day before its timestamp, under a policy that
// allowed it. Until that day is built, no question about the timestamp is answered.
func TestTimestampsLongAfterTheyWereReceived(t *testing.T) {
	clock := newClock()
	s := openSQLite(t, clock.now)
	history(t, s, clock, 5)
	now := clock.now()
	early := storetest.With(storetest.Event(100), func(d *store.Document) {
		d.ReceivedAt, d.Timestamp, d.ExpiresAt = now.Add(-4*dayLength), now.Add(-time.Hour), time.Time{}
	})
	if _, err := store.NewWriter(store.WriterConfig{Backend: s, Now: clock.now}).Write(t.Context(), []*store.Document{early}); err != nil {
		t.Fatal(err)
	}
	r := newRefresher(t, s, t.TempDir(), clock.now)
	if err := r.runPass(t.Context()); err != nil {
		t.Fatal(err)
	}
	need := Need{Applications: []string{"demo"}, From: now.Add(-2 * time.Hour)}
	for built := range 5 {
		ended, cancel := context.WithCancel(t.Context())
		cancel()
		var p *problem.Error
		if _, err := r.Snapshot(ended, need); !errors.As(err, &p) || p.Code != api.CodeStillBuilding || p.Members != nil {
			t.Errorf("after %d days: %v", built, err)
		}
		if _, _, err := r.runWork(t.Context(), false); err != nil {
			t.Fatal(err)
		}
	}
	snapshot, err := r.Snapshot(t.Context(), need)
	if err != nil {
		t.Fatal(err)
	}
	if got := keys(snapshot); len(got) == 0 || got[0] != "2026-02-28" {
		t.Errorf("parts of %v", got)
	}
}

// The version changes with every change of a day that the question needs, and with no
// other.
func TestVersion(t *testing.T) {
	clock := newClock()
	s := openSQLite(t, clock.now)
	history(t, s, clock, 3)
	r := newRefresher(t, s, t.TempDir(), clock.now)
	version := func(n Need) string {
		t.Helper()
		clock.advance(time.Millisecond)
		n.Applications = []string{"demo"}
		snapshot, err := settle(t.Context(), r, n)
		if err != nil {
			t.Fatal(err)
		}
		return snapshot.Version
	}
	old := Need{To: time.Date(2026, 3, 3, 0, 0, 0, 0, time.UTC)}
	all, before := version(Need{}), version(old)
	if version(Need{}) != all || version(old) != before {
		t.Error("the version changes where nothing does")
	}
	late := storetest.With(storetest.Event(100), func(d *store.Document) {
		d.ReceivedAt, d.Timestamp = clock.now(), clock.now()
		d.ExpiresAt = clock.now().Add(time.Hour)
	})
	if _, err := store.NewWriter(store.WriterConfig{Backend: s, Now: clock.now}).Write(t.Context(), []*store.Document{late}); err != nil {
		t.Fatal(err)
	}
	changed := version(Need{})
	if changed == all {
		t.Error("a new event does not change the version")
	}
	if version(old) != before {
		t.Error("an event outside of the range changes the version")
	}
	clock.advance(2 * time.Hour)
	if expired := version(Need{}); expired == changed {
		t.Error("an event that expires does not change the version")
	}
}

// Verify finds a row that is missing, and rebuilds the day.
func TestVerify(t *testing.T) {
	clock := newClock()
	s := &hookedStore{Store: openSQLite(t, clock.now)}
	history(t, s, clock, 3)
	missing := storetest.Event(1).EventID
	s.hidden.Store(&missing)
	r := newRefresher(t, s, t.TempDir(), clock.now)
	if _, err := settle(t.Context(), r, Need{Applications: []string{"demo"}}); err != nil {
		t.Fatal(err)
	}
	verify := func() []Verified {
		t.Helper()
		var all []Verified
		for _, key := range r.Days(time.Time{}, time.Time{}) {
			v, err := r.Verify(t.Context(), key)
			if err != nil {
				t.Fatal(err)
			}
			all = append(all, v)
		}
		return all
	}
	stop := runInBackground(t, r)
	defer stop()
	s.hidden.Store(nil)
	for i, v := range verify() {
		different := i == 1
		if (v.Different == 1) != different || v.Rebuilt != different || v.Changing != 0 || v.Store.Stored != 1 || (v.Columns.Stored == 1) == different {
			t.Errorf("day %d: %+v", i, v)
		}
	}
	for _, v := range verify() {
		if v.Different != 0 {
			t.Errorf("after the day was rebuilt: %+v", v)
		}
	}
}

// runInBackground runs a refresher until stop.
func runInBackground(t testing.TB, r *Refresher) (stop func()) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() {
		defer close(done)
		if err := r.Run(ctx); err != nil {
			t.Errorf("run: %v", err)
		}
	}()
	return func() {
		cancel()
		<-done
	}
}

// Two refreshers never share a folder: the second waits, and says so.
func TestFolderInUse(t *testing.T) {
	s := openSQLite(t, time.Now)
	dir := t.TempDir()
	first := newRefresher(t, s, dir, time.Now)
	stop := runInBackground(t, first)
	if _, err := first.Snapshot(t.Context(), Need{Applications: []string{"demo"}}); err != nil {
		t.Fatal(err)
	}
	second := newRefresher(t, s, dir, time.Now)
	defer runInBackground(t, second)()
	for second.Status().Failed == nil {
		second.mu.Lock()
		changed := second.changed
		second.mu.Unlock()
		if second.Status().Failed == nil {
			<-changed
		}
	}
	_, err := second.Snapshot(t.Context(), Need{Applications: []string{"demo"}})
	var p *problem.Error
	if !errors.As(err, &p) || p.Code != api.CodeStarting || !errors.Is(err, folderlock.ErrLocked) {
		t.Errorf("a question without the folder: %v", err)
	}
	stop()
	for second.Status().Failed != nil {
		second.mu.Lock()
		changed := second.changed
		second.mu.Unlock()
		if second.Status().Failed != nil {
			<-changed
		}
	}
	if _, err := second.Snapshot(t.Context(), Need{Applications: []string{"demo"}}); err != nil {
		t.Error(err)
	}
}

// Another store makes everything be rebuilt.
func TestOtherStore(t *testing.T) {
	clock := newClock()
	dir := t.TempDir()
	one, other := openSQLite(t, clock.now), openSQLite(t, clock.now)
	history(t, one, clock, 3)
	history(t, other, clock, 1)
	swapped := &hookedStore{Store: one}
	r := newRefresher(t, swapped, dir, clock.now)
	for _, c := range []struct {
		store store.Store
		days  int
	}{{one, 3}, {other, 1}, {one, 3}} {
		swapped.Store = c.store
		clock.advance(time.Second)
		if err := r.runPass(t.Context()); err != nil {
			t.Fatal(err)
		}
		snapshot, err := settle(t.Context(), r, Need{Applications: []string{"demo"}})
		if err != nil {
			t.Fatal(err)
		}
		if got := keys(snapshot); len(got) != c.days {
			t.Errorf("%d days: parts of %v", c.days, got)
		}
	}
}

func TestNewRejectsIncompleteConfig(t *testing.T) {
	for _, c := range []Config{{}, {Dir: "x", Logger: slog.Default()}} {
		if _, err := New(c); err == nil {
			t.Errorf("%+v is accepted", c)
		}
	}
}

// While the folder cannot be written, questions are answered from memory, and writing is
// tried again at growing pauses.
func TestFolderThatCannotBeWritten(t *testing.T) {
	clock := newClock()
	s := openSQLite(t, clock.now)
	history(t, s, clock, 3)
	r := newRefresher(t, s, t.TempDir(), clock.now)
	var log bytes.Buffer
	r.log = slog.New(slog.NewTextHandler(&log, nil))
	failing, attempts := true, 0
	r.folderHook = func(step string) error {
		if step != "write" || !failing {
			return nil
		}
		attempts++
		return errors.New("planted")
	}
	ask := func() {
		t.Helper()
		clock.advance(time.Millisecond)
		snapshot, err := settle(t.Context(), r, Need{Applications: []string{"demo"}})
		if err != nil || len(keys(snapshot)) != 3 {
			t.Fatalf("%v, %v", snapshot, err)
		}
	}
	ask()
	first := attempts
	for range 60 {
		clock.advance(time.Minute)
		ask()
		for range 3 {
			if _, _, err := r.runWork(t.Context(), false); err != nil {
				t.Fatal(err)
			}
		}
	}
	// Pauses of a half, 1, 2, 4, 8 minutes, then of 10.
	if attempts -= first; attempts < 3 || attempts > 11 {
		t.Errorf("%d attempts in an hour", attempts)
	}
	if n := strings.Count(log.String(), "cannot be written"); n != 1 {
		t.Errorf("logged %d times: %s", n, &log)
	}
	if r.stats.writesFailed != int64(first+attempts) || r.Status().Bytes != 0 {
		t.Errorf("%d failed writes are counted, status %+v", r.stats.writesFailed, r.Status())
	}
	failing = false
	clock.advance(20 * time.Minute)
	ask()
	for range 10 {
		if _, _, err := r.runWork(t.Context(), false); err != nil {
			t.Fatal(err)
		}
	}
	if status := r.Status(); status.Bytes == 0 || !strings.Contains(log.String(), "written again") {
		t.Errorf("status %+v, log %s", status, &log)
	}
}
