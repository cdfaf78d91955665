package processor

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"github.com/prometheus/client_golang/prometheus"
	"golang.org/x/sync/errgroup"

	"github.com/theeye/theeye/processor/audit"
	"github.com/theeye/theeye/processor/jobs"
	"github.com/theeye/theeye/shared/outcome"
	"github.com/theeye/theeye/shared/registry"
	"github.com/theeye/theeye/shared/store"
	"github.com/theeye/theeye/shared/stream"
)

// Config is what a Service needs. The first four fields are required; the zero
// value of every other one is its default.
type Config struct {
	JetStream jetstream.JetStream
	// Conn is the connection under JetStream. The caller closes it after Run.
	Conn *nats.Conn
	// Registry must be running; the caller runs it.
	Registry *registry.Registry
	// Store stays open; the caller closes it after Run.
	Store store.Store
	// Heart tells whether this process is live for all others, who rely on what
	// it does then; nil, for a process without others, is always. The caller
	// runs it, and ends it after the service.
	Heart Heartbeat
	// Stream is what the stream is created with and kept to.
	Stream stream.Config
	Logger *slog.Logger
	// Metrics gets the metrics whose names start with eye_processor_.
	Metrics prometheus.Registerer
	// Lanes is how many batches are in work at once; 0 is 3: while two are
	// written the next is fetched and judged.
	Lanes int
	// BatchEvents and BatchBytes bound a batch; 0 is 1,000 events and 1.25 MiB.
	// An event over BatchBytes is a batch of its own. As BSON and in the
	// driver a batch takes some ten times its bytes.
	BatchEvents, BatchBytes int
	// Observe is how often lag and store are looked at, and the stream is
	// purged; 0 is 2 s.
	Observe time.Duration
	// AuditRate is how many sequences of the stream a second the continuous
	// audit accounts for; 0 is none.
	AuditRate int
	// Now is the clock for expiry, retention and ages; nil is time.Now.
	Now func() time.Time
}

func (c Config) withDefaults() Config {
	c.Stream = c.Stream.WithDefaults()
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	if c.Metrics == nil {
		c.Metrics = prometheus.NewRegistry()
	}
	if c.Lanes == 0 {
		c.Lanes = 3
	}
	if c.BatchEvents == 0 {
		c.BatchEvents = 1000
	}
	if c.BatchBytes == 0 {
		c.BatchBytes = 5 << 18
	}
	if c.Observe == 0 {
		c.Observe = 2 * time.Second
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
	// writeDocs writes what the lanes judged.
	writeDocs func(ctx context.Context, revision uint64, docs []*store.Document) ([]store.WriteResult, error)
	// rules returns what the next batch is judged by.
	rules func() outcome.Rules

	jobs    *jobs.Runner
	auditor *audit.Auditor
	marks   *audit.Marks

	// epoch is set before the lanes and the jobs start.
	epoch int64
	// turn holds one token: the lane that has it pulls.
	turn   chan struct{}
	puller *puller
	// reconnects is how often the connection had been made anew when the epoch
	// was last compared. The lane whose turn it is uses it.
	reconnects uint64

	outage outage
	hands  hands
	raise  sync.Mutex
	raised uint64 // guarded by raise

	// kick asks the observer to look at the stream before its time.
	kick chan struct{}
	// settledBytes counts towards the next kick.
	settledBytes atomic.Int64

	// late is whether the floor was behind at the last look, lastSeq the end
	// of the stream at it. The observer uses them.
	late    bool
	lastSeq uint64

	state readiness
}

// New returns a Service that has not touched anything yet.
func New(cfg Config) (*Service, error) {
	var missing []error
	for name, absent := range map[string]bool{
		"JetStream": cfg.JetStream == nil, "Conn": cfg.Conn == nil,
		"Registry": cfg.Registry == nil, "Store": cfg.Store == nil,
	} {
		if absent {
			missing = append(missing, fmt.Errorf("processor: no %s", name))
		}
	}
	if len(missing) > 0 {
		return nil, errors.Join(missing...)
	}
	cfg = cfg.withDefaults()
	m, err := newMetrics(cfg.Metrics, func() float64 { return knownRevision(cfg.Registry) })
	if err != nil {
		return nil, err
	}
	s := &Service{
		cfg:     cfg,
		log:     cfg.Logger,
		metrics: m,
		turn:    make(chan struct{}, 1),
		kick:    make(chan struct{}, 1),
		rules:   func() outcome.Rules { return cfg.Registry.Snapshot().Schemas },
	}
	s.turn <- struct{}{}
	s.outage.init(s)
	s.writeDocs = s.writeOf(s.newWriter())
	return s, s.openJobs()
}

// knownRevision is 0 before the first snapshot.
func knownRevision(r *registry.Registry) float64 {
	if snapshot := r.Snapshot(); snapshot != nil {
		return float64(snapshot.Schemas.Revision())
	}
	return 0
}

// Run prepares stream, consumers and store, and processes until ctx ends; with
// the other processors it shares the jobs, too: replays, dry runs and audits. Then
// it finishes what is being written, hands back the rest, and returns nil. It
// returns ErrRevision, ErrReplaced or an error of class store.ErrConfiguration
// when a person is needed.
func (s *Service) Run(ctx context.Context) error {
	if err := s.prepare(ctx); err != nil {
		return unlessEnded(ctx, err)
	}
	var err error
	if s.puller, err = newPuller(s.cfg.Conn, s.cfg.JetStream, s.cfg.BatchEvents, s.cfg.BatchBytes); err != nil {
		return err
	}
	s.log.LogAttrs(ctx, slog.LevelInfo, "processing", slog.Int("lanes", s.cfg.Lanes))
	s.state.set(partStart, nil)

	group, running := errgroup.WithContext(ctx)
	for range s.cfg.Lanes {
		group.Go(func() error { return s.lane(running) })
	}
	group.Go(func() error { return s.observe(running) })
	group.Go(func() error { return s.jobs.Run(running) })
	group.Go(func() error { return s.auditor.Follow(running, s.cfg.AuditRate) })
	err = group.Wait()
	s.handOver(ctx)
	return err
}

// lane takes one batch after the other through all steps.
func (s *Service) lane(ctx context.Context) error {
	for {
		batch, err := s.fetch(ctx)
		if err != nil || ctx.Err() != nil {
			s.handBack(batch)
			return unlessEnded(ctx, err)
		}
		if len(batch) == 0 {
			continue
		}
		if err := s.process(ctx, batch); err != nil {
			return err
		}
	}
}

// unlessEnded returns err, or nil if ctx has ended: then everything fails, and
// that is no failure.
func unlessEnded(ctx context.Context, err error) error {
	select {
	case <-ctx.Done():
		return nil
	default:
		return err
	}
}

// progressEvery is a third of the time after which the server would deliver a
// batch again.
const progressEvery = stream.AckWait / 3

// process brings a batch to its outcomes. Until it is settled, the server is
// told that it is in work.
func (s *Service) process(ctx context.Context, batch []delivery) error {
	stop := repeat(ctx, progressEvery, func() { s.inProgress(batch) })
	defer stop()
	w := &work{batch: batch}
	defer s.hands.drop(w)
	written, err := s.write(ctx, w)
	stop()
	return s.settle(ctx, batch, w.docs, written, err)
}
