package refresh

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"log/slog"
	"math"
	"path/filepath"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/theeye/theeye/shared/columns"
	"github.com/theeye/theeye/shared/store"
	"github.com/theeye/theeye/shared/store/sqlite"
)

// testClock is a clock that tests move.
type testClock struct {
	mu sync.Mutex
	at time.Time
}

func newClock() *testClock {
	return &testClock{at: time.Date(2026, 3, 4, 23, 50, 0, 0, time.UTC)}
}

func (c *testClock) now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.at
}

func (c *testClock) advance(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.at = c.at.Add(d)
}

// errPlanted is a failure that a test causes.
var errPlanted = fmt.Errorf("%w: planted", store.ErrUnavailable)

// hookedStore calls a hook at every step of the refresher's reads.
type hookedStore struct {
	store.Store
	// hook may write to the store, run other steps, and fail the step.
	hook func(step string) error
	// unbounded hides the timestamps of days.
	unbounded bool
	// hidden is an event that scans leave out.
	hidden atomic.Pointer[string]
}

func (s *hookedStore) call(step string) error {
	if s.hook == nil {
		return nil
	}
	return s.hook(step)
}

func (s *hookedStore) DayMarks(ctx context.Context, applications []string, from, to int64) ([]store.DayMark, error) {
	if err := s.call("before day marks"); err != nil {
		return nil, err
	}
	marks, err := s.Store.DayMarks(ctx, applications, from, to)
	for i := range marks {
		marks[i].Bounded = marks[i].Bounded && !s.unbounded
	}
	return marks, errors.Join(err, s.call("after day marks"))
}

func (s *hookedStore) SlotMarks(ctx context.Context, application string, day int64) (map[int64]uint64, error) {
	if err := s.call("before slot marks"); err != nil {
		return nil, err
	}
	marks, err := s.Store.SlotMarks(ctx, application, day)
	return marks, errors.Join(err, s.call("after slot marks"))
}

func (s *hookedStore) Scan(ctx context.Context, application string, from, to int64) iter.Seq2[*store.Document, error] {
	return func(yield func(*store.Document, error) bool) {
		if err := s.call("before scan"); err != nil {
			yield(nil, err)
			return
		}
		for d, err := range s.Store.Scan(ctx, application, from, to) {
			if hidden := s.hidden.Load(); err == nil && hidden != nil && d.EventID == *hidden {
				continue
			}
			if err == nil {
				err = s.call("scanned")
			}
			if !yield(d, err) || err != nil {
				return
			}
		}
		if err := s.call("after scan"); err != nil {
			yield(nil, err)
		}
	}
}

// openSQLite opens an empty, prepared store.
func openSQLite(t testing.TB, now func() time.Time) *sqlite.Store {
	t.Helper()
	s, err := sqlite.Open(t.Context(), sqlite.Config{Path: filepath.Join(t.TempDir(), "events.db"), SweepEvery: -1, Now: now})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close(context.Background()) })
	if err := s.Prepare(t.Context()); err != nil {
		t.Fatal(err)
	}
	return s
}

// newRefresher returns a refresher that a test runs step by step.
func newRefresher(t testing.TB, s Store, dir string, now func() time.Time) *Refresher {
	t.Helper()
	r, err := New(Config{Store: s, Dir: dir, Now: now, Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// settle runs passes and the builder until a question about everything can be answered,
// and returns the answer.
func settle(ctx context.Context, r *Refresher, n Need) (*columns.Snapshot, error) {
	began := r.now()
	for range 1000 {
		selection, missing := r.selectParts(n, began)
		if missing == nil {
			snapshot, lost, err := r.openViews(ctx, selection)
			if err != nil || !lost {
				return snapshot, err
			}
			continue
		}
		if err := r.runPass(ctx); err != nil {
			return nil, err
		}
		for range 10 { // a task on another day may come first
			if !r.hasWork(false) {
				break
			}
			if _, _, err := r.runWork(ctx, false); err != nil {
				return nil, err
			}
		}
	}
	return nil, errors.New("the refresher does not settle")
}

// row has the compared members of a document.
type row struct {
	application, id             string
	status                      store.Status
	timestamp, received, expiry int64
	slot, version               int64
}

func (x row) compare(y row) int {
	return slices.Compare([]string{x.application, x.id, fmt.Sprint(x)}, []string{y.application, y.id, fmt.Sprint(y)})
}

// storeRows returns the documents of the store that have not expired.
func storeRows(ctx context.Context, s store.Marks, applications []string, now time.Time) ([]row, error) {
	var rows []row
	for _, a := range applications {
		for d, err := range s.Scan(ctx, a, 0, math.MaxInt64/store.SlotLength.Milliseconds()) {
			if err != nil {
				return nil, err
			}
			if !d.ExpiresAt.IsZero() && !d.ExpiresAt.After(now) {
				continue
			}
			x := row{a, d.EventID, d.Status, d.Timestamp.UnixMicro(), d.ReceivedAt.UnixMilli(), math.MaxInt64, d.EffectiveSlot(), d.SchemaVersion}
			if !d.ExpiresAt.IsZero() {
				x.expiry = d.ExpiresAt.UnixMilli()
			}
			rows = append(rows, x)
		}
	}
	slices.SortFunc(rows, row.compare)
	return rows, nil
}

// snapshotRows returns the rows of a snapshot that count.
func snapshotRows(ctx context.Context, s *columns.Snapshot) (rows []row, err error) {
	for _, a := range s.Applications {
		for _, v := range a.Views {
			more, err := viewRows(ctx, v, s.Now)
			if err != nil {
				return nil, err
			}
			rows = append(rows, more...)
		}
	}
	slices.SortFunc(rows, row.compare)
	return rows, nil
}

func viewRows(ctx context.Context, v columns.View, now time.Time) (rows []row, err error) {
	p := v.Part
	timestamps, err := p.Timestamps(ctx)
	if err != nil {
		return nil, err
	}
	received, err := p.ReceivedAt(ctx)
	if err != nil {
		return nil, err
	}
	expires, err := p.ExpiresAt(ctx)
	if err != nil {
		return nil, err
	}
	slots, err := p.SlotNumbers(ctx)
	if err != nil {
		return nil, err
	}
	ids, err := p.EventIDs(ctx)
	if err != nil {
		return nil, err
	}
	versions, err := p.Column(ctx, schemaVersion)
	if err != nil {
		return nil, err
	}
	for i := range p.Rows() {
		x := row{p.Key().Application, string(ids.At(i)), store.Stored, timestamps.TimeAt(i), received.TimeAt(i), math.MaxInt64, p.Key().FirstSlot() + int64(slots[i]), 0}
		if expires != nil {
			x.expiry = expires.TimeAt(i)
		}
		if i >= p.Stored() {
			x.status = store.Rejected
		}
		if f, ok := versions.Values.ValueOf(versions.Codes.CodeAt(i)).Float(); ok {
			x.version = int64(f)
		}
		if v.IsLive(i) && x.expiry > now.UnixMilli() {
			rows = append(rows, x)
		}
	}
	return rows, nil
}
