package analytics

import (
	"fmt"
	"math/big"
	"math/rand/v2"
	"testing"

	"github.com/theeye/theeye/queryapi/analytics/interval"
	"github.com/theeye/theeye/shared/api"
	"github.com/theeye/theeye/shared/query/filter"
	"github.com/theeye/theeye/shared/store"
)

// eachNumberedDataset asks questions about random datasets with numbers.
func eachNumberedDataset(t *testing.T, datasets, documents int, ask func(r *rand.Rand, d *dataset)) {
	t.Helper()
	for n := range datasets {
		r := rand.New(rand.NewPCG(uint64(n), 12))
		ask(r, newDataset(t, r, numberedDocuments(r, documents)))
	}
}

var groupFields = []string{"type", "data.path", "data.tags[]", "data.user", "application", "category", "session_id", "data.list[].n", "data.n", "data", "data.none"}

func randomTimeseries(r *rand.Rand) TimeseriesQuery {
	q := TimeseriesQuery{
		Scope: randomScope(r), Unit: interval.Hour + interval.Unit(r.IntN(3)), Metric: metrics[r.IntN(len(metrics))], Top: 1 + r.IntN(3),
		Previous: r.IntN(3) == 0,
	}
	if r.IntN(3) == 0 { // whole quarters, for which parts have counts
		q.Filter, q.SessionID = nil, ""
	}
	if q.Metric.NeedsField() {
		q.Field = fieldOf([]string{"data.n", "data.list[].n", "data.path"}[r.IntN(3)])
	}
	if r.IntN(2) == 0 {
		q.GroupBy = fieldOf(groupFields[r.IntN(len(groupFields))])
	}
	return q
}

func fieldOf(text string) *filter.Field {
	f := mustField(text)
	return &f
}

// Every figure is what counting the documents one by one gives.
func TestTimeseriesIsWhatTheDocumentsAre(t *testing.T) {
	eachNumberedDataset(t, 60, 150, func(r *rand.Rand, d *dataset) {
		a, full := New(d), New(d)
		full.dictionaries.room = 2
		for i := range 20 {
			if i == 10 {
				a.maxGroupCells = 1 // two passes
			}
			q := randomTimeseries(r)
			s, err := a.source.Snapshot(t.Context(), q.need())
			if err != nil {
				t.Fatal(err)
			}
			asked := a
			if q.GroupBy == nil && i%2 == 0 {
				asked = full
			}
			got, err := asked.Timeseries(t.Context(), s, q)
			if err != nil {
				t.Fatal(err)
			}
			compareAnswers(t, describe(&q), naiveTimeseries(t, d, &q), got)
		}
	})
}

func describe(q *TimeseriesQuery) string {
	return fmt.Sprintf("%s of %v by %v in %v, top %d, %+v", q.Metric, q.Field, q.GroupBy, q.Unit, q.Top, q.Scope)
}

func naiveTimeseries(t *testing.T, d *dataset, q *TimeseriesQuery) *api.Timeseries {
	t.Helper()
	list, err := interval.Divide(q.Unit, q.Location, q.From, q.To)
	if err != nil {
		t.Fatal(err)
	}
	all := d.selectDocuments(&q.Scope)
	docs := inRange(all, q.From, q.To)
	want := &api.Timeseries{
		StatsRange: api.StatsRange{From: api.TimeOf(q.From), To: api.TimeOf(q.To), TZ: "Europe/Berlin", AsOf: api.TimeOf(testNow)},
		Interval:   q.Unit.String(), Metric: string(q.Metric), Intervals: []string{}, Total: naiveValues(q, list, docs),
	}
	for _, start := range list.Starts {
		want.Intervals = append(want.Intervals, interval.FormatStart(start))
	}
	want.Partial.First, want.Partial.Last = list.Partial(q.From, q.To)
	if q.Field != nil {
		want.Field = q.Field.String()
	}
	if q.GroupBy != nil {
		want.GroupBy = q.GroupBy.String()
		want.Series = naiveSeries(q, list, docs)
	}
	if q.Previous {
		p := list.Previous()
		values := api.SeriesValues{Total: naiveEmpty(q), Values: []api.Figure{}}
		if len(p.Starts) > 0 {
			values = naiveValues(q, p, inRange(all, p.Starts[0], p.End))
		}
		want.Previous = &values
	}
	return want
}

func naiveEmpty(q *TimeseriesQuery) api.Figure {
	figure, _ := naiveFigure(q, nil)
	return figure
}

func naiveSeries(q *TimeseriesQuery, list interval.List, docs []*store.Document) []api.Series {
	groups, missing := naiveGroups(docs, *q.GroupBy, func(docs []*store.Document) *big.Rat {
		_, order := naiveFigure(q, docs)
		return order
	})
	var series []api.Series
	var others []*store.Document
	for i, g := range groups {
		if i >= q.Top {
			others = append(others, g.docs...)
			continue
		}
		series = append(series, api.Series{StatsGroup: g.value.group(), SeriesValues: naiveValues(q, list, g.docs)})
	}
	if len(missing) > 0 {
		series = append(series, api.Series{StatsGroup: api.StatsGroup{Missing: true}, SeriesValues: naiveValues(q, list, missing)})
	}
	if len(groups) > q.Top {
		series = append(series, api.Series{StatsGroup: api.StatsGroup{Other: true, Groups: int64(len(groups) - q.Top)}, SeriesValues: naiveValues(q, list, others)})
	}
	return series
}
