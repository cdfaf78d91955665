package analytics

import (
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/theeye/theeye/queryapi/refresh"
	"github.com/theeye/theeye/shared/columns"
	"github.com/theeye/theeye/shared/query"
	"github.com/theeye/theeye/shared/store"
)

// listNaively lists the positions of events from documents.
func (q *EventsQuery) listNaively(d *dataset) []query.Position {
	var list []query.Position
	for _, doc := range d.selectDocuments(&q.Scope) {
		if !doc.Timestamp.Before(q.From) && (q.To.IsZero() || doc.Timestamp.Before(q.To)) {
			list = append(list, query.Position{Time: doc.Timestamp, ID: doc.ID})
		}
	}
	if q.Descending {
		slices.Reverse(list)
	}
	return list
}

// restrictTo returns the snapshot that a source would take for a need: parts that hold no
// row of it are left out.
func (d *dataset) restrictTo(n refresh.Need) *columns.Snapshot {
	s := d.restrict(n.Applications)
	for i := range s.Applications {
		a := &s.Applications[i]
		var views []columns.View
		for _, v := range a.Views {
			first, last, ok := v.Part.Span()
			if ok && (n.From.IsZero() || last >= n.From.UnixMicro()) && (n.To.IsZero() || first < n.To.UnixMicro()) {
				views = append(views, v)
			}
		}
		s.Applications = slices.Clone(s.Applications)
		s.Applications[i] = columns.ApplicationViews{Name: a.Name, Views: views}
	}
	return s
}

// Pages of any size hold together every event that matches, once and in the order of the
// store.
func TestEventsAreThoseOfTheDocuments(t *testing.T) {
	pages, events := 0, 0
	eachDataset(t, 15, 150, func(r *rand.Rand, d *dataset) {
		a := New(nil)
		for range 40 {
			q := &EventsQuery{Scope: randomScope(r), Descending: r.IntN(2) == 0, Limit: 1 + r.IntN(1+r.IntN(60))}
			switch r.IntN(6) {
			case 0:
				q.From = time.Time{}
			case 1:
				q.To = time.Time{}
			case 2:
				q.From, q.To = q.From.Add(time.Nanosecond), q.To.Add(time.Nanosecond)
			}
			want := q.listNaively(d)
			var got []query.Position
			for more := true; more; pages++ {
				var page []query.Position
				var err error
				page, more, err = a.Events(t.Context(), d.restrictTo(q.Need()), q)
				if err != nil {
					t.Fatal(err)
				}
				if got = append(got, page...); len(page) > q.Limit || more && len(page) < q.Limit {
					t.Fatalf("a page of %d events, limit %d", len(page), q.Limit)
				}
				if more {
					q.After = &page[len(page)-1]
				}
			}
			if !slices.Equal(got, want) {
				t.Fatalf("%+v:\n%v, want\n%v", q, got, want)
			}
			events += len(got)
		}
	})
	if pages < 2_000 || events < 8_000 {
		t.Errorf("%d events in %d pages", events, pages)
	}
}

// Any number of events may have one time: ids alone order them, over applications and
// parts. A slash in an event id is not that behind the name of the application.
func TestEventsAtOneTime(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 1))
	var docs []*store.Document
	for i := range 600 {
		id := string(rune('!'+r.IntN(60))) + string(rune('!'+r.IntN(60))) + "/" + string(rune('0'+i%10)) + string(rune('A'+i/10))
		application := []string{"a", "a-b", "a1", "ab"}[r.IntN(4)]
		docs = append(docs, &store.Document{
			ID: store.DocumentID(application, id), Status: store.Stored, Application: application, EventID: id,
			SessionID: "00000000-0000-4000-8000-00000000000" + string(rune('0'+r.IntN(9))), Category: "c", Name: "n",
			Timestamp: testStart, ReceivedAt: testStart.AddDate(0, 0, r.IntN(5)), Data: []byte("{}"),
		})
	}
	d := newDataset(t, r, docs)
	for _, descending := range []bool{false, true} {
		for _, limit := range []int{5, 300, 600, 700} {
			q := &EventsQuery{Scope: Scope{Applications: []string{"a", "a-b", "a1", "ab"}}, Descending: descending, Limit: limit}
			var got []query.Position
			for more := true; more; {
				page, following, err := New(nil).Events(t.Context(), d.snapshot, q)
				if err != nil {
					t.Fatal(err)
				}
				if got, more = append(got, page...), following; more {
					q.After = &page[len(page)-1]
				}
			}
			if want := q.listNaively(d); !slices.Equal(got, want) {
				t.Errorf("descending %v, limit %d:\n%v, want\n%v", descending, limit, got, want)
			}
		}
	}
}
