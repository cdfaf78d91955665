package audit

import (
	"context"
	"errors"
	"iter"
	"log/slog"
	"time"

	"github.com/nats-io/nats.go/jetstream"
	"github.com/prometheus/client_golang/prometheus"

	"github.com/theeye/theeye/processor/jobs"
	"github.com/theeye/theeye/shared/store"
	"github.com/theeye/theeye/shared/stream"
)

const (
	// askLimit bounds one question to NATS or the store, writeLimit one
	// attempt to write a portion.
	askLimit   = 20 * time.Second
	writeLimit = time.Minute
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
	// read and leader read the stream; tests let them miss messages.
	read   func(context.Context, jetstream.JetStream, stream.Range) iter.Seq2[[]stream.Raw, error]
	leader func(context.Context, jetstream.JetStream, uint64) (stream.Raw, bool, error)
	// silence is silenceLimit.
	silence time.Duration
}

// New returns an Auditor. The error says that the metrics exist already.
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
		read: stream.Read, leader: askLeader, silence: silenceLimit,
	}, nil
}

// final are the failures that no waiting mends.
func final(err error) bool {
	return errors.Is(err, store.ErrConfiguration) || errors.Is(err, ErrStream)
}
