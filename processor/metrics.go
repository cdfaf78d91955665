package processor

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/theeye/theeye/processor/jobs"
	"github.com/theeye/theeye/shared/job"
)

// metrics are the metrics of one processor. The values of labels are bounded:
// outcomes and codes are constants of the code.
type metrics struct {
	events        *prometheus.CounterVec
	batch         prometheus.Histogram
	write         prometheus.Histogram
	fetchWait     prometheus.Histogram
	redelivered   prometheus.Counter
	retries       prometheus.Counter
	again         prometheus.Counter
	alarms        prometheus.Counter
	panics        prometheus.Counter
	lostReplies   prometheus.Counter
	overruns      prometheus.Counter
	costly        prometheus.Counter
	postponed     prometheus.Counter
	costlyWaiting prometheus.Gauge
	purged        prometheus.Counter
	storeUp       prometheus.Gauge
	lagEvents     *knownGauge
	lagSeconds    *knownGauge
	inWork        prometheus.Gauge
	floorAge      prometheus.Gauge
	floorAlarm    prometheus.Gauge
	streamBytes   prometheus.Gauge
	streamMaximum prometheus.Gauge
	jobMetrics
}

const prefix = "eye_processor_"

// knownGauge is a gauge that is not collected before it has a value: an unknown lag
// is not a lag of 0, and no number for alarms to compare.
type knownGauge struct {
	prometheus.Gauge
	known atomic.Bool
}

// Set implements prometheus.Gauge.
func (g *knownGauge) Set(v float64) {
	g.Gauge.Set(v)
	g.known.Store(true)
}

// Collect implements prometheus.Collector.
func (g *knownGauge) Collect(values chan<- prometheus.Metric) {
	if g.known.Load() {
		g.Gauge.Collect(values)
	}
}

// newMetrics registers the metrics. revision and takesEvents are read at every
// collection.
func newMetrics(r prometheus.Registerer, revision func() float64, takesEvents func() bool) (*metrics, error) {
	counter := func(name, help string) prometheus.Counter {
		return prometheus.NewCounter(prometheus.CounterOpts{Name: prefix + name, Help: help})
	}
	gauge := func(name, help string) prometheus.Gauge {
		return prometheus.NewGauge(prometheus.GaugeOpts{Name: prefix + name, Help: help})
	}
	histogram := func(name, help string, buckets []float64) prometheus.Histogram {
		return prometheus.NewHistogram(prometheus.HistogramOpts{Name: prefix + name, Help: help, Buckets: buckets})
	}
	seconds := prometheus.ExponentialBuckets(0.001, 2, 16)
	m := &metrics{
		events: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: prefix + "events_total",
			Help: "Messages by outcome: stored, rejected (with the first reason's code), duplicate, expired; " +
				"misconfigured and interrupted ones are delivered again.",
		}, []string{"outcome", "code"}),
		batch:         histogram("batch_events", "Messages of a batch.", prometheus.ExponentialBuckets(1, 2, 11)),
		write:         histogram("write_seconds", "One attempt to write a batch.", seconds),
		fetchWait:     histogram("fetch_seconds", "From the request to the end of a batch that was not empty.", seconds),
		redelivered:   counter("redelivered_total", "Messages that were delivered before."),
		retries:       counter("write_retries_total", "Writes of a batch that failed and are retried."),
		again:         counter("judged_again_total", "Batches validated again because the heartbeat of this process had expired."),
		alarms:        counter("store_alarms_total", "Failures of the store of an unknown class. See the log."),
		panics:        counter("panics_total", "Messages on which the validator panicked. See the log."),
		lostReplies:   counter("lost_replies_total", "Acknowledgements that could not be sent; the message is delivered again."),
		overruns:      counter("validation_overruns_total", "Batches whose validation took far longer than estimated. See the log."),
		costly:        counter("costly_events_total", "Messages whose validation is costly: they are set aside, so that others do not wait for them."),
		postponed:     counter("costly_postponed_total", "Of these, messages that found no room in this process and are delivered again later."),
		costlyWaiting: gauge("costly_waiting_events", "Costly messages that wait in this process."),
		purged:        counter("purged_total", "Messages removed from the stream."),
		storeUp:       gauge("store_up", "1 while the store answers."),
		lagEvents:     &knownGauge{Gauge: gauge("lag_events", "Messages of the stream that are not settled; absent until it is known.")},
		lagSeconds:    &knownGauge{Gauge: gauge("lag_seconds", "Age of the oldest message that was not fetched, 0 without one; absent until it is known.")},
		inWork:        gauge("in_work_events", "Messages fetched by any processor and not settled."),
		floorAge:      gauge("ack_floor_age_seconds", "Age of the oldest message that is not settled, 0 without one."),
		floorAlarm:    gauge("ack_floor_alarm", "1 when that age is over half of the stream's retention."),
		streamBytes:   gauge("stream_bytes", "Bytes of the stream."),
		streamMaximum: gauge("stream_max_bytes", "Bytes at which the stream refuses messages."),
		jobMetrics:    newJobMetrics(),
	}
	var errs []error
	for _, c := range []prometheus.Collector{
		prometheus.NewGaugeFunc(prometheus.GaugeOpts{
			Name: prefix + "registry_revision",
			Help: "Registry revision that the next batch is validated against, 0 before the first.",
		}, revision),
		prometheus.NewGaugeFunc(prometheus.GaugeOpts{
			Name: prefix + "taking_events",
			Help: "1 while this processor takes events, 0 while it waits for a condition of its readiness.",
		}, func() float64 {
			if takesEvents() {
				return 1
			}
			return 0
		}),
		m.events, m.batch, m.write, m.fetchWait, m.redelivered, m.retries, m.again, m.alarms, m.panics, m.lostReplies,
		m.overruns, m.costly, m.postponed, m.costlyWaiting,
		m.purged, m.storeUp, m.lagEvents, m.lagSeconds, m.inWork, m.floorAge, m.floorAlarm,
		m.streamBytes, m.streamMaximum, m.jobsRunning, m.replayed,
	} {
		errs = append(errs, r.Register(c))
	}
	if err := errors.Join(errs...); err != nil {
		return nil, fmt.Errorf("register metrics: %w", err)
	}
	return m, nil
}

// jobMetrics are the metrics of replays, dry runs and audits.
type jobMetrics struct {
	jobsRunning *prometheus.GaugeVec
	replayed    *prometheus.CounterVec
}

// newJobMetrics returns the metrics with a zero for every combination of labels.
func newJobMetrics() jobMetrics {
	m := jobMetrics{
		jobsRunning: prometheus.NewGaugeVec(prometheus.GaugeOpts{
			Name: prefix + "jobs_running", Help: "Jobs that run in this process.",
		}, []string{"kind"}),
		replayed: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: prefix + "replayed_total", Help: "Events that replays validated and wrote again, by the change of their outcome.",
		}, []string{"change"}),
	}
	for _, kind := range []job.Kind{job.Replay, job.DryRun, job.Audit, job.Retention} {
		m.jobsRunning.WithLabelValues(string(kind))
	}
	for _, change := range []job.Change{job.NewlyValid, job.StillRejected, job.NewlyRejected, job.Unchanged} {
		m.replayed.WithLabelValues(string(change))
	}
	return m
}

// instrumentTask returns a task that counts as running while task runs.
func (m *jobMetrics) instrumentTask(kind job.Kind, task jobs.Task) jobs.Task {
	gauge := m.jobsRunning.WithLabelValues(string(kind))
	return func(ctx context.Context, h *jobs.Handle) error {
		gauge.Inc()
		defer gauge.Dec()
		return task(ctx, h)
	}
}

func (m *jobMetrics) countReplayed(change job.Change, events uint64) {
	m.replayed.WithLabelValues(string(change)).Add(float64(events))
}
