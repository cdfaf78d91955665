package daemon

import (
	"io"
	"log/slog"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
)

// Process is what the work of a program is given.
type Process struct {
	// Name is the program's, as in the log and in connections.
	Name string
	// Logger is for everything; each record carries the name.
	Logger *slog.Logger
	// Metrics is what the admin listener serves.
	Metrics *prometheus.Registry
	// Env holds the settings.
	Env *Env
}

// NewProcess makes a process that logs to w.
func NewProcess(name string, env *Env, w io.Writer) *Process {
	log := NewLogger(w, logLevel(env)).With(slog.String("service", name))
	env.warn = func(name string) {
		log.Warn("Unknown setting is ignored", slog.String("name", name))
	}
	return &Process{Name: name, Logger: log, Metrics: newMetrics(), Env: env}
}

// newMetrics has what every program tells: the Go runtime, the process and
// the build.
func newMetrics() *prometheus.Registry {
	build := BuildInfo()
	r := prometheus.NewRegistry()
	info := prometheus.NewGauge(prometheus.GaugeOpts{
		Name:        "eye_build_info",
		Help:        "Always 1; the labels tell version and commit.",
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
