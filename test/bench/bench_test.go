package bench

import (
	"context"
	"fmt"
	"maps"
	"os"
	"slices"
	"testing"
	"time"

	"github.com/theeye/theeye/test/harness"
)

func TestMain(m *testing.M) {
	code := m.Run()
	harness.Clean()
	os.Exit(code)
}

// start runs a shape's pipeline for one benchmark.
func start(b *testing.B, s shape) (*harness.Pipeline, string) {
	b.Helper()
	bin, err := harness.Build(b.Context())
	if err != nil {
		b.Fatal(err)
	}
	dir := b.TempDir()
	p, err := s.make(bin, dir)
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(p.Stop)
	if err := p.Start(b.Context()); err != nil {
		b.Fatal(err)
	}
	return p, dir
}

// once runs f a single time, however often the framework asks: a sustained run
// is long enough by itself.
func once(b *testing.B, f func()) {
	b.Helper()
	b.ResetTimer()
	f()
	b.StopTimer()
	b.ReportMetric(0, "ns/op")
}

// BenchmarkEndToEnd is the sustained rate until queryable, in batches of 100
// from 8 connections, against bare inserts. The goal is 0.45 of them.
func BenchmarkEndToEnd(b *testing.B) {
	for _, s := range shapes {
		b.Run(s.name, func(b *testing.B) {
			p, dir := start(b, s)
			once(b, func() {
				d := seconds("EYE_BENCH_SECONDS", 20)
				got, err := newSender(p).sustainedRate(b.Context(), d)
				if err != nil {
					b.Fatal(err)
				}
				p.Stop()
				bare, err := s.bare(b.Context(), dir, d/3)
				if err != nil {
					b.Fatal(err)
				}
				b.ReportMetric(got, "events/s")
				b.ReportMetric(bare, "bare/s")
				b.ReportMetric(got/bare, "of-bare")
			})
		})
	}
}

// BenchmarkDuplicates is the rate of a stream with 10 % duplicates against
// that of a fresh one. The goal is 0.7.
func BenchmarkDuplicates(b *testing.B) {
	for _, s := range shapes {
		b.Run(s.name, func(b *testing.B) {
			p, _ := start(b, s)
			once(b, func() {
				d := seconds("EYE_BENCH_SECONDS", 20) / 2
				fresh := newSender(p)
				freshRate, err := fresh.sustainedRate(b.Context(), d)
				if err != nil {
					b.Fatal(err)
				}
				again := newSender(p)
				again.duplicates = 0.1
				againRate, err := again.sustainedRate(b.Context(), d)
				if err != nil {
					b.Fatal(err)
				}
				b.ReportMetric(againRate, "events/s")
				b.ReportMetric(againRate/freshRate, "of-fresh")
			})
		})
	}
}

// BenchmarkLatency sends single events at 1,000/s: the answer's p99 should be
// under 50 ms, and an event queryable within a second, 250 ms the aim.
func BenchmarkLatency(b *testing.B) {
	for _, s := range shapes {
		b.Run(s.name, func(b *testing.B) {
			p, _ := start(b, s)
			once(b, func() {
				u := &untilQueryable{sender: newSender(p)}
				if err := openLoop(b.Context(), 1000, seconds("EYE_BENCH_SECONDS", 20), u.measureOne); err != nil {
					b.Fatal(err)
				}
				reportMs(b, "answer", &u.answer)
				reportMs(b, "queryable", &u.queryable)
			})
		})
	}
}

// BenchmarkLarge fills the store, measures the rate again, and asks for
// session timelines while 1,000 events/s arrive: the goals are 0.8 of the
// first rate and a p99 of 50 ms on SQLite.
func BenchmarkLarge(b *testing.B) {
	for _, s := range shapes {
		b.Run(s.name, func(b *testing.B) {
			p, _ := start(b, s)
			once(b, func() {
				first, last := fill(b, newSender(p), setting("EYE_BENCH_STORED", 100_000))
				b.ReportMetric(last, "events/s")
				b.ReportMetric(last/first, "of-first")
				timelines := queryUnderLoad(b, newSender(p), seconds("EYE_BENCH_SECONDS", 20)/2)
				reportMs(b, "timeline", timelines)
			})
		})
	}
}

// fill stores at least n events and returns the rates of the first and of the
// last tenth.
func fill(b *testing.B, s *sender, n int) (first, last float64) {
	b.Helper()
	stored := 0
	for stored < n {
		start := time.Now()
		rate, err := s.sustainedRate(b.Context(), 3*time.Second)
		if err != nil {
			b.Fatal(err)
		}
		stored += int(rate * time.Since(start).Seconds())
		if first == 0 {
			first = rate
		}
		last = rate
	}
	return first, last
}

// queryUnderLoad asks for timelines of stored sessions, 100 a second, beside
// 1,000 events a second.
func queryUnderLoad(b *testing.B, s *sender, d time.Duration) *latencies {
	b.Helper()
	ctx, cancel := context.WithCancel(b.Context())
	defer cancel()
	var page struct {
		Events []struct {
			SessionID string `json:"session_id"`
		} `json:"events"`
	}
	if err := s.getJSON(ctx, "/v1/events?limit=1000&order=asc", &page); err != nil || len(page.Events) == 0 {
		b.Fatalf("no sessions to ask for: %v", err)
	}
	load := &untilQueryable{sender: newSender(s.pipeline)}
	loadDone := make(chan error, 1)
	go func() { loadDone <- openLoop(ctx, 1000, d, load.measureOne) }()
	var timelines latencies
	next := make(chan int, 1)
	next <- 0
	err := openLoop(ctx, 100, d, func(ctx context.Context, due time.Time) error {
		i := <-next
		next <- i + 1
		defer func() { timelines.addSample(time.Since(due)) }()
		return s.getJSON(ctx, "/v1/sessions/"+page.Events[i*7%len(page.Events)].SessionID, nil)
	})
	if err != nil {
		b.Fatal(err)
	}
	if err := <-loadDone; err != nil {
		b.Fatal(err)
	}
	return &timelines
}

// BenchmarkMemory samples the resident memory of every process through a
// sustained run at the full rate.
func BenchmarkMemory(b *testing.B) {
	for _, s := range shapes {
		b.Run(s.name, func(b *testing.B) {
			p, _ := start(b, s)
			once(b, func() {
				d := seconds("EYE_SOAK_SECONDS", 60)
				ctx, cancel := context.WithTimeout(b.Context(), d+5*time.Minute)
				defer cancel()
				done := make(chan error, 1)
				go func() {
					_, err := newSender(p).sustainedRate(ctx, d)
					done <- err
				}()
				sampleMemory(b, p, done)
			})
		})
	}
}

// sampleMemory prints, for each process, the most memory it used in each fifth
// of the run, and reports the most of all.
func sampleMemory(b *testing.B, p *harness.Pipeline, done <-chan error) {
	b.Helper()
	for name, most := range memoryUntil(b, p, "", done) {
		b.ReportMetric(float64(most>>20), metricName(name)+"-MiB")
	}
}

// memoryUntil prints the same until done, and returns the most of all in bytes.
func memoryUntil(b *testing.B, p *harness.Pipeline, what string, done <-chan error) map[string]int64 {
	b.Helper()
	samples := map[string][]int64{}
	tick := time.NewTicker(250 * time.Millisecond)
	defer tick.Stop()
	for running := true; running; {
		select {
		case err := <-done:
			if err != nil {
				b.Fatal(err)
			}
			running = false
		case <-tick.C:
			for _, proc := range p.Processes {
				if rss, err := proc.RSS(); err == nil {
					samples[proc.Name] = append(samples[proc.Name], rss)
				}
			}
		}
	}
	most := map[string]int64{}
	for _, name := range slices.Sorted(maps.Keys(samples)) {
		all := samples[name]
		line := fmt.Sprintf("%s%-12s MiB, most in each fifth:", what, name)
		for i := range 5 {
			part := int64(0)
			for _, rss := range all[i*len(all)/5 : (i+1)*len(all)/5] {
				part = max(part, rss)
			}
			line += fmt.Sprintf(" %d", part>>20)
			most[name] = max(most[name], part)
		}
		b.Log(line)
	}
	return most
}

func metricName(process string) string {
	out := []rune(process)
	for i, r := range out {
		if r == ' ' {
			out[i] = '-'
		}
	}
	return string(out)
}

func reportMs(b *testing.B, what string, l *latencies) {
	b.Helper()
	for _, q := range []struct {
		name string
		q    float64
	}{{"p50", 0.5}, {"p99", 0.99}, {"p999", 0.999}} {
		b.ReportMetric(float64(l.quantile(q.q).Microseconds())/1000, what+"-"+q.name+"-ms")
	}
}
