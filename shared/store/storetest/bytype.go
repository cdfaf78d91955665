package storetest

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/theeye/theeye/shared/query"
	"github.com/theeye/theeye/shared/store"
)

// testPagesByType: whichever of category, name and applications a question names, its
// pages have every event that matches, once and in order, in both directions.
func testPagesByType(t *testing.T, s store.Store) {
	var docs []*store.Document
	for i := range 120 {
		docs = append(docs, With(Event(i), func(d *store.Document) {
			d.Application = fmt.Sprintf("app-%d", i%4)
			d.Category = fmt.Sprintf("category %d", i%3)
			d.Name = fmt.Sprintf("name %d", i%5)
			d.Timestamp = d.Timestamp.Truncate(200 * time.Millisecond) // several of one time
			switch i % 60 {
			case 7:
				d.Name = "rare"
			case 8: // invisible: it has expired
				d.ReceivedAt = time.Now().UTC().Add(-time.Hour).Truncate(time.Millisecond)
				d.ExpiresAt = d.ReceivedAt.Add(time.Minute)
			}
		}))
	}
	_, err := s.Insert(t.Context(), docs)
	must(t, err)
	for _, f := range []query.Filter{
		{Category: "category 1"},
		{Category: "category 1", Name: "rare"},
		{Category: "category 1", Name: "name 2"},
		{Name: "rare"},
		{Name: "name 2", Applications: []string{"app-1"}},
		{Category: "category 0", Applications: []string{"app-0", "app-3", "nosuch"}},
		{Category: "category 2", Name: "name 4", Applications: []string{"app-2"}},
		{Category: "category 1", Name: "name 1", From: docs[25].Timestamp, To: docs[100].Timestamp},
		{Category: "category 0", EventID: docs[0].EventID},
		{Category: "nosuch"},
		{Category: "category 1", Name: "nosuch"},
	} {
		for _, descending := range []bool{false, true} {
			for _, limit := range []int{7, 1000} {
				q := query.Events{Filter: f, Descending: descending, Limit: limit}
				if got, want := readAllPages(t, s, q), matching(docs, &q); !slices.Equal(got, want) {
					t.Errorf("%+v, descending %v, %d a page:\n got %d %q\nwant %d %q", f, descending, limit, len(got), got, len(want), want)
				}
			}
		}
	}
}

// testPagesOfManyTypes: more types match than a store reads side by side.
func testPagesOfManyTypes(t *testing.T, s store.Store) {
	docs := Events(0, 1100)
	for i, d := range docs {
		d.Name = fmt.Sprintf("name %d", i%1050)
		if i%3 == 0 {
			d.Category = "other"
		}
	}
	_, err := s.Insert(t.Context(), docs)
	must(t, err)
	for _, f := range []query.Filter{
		{Category: "other"},
		{Category: "other", Name: "name 6"},
		{Name: "name 7"},
		{Category: docs[1].Category, From: docs[10].Timestamp, To: docs[300].Timestamp},
	} {
		q := query.Events{Filter: f, Limit: 400, Descending: true}
		if got, want := readAllPages(t, s, q), matching(docs, &q); !slices.Equal(got, want) {
			t.Errorf("%+v: %d events, want %d", f, len(got), len(want))
		}
	}
}

// readAllPages reads all pages of a question.
func readAllPages(t *testing.T, s store.Store, q query.Events) (ids []string) {
	t.Helper()
	for {
		docs, err := s.Find(t.Context(), q)
		must(t, err)
		ids = append(ids, idsOf(docs)...)
		if len(docs) < q.Limit {
			return ids
		}
		at := docs[len(docs)-1].Position()
		q.After = &at
	}
}

// matching returns the ids of the visible documents that a question selects, in its
// order.
func matching(docs []*store.Document, q *query.Events) (ids []string) {
	var list []*store.Document
	for _, d := range docs {
		if (q.Category == "" || d.Category == q.Category) && (q.Name == "" || d.Name == q.Name) &&
			(q.EventID == "" || d.EventID == q.EventID) &&
			(q.Applications == nil || slices.Contains(q.Applications, d.Application)) &&
			(q.From.IsZero() || !d.Timestamp.Before(q.From)) && (q.To.IsZero() || d.Timestamp.Before(q.To)) &&
			(d.ExpiresAt.IsZero() || d.ExpiresAt.After(time.Now())) {
			list = append(list, d)
		}
	}
	slices.SortFunc(list, func(a, b *store.Document) int {
		return compareAll(a.Timestamp.Compare(b.Timestamp), a.ID, b.ID)
	})
	if q.Descending {
		slices.Reverse(list)
	}
	return append(ids, idsOf(list)...)
}
