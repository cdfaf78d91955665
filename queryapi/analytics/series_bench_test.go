package analytics

import (
	"fmt"
	"math/rand/v2"
	"runtime"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/theeye/theeye/queryapi/analytics/interval"
	"github.com/theeye/theeye/shared/columns"
	"github.com/theeye/theeye/shared/store"
)

var seriesStart = time.Date(2026, 8, 1, 0, 0, 0, 0, time.UTC)

// seriesData makes the events once for all benchmarks: 20 a session, 30 types.
var seriesData = sync.OnceValue(func() *dataset {
	n := seriesRows()
	views := make([]columns.View, seriesDays)
	cache := columns.NewCache(4 << 30)
	var group sync.WaitGroup
	slots := make(chan struct{}, runtime.GOMAXPROCS(0))
	for day := range views {
		group.Go(func() {
			slots <- struct{}{}
			defer func() { <-slots }()
			part := buildSeriesDay(day, n/seriesDays)
			part.UseCache(cache)
			views[day] = columns.View{Part: part}
		})
	}
	group.Wait()
	now := seriesStart.Add(seriesDays * 24 * time.Hour)
	return &dataset{snapshot: &columns.Snapshot{
		AsOf: now, Now: now, Applications: []columns.ApplicationViews{{Name: "shop", Views: views}},
	}}
})

func buildSeriesDay(day, rows int) *columns.Part {
	r := rand.New(rand.NewPCG(uint64(day), 1))
	key := columns.Key{Application: "shop", Day: seriesStart.Unix()/86400 + int64(day)}
	builder := columns.NewBuilder(key)
	builder.MaxBytes = 8 << 30
	products := rand.NewZipf(r, 1.1, 100, 145_000)
	var session string
	var at time.Time
	for i := range rows {
		if i%20 == 0 {
			session = fmt.Sprintf("%08x-0000-4000-8000-%012x", r.Uint32(), r.Uint64()>>16)
			at = seriesStart.AddDate(0, 0, day).Add(time.Duration(r.Int64N(int64(23 * time.Hour))))
			if i%400 == 0 { // a session that goes on the next day
				session = fmt.Sprintf("00000000-0000-4000-8000-%012x", i/400)
			}
		}
		at = at.Add(time.Duration(r.Int64N(int64(time.Minute))))
		kind := r.IntN(30)
		d := &store.Document{
			Status: store.Stored, Application: "shop", EventID: strconv.Itoa(day*rows + i), SessionID: session,
			Category: fmt.Sprintf("category %d", kind/6), Name: fmt.Sprintf("name %d", kind), Timestamp: at.Truncate(time.Microsecond),
			ReceivedAt: at.Truncate(time.Millisecond), SchemaVersion: 3,
			Data: fmt.Appendf(nil, `{"plan":"plan %d","path":"/path/%d","product":"product number %d","price":%d.%02d,"n":%d,"ok":%v}`,
				r.IntN(4), r.IntN(2000), products.Uint64(), r.IntN(500), r.IntN(100), r.IntN(1000), i%2 == 0),
		}
		d.ID = store.DocumentID(d.Application, d.EventID)
		if err := builder.Add(d); err != nil {
			panic(err)
		}
	}
	part, err := builder.Build(nil)
	if err != nil {
		panic(err)
	}
	return part
}

func seriesScope(days int, filters ...string) Scope {
	to := seriesStart.Add(seriesDays * 24 * time.Hour)
	return Scope{Applications: []string{"shop"}, Location: time.UTC, From: to.AddDate(0, 0, -days), To: to, Filter: mustFilter(filters...)}
}

func benchTimeseries(b *testing.B, q TimeseriesQuery) {
	d := seriesData()
	a := New(d)
	ask := func() {
		s, err := a.source.Snapshot(b.Context(), q.need())
		if err == nil {
			_, err = a.Timeseries(b.Context(), s, q)
		}
		if err != nil {
			b.Fatal(err)
		}
	}
	ask()
	for b.Loop() {
		ask()
	}
	reportBareLoop(b, d)
}

func benchTop(b *testing.B, q TopQuery) {
	d := seriesData()
	a := New(d)
	ask := func() {
		s, err := a.source.Snapshot(b.Context(), q.Need())
		if err == nil {
			_, err = a.Top(b.Context(), s, q)
		}
		if err != nil {
			b.Fatal(err)
		}
	}
	ask()
	for b.Loop() {
		ask()
	}
	reportBareLoop(b, d)
}

// reportBareLoop reports the time as a multiple of that of a bare loop over one vector
// of all parts.
func reportBareLoop(b *testing.B, d *dataset) {
	spent := float64(b.Elapsed()) / float64(b.N)
	var sum int64
	least := time.Duration(1 << 60)
	for range 5 {
		start := time.Now()
		for _, v := range d.snapshot.Applications[0].Views {
			times, err := v.Part.Timestamps(b.Context())
			if err != nil {
				b.Fatal(err)
			}
			forEachTimes(times, times.Len(), func(_ int, times []int64) {
				for _, us := range times {
					sum += us
				}
			})
		}
		least = min(least, time.Since(start))
	}
	runtime.KeepAlive(sum)
	b.ReportMetric(spent/float64(least), "loops")
	reportBar(b)
}

func BenchmarkTimeseries(b *testing.B) {
	for name, q := range map[string]TimeseriesQuery{
		"hourly":              {Scope: seriesScope(80), Unit: interval.Hour, Metric: MetricEvents},
		"grouped+filtered":    {Scope: seriesScope(90, "data.plan!=plan 3"), Unit: interval.Day, Metric: MetricEvents, GroupBy: fieldOf("data.path"), Top: 10},
		"by type":             {Scope: seriesScope(90), Unit: interval.Day, Metric: MetricEvents, GroupBy: fieldOf("type"), Top: 10},
		"sessions":            {Scope: seriesScope(90), Unit: interval.Day, Metric: MetricSessions},
		"sessions by plan":    {Scope: seriesScope(90), Unit: interval.Day, Metric: MetricSessions, GroupBy: fieldOf("data.plan"), Top: 10},
		"sum":                 {Scope: seriesScope(90), Unit: interval.Day, Metric: MetricSum, Field: fieldOf("data.price")},
		"p95":                 {Scope: seriesScope(90), Unit: interval.Day, Metric: "p95", Field: fieldOf("data.price")},
		"max by path":         {Scope: seriesScope(90), Unit: interval.Day, Metric: MetricMax, Field: fieldOf("data.n"), GroupBy: fieldOf("data.path"), Top: 10},
		"filtered by product": {Scope: seriesScope(90, "data.product=product number 7"), Unit: interval.Day, Metric: MetricEvents},
	} {
		b.Run(name, func(b *testing.B) { benchTimeseries(b, q) })
	}
}

func BenchmarkTop(b *testing.B) {
	for _, days := range []int{1, 90} {
		b.Run(fmt.Sprintf("%d days", days), func(b *testing.B) {
			benchTop(b, TopQuery{Scope: seriesScope(days), Field: mustField("data.product"), Metric: MetricEvents, Limit: 20})
		})
	}
	b.Run("sessions", func(b *testing.B) {
		benchTop(b, TopQuery{Scope: seriesScope(90), Field: mustField("data.product"), Metric: MetricSessions, Limit: 20})
	})
}
