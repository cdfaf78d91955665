package queryapi

import "github.com/prometheus/client_golang/prometheus"

// metrics counts by route template, never by path: their number is fixed.
type metrics struct {
	seconds  *prometheus.HistogramVec
	inFlight prometheus.Gauge
}

// newMetrics registers the metrics; revision is the registry's, as it is in
// force here.
func newMetrics(r prometheus.Registerer, revision func() float64) (*metrics, error) {
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
	current := prometheus.NewGaugeFunc(prometheus.GaugeOpts{
		Name: "eye_queryapi_registry_revision",
		Help: "Registry revision that requests are answered by, 0 before the first.",
	}, revision)
	for _, c := range []prometheus.Collector{m.seconds, m.inFlight, current} {
		if err := r.Register(c); err != nil {
			return nil, err
		}
	}
	return m, nil
}
