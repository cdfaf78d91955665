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
	"github.com/theeye/theeye/queryapi/analytics"
	"github.com/theeye/theeye/queryapi/events"
	"github.com/theeye/theeye/queryapi/httpapi"
	"github.com/theeye/theeye/queryapi/live"
	"github.com/theeye/theeye/queryapi/refresh"
	"github.com/theeye/theeye/shared/daemon"
	"github.com/theeye/theeye/shared/httpserver"
	"github.com/theeye/theeye/shared/httpserver/router"
	"github.com/theeye/theeye/shared/lastuse"
	"github.com/theeye/theeye/shared/registry"
	"github.com/theeye/theeye/shared/store"
)

// Defaults of Config.
const (
	DefaultTimeout     = 15 * time.Second
	DefaultMaxInFlight = 64
	DefaultAnswerBytes = 256 << 20
)

// Store is what the query API needs of a store.
type Store interface {
	store.Reader
	store.Marks
	store.Marks
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
	// Hosts are names and addresses by which Listen is reached: see
	// httpserver.NewHosts.
	Hosts []string
	// JetStream reads events without an outcome, and the buckets of the
	// registry and of jobs. It may be nil or disconnected: the calls that need
	// it then answer 503.
	JetStream jetstream.JetStream
	// Registry knows the tokens and the applications.
	Registry *registry.Registry
	Store    Store
	// ColumnsDir is the folder of the columns from which statistics are answered. It is
	// derived from the store, and only this process uses it. Without one, the service
	// answers no statistics.
	ColumnsDir string
	// Now is the clock of the columns: of as_of, and of expiry; nil is
	// time.Now.
	Now func() time.Time
	// UseInterval is how often the last uses of tokens are written: see lastuse.Config.
	UseInterval time.Duration
	// Backup is for an embedded store.
	Backup  admin.BackupConfig
	Logger  *slog.Logger
	Metrics prometheus.Registerer
	// Timeout bounds the work on one request; default 15 s.
	Timeout time.Duration
	// BodyPace bounds the arrival of bodies; its zero fields are those of
	// httpserver.DefaultBodyPace. It holds for the listener of the service, not
	// for its Handler.
	BodyPace httpserver.Pace
	// LiveHeartbeat is how often a live stream without events sends something;
	// default 15 s.
	LiveHeartbeat time.Duration
	// MaxInFlight bounds the queries in work of analysts, and those of operators;
	// default 64 each. One more is answered 503 at once. A token may have as many
	// as it leaves free.
	MaxInFlight int
	// AnswerBytes bounds the memory of the answers that are made and written;
	// default 256 MiB. A token may have as much as it leaves free.
	AnswerBytes int64
}

// Service serves the query API. It is safe for concurrent use.
type Service struct {
	*httpserver.Server

	log      *slog.Logger
	registry *registry.Registry
	events   *events.Finder
	columns  *refresh.Refresher         // nil without a folder
	uses     *lastuse.Recorder          // nil without NATS
	memory   *httpserver.Budget[string] // of answers
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
	if c.AnswerBytes <= 0 {
		c.AnswerBytes = DefaultAnswerBytes
	}
	memory := httpapi.NewMemory(c.AnswerBytes)
	m, err := newMetrics(c.Metrics, map[string]gauge{
		"registry_revision": {"Registry revision in use, 0 before the first.", func() float64 { return float64(c.Registry.Revision()) }},
		"answer_bytes":      {"Memory that answers hold.", func() float64 { return float64(memory.Used()) }},
	})
	if err != nil {
		return nil, fmt.Errorf("query API: register metrics: %w", err)
	}
	s := &Service{
		log:      c.Logger,
		registry: c.Registry,
		memory:   memory,
	}
	if c.JetStream != nil {
		s.uses = lastuse.NewRecorder(lastuse.Config{JetStream: c.JetStream, Interval: c.UseInterval, Logger: c.Logger})
	}
	if err := s.openColumns(c); err != nil {
		return nil, fmt.Errorf("query API: %w", err)
	}
	var statistics *analytics.Analytics
	if s.columns != nil {
		statistics = analytics.New(s.columns)
	}
	s.events = events.New(events.Config{JetStream: c.JetStream, Registry: c.Registry, Store: c.Store, Analytics: statistics})
	s.router = httpapi.New(httpapi.Config{
		Analytics: statistics,
		Events:    s.events,
		Store:     c.Store, Heartbeat: c.LiveHeartbeat,
		Live: live.New(live.Config{JetStream: c.JetStream, Store: c.Store, Logger: c.Logger}),
		Admin: admin.New(admin.Config{
			JetStream: c.JetStream, Registry: c.Registry, Store: c.Store, Columns: s.columns, Backup: c.Backup, Logger: c.Logger,
		}),
		Registry: c.Registry, Uses: s.uses, Timeout: c.Timeout, MaxInFlight: c.MaxInFlight, Memory: memory,
		Latency: m.seconds, InFlight: m.inFlight, Logger: c.Logger,
	})
	s.Server, err = httpserver.Bind(httpserver.Config{
		Service: "query API", Listen: c.Listen, Hosts: httpserver.NewHosts(c.Listen, c.Hosts), Handler: s.router, BodyPace: c.BodyPace, Logger: c.Logger,
	})
	if err != nil {
		return nil, err
	}
	return s, nil
}

// Routes returns the routes of the API.
func (s *Service) Routes() []httpserver.Route { return s.router.Routes() }

// HeldBytes estimates the memory of the columns that are loaded and of the answers that
// are made.
func (s *Service) HeldBytes() int64 {
	held := s.memory.Used()
	if s.columns != nil {
		held += s.columns.CacheBytes()
	}
	return held
}

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

// gauge is a metric that is read when it is asked for.
type gauge struct {
	help  string
	value func() float64
}

// newMetrics registers the metrics, and gauges by their names.
func newMetrics(r prometheus.Registerer, gauges map[string]gauge) (*metrics, error) {
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
	all := []prometheus.Collector{m.seconds, m.inFlight}
	for name, g := range gauges {
		all = append(all, prometheus.NewGaugeFunc(prometheus.GaugeOpts{Name: "eye_queryapi_" + name, Help: g.help}, g.value))
	}
	for _, c := range all {
		if err := r.Register(c); err != nil {
			return nil, err
		}
	}
	return m, nil
}
