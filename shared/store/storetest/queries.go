package storetest

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/theeye/theeye/shared/query"
	"github.com/theeye/theeye/shared/store"
)

// expectPages fails unless paging through the query returns exactly the
// documents, in order, and in reverse order when descending.
func expectPages(t *testing.T, s store.Store, q query.Events, want []*store.Document) {
	t.Helper()
	want = slices.Clone(want)
	for _, q.Descending = range []bool{false, true} {
		got := readPages(t, s, q)
		if diff := cmp.Diff(idsOf(want), idsOf(got)); diff != "" {
			t.Fatalf("descending %v, limit %d (-want +got):\n%s", q.Descending, q.Limit, diff)
		}
		slices.Reverse(want)
	}
}

func readPages(t *testing.T, s store.Store, q query.Events) []*store.Document {
	t.Helper()
	var all []*store.Document
	for {
		page, err := s.Find(t.Context(), q)
		must(t, err)
		all = append(all, page...)
		if len(page) < q.Limit {
			return all
		}
		last := page[len(page)-1].Position()
		q.After = &last
	}
}

// testPageBytes checks that a page ends behind the event by which its size
// reaches MaxBytes.
func testPageBytes(t *testing.T, s store.Store) {
	write(t, s, Events(0, 40)...)
	docs, err := s.Find(t.Context(), query.Events{Limit: 1000})
	must(t, err)
	for _, most := range []int{0, 1, docs[0].Size(), docs[0].Size() + 1, 10 * docs[0].Size(), 1 << 30} {
		for _, limit := range []int{5, 1000} {
			want, size := 0, 0
			for want < min(limit, len(docs)) && (most == 0 || size < most) {
				size += docs[want].Size()
				want++
			}
			for _, f := range []query.Filter{{}, {Category: docs[0].Category}} {
				got, err := s.Find(t.Context(), query.Events{Filter: f, Limit: limit, MaxBytes: most})
				must(t, err)
				if diff := cmp.Diff(idsOf(docs[:want]), idsOf(got)); diff != "" {
					t.Errorf("%+v, limit %d, %d bytes (-want +got):\n%s", f, limit, most, diff)
				}
			}
		}
	}
}

// inOrder sorts by (Timestamp, ID).
func inOrder(docs []*store.Document) {
	slices.SortFunc(docs, func(a, b *store.Document) int {
		if c := a.Timestamp.Compare(b.Timestamp); c != 0 {
			return c
		}
		return strings.Compare(a.ID, b.ID)
	})
}

func testFilters(t *testing.T, s store.Store) {
	docs := Events(0, 120)
	for i, d := range docs {
		docs[i] = With(d, func(d *store.Document) {
			d.Application = []string{"demo", "shop", "blog"}[i%3]
			d.Category = []string{"page interaction", "form interaction"}[i/7%2]
		})
	}
	rejected := Rejected(500)
	write(t, s, append(slices.Clone(docs), rejected)...)
	from, to := docs[30].Timestamp, docs[90].Timestamp
	for name, c := range map[string]struct {
		filter query.Filter
		keep   func(*store.Document) bool
	}{
		"everything":       {query.Filter{}, func(*store.Document) bool { return true }},
		"no application":   {query.Filter{Applications: []string{}}, func(*store.Document) bool { return false }},
		"unknown":          {query.Filter{Applications: []string{"unknown"}}, func(*store.Document) bool { return false }},
		"application":      {query.Filter{Applications: []string{"shop"}}, func(d *store.Document) bool { return d.Application == "shop" }},
		"two applications": {query.Filter{Applications: []string{"shop", "blog"}}, func(d *store.Document) bool { return d.Application != "demo" }},
		"session":          {query.Filter{SessionID: Session(2)}, func(d *store.Document) bool { return d.SessionID == Session(2) }},
		"category": {query.Filter{Category: "form interaction"}, func(d *store.Document) bool {
			return d.Category == "form interaction"
		}},
		"type": {query.Filter{Category: "page interaction", Name: "submit"}, func(d *store.Document) bool {
			return d.Category == "page interaction" && d.Name == "submit"
		}},
		"name alone": {query.Filter{Name: "pageview"}, func(d *store.Document) bool { return d.Name == "pageview" }},
		"event id":   {query.Filter{EventID: docs[5].EventID}, func(d *store.Document) bool { return d == docs[5] }},
		"event id of an application": {
			query.Filter{EventID: docs[5].EventID, Applications: []string{"demo", docs[5].Application}},
			func(d *store.Document) bool { return d == docs[5] },
		},
		"event id of another application": {
			query.Filter{EventID: docs[5].EventID, Applications: []string{docs[6].Application}},
			func(*store.Document) bool { return false },
		},
		"range": {query.Filter{From: from, To: to}, func(d *store.Document) bool {
			return !d.Timestamp.Before(from) && d.Timestamp.Before(to)
		}},
		"empty range": {query.Filter{From: to, To: from}, func(*store.Document) bool { return false }},
		"all at once": {
			query.Filter{Applications: []string{"demo"}, SessionID: Session(3), Category: "page interaction", Name: "pageview", From: from, To: to},
			func(d *store.Document) bool {
				return d.Application == "demo" && d.SessionID == Session(3) && d.Category == "page interaction" &&
					d.Name == "pageview" && !d.Timestamp.Before(from) && d.Timestamp.Before(to)
			},
		},
		"operators are text": {query.Filter{Category: `{"$ne":""}`, SessionID: `' OR 1=1`}, func(*store.Document) bool { return false }},
	} {
		t.Run(name, func(t *testing.T) {
			want := slices.DeleteFunc(slices.Clone(docs), func(d *store.Document) bool { return !c.keep(d) })
			for _, limit := range []int{1000, 7} {
				expectPages(t, s, query.Events{Filter: c.filter, Limit: limit}, want)
			}
		})
	}
}

func testPages(t *testing.T, s store.Store) {
	const n = 40 // four runs of equal times and a part of one
	docs := Events(0, n)
	for i, d := range docs {
		// Runs of equal times, ids in another order than times.
		docs[i] = With(d, func(d *store.Document) {
			d.Timestamp = Start().Add(time.Duration(i/9) * time.Minute)
			d.EventID = Event((i * 77) % n).EventID
		})
	}
	write(t, s, docs...)
	inOrder(docs)
	for _, limit := range []int{1, 2, 9, 10, n - 1, n, n + 1, 1000} {
		expectPages(t, s, query.Events{Limit: limit}, docs)
		expectPages(t, s, query.Events{Filter: query.Filter{Category: docs[0].Category, Applications: []string{"demo"}}, Limit: limit}, docs)
	}
	// A position needs no document.
	gone := &query.Position{Time: docs[20].Timestamp, ID: docs[20].ID + "x"}
	got, err := s.Find(t.Context(), query.Events{After: gone, Limit: 1})
	expectIDs(t, got, err, docs[21])
	got, err = s.Find(t.Context(), query.Events{After: gone, Descending: true, Limit: 2})
	expectIDs(t, got, err, docs[20], docs[19])
}

// testPagesWhileWriting: every event that was stored before the first page is
// returned once, however many arrive between pages.
func testPagesWhileWriting(t *testing.T, s store.Store) {
	var before, later []*store.Document
	for n := range 300 {
		if n%3 == 0 {
			before = append(before, Event(n))
		} else {
			later = append(later, Event(n))
		}
	}
	write(t, s, before...)
	q := query.Events{Filter: query.Filter{Category: "page interaction"}, Limit: 10}
	seen := make(map[string]int)
	for arriving := later; ; arriving = arriving[min(20, len(arriving)):] {
		page, err := s.Find(t.Context(), q)
		must(t, err)
		for _, d := range page {
			seen[d.ID]++
		}
		if len(page) < q.Limit {
			break
		}
		last := page[len(page)-1].Position()
		q.After = &last
		write(t, s, arriving[:min(20, len(arriving))]...)
	}
	for _, d := range before {
		if seen[d.ID] != 1 {
			t.Errorf("event %s was returned %d times", d.ID, seen[d.ID])
		}
	}
	for id, n := range seen {
		if n > 1 {
			t.Errorf("event %s was returned %d times", id, n)
		}
	}
}

// testSparse: bursts of events with gaps of years between them, and a dense
// burst behind a gap.
func testSparse(t *testing.T, s store.Store) {
	var docs []*store.Document
	for burst, at := range []time.Time{
		time.Date(1, 2, 3, 4, 5, 6, 0, time.UTC), time.Date(1970, 1, 1, 0, 0, 0, 0, time.UTC),
		time.Date(2020, 2, 29, 0, 0, 0, 0, time.UTC), time.Now().UTC().Add(-time.Hour).Truncate(time.Microsecond),
		time.Now().UTC().Add(time.Minute).Truncate(time.Microsecond), time.Date(9999, 1, 1, 0, 0, 0, 0, time.UTC),
	} {
		for i := range 4 + 10*(burst%2) {
			docs = append(docs, With(Event(burst*100+i), func(d *store.Document) {
				d.Timestamp = at.Add(time.Duration(i) * time.Second) // also on the edges of windows
			}))
		}
	}
	write(t, s, docs...)
	for _, limit := range []int{1, 5, 1000} {
		expectPages(t, s, query.Events{Limit: limit}, docs)
		expectPages(t, s, query.Events{
			Filter: query.Filter{
				Category: docs[0].Category,
				From:     docs[10].Timestamp,
				To:       docs[len(docs)-2].Timestamp,
			},
			Limit: limit,
		}, docs[10:len(docs)-2])
	}
	expectPages(t, s, query.Events{Filter: query.Filter{Category: "nothing has it"}, Limit: 10}, nil)
}

func testSession(t *testing.T, s store.Store) {
	docs := Events(0, 40)
	foreign := With(Event(7), func(d *store.Document) { d.Application, d.Timestamp = "shop", Start().Add(-time.Hour) })
	write(t, s, append(docs, foreign, Rejected(100, Rejected(0).Errors...))...)
	for name, c := range map[string]struct {
		applications []string
		session      string
		want         query.SessionSummary
	}{
		"of one application": {[]string{"demo"}, Session(0), query.SessionSummary{Count: 20, First: Start(), Last: docs[19].Timestamp}},
		"of all":             {nil, Session(0), query.SessionSummary{Count: 21, First: foreign.Timestamp, Last: docs[19].Timestamp}},
		"of none":            {[]string{}, Session(0), query.SessionSummary{}},
		"unknown":            {nil, "unknown", query.SessionSummary{}},
		"rejected alone":     {nil, Session(5), query.SessionSummary{}},
	} {
		got, err := s.SummarizeSession(t.Context(), c.applications, c.session)
		must(t, err)
		if diff := cmp.Diff(c.want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
}

// testHeld: outcomes with their reasons and without data, expired documents
// included.
func testHeld(t *testing.T, s store.Store) {
	stored, rejected := Event(1), Rejected(2, faultPath, faultHost)
	expiring := With(Event(3), func(d *store.Document) {
		d.ExpiresAt = time.Now().Add(time.Hour).UTC().Truncate(time.Millisecond)
	})
	docs := append(Events(100, 1200), stored, rejected, expiring)
	write(t, s, docs...)
	ids := []string{store.DocumentID("demo", "unknown")}
	want := map[string]store.Held{}
	for _, d := range docs {
		ids = append(ids, d.ID)
		want[d.ID] = store.Held{
			Holder: store.HolderOf(d),
			Status: d.Status, Errors: d.Errors, ExpiresAt: d.ExpiresAt,
		}
	}
	got, err := s.Held(t.Context(), ids)
	must(t, err)
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("held (-want +got):\n%s", diff)
	}
	none, err := s.Held(t.Context(), nil)
	must(t, err)
	if len(none) > 0 {
		t.Errorf("no ids have holders %v", none)
	}
}
