package collector

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"runtime"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"github.com/prometheus/client_golang/prometheus"
	"golang.org/x/time/rate"

	"github.com/theeye/theeye/shared/daemon"
	"github.com/theeye/theeye/shared/event"
	"github.com/theeye/theeye/shared/httpserver"
	"github.com/theeye/theeye/shared/httpserver/router"
	"github.com/theeye/theeye/shared/lastuse"
	"github.com/theeye/theeye/shared/registry"
	"github.com/theeye/theeye/shared/stream"
)

// Limits bound the collector's memory and time. A zero field means its default.
type Limits struct {
	// QueueEvents and QueueBytes bound the requests that wait for their
	// commit, of which one key alone has half: 40,000 events and 128 MiB.
	QueueEvents int
	QueueBytes  int64
	// BodyBytes bounds the memory of all bodies being served: 256 MiB. What one
	// write key may hold of it is a share, see httpserver.Budget.
	BodyBytes int64
	// BodyPace bounds the arrival of a body: httpserver.DefaultBodyPace. It holds
	// for the listener of the service, not for its Handler.
	BodyPace httpserver.Pace
	// QueueTimeout bounds the wait in the queue, CommitTimeout the wait for
	// the server's acknowledgement of one batch: 5 s each. A request spans two
	// batches at most, so it is answered within their sum and one
	// CommitTimeout more.
	QueueTimeout, CommitTimeout time.Duration
}

const (
	// minQueueBytes lets the largest request through an empty queue.
	minQueueBytes = 2*maxBody + maxEvents*eventOverhead
	// minBodyBytes lets the largest compressed request into an empty budget:
	// three quarters of that are for large bodies, and the share of a key is half
	// of them.
	minBodyBytes = 6 * maxBody
)

func (l Limits) withDefaults() Limits {
	setDefault(&l.QueueEvents, 40_000)
	setDefault(&l.QueueBytes, 128<<20)
	setDefault(&l.BodyBytes, 256<<20)
	setDefault(&l.QueueTimeout, 5*time.Second)
	setDefault(&l.CommitTimeout, 5*time.Second)
	return l
}

func setDefault[T int | int64 | time.Duration](field *T, value T) {
	if *field == 0 {
		*field = value
	}
}

// Config configures a Service.
type Config struct {
	// Listen is the address to bind; "" binds none, and the caller serves
	// Handler.
	Listen string
	// JetStream looks up the stream for Ready.
	JetStream jetstream.JetStream
	// Conn publishes the events to the stream.
	Conn *nats.Conn
	// Registry holds the write keys and the types.
	Registry *registry.Registry
	// Guard returns an error while nothing may be published, as when the disk
	// is nearly full; a nil Guard always allows it.
	Guard   func() error
	Logger  *slog.Logger
	Metrics prometheus.Registerer
	Limits  Limits
	// Now is the clock by which events are received, keys expire and rates are
	// limited; nil is time.Now.
	Now func() time.Time
	// UseInterval is how often the last uses of keys are written: see lastuse.Config.
	UseInterval time.Duration
}

// Service accepts events. It is safe for concurrent use.
type Service struct {
	*httpserver.Server

	registry  *registry.Registry
	js        jetstream.JetStream
	conn      *nats.Conn
	guard     func() error
	log       *slog.Logger
	metrics   *metrics
	now       func() time.Time
	bodies    bodyReader
	committer *committer
	limiters  rateLimiters
	turns     *validationTurns
	uses      *lastuse.Recorder
	router    *router.Router
	// logLimit bounds the log lines about failed requests.
	logLimit rate.Sometimes
}

// New checks c and binds its address; Run serves.
func New(c Config) (*Service, error) {
	if c.JetStream == nil || c.Conn == nil || c.Registry == nil || c.Logger == nil || c.Metrics == nil {
		return nil, errors.New("collector: JetStream, Conn, Registry, Logger and Metrics are needed")
	}
	limits := c.Limits.withDefaults()
	if limits.QueueEvents < maxEvents || limits.QueueBytes < minQueueBytes || limits.BodyBytes < minBodyBytes {
		return nil, fmt.Errorf("collector: the limits must let one request of %d events and %d bytes through", maxEvents, maxBody)
	}
	if c.Guard == nil {
		c.Guard = func() error { return nil }
	}
	if c.Now == nil {
		c.Now = time.Now
	}
	s := &Service{
		now: c.Now, registry: c.Registry, js: c.JetStream, conn: c.Conn, guard: c.Guard, log: c.Logger, metrics: newMetrics(),
		turns: newValidationTurns(), uses: lastuse.NewRecorder(lastuse.Config{JetStream: c.JetStream, Interval: c.UseInterval, Logger: c.Logger}),
		logLimit: rate.Sometimes{First: 1, Interval: time.Second},
	}
	s.bodies = bodyReader{
		budget: httpserver.NewBudget[keyID](limits.BodyBytes, smallBody),
		gzip:   gzipDecoder{slots: make(chan struct{}, 2*runtime.GOMAXPROCS(0))},
	}
	s.committer = newCommitter(c.Conn, limits, s.metrics)
	s.limiters.clock, s.limiters.refusals, s.limiters.access = s.now, s.metrics.rateLimited, s.currentAccess
	s.router = s.newRouter()
	if err := s.metrics.register(c.Metrics, s); err != nil {
		return nil, fmt.Errorf("collector: register metrics: %w", err)
	}
	var err error
	s.Server, err = httpserver.Bind(httpserver.Config{
		Service: "collector", Listen: c.Listen, Handler: s.router, BodyPace: limits.BodyPace, Logger: c.Logger,
	})
	if err != nil {
		return nil, err
	}
	return s, nil
}

// Run serves until ctx ends, lets the requests in flight finish, and commits
// those that are queued. Requests through Handler are answered 503 before and
// after.
func (s *Service) Run(ctx context.Context) error {
	if err := s.committer.publisher.subscribe(); err != nil {
		return fmt.Errorf("collector: %w", err)
	}
	defer s.committer.publisher.unsubscribe()
	s.committer.queue.startAccepting()
	committed := make(chan struct{})
	go func() { //nolint:contextcheck // queued requests are committed after the end of ctx too
		defer close(committed)
		s.committer.run()
	}()
	defer func() {
		s.committer.queue.close()
		<-committed
	}()
	group := daemon.Group{Logger: s.log}
	group.Add("last uses", s.uses.Run)
	group.Add("HTTP", s.Server.Run)
	return group.Run(ctx)
}

// Routes returns the routes of the API.
func (s *Service) Routes() []httpserver.Route { return s.router.Routes() }

// readyTimeout bounds the lookup of the stream.
const readyTimeout = 2 * time.Second

// Ready lists the dependencies that the service needs to accept events.
func (s *Service) Ready() []daemon.Check {
	checks := []daemon.Check{{Name: "registry"}, {Name: "space", Err: s.guard()}, {Name: "stream", Err: s.checkStream()}}
	if s.registry.Snapshot() == nil {
		checks[0].Err = errors.New("no complete snapshot of the registry yet")
	}
	return checks
}

func (s *Service) checkStream() error {
	if !s.conn.IsConnected() {
		return errors.New("NATS is disconnected")
	}
	if limit := s.conn.MaxPayload(); limit < event.MaxBytes+maxHeaders {
		return fmt.Errorf("max_payload of NATS is %d bytes, less than an event with its headers may have", limit)
	}
	ctx, cancel := context.WithTimeout(context.Background(), readyTimeout)
	defer cancel()
	if _, err := s.js.Stream(ctx, stream.Name); err != nil {
		return fmt.Errorf("look up stream %s: %w", stream.Name, err)
	}
	return nil
}
