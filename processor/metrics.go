package processor

import (
	"errors"
	"fmt"
	"math"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// metrics are those of one processor. Labels are bounded: outcomes and codes
// are constants of the code.
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
	purged        prometheus.Counter
	storeUp       prometheus.Gauge
	lagEvents     prometheus.Gauge
	lagSeconds    prometheus.Gauge
	inWork        prometheus.Gauge
	floorAge      prometheus.Gauge
	floorAlarm    prometheus.Gauge
	streamBytes   prometheus.Gauge
	streamMaximum prometheus.Gauge
	jobMetrics
}

const prefix = "eye_processor_"

func newMetrics(r prometheus.Registerer, revision func() float64) (*metrics, error) {
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
		redelivered:   counter("redelivered_total", "Messages that came not for the first time."),
		retries:       counter("write_retries_total", "Writes of a batch that failed and are tried again."),
		again:         counter("judged_again_total", "Batches judged again because this process had counted as gone meanwhile."),
		alarms:        counter("store_alarms_total", "Failures of the store that nobody has classified. Look at the log."),
		panics:        counter("panics_total", "Messages on which the validator panicked. Look at the log."),
		lostReplies:   counter("lost_replies_total", "Acknowledgements that could not be sent; the message comes again."),
		purged:        counter("purged_total", "Messages removed from the stream."),
		storeUp:       gauge("store_up", "1 while the store answers."),
		lagEvents:     gauge("lag_events", "Messages of the stream that are not settled."),
		lagSeconds:    gauge("lag_seconds", "Age of the oldest message that was not fetched, 0 if there is none."),
		inWork:        gauge("in_work_events", "Messages fetched by any processor and not settled."),
		floorAge:      gauge("ack_floor_age_seconds", "Age of the oldest message that is not settled, 0 if there is none."),
		floorAlarm:    gauge("ack_floor_alarm", "1 when that age is over half of the stream's retention."),
		streamBytes:   gauge("stream_bytes", "Bytes of the stream."),
		streamMaximum: gauge("stream_max_bytes", "Bytes at which the stream takes no more."),
		jobMetrics:    newJobMetrics(),
	}
	// Nothing is known before the first look, and that is not "no lag".
	m.lagEvents.Set(math.NaN())
	m.lagSeconds.Set(math.NaN())
	var errs []error
	for _, c := range []prometheus.Collector{
		prometheus.NewGaugeFunc(prometheus.GaugeOpts{
			Name: prefix + "registry_revision",
			Help: "Registry revision that the next batch is judged by, 0 before the first.",
		}, revision),
		m.events, m.batch, m.write, m.fetchWait, m.redelivered, m.retries, m.again, m.alarms, m.panics, m.lostReplies,
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

// fetched notes a batch that is not empty.
func (m *metrics) fetched(batch []delivery, took time.Duration) {
	m.batch.Observe(float64(len(batch)))
	m.fetchWait.Observe(took.Seconds())
	again := 0
	for i := range batch {
		if batch[i].count > 1 {
			again++
		}
	}
	m.redelivered.Add(float64(again))
}

// tally counts the outcomes of one batch.
type tally map[tallied]int

type tallied struct {
	outcome disposition
	code    string
}

func (t *tally) add(o disposition, code string) {
	if *t == nil {
		*t = make(tally, 1)
	}
	(*t)[tallied{o, code}]++
}

func (m *metrics) settled(t tally) {
	for k, n := range t {
		m.events.WithLabelValues(settlements[k.outcome].name, k.code).Add(float64(n))
	}
}
