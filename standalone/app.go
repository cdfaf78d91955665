package standalone

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"slices"

	"github.com/google/uuid"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/theeye/theeye/collector"
	"github.com/theeye/theeye/processor"
	"github.com/theeye/theeye/queryapi"
	"github.com/theeye/theeye/shared/daemon"
	"github.com/theeye/theeye/shared/heartbeat"
	"github.com/theeye/theeye/shared/natsd"
	"github.com/theeye/theeye/shared/registry"
	"github.com/theeye/theeye/shared/store"
	"github.com/theeye/theeye/shared/stream"
)

// App is The Eye in one process. Its methods may be called concurrently; Run
// is called once.
type App struct {
	cfg      Config
	log      *slog.Logger
	started  chan struct{} // closed once everything works
	listener net.Listener
	admin    *daemon.AdminServer
	mux      *publicMux

	nats     *natsd.Server
	conns    []*nats.Conn
	js       jetstream.JetStream // for all but the collector
	store    store.Store
	registry *registry.Registry
	hearts   map[string]*heartbeat.Heartbeat // of each service

	queryapi  *queryapi.Service
	processor *processor.Service
	collector *collector.Service

	// undo frees what New took, in the order of taking.
	undo []func() error
}

// New binds the addresses, locks the data folder, and opens what is in it. It
// returns daemon.Faults for a faulty configuration and natsd.ErrLocked for a
// folder in use. Run must follow; it frees everything.
func New(cfg Config) (*App, error) {
	if cfg.Logger == nil || cfg.Metrics == nil {
		return nil, errors.New("standalone: Logger and Metrics are needed")
	}
	if faults := cfg.Faults(); len(faults) > 0 {
		return nil, faults
	}
	cfg = cfg.withDefaults()
	a := &App{cfg: cfg, log: cfg.Logger, started: make(chan struct{})}
	for _, open := range []func() error{a.bind, a.openNATS, a.openStore, a.openServices} {
		if err := open(); err != nil {
			return nil, errors.Join(err, a.free())
		}
	}
	return a, nil
}

// Addr is the address of the public listener.
func (a *App) Addr() net.Addr { return a.listener.Addr() }

// AdminAddr is the address of the admin listener.
func (a *App) AdminAddr() net.Addr { return a.admin.Addr() }

// Started is closed once events are taken, processed and found.
func (a *App) Started() <-chan struct{} { return a.started }

// free undoes what a New that fails has done.
func (a *App) free() error {
	var all error
	for _, undo := range slices.Backward(a.undo) {
		all = errors.Join(all, undo())
	}
	return all
}

// bind takes the addresses first: what is refused most often is told at once.
func (a *App) bind() error {
	l, err := new(net.ListenConfig).Listen(context.Background(), "tcp", a.cfg.Listen)
	if err != nil {
		return fmt.Errorf("public listener: %w", err)
	}
	a.listener = l
	a.undo = append(a.undo, l.Close)
	a.admin, err = daemon.Admin(daemon.AdminConfig{
		Listen: a.cfg.AdminListen, Metrics: a.cfg.Metrics, Ready: a.Ready, Logger: a.log,
	})
	if err != nil {
		return err
	}
	a.undo = append(a.undo, a.admin.Close)
	return nil
}

// openServices makes the three services and the registry that all of them
// follow.
func (a *App) openServices() error {
	a.registry = registry.New(registry.Config{JetStream: a.js, Static: a.credentials(), Logger: a.log})
	if err := a.registerMetrics(); err != nil {
		return err
	}
	var err error
	a.queryapi, err = queryapi.New(queryapi.Config{
		JetStream: a.js, Registry: a.registry, Store: a.store,
		Logger: a.part("queryapi"), Metrics: a.cfg.Metrics,
	})
	if err != nil {
		return err
	}
	a.hearts = a.newHearts()
	a.processor, err = processor.New(processor.Config{
		JetStream: a.js, Conn: a.conns[0], Registry: a.registry, Store: a.store, Stream: a.cfg.Stream,
		Heartbeat: a.hearts[processorService], AuditRate: a.cfg.AuditRate,
		Logger: a.part("processor"), Metrics: a.cfg.Metrics,
	})
	if err != nil {
		return err
	}
	js, err := jetstream.New(a.conns[1])
	if err != nil {
		return fmt.Errorf("open JetStream: %w", err)
	}
	a.collector, err = collector.New(collector.Config{
		JetStream: js, Conn: a.conns[1], Registry: a.registry, Guard: a.nats.Guard,
		Logger: a.part("collector"), Metrics: a.cfg.Metrics,
	})
	if err != nil {
		return err
	}
	a.mux = newPublicMux(a.collector, a.queryapi)
	return nil
}

const processorService = "processor"

// newHearts makes a heart for each service, as three processes would have.
// They share the name of the process.
func (a *App) newHearts() map[string]*heartbeat.Heartbeat {
	cfg := heartbeat.Config{
		JetStream: a.js, Instance: uuid.NewString(), Revision: a.registry.Revision, Changed: a.registry.Changed,
	}
	hearts := map[string]*heartbeat.Heartbeat{}
	for _, service := range []string{"collector", "queryapi"} {
		cfg.Service, cfg.Logger = service, a.part(service)
		hearts[service] = heartbeat.New(cfg)
	}
	cfg.Service, cfg.Logger = processorService, a.part(processorService)
	cfg.Oldest = func() uint64 { return a.processor.OldestRevision() }
	cfg.CatchUp = processor.CatchUp(a.js, a.registry)
	cfg.MakeBucket = func(ctx context.Context) error { return stream.EnsureServices(ctx, a.js, a.cfg.Stream) }
	hearts[processorService] = heartbeat.New(cfg)
	return hearts
}

// credentials are those that live in memory.
func (a *App) credentials() registry.Credentials {
	var c registry.Credentials
	if a.cfg.Dev {
		c = registry.DevCredentials()
	}
	if a.cfg.OperatorToken != "" {
		c.Tokens = append(c.Tokens, registry.StaticToken{
			Secret: a.cfg.OperatorToken, Token: registry.Token{ID: "EYE_OPERATOR_TOKEN", Role: registry.Operator},
		})
	}
	return c
}

func (a *App) part(name string) *slog.Logger {
	return a.log.With(slog.String("part", name))
}
