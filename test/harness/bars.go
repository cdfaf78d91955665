package harness

import (
	"os"
	"strings"
	"testing"
)

// ReportAtLeast reports a metric that should be at least bar, and marks it if it is
// below.
func ReportAtLeast(b *testing.B, value float64, unit string, bar float64) {
	b.Helper()
	reportBar(b, value, unit, "at least", bar, value >= bar)
}

// ReportAtMost reports a metric that should be at most bar, and marks it if it is above.
func ReportAtMost(b *testing.B, value float64, unit string, bar float64) {
	b.Helper()
	reportBar(b, value, unit, "at most", bar, value <= bar)
}

// reportBar fails nothing: a machine may be slow, or have other work.
func reportBar(b *testing.B, value float64, unit, side string, bar float64, reached bool) {
	b.Helper()
	b.ReportMetric(value, unit)
	mark := "reached"
	if !reached {
		mark = "MISSED"
	}
	b.Logf("bar %s: %s %g %s, measured %.4g; load of the machine %s", mark, side, bar, unit, value, MachineLoad())
}

// MachineLoad is the load of the machine, where Linux says it.
func MachineLoad() string {
	text, err := os.ReadFile("/proc/loadavg")
	if err != nil {
		return "unknown"
	}
	return strings.Join(strings.Fields(string(text))[:3], " ")
}
