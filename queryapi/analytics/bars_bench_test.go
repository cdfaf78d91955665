package analytics

import (
	"os"
	"strconv"
	"testing"
	"time"
)

// bars are the times that questions about ten million events over 90 days may take, warm
// and on two processors, by the names of their benchmarks.
var bars = map[string]time.Duration{
	"BenchmarkTimeseries/hourly":           5 * time.Millisecond,
	"BenchmarkTimeseries/grouped+filtered": 70 * time.Millisecond,
	"BenchmarkTimeseries/sessions":         60 * time.Millisecond,
	"BenchmarkTop/1_days":                  2 * time.Millisecond,
	"BenchmarkTop/90_days":                 100 * time.Millisecond,
	"BenchmarkFunnel/7_days":               15 * time.Millisecond,
	"BenchmarkFunnel/90_days":              200 * time.Millisecond,
	"BenchmarkRetention/by_session":        300 * time.Millisecond,
	"BenchmarkRetention/by_visitor":        300 * time.Millisecond,
	"BenchmarkPaths":                       50 * time.Millisecond,
	// That of the page with its documents is 100 ms.
	"BenchmarkEvents/one_of_5000_desc": 100 * time.Millisecond,
}

// seriesDays is the number of parts of the benchmarks, one a day.
const seriesDays = 90

// seriesRows is the number of events: a million, or as EYE_BENCH_ROWS says. The bars are
// those of 10000000.
func seriesRows() int {
	n, err := strconv.Atoi(os.Getenv("EYE_BENCH_ROWS"))
	if err != nil {
		return 1_000_000
	}
	return n
}

// reportBar reports the bar of a benchmark, and says whether the time is above it.
func reportBar(b *testing.B) {
	b.Helper()
	bar, ok := bars[b.Name()]
	if !ok {
		return
	}
	spent := b.Elapsed() / time.Duration(b.N)
	b.ReportMetric(bar.Seconds()*1e3, "bar-ms")
	if spent > bar {
		b.Logf("above the bar: %v with %d events, the bar is %v with 10000000", spent.Round(10*time.Microsecond), seriesRows(), bar)
	}
}
