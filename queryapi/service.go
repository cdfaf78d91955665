package queryapi

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/nats-io/nats.go/jetstream"
	"github.com/prometheus/client_golang/prometheus"

	"github.com/theeye/theeye/queryapi/admin"
	"github.com/theeye/theeye/queryapi/events"
	"github.com/theeye/theeye/queryapi/httpapi"
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

// Store is what the query API needs of a store.
type Store interface {
	store.Reader
	// Ready returns nil once the processor has prepared the store and it
	// answers.
	Ready(ctx context.Context) error
	// HighestRevision returns the highest registry revision ever written.
	HighestRevision(ctx context.Context) (uint64, error)
}

// Config configures a Service. Zero limits are the defaults.
type Config struct {
	// Listen is the address to serve on; "" serves through Handler alone.
	Listen string
	// JetStream reads events without an outcome, and the buckets of the
	// registry and of jobs. It may be nil or disconnected: the calls that need
	// it then answer 503.
	JetStream jetstream.JetStream
	// Registry knows the tokens and the applications.
	Registry *registry.Registry
	Store    Store
	Logger   *slog.Logger
	Metrics  prometheus.Registerer
	// Timeout bounds the work on one request; default 15 s.
	Timeout time.Duration
	// MaxInFlight bounds the queries in flight; default 64. One more is
	// answered 503 at once.
	MaxInFlight int
}

// Service serves the query API. It is safe for concurrent use.
type Service struct {
	*httpserver.Server

	registry *registry.Registry
	events   *events.Finder
	router   *router.Router
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
		registry: c.Registry,
		events:   events.New(events.Config{JetStream: c.JetStream, Registry: c.Registry, Store: c.Store}),
	}
	s.router = httpapi.New(httpapi.Config{
		Events:   s.events,
		Admin:    admin.New(admin.Config{JetStream: c.JetStream, Registry: c.Registry, Store: c.Store, Logger: c.Logger}),
		Registry: c.Registry, Timeout: c.Timeout, MaxInFlight: c.MaxInFlight,
		Latency: m.seconds, InFlight: m.inFlight, Logger: c.Logger,
	})
	s.Server, err = httpserver.Bind(httpserver.Config{Service: "query API", Listen: c.Listen, Handler: s.router, Logger: c.Logger})
	if err != nil {
		return nil, err
	}
	return s, nil
}

// Routes returns the routes of the API.
func (s *Service) Routes() []httpserver.Route { return s.router.Routes() }

// Ready lists what the service needs to answer, each with the reason why it is
// missing. NATS is not in the list: without it the last snapshot of the
// registry is used.
func (s *Service) Ready() []daemon.Check {
	checks := []daemon.Check{{Name: "registry"}, {Name: "store"}}
	if s.registry.Snapshot() == nil {
		checks[0].Err = errors.New("no complete snapshot of the registry yet")
	}
	checks[1].Err = s.events.CheckReady(context.Background())
	return checks
}

// metrics of the service. Requests are counted by route, never by path, so that
// the number of series is fixed.
type metrics struct {
	seconds  *prometheus.HistogramVec
	inFlight prometheus.Gauge
}

// newMetrics registers the metrics; revision is that of the registry's snapshot
// in this process.
func newMetrics(r prometheus.Registerer, revision func() float64) (*metrics, error) {
	m := &metrics{
		seconds: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name:    "eye_queryapi_request_seconds",
			Help:    "Time to answer a request, by route and status.",
			Buckets: []float64{.001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 15},
		}, []string{"route", "status"}),
		inFlight: prometheus.NewGauge(prometheus.GaugeOpts{
			Name: "eye_queryapi_requests_in_flight",
			Help: "Requests in flight.",
		}),
	}
	current := prometheus.NewGaugeFunc(prometheus.GaugeOpts{
		Name: "eye_queryapi_registry_revision",
		Help: "Registry revision in use, 0 before the first.",
	}, revision)
	for _, c := range []prometheus.Collector{m.seconds, m.inFlight, current} {
		if err := r.Register(c); err != nil {
			return nil, err
		}
	}
	return m, nil
}
