package processor

import (
	"context"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/theeye/theeye/processor/jobs"
	"github.com/theeye/theeye/shared/job"
)

// jobMetrics are those of replays, dry runs and audits.
type jobMetrics struct {
	jobsRunning *prometheus.GaugeVec
	replayed    *prometheus.CounterVec
}

// newJobMetrics returns them with a zero for everything that can be counted.
func newJobMetrics() jobMetrics {
	m := jobMetrics{
		jobsRunning: prometheus.NewGaugeVec(prometheus.GaugeOpts{
			Name: prefix + "jobs_running", Help: "Jobs that run in this process.",
		}, []string{"kind"}),
		replayed: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: prefix + "replayed_total", Help: "Events that replays judged and wrote again, by what became of them.",
		}, []string{"change"}),
	}
	for _, kind := range []job.Kind{job.Replay, job.DryRun, job.Audit} {
		m.jobsRunning.WithLabelValues(string(kind))
	}
	for _, change := range []job.Change{job.NewlyValid, job.StillRejected, job.NewlyRejected, job.Unchanged} {
		m.replayed.WithLabelValues(string(change))
	}
	return m
}

// running is a task that is counted while it runs.
func (m *jobMetrics) running(kind job.Kind, task jobs.Task) jobs.Task {
	gauge := m.jobsRunning.WithLabelValues(string(kind))
	return func(ctx context.Context, h *jobs.Handle) error {
		gauge.Inc()
		defer gauge.Dec()
		return task(ctx, h)
	}
}

func (m *jobMetrics) replayedEvents(change job.Change, events uint64) {
	m.replayed.WithLabelValues(string(change)).Add(float64(events))
}
