package refresh

import (
	"context"
	"os"
	"runtime"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/theeye/theeye/shared/store"
	"github.com/theeye/theeye/shared/store/storetest"
)

// fill writes events that were received at an even rate from a moment on.
func fill(b *testing.B, s store.Store, first, n int, from time.Time, every time.Duration) {
	b.Helper()
	w := store.NewWriter(store.WriterConfig{Backend: s})
	for done := 0; done < n; {
		docs := storetest.Events(first+done, min(1000, n-done))
		for i, d := range docs {
			d.ReceivedAt = from.Add(time.Duration(done+i) * every).Truncate(time.Millisecond)
			d.Timestamp = d.ReceivedAt.Add(-time.Second)
		}
		if _, err := w.Write(b.Context(), docs); err != nil {
			b.Fatal(err)
		}
		done += len(docs)
	}
}

// benchClock is the end of the events of benchmarks.
func benchClock() time.Time { return benchEnd.Add(-time.Minute) }

// A cold build of everything, and when the first question about the newest day, and
// about an old one, has its answer.
func BenchmarkColdBuild(b *testing.B) {
	s := openBenchStore(b)
	dir := os.Getenv("EYE_BENCH_COLUMNS")
	if dir == "" {
		dir = b.TempDir()
	}
	for b.Loop() {
		r := newRefresher(b, s, dir, benchClock)
		ctx, cancel := context.WithCancel(b.Context())
		ended := make(chan struct{})
		began := time.Now()
		go func() { defer close(ended); _ = r.Run(ctx) }()
		ask := func(name string, n Need) {
			n.Applications = []string{"demo"}
			if _, err := r.Snapshot(b.Context(), n); err != nil {
				b.Fatal(err)
			}
			b.ReportMetric(time.Since(began).Seconds(), name)
		}
		ask("s-newest-received", Need{ReceivedFrom: benchEnd.Add(-dayLength)})
		ask("s-newest", Need{From: benchEnd.Add(-dayLength)})
		ask("s-two-months-ago", Need{From: benchEnd.Add(-60 * dayLength), To: benchEnd.Add(-59 * dayLength)})
		ask("s-all", Need{})
		status := r.Status()
		b.ReportMetric(float64(status.Rows)/time.Since(began).Seconds(), "events/s")
		b.ReportMetric(float64(status.Bytes)/float64(status.Rows), "bytes/event")
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		b.ReportMetric(float64(m.HeapInuse)/(1<<20), "MiB-heap")
		b.ReportMetric(peakMiB(b), "MiB-peak")
		cancel()
		<-ended
	}
}

// peakMiB is the largest resident memory that the process ever had.
func peakMiB(b *testing.B) float64 {
	b.Helper()
	text, err := os.ReadFile("/proc/self/status")
	if err != nil {
		return 0
	}
	for line := range strings.Lines(string(text)) {
		if rest, ok := strings.CutPrefix(line, "VmHWM:"); ok {
			kib, err := strconv.Atoi(strings.Fields(rest)[0])
			if err != nil {
				b.Fatal(err)
			}
			return float64(kib) / 1024
		}
	}
	return 0
}

// A start over files that are there already.
func BenchmarkWarmStart(b *testing.B) {
	s := openBenchStore(b)
	dir := os.Getenv("EYE_BENCH_COLUMNS")
	if dir == "" {
		dir = b.TempDir()
	}
	if _, err := settle(b.Context(), newRefresher(b, s, dir, benchClock), Need{Applications: []string{"demo"}}); err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		if _, err := settle(b.Context(), newRefresher(b, s, dir, benchClock), Need{Applications: []string{"demo"}}); err != nil {
			b.Fatal(err)
		}
	}
}

// One pass a second while 1,000 events a second arrive, with the merges that follow.
func BenchmarkPass(b *testing.B) {
	clock := &testClock{at: startOf(dayOf(time.Now())).Add(-dayLength)}
	s := openSQLite(b, clock.now)
	r := newRefresher(b, s, b.TempDir(), clock.now)
	var passes, works time.Duration
	for second := 0; b.Loop(); second++ {
		b.StopTimer()
		fill(b, s, second*1000, 1000, clock.now(), time.Millisecond)
		clock.advance(time.Second)
		b.StartTimer()
		began := time.Now()
		if err := r.runPass(b.Context()); err != nil {
			b.Fatal(err)
		}
		passes += time.Since(began)
		began = time.Now()
		for {
			worked, _, err := r.runWork(b.Context(), false)
			if err != nil {
				b.Fatal(err)
			}
			if !worked {
				break
			}
		}
		works += time.Since(began)
	}
	b.ReportMetric(float64(passes.Milliseconds())/float64(b.N), "ms/pass")
	b.ReportMetric(float64(works.Milliseconds())/float64(b.N), "ms/merge")
	b.ReportMetric(float64(r.Status().Parts), "parts")
}
