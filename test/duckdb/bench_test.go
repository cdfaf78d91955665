package duckdb_test

import (
	"context"
	"database/sql"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/theeye/theeye/queryapi/analytics"
	"github.com/theeye/theeye/queryapi/analytics/interval"
	"github.com/theeye/theeye/shared/columns"
	"github.com/theeye/theeye/shared/query/filter"
	"github.com/theeye/theeye/shared/store"
)

const (
	benchDays = 90
	// benchRatio is how many times as fast as DuckDB a statistic has to be.
	benchRatio = 3
)

// benchRows are the numbers of events: a million and ten millions, or as EYE_BENCH_ROWS
// says.
func benchRows(b *testing.B) []int {
	b.Helper()
	text := os.Getenv("EYE_BENCH_ROWS")
	if text == "" {
		return []int{1_000_000, 10_000_000}
	}
	n, err := strconv.Atoi(text)
	if err != nil {
		b.Fatal(err)
	}
	return []int{n}
}

var benchStart = time.Date(2026, 8, 3, 0, 0, 0, 0, time.UTC) // a Monday

// benchDay builds the events of a day: 20 a session, 30 types, 150,000 visitors. One
// session of 20 goes on every day. No two events of a session are at one time.
func benchDay(b *testing.B, day, rows int) *columns.Part {
	b.Helper()
	r := rand.New(rand.NewPCG(uint64(day), 1))
	builder := columns.NewBuilder(columns.Key{Application: "shop", Day: benchStart.Unix()/86400 + int64(day)})
	builder.MaxBytes = 8 << 30
	products := rand.NewZipf(r, 1.1, 100, 145_000)
	var session string
	var visitor int
	var at time.Time
	for i := range rows {
		if i%20 == 0 {
			visitor = r.IntN(150_000)
			session = fmt.Sprintf("%08x-0000-4000-8000-%012x", r.Uint32(), r.Uint64()>>16)
			if i%400 == 0 {
				session = fmt.Sprintf("00000000-0000-4000-8000-%012x", i/400)
			}
			at = benchStart.AddDate(0, 0, day).Add(time.Duration(r.Int64N(int64(23 * time.Hour))))
		}
		at = at.Add(time.Microsecond + time.Duration(r.Int64N(int64(time.Minute)))).Truncate(time.Microsecond)
		kind := r.IntN(30)
		d := &store.Document{
			Status: store.Stored, Application: "shop", EventID: strconv.Itoa(day*rows + i), SessionID: session,
			Category: fmt.Sprint("category ", kind/6), Name: fmt.Sprint("name ", kind), Timestamp: at, ReceivedAt: at.Truncate(time.Millisecond), SchemaVersion: 3,
			Data: fmt.Appendf(nil, `{"plan":"plan %d","path":"/path/%d","product":"product number %d","price":%d,"visitor":"v%d"}`,
				r.IntN(4), r.IntN(2000), products.Uint64(), r.IntN(50_000), visitor),
		}
		d.ID = store.DocumentID(d.Application, d.EventID)
		if err := builder.Add(d); err != nil {
			b.Fatal(err)
		}
	}
	part, err := builder.Build(nil)
	if err != nil {
		b.Fatal(err)
	}
	return part
}

// benchFolder writes a folder of so many events, and returns it and a snapshot of its
// files, read as the query API reads them.
func benchFolder(b *testing.B, rows int) (string, *columns.Snapshot) {
	b.Helper()
	root := filepath.Join(b.TempDir(), "columns")
	folder, err := columns.NewFolder(root, "store", columns.NewCache(4<<30))
	if err != nil {
		b.Fatal(err)
	}
	views := make([]columns.View, benchDays)
	var group sync.WaitGroup
	for worker := range runtime.GOMAXPROCS(0) {
		group.Go(func() {
			for day := worker; day < benchDays; day += runtime.GOMAXPROCS(0) {
				e, err := folder.Write(b.Context(), benchDay(b, day, rows/benchDays), "g1")
				if err == nil {
					views[day].Part, err = folder.Open(e)
				}
				if err != nil {
					b.Error(err)
				}
			}
		})
	}
	if group.Wait(); b.Failed() {
		b.FailNow()
	}
	now := benchStart.AddDate(0, 0, benchDays)
	return root, &columns.Snapshot{AsOf: now, Now: now, Applications: []columns.ApplicationViews{{Name: "shop", Views: views}}}
}

// statistic is one question to both. Either returns a figure of its answer: they must be
// the same.
type statistic struct {
	name string
	ask  func(ctx context.Context, a *analytics.Analytics, s *columns.Snapshot) (int64, error)
	sql  string
}

func benchScope(days int, filters ...string) analytics.Scope {
	to := benchStart.AddDate(0, 0, benchDays)
	match, err := filter.Parse(filters, to)
	if err != nil {
		panic(err)
	}
	return analytics.Scope{Applications: []string{"shop"}, Location: time.UTC, From: to.AddDate(0, 0, -days), To: to, Filter: match}
}

func benchField(text string) filter.Field {
	f, err := filter.ParseField(text)
	if err != nil {
		panic(err)
	}
	return f
}

// series asks for a series; the figure is its total.
func series(q analytics.TimeseriesQuery) func(context.Context, *analytics.Analytics, *columns.Snapshot) (int64, error) {
	return func(ctx context.Context, a *analytics.Analytics, s *columns.Snapshot) (int64, error) {
		answer, err := a.Timeseries(ctx, s, q)
		if err != nil {
			return 0, err
		}
		total := 0.0
		for _, v := range answer.Total.Values {
			f, err := strconv.ParseFloat(string(v), 64)
			if err != nil {
				return 0, err
			}
			total += f
		}
		return int64(total), nil
	}
}

// topCount asks for the most frequent products; the figure is the sum of their counts.
func topCount(days int) func(context.Context, *analytics.Analytics, *columns.Snapshot) (int64, error) {
	q := analytics.TopQuery{Scope: benchScope(days), Field: benchField("data.product"), Metric: analytics.MetricEvents, Limit: 20}
	return func(ctx context.Context, a *analytics.Analytics, s *columns.Snapshot) (n int64, err error) {
		answer, err := a.Top(ctx, s, q)
		if err != nil {
			return 0, err
		}
		for _, v := range answer.Values {
			n += v.Count
		}
		return n, nil
	}
}

// completed asks for a funnel; the figure is who completed it.
func completed(days int) func(context.Context, *analytics.Analytics, *columns.Snapshot) (int64, error) {
	first := benchScope(days, `data.plan="plan 1"`)
	q := &analytics.FunnelQuery{Scope: benchScope(days), By: benchField("session_id"), Steps: []analytics.FunnelStep{
		{EventSet: analytics.EventSet{Name: "name 0", Filter: first.Filter}}, {EventSet: analytics.EventSet{Name: "name 3"}}, {EventSet: analytics.EventSet{Name: "name 7"}},
	}}
	return func(ctx context.Context, a *analytics.Analytics, s *columns.Snapshot) (int64, error) {
		answer, err := a.Funnel(ctx, s, q)
		if err != nil {
			return 0, err
		}
		return answer.Completed, nil
	}
}

// returns asks for the retention of visitors; the figure is the sum of its cells.
func returns(by string) func(context.Context, *analytics.Analytics, *columns.Snapshot) (int64, error) {
	q := &analytics.RetentionQuery{Scope: benchScope(benchDays), By: benchField(by), Interval: interval.Week, Periods: 12}
	return func(ctx context.Context, a *analytics.Analytics, s *columns.Snapshot) (n int64, err error) {
		answer, err := a.Retention(ctx, s, q)
		if err != nil {
			return 0, err
		}
		for _, c := range answer.Cohorts {
			for _, returned := range c.Returned {
				n += returned
			}
		}
		return n, nil
	}
}

// pathSessions asks for paths; the figure is the number of sessions with a match.
func pathSessions(ctx context.Context, a *analytics.Analytics, s *columns.Snapshot) (int64, error) {
	scope := benchScope(30)
	answer, err := a.Paths(ctx, s, &analytics.PathsQuery{
		Scope: scope, Match: benchScope(30, "name=name 3").Filter, Value: benchField("data.path"), Depth: 3, Top: 8, Collapse: true,
	})
	if err != nil {
		return 0, err
	}
	return answer.Sessions, nil
}

// page asks for the newest events that a filter matches; the figure is their number.
func page(ctx context.Context, a *analytics.Analytics, s *columns.Snapshot) (int64, error) {
	list, _, err := a.Events(ctx, s, &analytics.EventsQuery{Scope: benchScope(benchDays, "data.path=/path/77"), Descending: true, Limit: 100})
	return int64(len(list)), err
}

// since is the condition on the last days, in SQL.
func since(days int) string {
	return fmt.Sprintf("epoch_us(timestamp) >= %d", benchStart.AddDate(0, 0, benchDays-days).UnixMicro())
}

func funnelSQL(days int) string {
	return `WITH e AS (SELECT session_id s, epoch_us(timestamp) t, name, "data.plan" plan FROM events WHERE name IN ('name 0', 'name 3', 'name 7') AND ` + since(days) + `),
		a AS (SELECT s, min(t) t FROM e WHERE name = 'name 0' AND plan = 'plan 1' GROUP BY s),
		b AS (SELECT e.s, min(e.t) t FROM e JOIN a USING (s) WHERE name = 'name 3' AND e.t > a.t GROUP BY e.s)
		SELECT count(DISTINCT e.s) FROM e JOIN b USING (s) WHERE name = 'name 7' AND e.t > b.t`
}

func retentionSQL(by string) string {
	return `WITH e AS (SELECT ` + by + ` v, epoch_us(timestamp) t FROM events),
		f AS (SELECT v, min(t) t0 FROM e GROUP BY v),
		r AS (SELECT DISTINCT v, (t - ` + strconv.FormatInt(benchStart.UnixMicro(), 10) + `) // 604800000000 - (t0 - ` + strconv.FormatInt(benchStart.UnixMicro(), 10) + `) // 604800000000 k
			FROM e JOIN f USING (v) WHERE t > t0)
		SELECT count(*) FROM r WHERE k < 12`
}

func statistics() []statistic {
	const day = "epoch_us(timestamp) // 86400000000"
	path, price := benchField("data.path"), benchField("data.price")
	return []statistic{
		{
			"hourly", series(analytics.TimeseriesQuery{Scope: benchScope(80), Unit: interval.Hour, Metric: analytics.MetricEvents}),
			`SELECT sum(n) FROM (SELECT count(*) n FROM events WHERE ` + since(80) + ` GROUP BY epoch_us(timestamp) // 3600000000)`,
		},
		{"grouped and filtered", series(analytics.TimeseriesQuery{
			Scope: benchScope(90, "data.plan!=plan 3"), Unit: interval.Day, Metric: analytics.MetricEvents, GroupBy: &path, Top: 10,
		}), `SELECT sum(n) FROM (SELECT count(*) n FROM events WHERE "data.plan" != 'plan 3' GROUP BY "data.path", ` + day + `)`},
		{
			"sessions a day", series(analytics.TimeseriesQuery{Scope: benchScope(90), Unit: interval.Day, Metric: analytics.MetricSessions}),
			`SELECT sum(n) FROM (SELECT count(DISTINCT session_id) n FROM events GROUP BY ` + day + `)`,
		},
		{
			"sum a day", series(analytics.TimeseriesQuery{Scope: benchScope(90), Unit: interval.Day, Metric: analytics.MetricSum, Field: &price}),
			`SELECT sum(n)::BIGINT FROM (SELECT sum("data.price:number") n FROM events GROUP BY ` + day + `)`,
		},
		{
			"percentile a day", series(analytics.TimeseriesQuery{Scope: benchScope(90), Unit: interval.Day, Metric: "p95", Field: &price}),
			`SELECT sum(n)::BIGINT FROM (SELECT quantile_disc("data.price:number", 0.95) n FROM events GROUP BY ` + day + `)`,
		},
		{
			"top, a day", topCount(1),
			`SELECT sum(n) FROM (SELECT "data.product", count(*) n FROM events WHERE ` + since(1) + ` GROUP BY 1 ORDER BY n DESC, 1 LIMIT 20)`,
		},
		{"top, 90 days", topCount(90), `SELECT sum(n) FROM (SELECT "data.product", count(*) n FROM events GROUP BY 1 ORDER BY n DESC, 1 LIMIT 20)`},
		{"funnel, 7 days", completed(7), funnelSQL(7)},
		{"funnel, 90 days", completed(90), funnelSQL(90)},
		{"retention by session", returns("session_id"), retentionSQL("session_id")},
		{"retention by visitor", returns("data.visitor"), retentionSQL(`"data.visitor"`)},
		{"paths", pathSessions, `WITH e AS (SELECT session_id s, epoch_us(timestamp) t, name, "data.path" p FROM events WHERE ` + since(30) + `),
			m AS (SELECT s, min(t) t0 FROM e WHERE name = 'name 3' GROUP BY s),
			c AS (SELECT s, t, p FROM e JOIN m USING (s) WHERE t >= t0 QUALIFY lag(p) OVER (PARTITION BY s ORDER BY t) IS DISTINCT FROM p),
			n AS (SELECT s, p, row_number() OVER (PARTITION BY s ORDER BY t) step FROM c QUALIFY step <= 4)
			SELECT sum(k) FROM (SELECT p, count(*) k FROM n WHERE step = 1 GROUP BY p) WHERE (SELECT count(DISTINCT (step, p)) FROM n) > 0`},
		{"page of a filter", page, `SELECT count(*) FROM (SELECT event_id, timestamp FROM events WHERE "data.path" = '/path/77' ORDER BY timestamp DESC, event_id DESC LIMIT 100)`},
	}
}

// median returns the median time of three calls, after one that is not measured.
func median(b *testing.B, call func() error) time.Duration {
	b.Helper()
	took := make([]time.Duration, 0, 4)
	for range cap(took) {
		start := time.Now()
		if err := call(); err != nil {
			b.Fatal(err)
		}
		took = append(took, time.Since(start))
	}
	took = took[1:]
	slices.Sort(took)
	return took[len(took)/2]
}

// BenchmarkAgainstDuckDB asks the same questions of the same files, warm, with as many
// threads: "ratio" is how many times as long DuckDB takes. The bar is 3 each. DuckDB has
// the easier questions: all documents are stored, none expires, and it returns one figure.
func BenchmarkAgainstDuckDB(b *testing.B) {
	for _, rows := range benchRows(b) {
		b.Run(strconv.Itoa(rows), func(b *testing.B) {
			root, snapshot := benchFolder(b, rows)
			db, err := sql.Open("duckdb", "")
			if err != nil {
				b.Fatal(err)
			}
			defer func() { _ = db.Close() }()
			db.SetMaxOpenConns(1)
			for _, statement := range []string{
				"SET threads = " + strconv.Itoa(runtime.GOMAXPROCS(0)),
				fmt.Sprintf(`CREATE VIEW events AS SELECT * FROM read_parquet('%s/**/*.parquet', hive_partitioning=1, union_by_name=1)`, filepath.ToSlash(root)),
			} {
				if _, err := db.ExecContext(b.Context(), statement); err != nil {
					b.Fatal(err)
				}
			}
			a := analytics.New(nil)
			for _, q := range statistics() {
				b.Run(strings.ReplaceAll(q.name, ", ", "/"), func(b *testing.B) { compare(b, a, snapshot, db, q) })
			}
		})
	}
}

func compare(b *testing.B, a *analytics.Analytics, snapshot *columns.Snapshot, db *sql.DB, q statistic) {
	var own, others time.Duration
	for b.Loop() {
		var ours, theirs int64
		own += median(b, func() (err error) {
			ours, err = q.ask(b.Context(), a, snapshot)
			return err
		})
		others += median(b, func() error { return db.QueryRowContext(b.Context(), q.sql).Scan(&theirs) })
		if ours != theirs || ours == 0 {
			b.Fatalf("%d, of DuckDB %d", ours, theirs)
		}
	}
	ratio := float64(others) / float64(own)
	b.ReportMetric(0, "ns/op")
	b.ReportMetric(own.Seconds()*1e3/float64(b.N), "ms")
	b.ReportMetric(others.Seconds()*1e3/float64(b.N), "duckdb-ms")
	b.ReportMetric(ratio, "ratio")
	if ratio < benchRatio {
		b.Logf("below the bar: %.1f times as fast as DuckDB, not %d", ratio, benchRatio)
	}
}
