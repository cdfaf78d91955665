package daemon

import (
	"fmt"
	"io"
	"log/slog"
	"runtime"
	"runtime/debug"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
)

// Process is what a program gives to the work that it runs.
type Process struct {
	// Name is the program's name in the log and in its connections.
	Name string
	// Logger adds the name to every record.
	Logger *slog.Logger
	// Metrics are served by the admin listener.
	Metrics *prometheus.Registry
}

// NewProcess returns a process that logs to w, from a level on.
func NewProcess(name string, w io.Writer, level slog.Level) *Process {
	return &Process{
		Name:    name,
		Logger:  NewLogger(w, level).With(slog.String("service", name)),
		Metrics: newMetrics(),
	}
}

// newMetrics returns a registry with the metrics of every program: the Go
// runtime, the process and the build.
func newMetrics() *prometheus.Registry {
	build := BuildInfo()
	r := prometheus.NewRegistry()
	info := prometheus.NewGauge(prometheus.GaugeOpts{
		Name:        "eye_build_info",
		Help:        "Always 1; the labels have version and commit.",
		ConstLabels: prometheus.Labels{"version": build.Version, "commit": build.Commit, "go": build.Go},
	})
	info.Set(1)
	r.MustRegister(
		collectors.NewGoCollector(),
		collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}),
		info,
	)
	return r
}

// version and commit are set by the linker; see the Makefile.
var version, commit string

// Build describes how a program was built.
type Build struct {
	Version  string `json:"version"`
	Commit   string `json:"commit"`
	Go       string `json:"go"`
	Platform string `json:"platform"`
}

// BuildInfo describes this program. What the linker did not set comes from what
// the go command recorded, and else reads "dev" and "unknown".
func BuildInfo() Build {
	b := Build{Version: version, Commit: commit, Go: runtime.Version(), Platform: runtime.GOOS + "/" + runtime.GOARCH}
	if b.Commit == "" {
		b.Commit = recordedCommit()
	}
	if b.Version == "" {
		b.Version = "dev"
	}
	return b
}

// String is the build in one line.
func (b Build) String() string {
	return fmt.Sprintf("%s (commit %s, %s, %s)", b.Version, b.Commit, b.Go, b.Platform)
}

func recordedCommit() string {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return "unknown"
	}
	for _, s := range info.Settings {
		if s.Key == "vcs.revision" {
			return s.Value
		}
	}
	return "unknown"
}

// Version is this program's version and commit in one line.
func Version() string { return BuildInfo().String() }
