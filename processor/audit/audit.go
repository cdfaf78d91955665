package audit

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"log/slog"
	"time"

	"github.com/nats-io/nats.go/jetstream"
	"github.com/prometheus/client_golang/prometheus"

	"github.com/theeye/theeye/processor/jobs"
	"github.com/theeye/theeye/shared/job"
	"github.com/theeye/theeye/shared/outcome"
	"github.com/theeye/theeye/shared/store"
	"github.com/theeye/theeye/shared/stream"
)

const (
	// requestLimit bounds one request to NATS or the store, writeLimit one
	// attempt to write a portion.
	requestLimit = 20 * time.Second
	writeLimit   = time.Minute
	// silenceLimit is how long a read of the stream may bring nothing: the time
	// of several requests.
	silenceLimit = 25 * time.Second
)

// Config configures an Auditor. Logger, Now and Metrics may be nil.
type Config struct {
	// Resources.Write serves repairs alone.
	jobs.Resources
	// Epoch returns the creation time of the stream, as stream.Epoch does.
	Epoch func() int64
	// Now is the clock for expiry; nil is time.Now.
	Now func() time.Time
	// Metrics gets the metrics of the continuous audit.
	Metrics prometheus.Registerer
}

// Auditor has the task of package jobs for audits, and the continuous audit. It
// is safe for concurrent use.
type Auditor struct {
	cfg     Config
	marks   *Marks
	metrics *metrics
	// readStream and readLeader read the stream; tests replace them.
	readStream func(context.Context, jetstream.JetStream, stream.Range) iter.Seq2[[]stream.Raw, error]
	readLeader func(context.Context, jetstream.JetStream, uint64) (stream.Raw, bool, error)
	// identify is outcome.Identify; a test replaces it.
	identify func(m stream.Raw, epoch int64) *store.Document
	// silenceLimit is the constant of that name; tests shorten it.
	silenceLimit time.Duration
}

// New returns an Auditor. An error means that the metrics exist already.
func New(cfg Config) (*Auditor, error) {
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	if cfg.Logger == nil {
		cfg.Logger = slog.Default()
	}
	if cfg.Metrics == nil {
		cfg.Metrics = prometheus.NewRegistry()
	}
	m, err := newMetrics(cfg.Metrics)
	if err != nil {
		return nil, err
	}
	return &Auditor{
		cfg: cfg, marks: NewMarks(cfg.JetStream, cfg.Epoch, cfg.Logger), metrics: m,
		readStream: stream.ReadLong, readLeader: readFromLeader, identify: outcome.Identify, silenceLimit: silenceLimit,
	}, nil
}

// scan accounts for a range of the stream, sequence by sequence.
type scan struct {
	*Auditor
	report *report
	epoch  int64
	// repair says that missing events are written.
	repair bool
	// floor is the sequence up to which the live consumer has settled everything,
	// and purgeMark the first sequence that no processor has purged, both as last
	// read. Both only grow.
	floor     uint64
	purgeMark uint64
	policies  *policyHistory
}

func (a *Auditor) newScan(r *report) *scan {
	return &scan{Auditor: a, report: r, epoch: a.cfg.Epoch(), policies: newPolicyHistory(a.cfg.JetStream)}
}

// isPermanent reports whether retrying cannot help.
func isPermanent(err error) bool {
	return errors.Is(err, store.ErrConfiguration) || errors.Is(err, ErrStream)
}

// metrics are the metrics of the continuous audit.
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
		m.missing.WithLabelValues(reason) // an alarm on an increase needs the zero before it
	}
	if err := errors.Join(r.Register(m.missing), r.Register(m.position)); err != nil {
		return nil, fmt.Errorf("register metrics of the audit: %w", err)
	}
	return m, nil
}

// countMissing counts the missing events of one part of the stream.
func (m *metrics) countMissing(a job.Account) {
	m.missing.WithLabelValues(job.MissingInStore).Add(float64(a.MissingInStore))
	m.missing.WithLabelValues(job.LostInStream).Add(float64(a.LostInStream))
}
