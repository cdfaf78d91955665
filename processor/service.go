package processor

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"github.com/prometheus/client_golang/prometheus"
	"golang.org/x/sync/errgroup"

	"github.com/theeye/theeye/shared/outcome"
	"github.com/theeye/theeye/shared/registry"
	"github.com/theeye/theeye/shared/store"
	"github.com/theeye/theeye/shared/stream"
)

// Config configures a Service. The first four fields are required; the zero
// value of every other one is its default.
type Config struct {
	JetStream jetstream.JetStream
	// Conn is the connection under JetStream. The caller closes it after Run.
	Conn *nats.Conn
	// Registry must be running; the caller runs it.
	Registry *registry.Registry
	// Store stays open; the caller closes it after Run.
	Store store.Store
	// Heartbeat reports whether other processes see this one as live, and so rely
	// on the promises of the package comment. nil is for a process without others,
	// which is always live. The caller runs it, and ends it after the service.
	Heartbeat Heartbeat
	// Stream is the configuration that the stream is created with and kept to.
	Stream stream.Config
	Logger *slog.Logger
	// Metrics gets the metrics whose names start with eye_processor_.
	Metrics prometheus.Registerer
	// Workers is how many batches are in flight at once; 0 is 3: while two are
	// written the next is fetched and validated.
	Workers int
	// BatchEvents and BatchBytes bound a batch; 0 is 1,000 events and 1.25 MiB.
	// An event over BatchBytes is a batch of its own. As BSON and in the
	// driver a batch takes some ten times its bytes.
	BatchEvents, BatchBytes int
	// ObserveEvery is the interval at which lag and store are checked, and the
	// stream is purged; 0 is 2 s.
	ObserveEvery time.Duration
	// AuditRate is how many sequences of the stream the continuous audit
	// accounts for in a second; 0 turns it off.
	AuditRate int
	// Now is the clock for expiry, retention and ages; nil is time.Now.
	Now func() time.Time

	// jobLease is jobs.Config.LeaseTime; tests shorten it.
	jobLease time.Duration
}

// validate reports every required field that is missing.
func (c Config) validate() error {
	var errs []error
	for _, field := range []struct {
		name    string
		missing bool
	}{
		{"JetStream", c.JetStream == nil},
		{"Conn", c.Conn == nil},
		{"Registry", c.Registry == nil},
		{"Store", c.Store == nil},
	} {
		if field.missing {
			errs = append(errs, fmt.Errorf("processor: no %s", field.name))
		}
	}
	return errors.Join(errs...)
}

func (c Config) withDefaults() Config {
	c.Stream = c.Stream.WithDefaults()
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	if c.Metrics == nil {
		c.Metrics = prometheus.NewRegistry()
	}
	if c.Workers == 0 {
		c.Workers = 3
	}
	if c.BatchEvents == 0 {
		c.BatchEvents = 1000
	}
	if c.BatchBytes == 0 {
		c.BatchBytes = 5 << 18
	}
	if c.ObserveEvery == 0 {
		c.ObserveEvery = 2 * time.Second
	}
	if c.Now == nil {
		c.Now = time.Now
	}
	return c
}

// Service is one processor. Run it once.
type Service struct {
	cfg     Config
	log     *slog.Logger
	metrics *metrics

	health   *readiness
	fence    *fence
	stream   *streamGuard
	fetcher  *fetcher
	settler  *settler
	worker   *worker // the workers share it
	observer *observer
	jobs     *jobRunners
}

// New returns a Service. It makes no request to NATS or to the store.
func New(cfg Config) (*Service, error) {
	if err := cfg.validate(); err != nil {
		return nil, err
	}
	cfg = cfg.withDefaults()
	m, err := newMetrics(cfg.Metrics, func() float64 { return knownRevision(cfg.Registry) })
	if err != nil {
		return nil, err
	}
	s := &Service{cfg: cfg, log: cfg.Logger, metrics: m}
	s.health = newReadiness(s.log)
	s.fence = &fence{heartbeat: cfg.Heartbeat}
	s.stream = &streamGuard{js: cfg.JetStream, conn: cfg.Conn, config: cfg.Stream, health: s.health}
	validator := &validator{
		rules: func() outcome.Rules { return cfg.Registry.Snapshot().Schemas },
		epoch: s.stream.currentEpoch, metrics: m, log: s.log,
	}
	writers := &storeWriters{store: cfg.Store, now: cfg.Now, alarm: func(error) { m.alarms.Inc() }}
	if s.jobs, err = newJobRunners(cfg, s.stream.currentEpoch, validator, writers, m); err != nil {
		return nil, err
	}
	outage := newOutage(s.health, m, s.log)
	s.observer = newObserver(cfg, s.stream, s.jobs.marks, outage, m)
	s.fetcher = &fetcher{lock: make(chan struct{}, 1), stream: s.stream, outage: outage, health: s.health, metrics: m, log: s.log}
	s.fetcher.lock <- struct{}{}
	s.settler = &settler{conn: cfg.Conn, metrics: m, requestPurge: s.observer.requestPurge}
	s.worker = &worker{
		fetcher: s.fetcher, validator: validator, fence: s.fence, writeDocs: writers.newWriteFunc(),
		outage: outage, settler: s.settler, metrics: m,
	}
	return s, nil
}

// knownRevision is 0 before the first snapshot.
func knownRevision(r *registry.Registry) float64 {
	if snapshot := r.Snapshot(); snapshot != nil {
		return float64(snapshot.Schemas.Revision())
	}
	return 0
}

// Run prepares stream, consumers and store, and processes until ctx ends. With
// the other processors it also shares the jobs: replays, dry runs and audits. At
// the end of ctx it finishes the writes that are running, releases all other
// messages, and returns nil. It returns ErrRevision, ErrReplaced or an error of
// class store.ErrConfiguration when an operator must act.
func (s *Service) Run(ctx context.Context) error {
	if err := s.prepare(ctx); err != nil {
		return unlessEnded(ctx, err)
	}
	var err error
	if s.fetcher.puller, err = newPuller(s.cfg.Conn, s.cfg.JetStream, s.cfg.BatchEvents, s.cfg.BatchBytes); err != nil {
		return err
	}
	s.log.LogAttrs(ctx, slog.LevelInfo, "processor started", slog.Int("workers", s.cfg.Workers))
	s.health.record(conditionStart, nil)

	group, running := errgroup.WithContext(ctx)
	for range s.cfg.Workers {
		group.Go(func() error { return s.worker.processBatches(running) })
	}
	group.Go(func() error { return s.observer.observeUntil(running) })
	group.Go(func() error { return s.jobs.runner.Run(running) })
	group.Go(func() error { return s.jobs.auditor.Follow(running, s.cfg.AuditRate) })
	err = group.Wait()
	s.drain(ctx)
	return err
}

// drainLimit bounds drain.
const drainLimit = 3 * time.Second

// drain releases the messages that were delivered and that no worker took, and
// waits until the server has all acknowledgements. It is bounded, and runs after
// the end of ctx.
func (s *Service) drain(ctx context.Context) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), drainLimit)
	defer cancel()
	s.settler.release(s.fetcher.unsubscribe(ctx))
	if err := s.cfg.Conn.FlushWithContext(ctx); err != nil {
		s.log.LogAttrs(ctx, slog.LevelWarn, "acknowledgements may be lost; the events will be delivered again",
			slog.Any("error", err))
	}
	s.log.LogAttrs(ctx, slog.LevelInfo, "processor stopped")
}

// unlessEnded returns err, or nil if ctx has ended, since every operation then
// fails and that is no failure.
func unlessEnded(ctx context.Context, err error) error {
	select {
	case <-ctx.Done():
		return nil
	default:
		return err
	}
}
