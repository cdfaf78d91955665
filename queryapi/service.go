package queryapi

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync/atomic"
	"time"

	"github.com/nats-io/nats.go/jetstream"
	"github.com/prometheus/client_golang/prometheus"
	"golang.org/x/time/rate"

	"github.com/theeye/theeye/shared/daemon"
	"github.com/theeye/theeye/shared/httpserver"
	"github.com/theeye/theeye/shared/httpserver/router"
	"github.com/theeye/theeye/shared/registry"
	"github.com/theeye/theeye/shared/store"
)

// Defaults of Config.
const (
	DefaultTimeout     = 15 * time.Second
	DefaultMaxInFlight = 64
)

// readyWithin bounds one question whether the store is ready.
const readyWithin = 2 * time.Second

// Store is what the query API needs of a store.
type Store interface {
	store.Reader
	// Ready returns nil once the processor has prepared the store and it
	// answers.
	Ready(ctx context.Context) error
	// Revision returns the highest registry revision ever written.
	Revision(ctx context.Context) (uint64, error)
}

// Config is what a Service is made of. Zero limits are the defaults.
type Config struct {
	// Listen is the address to serve on; "" serves through Handler alone.
	Listen string
	// JetStream reads events that wait for their outcome. It may be nil or
	// disconnected: then only the question for an event that is not stored
	// answers 503.
	JetStream jetstream.JetStream
	// Registry knows the tokens and the applications.
	Registry *registry.Registry
	Store    Store
	Logger   *slog.Logger
	Metrics  prometheus.Registerer
	// Timeout bounds the work on one request; default 15 s.
	Timeout time.Duration
	// MaxInFlight bounds the queries at work; default 64. One more answers
	// 503 at once.
	MaxInFlight int
}

// Service answers the query API. It is safe for concurrent use.
type Service struct {
	*httpserver.Server

	registry *registry.Registry
	store    Store
	pending  *backlog
	// js and editor reach the buckets of the registry; nil without NATS.
	js      jetstream.JetStream
	editor  *registry.Editor
	log     *slog.Logger
	metrics *metrics
	timeout time.Duration
	slots   chan struct{}
	// traces bounds how many events are judged again at once.
	traces chan struct{}
	router *router.Router
	// prepared remembers that the store was ready once: from then on its own
	// errors tell.
	prepared atomic.Bool
	// quiet bounds the log lines about a store or stream that is away.
	quiet rate.Sometimes
}

// New checks c and binds its address; Run serves.
func New(c Config) (*Service, error) {
	if c.Registry == nil || c.Store == nil || c.Logger == nil || c.Metrics == nil {
		return nil, errors.New("query API: Registry, Store, Logger and Metrics are needed")
	}
	if c.Timeout <= 0 {
		c.Timeout = DefaultTimeout
	}
	if c.MaxInFlight <= 0 {
		c.MaxInFlight = DefaultMaxInFlight
	}
	m, err := newMetrics(c.Metrics, func() float64 { return float64(c.Registry.Revision()) })
	if err != nil {
		return nil, fmt.Errorf("query API: register metrics: %w", err)
	}
	s := &Service{
		registry: c.Registry, store: c.Store, pending: newBacklog(c.JetStream), log: c.Logger, metrics: m,
		timeout: c.Timeout, slots: make(chan struct{}, c.MaxInFlight),
		traces: make(chan struct{}, maxTraces), quiet: rate.Sometimes{First: 1, Interval: time.Second},
	}
	if c.JetStream != nil {
		s.js, s.editor = c.JetStream, registry.NewEditor(c.JetStream)
	}
	s.router = s.newRouter()
	s.Server, err = httpserver.Bind(httpserver.Config{Service: "query API", Listen: c.Listen, Handler: s.router, Logger: c.Logger})
	if err != nil {
		return nil, err
	}
	return s, nil
}

// Routes returns the routes of the API.
func (s *Service) Routes() []httpserver.Route { return s.router.Routes() }

// Ready names what the service needs to answer, with what is missing. NATS is
// not in the list: without it the last snapshot of the registry serves.
func (s *Service) Ready() []daemon.Check {
	checks := []daemon.Check{{Name: "registry"}, {Name: "store"}}
	if s.registry.Snapshot() == nil {
		checks[0].Err = errors.New("no complete snapshot of the registry yet")
	}
	ctx, cancel := context.WithTimeout(context.Background(), readyWithin)
	defer cancel()
	checks[1].Err = s.store.Ready(ctx)
	return checks
}

// started refuses queries until the store is prepared: an empty answer of a
// store that nobody has set up would be a wrong one.
func (s *Service) started(ctx context.Context) error {
	if s.prepared.Load() {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, readyWithin)
	defer cancel()
	if err := s.store.Ready(ctx); err != nil {
		return unavailable(codeStarting, "the store is not ready yet", retrySoon, err)
	}
	s.prepared.Store(true)
	return nil
}
