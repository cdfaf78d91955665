package queryapi

import (
	"strconv"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// metrics counts by route template, never by path: their number is fixed.
type metrics struct {
	seconds  *prometheus.HistogramVec
	inFlight prometheus.Gauge
}

func newMetrics(r prometheus.Registerer) (*metrics, error) {
	m := &metrics{
		seconds: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name:    "eye_queryapi_request_seconds",
			Help:    "Time to answer a request, by route and status.",
			Buckets: []float64{.001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 15},
		}, []string{"route", "status"}),
		inFlight: prometheus.NewGauge(prometheus.GaugeOpts{
			Name: "eye_queryapi_requests_in_flight",
			Help: "Requests at work.",
		}),
	}
	for _, c := range []prometheus.Collector{m.seconds, m.inFlight} {
		if err := r.Register(c); err != nil {
			return nil, err
		}
	}
	return m, nil
}

func (m *metrics) observe(route string, status int, took time.Duration) {
	switch route {
	case callEvents, callEvent, callSession, callRejected, callSummary, callDocument, callHealth:
	default:
		route = callOther
	}
	m.seconds.WithLabelValues(route, strconv.Itoa(status)).Observe(took.Seconds())
}
