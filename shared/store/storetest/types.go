package storetest

import (
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/theeye/theeye/shared/query"
	"github.com/theeye/theeye/shared/store"
)

// typesHistory is a history of stored and rejected events of several
// applications and types, some of them without a valid one.
func typesHistory() []*store.Document {
	categories := []string{"page interaction", "form interaction", "", "c\x00"}
	names := []string{"pageview", "submit", "", "n\x00", "Pageview"}
	var docs []*store.Document
	for n := range 240 {
		d := Event(n)
		if n%7 < 2 {
			d = Rejected(n)
		}
		docs = append(docs, With(d, func(d *store.Document) {
			d.Application = []string{"demo", "shop", "blog"}[n%3]
			d.Category, d.Name = categories[n%2], names[n/3%2]
			if d.Status == store.Rejected {
				d.Category, d.Name = categories[n/2%4], names[n/5%5]
			}
		}))
	}
	return docs
}

func testTypes(t *testing.T, s store.Store) {
	docs := typesHistory()
	gone := time.Now().UTC().Add(-time.Hour).Truncate(time.Millisecond)
	_, err := s.Insert(t.Context(), []*store.Document{With(Event(9000), func(d *store.Document) { d.ExpiresAt = gone })})
	must(t, err)
	write(t, s, docs...)
	from, to := docs[60].ReceivedAt, docs[180].ReceivedAt
	for name, filter := range map[string]query.Filter{
		"everything":                          {},
		"no application":                      {Applications: []string{}},
		"unknown":                             {Applications: []string{"unknown"}},
		"application":                         {Applications: []string{"shop"}},
		"two applications":                    {Applications: []string{"shop", "blog"}},
		"range":                               {From: from, To: to},
		"range finer than the precision kept": {From: from.Add(1), To: to.Add(1)},
		"open end":                            {From: from},
		"open start":                          {To: to, Applications: []string{"demo"}},
		"empty range":                         {From: to, To: from},
	} {
		q := query.Aggregate{Filter: filter, By: query.ByType}
		for _, q.Limit = range []int{1, 3, query.MaxTypes} {
			got, err := s.Aggregate(t.Context(), q)
			must(t, err)
			if diff := cmp.Diff(countTypes(docs, q), got); diff != "" {
				t.Errorf("%s, limit %d (-want +got):\n%s", name, q.Limit, diff)
			}
		}
	}
	for _, limit := range []int{-1, 0, query.MaxTypes + 1} {
		if _, err := s.Aggregate(t.Context(), query.Aggregate{By: query.ByType, Limit: limit}); !errors.Is(err, query.ErrInvalid) {
			t.Errorf("limit %d: %v", limit, err)
		}
	}
}

// countTypes is an aggregate by type over a list.
func countTypes(docs []*store.Document, q query.Aggregate) []query.Group {
	types := map[[2]string]*query.Group{}
	for _, d := range docs {
		if q.Applications != nil && !slices.Contains(q.Applications, d.Application) ||
			d.ReceivedAt.Before(q.From) || !q.To.IsZero() && !d.ReceivedAt.Before(q.To) {
			continue
		}
		s := types[[2]string{d.Category, d.Name}]
		if s == nil {
			s = &query.Group{Category: d.Category, Name: d.Name}
			types[[2]string{d.Category, d.Name}] = s
		}
		if d.Status == store.Stored {
			s.Stored++
		} else {
			s.Rejected++
		}
		if d.ReceivedAt.After(s.Last) {
			s.Last = d.ReceivedAt
		}
	}
	var list []query.Group
	for _, s := range types {
		list = append(list, *s)
	}
	slices.SortFunc(list, func(a, b query.Group) int {
		more := int(b.Stored + b.Rejected - a.Stored - a.Rejected)
		return compareAll(more, a.Category, b.Category, a.Name, b.Name)
	})
	return list[:min(len(list), q.Limit)]
}

// testTypesChange: a replacement moves an event from one count to the other.
func testTypesChange(t *testing.T, s store.Store) {
	expect := func(stored, rejected int64) {
		t.Helper()
		got, err := s.Aggregate(t.Context(), query.Aggregate{By: query.ByType, Limit: 10})
		must(t, err)
		want := []query.Group{{
			Category: Event(0).Category, Name: Event(0).Name, Stored: stored, Rejected: rejected, Last: Event(0).ReceivedAt,
		}}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Fatalf("types (-want +got):\n%s", diff)
		}
	}
	write(t, s, atOrigin(Rejected(0), 1, 1))
	expect(0, 1)
	write(t, s, atOrigin(Event(0), 1, 2))
	expect(1, 0)
	write(t, s, atOrigin(Rejected(0), 1, 3))
	expect(0, 1)
}
