package audit

import (
	"errors"
	"fmt"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/theeye/theeye/shared/job"
)

// metrics are those of the continuous audit.
type metrics struct {
	missing  *prometheus.CounterVec
	position prometheus.Gauge
}

func newMetrics(r prometheus.Registerer) (*metrics, error) {
	m := &metrics{
		missing: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "eye_processor_audit_missing_total",
			Help: "Accepted events that the continuous audit found missing in the store, or lost in the stream. An alarm.",
		}, []string{"reason"}),
		position: prometheus.NewGauge(prometheus.GaugeOpts{
			Name: "eye_processor_audit_position",
			Help: "Last sequence of the stream that the continuous audit has accounted for, where this process runs it.",
		}),
	}
	for _, reason := range []string{job.MissingInStore, job.LostInStream} {
		m.missing.WithLabelValues(reason) // an alarm needs the zero before
	}
	if err := errors.Join(r.Register(m.missing), r.Register(m.position)); err != nil {
		return nil, fmt.Errorf("register metrics of the audit: %w", err)
	}
	return m, nil
}

// found counts what a part of the stream lacks.
func (m *metrics) found(a job.Account) {
	m.missing.WithLabelValues(job.MissingInStore).Add(float64(a.MissingInStore))
	m.missing.WithLabelValues(job.LostInStream).Add(float64(a.LostInStream))
}
