//go:build long

package bench

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/theeye/theeye/test/harness"
)

// BenchmarkSoak runs `theeye up` at its full rate, prints its memory and the latency of
// its answers each minute, and checks that memory stays within 400 MiB and is flat after
// the first minute.
func BenchmarkSoak(b *testing.B) {
	p, _ := start(b, shapes[0])
	once(b, func() {
		s := newSender(p)
		s.answers = new(latencies)
		done := make(chan error, 1)
		go func() {
			rate, err := s.sustainedRate(b.Context(), seconds("EYE_SOAK_SECONDS", 600))
			b.ReportMetric(rate, "events/s")
			done <- err
		}()
		minutes := memoryByMinute(b, p.Processes[0], s.answers, done)
		harness.ReportAtMost(b, slices.Max(minutes), "MiB", 400)
		if n := len(minutes); n > 2 {
			harness.ReportAtMost(b, minutes[n-1]/minutes[1], "last-minute-of-second", 1.1)
		}
	})
}

// memoryByMinute returns the most memory of a process in MiB in each minute, until done.
func memoryByMinute(b *testing.B, up *harness.Process, answers *latencies, done <-chan error) (minutes []float64) {
	b.Helper()
	tick := time.NewTicker(time.Second)
	defer tick.Stop()
	var samples, most int64
	closeMinute := func() {
		minutes = append(minutes, float64(most)/(1<<20))
		b.Logf("minute %2d: %3.0f MiB; answers p50 %s, p99 %s, p99.9 %s; load of the machine %s", len(minutes), minutes[len(minutes)-1],
			answers.quantile(0.5), answers.quantile(0.99), answers.quantile(0.999), harness.MachineLoad())
		answers.reset()
		samples, most = 0, 0
	}
	for {
		select {
		case err := <-done:
			if err != nil {
				b.Fatal(err)
			}
			if samples > 0 || len(minutes) == 0 {
				closeMinute()
			}
			return minutes
		case <-tick.C:
			rss, err := up.RSS()
			if err != nil {
				b.Fatal(err)
			}
			most = max(most, rss)
			if samples++; samples == 60 {
				closeMinute()
			}
		}
	}
}

// BenchmarkTenMillion compares the write rate of `theeye up` with many events stored,
// 10,000,000 or EYE_BENCH_MANY, with the rate at 100,000. Then it stops the process in
// order, and measures how soon it accepts and how soon it queries after a start.
func BenchmarkTenMillion(b *testing.B) {
	p, _ := start(b, shapes[0])
	once(b, func() {
		s := newSender(p)
		const few = 100_000
		many, d := setting("EYE_BENCH_MANY", 10_000_000), seconds("EYE_BENCH_SECONDS", 20)
		early := s.rateAfter(b, few, d)
		late := s.rateAfter(b, many-few, d)
		b.ReportMetric(late, "events/s")
		harness.ReportAtLeast(b, late/early, "of-early", 0.75)

		endInOrder(b, p.Processes[0])
		accepts, queries, err := s.measureStart(b.Context())
		if err != nil {
			b.Fatal(err)
		}
		harness.ReportAtMost(b, accepts.Seconds(), "s-until-it-accepts", 2)
		harness.ReportAtMost(b, queries.Seconds(), "s-until-it-queries", 3)
	})
}

// rateAfter stores n events, then returns the sustained rate.
func (s *sender) rateAfter(b *testing.B, n int, d time.Duration) float64 {
	b.Helper()
	if err := s.loadEvents(b.Context(), n); err != nil {
		b.Fatal(err)
	}
	rate, err := s.sustainedRate(b.Context(), d)
	if err != nil {
		b.Fatal(err)
	}
	b.Logf("after %d events more: %.0f events/s; load of the machine %s", n, rate, harness.MachineLoad())
	return rate
}

// startPoll is how often a process that starts is asked.
const startPoll = 5 * time.Millisecond

// measureStart starts the process and returns how long it takes until it accepts an
// event, and until it answers a query.
func (s *sender) measureStart(ctx context.Context) (accepts, queries time.Duration, err error) {
	begun := time.Now()
	if err := s.pipeline.Processes[0].Launch(); err != nil {
		return 0, 0, err
	}
	ctx, cancel := context.WithTimeoutCause(ctx, 5*time.Minute, errors.New("it does not start"))
	defer cancel()
	body := (&source{}).appendBatch(nil, 1, nil)
	group, ctx := errgroup.WithContext(ctx)
	until := func(took *time.Duration, ask func() error) {
		group.Go(func() error {
			for ask() != nil {
				select {
				case <-ctx.Done():
					return fmt.Errorf("start again: %w", context.Cause(ctx))
				case <-time.After(startPoll):
				}
			}
			*took = time.Since(begun)
			return nil
		})
	}
	until(&accepts, func() error { return s.postOnce(ctx, body) })
	until(&queries, func() error { return s.getJSON(ctx, "/v1/events?limit=10", nil) })
	return accepts, queries, group.Wait()
}

// reset forgets everything that was added.
func (l *latencies) reset() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.d = nil
}
