package bench

import (
	"fmt"
	"testing"

	"github.com/theeye/theeye/test/harness"
)

// loneBar is the least ratio of lone events to bare single publishes. The services do
// everything else beside them on the same disk and cores.
const loneBar = 1.2

// BenchmarkLone is the rate of events from 64 connections that send one a request,
// against single synced publishes to a bare server on the same disk. Both alternate;
// the bare server begins when every event of the pipeline is stored. The pipeline
// validates, stores and indexes each event beside it.
func BenchmarkLone(b *testing.B) {
	for _, s := range shapes {
		b.Run(s.name, func(b *testing.B) {
			p, dir := start(b, s)
			bare, err := openBareStream(b.Context(), dir)
			if err != nil {
				b.Fatal(err)
			}
			b.Cleanup(func() { _ = bare.stopServer() })
			once(b, func() {
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
					awaitStored(b, p, warm.sampleCount()+took.sampleCount())
					singles, err := bare.singlesRate(b.Context(), part)
					if err != nil {
						b.Fatal(err)
					}
					sum, bareSum = sum+lone, bareSum+singles
				}
				b.ReportMetric(sum/rounds, "events/s")
				b.ReportMetric(bareSum/rounds, "bare/s")
				reportOfBar(b, "of-bare", sum/bareSum, loneBar)
				reportMs(b, "answer", &took)
			})
		})
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

// reportOfBar reports a ratio and marks it where it is below its bar.
func reportOfBar(b *testing.B, unit string, ratio, bar float64) {
	b.Helper()
	b.ReportMetric(ratio, unit)
	verdict := "reached"
	if ratio < bar {
		verdict = "BELOW"
	}
	b.Logf("%s %.2f, bar %.2f: %s", unit, ratio, bar, verdict)
}
