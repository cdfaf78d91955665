package analytics

import (
	"cmp"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/theeye/theeye/shared/api"
	"github.com/theeye/theeye/shared/columns"
	"github.com/theeye/theeye/shared/schema"
	"github.com/theeye/theeye/shared/store"
)

// Every figure is what counting the documents one by one gives, whatever cuts the
// quarters of an hour by which parts count.
func TestTypesAreWhatTheDocumentsAre(t *testing.T) {
	compiled, faults := schema.Compile([]byte(`{}`))
	if len(faults) > 0 {
		t.Fatal(faults)
	}
	set := schema.NewSet(7, schema.Policy{}, map[schema.Type]schema.Versioned{
		{Category: "page", Name: "view"}:  {Revision: 5, Schema: compiled},
		{Category: "page", Name: "never"}: {Revision: 6, Schema: compiled},
	}, nil)
	eachNumberedDataset(t, 60, 150, func(r *rand.Rand, d *dataset) {
		a := New(d)
		for range 10 {
			q := TypesQuery{Applications: []string{"shop", "blog"}[r.IntN(2):]}
			q.From = testStart.Add(time.Duration(r.Int64N(int64(4 * 24 * time.Hour)))).Truncate(time.Microsecond)
			q.To = q.From.Add(time.Duration(r.Int64N(int64(4 * 24 * time.Hour)))).Truncate(time.Microsecond)
			if r.IntN(3) == 0 {
				q.From, q.To = testStart, testStart.Add(6*24*time.Hour)
			}
			s, err := a.source.Snapshot(t.Context(), q.Need())
			if err != nil {
				t.Fatal(err)
			}
			got, err := a.Types(t.Context(), s, q, set)
			if err != nil {
				t.Fatal(err)
			}
			compareAnswers(t, fmt.Sprintf("%+v", q), naiveTypes(d, &q), got)
		}
	})
}

func naiveTypes(d *dataset, q *TypesQuery) *api.TypeList {
	byType := map[columns.Type]*api.TypeSummary{}
	summaryOf := func(category, name string) *api.TypeSummary {
		t := byType[columns.Type{Category: category, Name: name}]
		if t == nil {
			t = &api.TypeSummary{Category: category, Name: name, Series: make([]int64, 24)}
			byType[columns.Type{Category: category, Name: name}] = t
		}
		return t
	}
	for name, revision := range map[string]uint64{"view": 5, "never": 6} {
		t := summaryOf("page", name)
		t.Registered, t.SchemaVersion = true, revision
	}
	for _, doc := range d.docs {
		expired := !doc.ExpiresAt.IsZero() && !doc.ExpiresAt.After(testNow)
		if expired || !slices.Contains(q.Applications, doc.Application) || doc.ReceivedAt.Before(q.From) || !doc.ReceivedAt.Before(q.To) {
			continue
		}
		t := summaryOf(doc.Category, doc.Name)
		if doc.Status == store.Stored {
			t.Stored++
		} else {
			t.Rejected++
		}
		if t.FirstSeen.IsZero() || doc.ReceivedAt.Before(t.FirstSeen.Time) {
			t.FirstSeen = api.TimeOf(doc.ReceivedAt)
		}
		if doc.ReceivedAt.After(t.LastSeen.Time) {
			t.LastSeen = api.TimeOf(doc.ReceivedAt)
		}
		for i := range t.Series { // bucket i ends before a 24th of the range more
			if end := 24 * doc.ReceivedAt.Sub(q.From) / time.Microsecond; end < time.Duration(i+1)*(q.To.Sub(q.From)/time.Microsecond) {
				t.Series[i]++
				break
			}
		}
	}
	list := &api.TypeList{From: api.TimeOf(q.From), To: api.TimeOf(q.To), AsOf: api.TimeOf(testNow), Types: []api.TypeSummary{}}
	for _, t := range byType {
		if all := t.Stored + t.Rejected; all > 0 {
			t.ShareRejected = float64(t.Rejected) / float64(all)
		}
		list.Types = append(list.Types, *t)
	}
	slices.SortFunc(list.Types, func(a, b api.TypeSummary) int {
		return cmp.Or(cmp.Compare(a.Category, b.Category), cmp.Compare(a.Name, b.Name))
	})
	return list
}
