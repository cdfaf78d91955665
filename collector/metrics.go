package collector

import (
	"github.com/prometheus/client_golang/prometheus"

	"github.com/theeye/theeye/shared/api"
)

// metrics counts by route pattern and by code; the number of both is fixed.
type metrics struct {
	requestSeconds *prometheus.HistogramVec
	events         *prometheus.CounterVec
	commitSeconds  prometheus.Histogram
	batchSeconds   prometheus.Histogram
	batchEvents    prometheus.Histogram
	fallbacks      prometheus.Counter
	rateLimited    *prometheus.CounterVec
}

var latencyBuckets = []float64{.0005, .001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10, 20}

func newMetrics() *metrics {
	histogram := func(name, help string, buckets []float64) prometheus.Histogram {
		return prometheus.NewHistogram(prometheus.HistogramOpts{Name: "eye_collector_" + name, Help: help, Buckets: buckets})
	}
	return &metrics{
		requestSeconds: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name:    "eye_collector_request_seconds",
			Help:    "Time to answer a request, by route and status.",
			Buckets: latencyBuckets,
		}, []string{"route", "status"}),
		events: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "eye_collector_events_total",
			Help: "Events answered accepted or refused; a refused one by its code.",
		}, []string{"outcome", "code"}),
		commitSeconds: histogram("commit_seconds", "Time from queueing a request's events to their result.", latencyBuckets),
		batchSeconds:  histogram("batch_seconds", "Time to commit one batch.", latencyBuckets),
		batchEvents: histogram("batch_events", "Events committed together.",
			[]float64{1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1000}),
		fallbacks: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "eye_collector_batch_fallbacks_total",
			Help: "Batches that the server refused whole and that were published event by event.",
		}),
		rateLimited: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "eye_collector_rate_limited_total",
			Help: "Requests turned down for the rate limit of their write key, by the limit: events or bytes.",
		}, []string{"limit"}),
	}
}

// register registers the metrics, and gauges that read the service.
func (m *metrics) register(r prometheus.Registerer, s *Service) error {
	gauge := func(name, help string, value func() float64) prometheus.Collector {
		return prometheus.NewGaugeFunc(prometheus.GaugeOpts{Name: "eye_collector_" + name, Help: help}, value)
	}
	for _, c := range []prometheus.Collector{
		m.requestSeconds, m.events, m.commitSeconds, m.batchSeconds, m.batchEvents, m.fallbacks, m.rateLimited,
		gauge("queue_events", "Events of requests that wait for their commit.", func() float64 {
			events, _ := s.committer.queue.depth()
			return float64(events)
		}),
		gauge("queue_bytes", "Memory that these requests hold.", func() float64 {
			_, bytes := s.committer.queue.depth()
			return float64(bytes)
		}),
		gauge("body_bytes", "Memory that bodies hold, or have reserved by their Content-Length.", func() float64 {
			return float64(s.bodies.budget.Used())
		}),
		gauge("registry_revision", "Registry revision that the collector knows, 0 before the first.", func() float64 {
			if snapshot := s.registry.Snapshot(); snapshot != nil {
				return float64(snapshot.Schemas.Revision())
			}
			return 0
		}),
	} {
		if err := r.Register(c); err != nil {
			return err
		}
	}
	return nil
}

// countEvents counts the events of an answered request.
func (m *metrics) countEvents(results []result) {
	accepted := 0
	for i := range results {
		if refusal := results[i].refusal; refusal != nil {
			m.events.WithLabelValues(api.StatusRefused, refusal.Code).Inc()
		} else {
			accepted++
		}
	}
	m.events.WithLabelValues(api.StatusAccepted, "").Add(float64(accepted))
}
