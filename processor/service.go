package processor

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"time"

	"github.com/google/uuid"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"github.com/prometheus/client_golang/prometheus"
	"golang.org/x/sync/errgroup"

	"github.com/theeye/theeye/processor/audit"
	"github.com/theeye/theeye/processor/jobs"
	"github.com/theeye/theeye/processor/replay"
	"github.com/theeye/theeye/processor/retention"
	"github.com/theeye/theeye/shared/daemon"
	"github.com/theeye/theeye/shared/job"
	"github.com/theeye/theeye/shared/outcome"
	"github.com/theeye/theeye/shared/registry"
	"github.com/theeye/theeye/shared/schema"
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
	s := &Service{cfg: cfg, log: cfg.Logger}
	s.health = newReadiness(s.log)
	s.fence = &fence{heartbeat: cfg.Heartbeat}
	m, err := newMetrics(cfg.Metrics, func() float64 { return knownRevision(cfg.Registry) }, func() bool { return s.Waiting() == "" })
	if err != nil {
		return nil, err
	}
	s.metrics = m
	s.stream = &streamGuard{js: cfg.JetStream, conn: cfg.Conn, config: cfg.Stream, health: s.health, log: s.log}
	validator := &validator{
		rules: func() outcome.Rules { return cfg.Registry.Snapshot().Schemas },
		epoch: s.stream.currentEpoch, overruns: newOverruns(m, s.log), metrics: m, log: s.log,
	}
	writers := &storeWriters{store: cfg.Store, now: cfg.Now, alarm: func(error) { m.alarms.Inc() }}
	track := func() (*schema.Set, func()) {
		return s.fence.inFlight.trackSet(func() *schema.Set { return cfg.Registry.Snapshot().Schemas })
	}
	if s.jobs, err = newJobRunners(cfg, s.stream.currentEpoch, track, validator, writers, m); err != nil {
		return nil, err
	}
	outage := newOutage(s.health, m, s.log)
	s.observer = newObserver(cfg, s.stream, s.jobs.marks, outage, m)
	s.fetcher = &fetcher{lock: make(chan struct{}, 1), stream: s.stream, outage: outage, health: s.health, metrics: m, log: s.log}
	s.fetcher.lock <- struct{}{}
	s.settler = &settler{conn: cfg.Conn, metrics: m, requestPurge: s.observer.requestPurge}
	s.worker = &worker{
		fetcher: s.fetcher, validator: validator, fence: s.fence, writeDocs: writers.newWriteFunc(), rewriteDocs: writers.writeBy(writers.newWriter(true)),
		outage: outage, settler: s.settler, costly: newCostlyQueue(s.settler, m), metrics: m,
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

// jobRunners run replays, dry runs, audits and changes of the retention beside the
// workers.
type jobRunners struct {
	runner  *jobs.Runner
	policy  *retention.Follower
	auditor *audit.Auditor
	marks   *audit.Marks
}

func newJobRunners(
	cfg Config, epoch func() int64, track func() (*schema.Set, func()), validator *validator, writers *storeWriters, m *metrics,
) (*jobRunners, error) {
	resources := func() jobs.Resources {
		return jobs.Resources{
			JetStream: cfg.JetStream, Registry: cfg.Registry, Store: cfg.Store, Write: writers.newWriteFunc(), Track: track,
			Logger: cfg.Logger,
		}
	}
	replayer := replay.New(replay.Config{
		Resources: resources(),
		Evaluate: func(m stream.Raw, set *schema.Set) *store.Document {
			return validator.evaluate(context.Background(), m, set)
		},
		OnChange: m.countReplayed,
	})
	auditor, err := audit.New(audit.Config{
		Resources: resources(), Epoch: epoch, Now: cfg.Now, Metrics: cfg.Metrics,
	})
	if err != nil {
		return nil, err
	}
	instance := uuid.NewString()
	if cfg.Heartbeat != nil {
		instance = cfg.Heartbeat.Instance()
	}
	tasks := map[job.Kind]jobs.Task{
		job.Replay: replayer.Replay, job.DryRun: replayer.DryRun, job.Audit: auditor.Audit,
		job.Retention: retention.New(retention.Config{
			JetStream: cfg.JetStream, Registry: cfg.Registry, Store: cfg.Store, Now: cfg.Now,
		}).Apply,
	}
	for kind, task := range tasks {
		tasks[kind] = m.instrumentTask(kind, task)
	}
	return &jobRunners{
		runner: jobs.New(jobs.Config{
			JetStream: cfg.JetStream, Instance: instance, Tasks: tasks, Logger: cfg.Logger, LeaseTime: cfg.jobLease,
		}),
		policy:  retention.NewFollower(cfg.JetStream, cfg.Registry, cfg.Logger),
		auditor: auditor,
		marks:   audit.NewMarks(cfg.JetStream, epoch, cfg.Logger),
	}, nil
}

func newObserver(cfg Config, guard *streamGuard, marks *audit.Marks, outage *outage, m *metrics) *observer {
	return &observer{
		js: cfg.JetStream, store: cfg.Store, config: cfg.Stream, every: cfg.ObserveEvery, now: cfg.Now,
		guard: guard, outage: outage, marks: marks, metrics: m, log: cfg.Logger,
		wake: make(chan struct{}, 1),
	}
}

// Run prepares stream, consumers and store, and processes until ctx ends. With
// the other processors it also shares the jobs: replays, dry runs, audits and changes
// of the retention. At
// the end of ctx it finishes the writes that are running, releases all other
// messages, and returns nil. It returns ErrRevision, ErrReplaced or an error of
// class store.ErrConfiguration when an operator must act.
func (s *Service) Run(ctx context.Context) error {
	if err := s.prepareObserved(ctx); err != nil {
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
	group.Go(func() error { return s.worker.processCostly(running) })
	group.Go(func() error { return s.observer.observeUntil(running) })
	group.Go(func() error { return s.jobs.runner.Run(running) })
	group.Go(func() error { return s.jobs.policy.Follow(running) })
	group.Go(func() error { return s.jobs.auditor.Follow(running, s.cfg.AuditRate) })
	err = group.Wait()
	s.drain(ctx)
	return err
}

// prepareObserved prepares, and keeps the gauges of what waits until it is done.
func (s *Service) prepareObserved(ctx context.Context) error {
	waiting, prepared := context.WithCancel(ctx)
	var observed sync.WaitGroup
	observed.Go(func() { s.observer.observeWaiting(waiting) })
	defer observed.Wait()
	defer prepared()
	return s.prepare(ctx)
}

// prepare makes everything that processing needs, in this order: stream and
// buckets, without which there is no registry; the first snapshot; the store;
// and the comparison of the two. It waits for unavailable dependencies.
func (s *Service) prepare(ctx context.Context) error {
	for _, step := range []struct {
		condition condition
		run       func(context.Context) error
	}{
		{conditionNATS, s.stream.ensureStream},
		{conditionNATS, s.checkStreamTail},
		{conditionRegistry, s.awaitRegistry},
		{conditionStore, s.prepareStore},
		{conditionStore, s.compareRevisions},
	} {
		if err := s.health.retryUntilDone(ctx, step.condition, step.run); err != nil {
			return err
		}
	}
	return nil
}

// checkStreamTail notes which events the stream lost at its end while no
// processor ran: their sequences are about to be assigned to other messages.
func (s *Service) checkStreamTail(ctx context.Context) error {
	return asReplaced(s.jobs.marks.CheckTail(ctx))
}

// awaitRegistry waits for the first complete snapshot: with half a registry,
// good events would be rejected.
func (s *Service) awaitRegistry(ctx context.Context) error {
	s.health.record(conditionRegistry, errNoSnapshot)
	select {
	case <-s.cfg.Registry.Ready():
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (s *Service) prepareStore(ctx context.Context) error {
	if err := s.cfg.Store.Prepare(ctx); err != nil {
		return fmt.Errorf("prepare the store: %w", err)
	}
	s.metrics.storeUp.Set(1)
	return nil
}

// compareRevisions compares the store's revision with the bucket's own: the
// snapshot of a healthy registry may be some milliseconds behind that of another
// processor.
func (s *Service) compareRevisions(ctx context.Context) error {
	inStore, err := s.cfg.Store.HighestRevision(ctx)
	if err != nil {
		return fmt.Errorf("read the store's revision: %w", err)
	}
	inRegistry, err := stream.NewestRevision(ctx, s.cfg.JetStream, stream.BucketSchemas)
	if err != nil {
		return err
	}
	if inStore > inRegistry {
		return fmt.Errorf("%w (store %d, registry %d)", ErrRevision, inStore, inRegistry)
	}
	if inStore == 0 && inRegistry > 0 {
		return s.warnOfOtherStore(ctx)
	}
	return nil
}

// warnOfOtherStore says that the events that are settled already are in another
// store: nothing was ever written to this one.
func (s *Service) warnOfOtherStore(ctx context.Context) error {
	live, err := s.cfg.JetStream.Consumer(ctx, stream.Name, stream.Consumer)
	if err != nil {
		return fmt.Errorf("look up consumer %s: %w", stream.Consumer, err)
	}
	if settled := live.CachedInfo().AckFloor.Stream; settled > 0 {
		s.log.LogAttrs(ctx, slog.LevelWarn, "the store is empty, and the events up to a sequence of the stream were written to another one: "+
			"theeye replay writes those that the stream still has", slog.Uint64("sequence", settled))
	}
	return nil
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

var (
	errNoSnapshot   = errors.New("no complete snapshot yet")
	errDisconnected = errors.New("NATS is disconnected")
)

// Ready reports each condition of the processor: nats (with stream and
// consumer), registry, store, start, which is nil while the workers run, and
// heartbeat. It makes no request and does not block.
func (s *Service) Ready() []daemon.Check {
	checks := make([]daemon.Check, len(conditions))
	for i, c := range conditions {
		var err error
		switch c {
		case conditionHeartbeat:
			err = s.fence.checkLive()
		case conditionNATS:
			if err = s.health.lastResult(c); err == nil && !s.cfg.Conn.IsConnected() {
				err = errDisconnected // the workers wait for the connection
			}
		default:
			err = s.health.lastResult(c)
		}
		checks[i] = daemon.Check{Name: string(c), Err: err}
	}
	return checks
}

// maxWaiting bounds the result of Waiting, in bytes.
const maxWaiting = 500

// Waiting says which condition keeps the service from taking events, and why; ""
// while it takes them. It is the heartbeat.Config.Waiting of a processor, so it
// leaves out the heartbeat itself. Safe for concurrent use.
func (s *Service) Waiting() string {
	for _, c := range s.Ready() {
		if c.Err == nil || c.Name == string(conditionHeartbeat) {
			continue
		}
		text := c.Name + ": " + c.Err.Error()
		return strings.ToValidUTF8(text[:min(len(text), maxWaiting)], "")
	}
	return ""
}

// OldestRevision is the lowest registry revision that a batch in flight was
// validated against, 0 if no batch is in flight. It is the
// heartbeat.Config.Oldest of a processor; safe for concurrent use.
func (s *Service) OldestRevision() uint64 { return s.fence.inFlight.oldestRevision() }
