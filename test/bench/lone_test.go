package bench

import (
	"context"
	"fmt"
	"syscall"
	"testing"
	"time"

	"github.com/theeye/theeye/test/harness"
)

// The least ratios of lone events to bare single publishes: of a pipeline, which does
// everything else beside them on the same disk and cores, and of a collector alone.
const (
	loneBar      = 1.2
	loneAloneBar = 2.5
)

// BenchmarkLone is the rate of events from 64 connections that send one a request,
// against single synced publishes to a bare server on the same disk. Both alternate;
// the bare server begins when every event of the pipeline is stored. The pipeline
// validates, stores and indexes each event beside it. "collector" has a collector and
// a NATS server, and nothing else.
func BenchmarkLone(b *testing.B) {
	for _, s := range shapes {
		b.Run(s.name, func(b *testing.B) {
			p, dir := start(b, s)
			once(b, func() { compareLone(b, p, dir, loneBar, awaitStored) })
		})
	}
	b.Run("collector", func(b *testing.B) {
		p, dir := start(b, shape{make: harness.Split})
		for _, name := range []string{"processor", "query API"} {
			for _, process := range p.FindProcesses(name) {
				endInOrder(b, process)
			}
		}
		once(b, func() { compareLone(b, p, dir, loneAloneBar, func(*testing.B, *harness.Pipeline, int) {}) })
	})
}

// compareLone reports the rate of lone events in rates of bare publishes. settle waits
// until the pipeline does nothing more for so many events.
func compareLone(b *testing.B, p *harness.Pipeline, dir string, bar float64, settle func(b *testing.B, p *harness.Pipeline, n int)) {
	b.Helper()
	bare, err := openBareStream(b.Context(), dir)
	if err != nil {
		b.Fatal(err)
	}
	defer func() { _ = bare.stopServer() }()
	const rounds = 3
	part := seconds("EYE_BENCH_SECONDS", 20) / (2*rounds + 1)
	var warm, took latencies
	if _, err := loneRate(b.Context(), p, part, &warm); err != nil {
		b.Fatal(err)
	}
	sum, bareSum := 0.0, 0.0
	for range rounds {
		lone, err := loneRate(b.Context(), p, part, &took)
		if err != nil {
			b.Fatal(err)
		}
		settle(b, p, warm.sampleCount()+took.sampleCount())
		singles, err := bare.singlesRate(b.Context(), part)
		if err != nil {
			b.Fatal(err)
		}
		sum, bareSum = sum+lone, bareSum+singles
	}
	b.ReportMetric(sum/rounds, "events/s")
	b.ReportMetric(bareSum/rounds, "bare/s")
	harness.ReportAtLeast(b, sum/bareSum, "of-bare", bar)
	reportMs(b, "answer", &took)
}

// endInOrder ends a process as an operator does.
func endInOrder(b *testing.B, p *harness.Process) {
	b.Helper()
	ctx, cancel := context.WithTimeout(b.Context(), time.Minute)
	defer cancel()
	if err := p.Signal(syscall.SIGTERM); err != nil {
		b.Fatal(err)
	}
	if code, err := p.Wait(ctx); err != nil || code != 0 {
		b.Fatalf("%s ends with %d: %v", p.Name, code, err)
	}
}

// awaitStored waits until a number of events have an outcome.
func awaitStored(b *testing.B, p *harness.Pipeline, n int) {
	b.Helper()
	s := newSender(p)
	err := harness.Poll(b.Context(), func() error {
		if done, err := s.processedCount(b.Context()); err != nil || int(done) < n {
			return fmt.Errorf("%v of %d events have an outcome (%w)", done, n, err)
		}
		return nil
	})
	if err != nil {
		b.Fatal(err)
	}
}
