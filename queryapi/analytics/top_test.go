package analytics

import (
	"fmt"
	"math/big"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/theeye/theeye/shared/api"
	"github.com/theeye/theeye/shared/store"
)

// Every figure is what counting the documents one by one gives.
func TestTopIsWhatTheDocumentsAre(t *testing.T) {
	eachNumberedDataset(t, 60, 150, func(r *rand.Rand, d *dataset) {
		a := New(d)
		for range 20 {
			q := TopQuery{
				Scope: randomScope(r), Field: mustField(groupFields[r.IntN(len(groupFields))]), Limit: 1 + r.IntN(4),
				Metric: metrics[r.IntN(2)], Prefix: []string{"", "", "/", "u", "page / "}[r.IntN(5)],
			}
			s, err := a.source.Snapshot(t.Context(), q.Need())
			if err != nil {
				t.Fatal(err)
			}
			got, err := a.Top(t.Context(), s, q)
			if err != nil {
				t.Fatal(err)
			}
			compareAnswers(t, fmt.Sprintf("%+v", q), naiveTop(d, &q), got)
		}
	})
}

func naiveTop(d *dataset, q *TopQuery) *api.Top {
	docs := inRange(d.selectDocuments(&q.Scope), q.From, q.To)
	count := func(docs []*store.Document) int64 {
		if q.Metric == MetricSessions {
			return countNaiveSessions(docs)
		}
		return int64(len(docs))
	}
	groups, missing := naiveGroups(docs, q.Field, func(docs []*store.Document) *big.Rat { return big.NewRat(count(docs), 1) })
	want := &api.Top{
		Field: q.Field.String(), Metric: string(q.Metric), Total: count(docs), Missing: count(missing), Values: []api.TopValue{},
		StatsRange: api.StatsRange{From: api.TimeOf(q.From), To: api.TimeOf(q.To), TZ: "Europe/Berlin", AsOf: api.TimeOf(testNow)},
	}
	if q.Metric == MetricSessions { // sessions in which no event has a value
		present := slices.DeleteFunc(slices.Clone(docs), func(d *store.Document) bool { return len(eventOf(d).Values(q.Field)) == 0 })
		want.Missing = want.Total - count(present)
	}
	var others []*store.Document
	for _, g := range groups {
		text, isText := g.value.TextValue()
		if q.Prefix != "" && !(isText && strings.HasPrefix(text, q.Prefix)) {
			continue
		}
		want.Distinct++
		if int(want.Distinct) > q.Limit {
			others = append(others, g.docs...)
			continue
		}
		want.Values = append(want.Values, api.TopValue{
			Value: g.value.json(), Category: g.value.Category, Name: g.value.Name, Count: count(g.docs), Share: share(count(g.docs), want.Total-want.Missing),
		})
	}
	if int(want.Distinct) > q.Limit {
		want.Other = &api.TopOther{Count: count(others), Distinct: want.Distinct - int64(q.Limit)}
	}
	return want
}
