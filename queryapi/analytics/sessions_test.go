package analytics

import (
	"cmp"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/theeye/theeye/shared/api"
	"github.com/theeye/theeye/shared/store"
)

func randomSessions(r *rand.Rand) *SessionsQuery {
	q := &SessionsQuery{Scope: randomScope(r), Active: r.IntN(2) == 0, Descending: r.IntN(2) == 0, Limit: 1 + r.IntN(9)}
	if r.IntN(4) == 0 {
		q.MinEvents = int64(r.IntN(6))
	}
	if r.IntN(4) == 0 {
		q.MinDuration = time.Duration(r.IntN(100)) * time.Hour
	}
	if r.IntN(6) == 0 {
		q.From = time.Time{}
	}
	if r.IntN(6) == 0 {
		q.To = time.Time{}
	}
	return q
}

// listNaively lists sessions from documents.
func (q *SessionsQuery) listNaively(d *dataset) []api.SessionSummary {
	selected := q.Scope
	selected.Category, selected.Name, selected.Filter = "", "", nil
	list := []api.SessionSummary{}
	for _, docs := range groupVisitors(d.selectDocuments(&selected), mustField("session_id")) {
		s := summarizeNaively(q, docs)
		inside := func(at time.Time) bool { return !at.Before(q.From) && (q.To.IsZero() || at.Before(q.To)) }
		active := inside(s.First.Time)
		if q.Active {
			active = slices.ContainsFunc(docs, func(d *store.Document) bool { return inside(d.Timestamp) })
		}
		if active && s.Count >= q.MinEvents && s.Last.Sub(s.First.Time) >= q.MinDuration && s.Matched > 0 {
			list = append(list, s)
		}
	}
	slices.SortFunc(list, func(a, b api.SessionSummary) int {
		c := cmp.Or(a.First.Compare(b.First.Time), cmp.Compare(a.Application, b.Application), cmp.Compare(a.SessionID, b.SessionID))
		if q.Descending {
			return -c
		}
		return c
	})
	return list
}

func summarizeNaively(q *SessionsQuery, docs []*store.Document) api.SessionSummary {
	first, last := docs[0], docs[len(docs)-1]
	s := api.SessionSummary{
		SessionID: first.SessionID, Application: first.Application, First: api.TimeOf(first.Timestamp), Last: api.TimeOf(last.Timestamp),
		DurationMS: last.Timestamp.Sub(first.Timestamp).Milliseconds(), Count: int64(len(docs)),
		Entry: api.EventType{Category: first.Category, Name: first.Name}, Exit: api.EventType{Category: last.Category, Name: last.Name},
	}
	types := map[api.EventType]int64{}
	for _, d := range docs {
		types[api.EventType{Category: d.Category, Name: d.Name}]++
		if (EventSet{q.Category, q.Name, q.Filter}).has(d) {
			s.Matched++
		}
	}
	for typ, n := range types {
		s.Types = append(s.Types, api.TypeCount{EventType: typ, Count: n})
	}
	slices.SortFunc(s.Types, func(a, b api.TypeCount) int {
		return cmp.Or(int(b.Count-a.Count), cmp.Compare(a.Category, b.Category), cmp.Compare(a.Name, b.Name))
	})
	return s
}

func TestSessionsAreThoseOfTheDocuments(t *testing.T) {
	pages := 0
	eachDataset(t, 30, 80, func(r *rand.Rand, d *dataset) {
		a := New(nil)
		for range 40 {
			q := randomSessions(r)
			want, got := q.listNaively(d), []api.SessionSummary{}
			for {
				page, next, err := a.Sessions(t.Context(), d.restrict(q.Applications), q)
				if err != nil {
					t.Fatal(err)
				}
				pages++
				if got = append(got, page.Sessions...); len(page.Sessions) > q.Limit || next != nil && len(page.Sessions) < q.Limit {
					t.Fatalf("a page of %d sessions, limit %d", len(page.Sessions), q.Limit)
				}
				if q.After = next; next == nil {
					break
				}
			}
			compareAnswers(t, q, want, got)
		}
	})
	if pages < 1200 {
		t.Errorf("%d pages", pages)
	}
}

// A page holds at most a hundred types of a session.
func TestTypesOfASessionAreBounded(t *testing.T) {
	docs := make([]*store.Document, 120)
	for i := range docs {
		id := string(rune('a'+i/26)) + string(rune('a'+i%26))
		docs[i] = &store.Document{
			ID: store.DocumentID("shop", id), Status: store.Stored, Application: "shop", EventID: id,
			SessionID: "00000000-0000-4000-8000-000000000001", Category: "c", Name: id, Timestamp: testStart, ReceivedAt: testStart, Data: []byte("{}"),
		}
	}
	d := newDataset(t, rand.New(rand.NewPCG(1, 1)), docs)
	q := &SessionsQuery{Scope: Scope{Applications: []string{"shop"}, Location: time.UTC}, Limit: 1}
	page, next, err := New(nil).Sessions(t.Context(), d.snapshot, q)
	if err != nil || next != nil || len(page.Sessions) != 1 {
		t.Fatal(page, next, err)
	}
	s := page.Sessions[0]
	if len(s.Types) != maxSessionTypes || s.TypesOmitted != 20 || s.Entry.Name != "aa" || s.Exit.Name != docs[119].Name {
		t.Errorf("%d types, %d omitted, from %v to %v", len(s.Types), s.TypesOmitted, s.Entry, s.Exit)
	}
}
