package analytics

import (
	"fmt"
	"math/rand/v2"
	"sync"
	"testing"
	"time"

	"github.com/theeye/theeye/queryapi/analytics/interval"
	"github.com/theeye/theeye/shared/columns"
	"github.com/theeye/theeye/shared/query/filter"
	"github.com/theeye/theeye/shared/store"
)

// benchEvents are the events of a session.
const benchEvents = 20

var benchData = sync.OnceValue(func() *dataset {
	builders := map[columns.Key]*columns.Builder{}
	slots := map[columns.Key]map[int64]uint64{}
	r := rand.New(rand.NewPCG(1, 2))
	cache := columns.NewCache(4 << 30)
	d := &dataset{snapshot: &columns.Snapshot{}}
	views := make([]columns.View, 0, seriesDays+1)
	finish := func(key columns.Key) {
		part, err := builders[key].Build(slots[key])
		if err != nil {
			panic(err)
		}
		part.UseCache(cache)
		views = append(views, columns.View{Part: part})
		delete(builders, key)
	}
	start := testStart.Truncate(24 * time.Hour)
	for day := range seriesDays {
		midnight := start.AddDate(0, 0, day)
		for n := range seriesRows() / seriesDays / benchEvents {
			at := midnight.Add(time.Duration(r.Int64N(int64(24 * time.Hour))))
			visitor := r.IntN(150_000)
			id := fmt.Sprintf("%08x-%04x-4000-8000-%012x", r.Uint32(), n, r.Uint32())
			for e := range benchEvents {
				at = at.Add(time.Duration(r.Int64N(int64(time.Minute))))
				typ := r.IntN(30)
				if r.IntN(2) == 0 {
					typ = 0
				}
				doc := &store.Document{
					Status: store.Stored, Application: "shop", EventID: fmt.Sprintf("%d-%d-%d", day, n, e), SessionID: id,
					Category: fmt.Sprint("category ", typ%5), Name: fmt.Sprint("name ", typ), Timestamp: at, ReceivedAt: at.Truncate(time.Millisecond),
					Data: fmt.Appendf(nil, `{"path":"/p/%d","plan":"p%d","user":%d,"visitor":"v%d"}`, r.IntN(200), r.IntN(3), r.IntN(5000), visitor),
				}
				doc.ID = store.DocumentID(doc.Application, doc.EventID)
				key := columns.KeyOf(doc)
				if builders[key] == nil {
					builders[key], slots[key] = columns.NewBuilder(key), map[int64]uint64{}
					builders[key].MaxBytes = 8 << 30
				}
				if err := builders[key].Add(doc); err != nil {
					panic(err)
				}
				slots[key][doc.ReceivedAt.UnixMilli()/10_000]++
			}
		}
		finish(columns.Key{Application: "shop", Day: midnight.Unix() / 86400})
	}
	for key := range builders {
		finish(key)
	}
	d.snapshot.Applications = []columns.ApplicationViews{{Name: "shop", Views: views}}
	d.snapshot.AsOf = start.AddDate(0, 0, seriesDays)
	d.snapshot.Now = d.snapshot.AsOf
	return d
})

func benchScope(days int) Scope {
	end := testStart.Truncate(24*time.Hour).AddDate(0, 0, seriesDays)
	return Scope{Applications: []string{"shop"}, From: end.AddDate(0, 0, -days), To: end, Location: time.UTC}
}

func benchFunnel(days int) *FunnelQuery {
	return &FunnelQuery{Scope: benchScope(days), By: filter.Field{Name: filter.SessionID}, Window: time.Hour, Top: 5, Steps: []FunnelStep{
		{EventSet: EventSet{Name: "name 0", Filter: mustFilter("data.plan=p1")}}, {EventSet: EventSet{Name: "name 3"}}, {EventSet: EventSet{Name: "name 7"}},
	}}
}

// ask measures a question whose answer checks something.
func ask[A any](b *testing.B, question func(*Analytics) (A, error), check func(A) bool) {
	b.Helper()
	a := New(nil)
	benchData()
	if answer, err := question(a); err != nil || !check(answer) {
		b.Fatal(answer, err)
	}
	b.ReportAllocs()
	for b.Loop() {
		if _, err := question(a); err != nil {
			b.Fatal(err)
		}
	}
	reportBar(b)
}

func BenchmarkFunnel(b *testing.B) {
	plan := mustField("data.plan")
	grouped := benchFunnel(90)
	grouped.GroupBy = &plan
	byUser := benchFunnel(90)
	byUser.By = mustField("data.user")
	for name, q := range map[string]*FunnelQuery{"7 days": benchFunnel(7), "90 days": benchFunnel(90), "90 days grouped": grouped, "90 days by user": byUser} {
		b.Run(name, func(b *testing.B) {
			ask(b, func(a *Analytics) (int64, error) {
				f, err := a.Funnel(b.Context(), benchData().snapshot, q)
				return f.Completed, err
			}, func(n int64) bool { return n > 0 })
		})
	}
}

func BenchmarkRetention(b *testing.B) {
	byUser := &RetentionQuery{Scope: benchScope(90), By: mustField("data.user"), Interval: interval.Week, Periods: 12}
	bySession := *byUser
	bySession.By = filter.Field{Name: filter.SessionID}
	byVisitor := *byUser
	byVisitor.By = mustField("data.visitor")
	for name, q := range map[string]*RetentionQuery{"by session": &bySession, "by user": byUser, "by visitor": &byVisitor} {
		b.Run(name, func(b *testing.B) {
			ask(b, func(a *Analytics) (int, error) {
				answer, err := a.Retention(b.Context(), benchData().snapshot, q)
				return len(answer.Cohorts), err
			}, func(n int) bool { return n > 0 })
		})
	}
}

func BenchmarkPaths(b *testing.B) {
	q := &PathsQuery{Scope: benchScope(30), Match: mustFilter("name=name 3"), Value: mustField("data.path"), Depth: 3, Top: 8, Collapse: true}
	ask(b, func(a *Analytics) (int64, error) {
		answer, err := a.Paths(b.Context(), benchData().snapshot, q)
		return answer.Sessions, err
	}, func(n int64) bool { return n > 0 })
}

func BenchmarkSessions(b *testing.B) {
	for name, q := range map[string]*SessionsQuery{
		"7 days":   {Scope: benchScope(7), Limit: 100, Descending: true},
		"filtered": {Scope: benchScope(7), Limit: 100, MinEvents: 5},
	} {
		if name == "filtered" {
			q.Filter = mustFilter("data.path=/p/7")
		}
		b.Run(name, func(b *testing.B) {
			ask(b, func(a *Analytics) (int, error) {
				page, _, err := a.Sessions(b.Context(), benchData().snapshot, q)
				return len(page.Sessions), err
			}, func(n int) bool { return n == 100 })
		})
	}
}

// BenchmarkBareLoop reads the vectors of a funnel of all days in one loop: what no
// question can be faster than on one processor.
func BenchmarkBareLoop(b *testing.B) {
	d := benchData()
	for b.Loop() {
		var sum int64
		for _, v := range d.snapshot.Applications[0].Views {
			times, err := v.Part.Timestamps(b.Context())
			if err != nil {
				b.Fatal(err)
			}
			codes, err := v.Part.TypeCodes(b.Context())
			if err != nil {
				b.Fatal(err)
			}
			column, err := v.Part.Column(b.Context(), mustField("data.plan"))
			if err != nil {
				b.Fatal(err)
			}
			var plans []uint32
			var instants []int64
			plans, instants = readCodes(column.Codes, v.Part.Stored(), &plans), readTimes(times, v.Part.Stored(), &instants)
			forEachCodes(codes, v.Part.Stored(), func(first int, codes []uint32) {
				for i, code := range codes {
					if code == 0 || plans[first+i] == 1 {
						sum += instants[first+i]
					}
				}
			})
		}
		if sum == 0 {
			b.Fatal(sum)
		}
	}
}
