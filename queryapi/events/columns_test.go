package events

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/theeye/theeye/queryapi/analytics"
	"github.com/theeye/theeye/queryapi/problem"
	"github.com/theeye/theeye/queryapi/refresh"
	"github.com/theeye/theeye/shared/api"
	"github.com/theeye/theeye/shared/columns"
	"github.com/theeye/theeye/shared/query"
	"github.com/theeye/theeye/shared/query/filter"
	"github.com/theeye/theeye/shared/store"
	"github.com/theeye/theeye/shared/store/mongo/mongotest"
	"github.com/theeye/theeye/shared/store/sqlite"
)

// openSQLite returns an empty store.
func openSQLite(t testing.TB) store.Store {
	t.Helper()
	embedded, err := sqlite.Open(t.Context(), sqlite.Config{Path: filepath.Join(t.TempDir(), "events.db"), SweepEvery: -1})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = embedded.Close(context.Background()) })
	if err := embedded.Prepare(t.Context()); err != nil {
		t.Fatal(err)
	}
	return embedded
}

// openMongo returns an empty store.
func openMongo(t testing.TB) store.Store {
	t.Helper()
	s := mongotest.Open(t, mongotest.Config(t))
	if err := s.Prepare(t.Context()); err != nil {
		t.Fatal(err)
	}
	return s
}

var testDay = time.Now().UTC().Truncate(24*time.Hour).AddDate(0, 0, -3)

// someDocuments returns events of two applications over days, with ties in time, rejected
// ones and some that have expired.
func someDocuments(r *rand.Rand, n int) []*store.Document {
	docs := make([]*store.Document, n)
	for i := range docs {
		at := testDay.Add(time.Duration(r.IntN(60)) * time.Hour)
		d := &store.Document{
			Status: store.Stored, Application: []string{"shop", "shop-2"}[r.IntN(2)], EventID: fmt.Sprint(r.IntN(1000), "/", i),
			SessionID: fmt.Sprintf("00000000-0000-4000-8000-%012d", r.IntN(40)), Category: []string{"page", "form"}[r.IntN(2)], Name: "view",
			Timestamp: at, ReceivedAt: at.Add(time.Duration(r.IntN(20)) * time.Hour), ContentHash: fmt.Sprint(i), Revision: 1,
			Origin: store.Origin{Epoch: 1, Seq: uint64(i + 1)},
			Data:   fmt.Appendf(nil, `{"n":%d,"tags":["t%d","u"],"pad":"%*d"}`, i%50, i%3, 1+r.IntN(1200), 0),
		}
		switch r.IntN(12) {
		case 0:
			d.Status, d.Original = store.Rejected, d.Data
		case 1:
			d.ExpiresAt = time.Now().Add(-time.Hour).UTC().Truncate(time.Millisecond)
		}
		d.ID = store.DocumentID(d.Application, d.EventID)
		docs[i] = d
	}
	return docs
}

// newColumns returns statistics over columns of a store.
func newColumns(t *testing.T, s store.Store) *analytics.Analytics {
	t.Helper()
	r, err := refresh.New(refresh.Config{Store: s, Dir: t.TempDir(), Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- r.Run(ctx) }()
	t.Cleanup(func() {
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
	return analytics.New(r)
}

func parseFilter(t testing.TB, texts ...string) filter.Filter {
	t.Helper()
	f, err := filter.Parse(texts, time.Now())
	if err != nil {
		t.Fatal(err)
	}
	return f
}

// readPages reads page after page to the end, by ids.
func readPages(t *testing.T, q query.Events, read func(query.Events) (Page, error)) (ids []string) {
	t.Helper()
	for range 10_000 {
		page, err := read(q)
		if err != nil {
			t.Fatal(err)
		}
		for _, d := range page.Documents {
			ids = append(ids, d.ID)
		}
		if q.After = page.Next; q.After == nil {
			return ids
		}
		if len(page.Documents) != q.Limit {
			t.Fatalf("a page of %d documents, limit %d", len(page.Documents), q.Limit)
		}
	}
	t.Fatal("the pages do not end")
	return nil
}

var filterTexts = [][]string{
	{"data.n=7"},
	{"data.n>=25"},
	{"data.tags[]=t1", "category=page"},
	{"data.n!=3"},
	{"data.none exists"},
	{"type=form / view", "data.n<30"},
	{"timestamp>=" + testDay.Add(20*time.Hour).Format(time.RFC3339), "data.n<10"},
	{"received_at<" + testDay.Add(30*time.Hour).Format(time.RFC3339)},
	{"session_id^=00000000-0000-4000-8000-00000000001"},
	{"application=shop-2", "data.tags[]=t0"},
	{"event_id^=1", "schema_version exists false"},
}

// Columns and a scan of the store list the same events in the same pages.
func TestColumnsListWhatAScanLists(t *testing.T) {
	for name, s := range map[string]store.Store{"sqlite": openSQLite(t), "mongo": openMongo(t)} {
		t.Run(name, func(t *testing.T) {
			r := rand.New(rand.NewPCG(1, 7))
			if _, err := store.NewWriter(store.WriterConfig{Backend: s}).Write(t.Context(), someDocuments(r, 1_200)); err != nil {
				t.Fatal(err)
			}
			f := New(Config{Store: s, Analytics: newColumns(t, s)})
			listed, rounds := 0, 60
			if name == "mongo" {
				rounds = 6 // its scans take longer
			}
			for range rounds {
				match := parseFilter(t, filterTexts[r.IntN(len(filterTexts))]...)
				q := query.Events{Descending: r.IntN(2) == 0, Limit: 20 + r.IntN(300)}
				if r.IntN(2) == 0 {
					q.Applications = []string{"shop", "none"}
				}
				if r.IntN(4) == 0 {
					q.Category = "page"
				}
				if r.IntN(3) == 0 {
					q.From, q.To = testDay.Add(10*time.Hour+1), testDay.Add(40*time.Hour)
				}
				narrow(&q, match)
				q.Applications = namedApplications(q.Applications, match)
				want := f.listByFind(t, q, match)
				got := readPages(t, q, func(q query.Events) (Page, error) { return f.columnPage(t.Context(), q, match) })
				if !slices.Equal(got, want) {
					t.Fatalf("%+v %v: %d events\n%v, want %d\n%v", q, match, len(got), got, len(want), want)
				}
				listed += len(got)
			}
			if listed < 40*rounds {
				t.Errorf("%d events are listed", listed)
			}
		})
	}
}

// listByFind returns what the scan lists.
func (f *Finder) listByFind(t *testing.T, q query.Events, match filter.Filter) (ids []string) {
	t.Helper()
	for {
		page, err := f.scanPage(t.Context(), q, match)
		if err != nil {
			t.Fatal(err)
		}
		for _, d := range page.Documents {
			ids = append(ids, d.ID)
		}
		if q.After = page.Next; q.After == nil {
			return ids
		}
	}
}

// heldSource gives one snapshot, or an error.
type heldSource struct {
	analytics.Source
	snapshot *columns.Snapshot
	err      error
}

func (s heldSource) Snapshot(context.Context, refresh.Need) (*columns.Snapshot, error) {
	return s.snapshot, s.err
}

// changedStore is a store whose documents have changed since a snapshot: those of one
// number are gone, those of others do not match any more or lie elsewhere.
type changedStore struct{ store.Store }

func (s changedStore) Lookup(ctx context.Context, ids []string) ([]*store.Document, error) {
	docs, err := s.Store.Lookup(ctx, ids)
	var kept []*store.Document
	for _, d := range docs {
		switch d.Origin.Seq % 8 {
		case 0:
			continue
		case 1:
			d.Data = []byte(`{}`)
		case 2:
			d.Timestamp = d.Timestamp.Add(time.Minute)
		case 3:
			d.Status = store.Rejected
		}
		kept = append(kept, d)
	}
	return kept, err
}

// Documents that changed since the snapshot are left out, and the page is filled on.
func TestColumnsLeaveOutWhatChanged(t *testing.T) {
	s := openSQLite(t)
	docs := someDocuments(rand.New(rand.NewPCG(1, 8)), 1_000)
	if _, err := store.NewWriter(store.WriterConfig{Backend: s}).Write(t.Context(), docs); err != nil {
		t.Fatal(err)
	}
	a := newColumns(t, s)
	snapshot, err := a.Snapshot(t.Context(), refresh.Need{Applications: []string{"shop", "shop-2"}})
	if err != nil {
		t.Fatal(err)
	}
	f := New(Config{Store: changedStore{s}, Analytics: analytics.New(heldSource{snapshot: snapshot})})
	match := parseFilter(t, "data.n exists")
	sequence := map[string]uint64{}
	for _, d := range docs {
		sequence[d.ID] = d.Origin.Seq
	}
	want := slices.DeleteFunc(f.listByFind(t, query.Events{Limit: 100}, match), func(id string) bool { return sequence[id]%8 < 4 })
	q := query.Events{Limit: 30, Filter: query.Filter{Applications: []string{"shop", "shop-2"}}}
	got := readPages(t, q, func(q query.Events) (Page, error) { return f.columnPage(t.Context(), q, match) })
	if !slices.Equal(got, want) || len(got) < 300 {
		t.Errorf("%d events\n%v, want %d\n%v", len(got), got, len(want), want)
	}
}

// Where columns cannot answer, the store is scanned. A failure of the store is one of the
// page.
func TestPageWithoutColumnsIsScanned(t *testing.T) {
	s := openSQLite(t)
	if _, err := store.NewWriter(store.WriterConfig{Backend: s}).Write(t.Context(), someDocuments(rand.New(rand.NewPCG(1, 9)), 300)); err != nil {
		t.Fatal(err)
	}
	match := parseFilter(t, "data.n<20")
	for _, err := range []error{
		problem.New(api.CodeStillBuilding, "not yet"), fmt.Errorf("of this part: %w", columns.ErrNotHeld), store.ErrUnavailable,
	} {
		f := New(Config{Store: s, Analytics: analytics.New(heldSource{err: err})})
		q := query.Events{Limit: 50, Filter: query.Filter{Applications: []string{"shop"}}}
		if _, got := f.columnPage(t.Context(), q, match); !errors.Is(got, errColumns) || !errors.Is(got, err) {
			t.Errorf("%v: %v", err, got)
		}
		want := f.listByFind(t, q, match)
		if got := readPages(t, q, func(q query.Events) (Page, error) { return f.matchPage(t.Context(), q, match) }); !slices.Equal(got, want) || len(got) == 0 {
			t.Errorf("%v: %d events, want %d", err, len(got), len(want))
		}
	}
}
