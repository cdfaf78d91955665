package standalone

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math"
	"net"
	"path/filepath"
	"slices"

	"github.com/google/uuid"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"github.com/prometheus/client_golang/prometheus"

	"github.com/theeye/theeye/collector"
	"github.com/theeye/theeye/processor"
	"github.com/theeye/theeye/queryapi"
	"github.com/theeye/theeye/queryapi/admin"
	"github.com/theeye/theeye/shared/daemon"
	"github.com/theeye/theeye/shared/daemon/wiring"
	"github.com/theeye/theeye/shared/heartbeat"
	"github.com/theeye/theeye/shared/httpserver"
	"github.com/theeye/theeye/shared/natsd"
	"github.com/theeye/theeye/shared/registry"
	"github.com/theeye/theeye/shared/store"
	"github.com/theeye/theeye/shared/store/mongo"
	"github.com/theeye/theeye/shared/store/sqlite"
	"github.com/theeye/theeye/shared/stream"
	"github.com/theeye/theeye/standalone/example"
)

// databaseName is the file of the embedded store in the data folder.
const databaseName = "events.db"

// App is The Eye in one process. Its methods may be called concurrently; Run
// is called once.
type App struct {
	cfg      Config
	log      *slog.Logger
	started  chan struct{} // closed once every service is ready
	listener net.Listener
	admin    *daemon.AdminServer
	mux      *publicMux

	nats     *natsd.Server
	conns    []*nats.Conn
	js       jetstream.JetStream // of all services but the collector
	store    store.Store
	backup   admin.BackupConfig
	backbone *wiring.Backbone

	queryapi  *queryapi.Service
	processor *processor.Service
	collector *collector.Service

	// undo releases what New acquired, in the order of acquisition.
	undo []func() error
}

// New binds the addresses, locks the data folder, and opens the server and the
// store in it. It returns daemon.Faults for a faulty configuration and
// natsd.ErrLocked for a folder in use. The caller must call Run, which releases
// everything.
func New(cfg Config) (*App, error) {
	if cfg.Logger == nil || cfg.Metrics == nil {
		return nil, errors.New("standalone: Logger and Metrics are needed")
	}
	if faults := cfg.Faults(); len(faults) > 0 {
		return nil, faults
	}
	cfg = cfg.withDefaults()
	a := &App{cfg: cfg, log: cfg.Logger, started: make(chan struct{})}
	for _, open := range []func() error{a.bindListeners, a.openNATS, a.openStore, a.openServices} {
		if err := open(); err != nil {
			return nil, errors.Join(err, a.release())
		}
	}
	return a, nil
}

// Addr is the address of the public listener.
func (a *App) Addr() net.Addr { return a.listener.Addr() }

// AdminAddr is the address of the admin listener.
func (a *App) AdminAddr() net.Addr { return a.admin.Addr() }

// Started is closed once events are accepted, processed and found.
func (a *App) Started() <-chan struct{} { return a.started }

// HeldBytes estimates the memory of what queries have loaded and of the answers that are
// made.
func (a *App) HeldBytes() int64 { return a.queryapi.HeldBytes() }

// release undoes a New that fails.
func (a *App) release() error {
	var all error
	for _, undo := range slices.Backward(a.undo) {
		all = errors.Join(all, undo())
	}
	return all
}

// bindListeners comes first: an address in use is the most frequent failure.
func (a *App) bindListeners() error {
	l, err := new(net.ListenConfig).Listen(context.Background(), "tcp", a.cfg.Listen)
	if err != nil {
		return fmt.Errorf("public listener: %w", err)
	}
	a.listener = l
	a.undo = append(a.undo, l.Close)
	a.admin, err = daemon.Admin(daemon.AdminConfig{
		Listen: a.cfg.AdminListen, Hosts: a.cfg.Hosts, Metrics: a.cfg.Metrics, Ready: a.Ready, Logger: a.log,
	})
	if err != nil {
		return err
	}
	a.undo = append(a.undo, a.admin.Close)
	return nil
}

// openNATS starts the embedded server, which locks the data folder, and opens
// two connections to it.
func (a *App) openNATS() error {
	log := a.partLogger("nats")
	srv, err := natsd.Start(natsd.Config{
		Dir: a.cfg.DataDir, MinFree: a.cfg.MinFree, StageInMemory: stream.Name, Logger: log,
	})
	if err != nil {
		return err
	}
	a.nats = srv
	a.undo = append(a.undo, srv.Close)
	// The collector has a connection of its own: requests of the others do not
	// wait for its batches, nor its batches for them.
	for _, c := range []struct {
		name   string
		buffer int
	}{
		{"theeye", nats.DefaultReconnectBufSize},
		// While the server restarts, events are answered 503 instead.
		{"collector", -1},
	} {
		nc, err := srv.Connect(append(daemon.LogNATS(log), nats.Name(c.name), nats.ReconnectBufSize(c.buffer))...)
		if err != nil {
			return err
		}
		a.conns = append(a.conns, nc)
		a.undo = append(a.undo, func() error { nc.Close(); return nil })
	}
	if a.js, err = jetstream.New(a.conns[0]); err != nil {
		return fmt.Errorf("open JetStream: %w", err)
	}
	return nil
}

// openStore opens SQLite in the data folder, or MongoDB, which need not be
// available yet.
func (a *App) openStore() error {
	ctx := context.Background()
	if a.cfg.MongoURI != "" {
		st, err := mongo.Open(ctx, mongo.Config{
			URI: a.cfg.MongoURI, Database: a.cfg.MongoDatabase, TimeWindows: a.cfg.MongoTimeWindows,
		})
		if err != nil {
			return err
		}
		a.store = st
	} else {
		st, err := sqlite.Open(ctx, sqlite.Config{
			Path: filepath.Join(a.cfg.DataDir, databaseName), Logger: a.partLogger("store"),
		})
		if err != nil {
			return err
		}
		a.store = st
		a.backup = admin.BackupConfig{Store: st, Dir: a.cfg.DataDir, Free: a.nats.Room}
	}
	if a.cfg.WrapStore != nil {
		a.store = a.cfg.WrapStore(a.store)
	}
	a.undo = append(a.undo, func() error { return wiring.CloseStore(ctx, a.store) })
	return nil
}

// openServices makes the three services with their common backbone.
func (a *App) openServices() error {
	a.backbone = wiring.New(registry.Config{JetStream: a.js, Static: a.staticCredentials(), Logger: a.log}, a.cfg.Metrics)
	reg := a.backbone.Registry
	if err := a.registerMetrics(); err != nil {
		return err
	}
	var err error
	a.queryapi, err = queryapi.New(queryapi.Config{
		JetStream: a.js, Registry: reg, Store: a.store, ColumnsDir: a.cfg.ColumnsDir, Backup: a.backup,
		Logger: a.partLogger("queryapi"), Metrics: a.cfg.Metrics,
	})
	if err != nil {
		return err
	}
	a.processor, err = processor.New(processor.Config{
		JetStream: a.js, Conn: a.conns[0], Registry: reg, Store: a.store, Stream: a.cfg.Stream,
		Heartbeat: a.addHeartbeats(), AuditRate: a.cfg.AuditRate,
		Logger: a.partLogger("processor"), Metrics: a.cfg.Metrics,
	})
	if err != nil {
		return err
	}
	js, err := jetstream.New(a.conns[1])
	if err != nil {
		return fmt.Errorf("open JetStream: %w", err)
	}
	a.collector, err = collector.New(collector.Config{
		JetStream: js, Conn: a.conns[1], Registry: reg, Guard: a.nats.Guard,
		Logger: a.partLogger("collector"), Metrics: a.cfg.Metrics,
	})
	if err != nil {
		return err
	}
	a.mux = newPublicMux(a.collector, a.queryapi, httpserver.NewHosts(a.cfg.Listen, a.cfg.Hosts))
	if a.cfg.Dev {
		a.mux.exampleSite = example.NewHandler()
	}
	return nil
}

// addHeartbeats adds a heartbeat for each service, as in three processes, and
// returns the processor's. They share the name of the instance.
func (a *App) addHeartbeats() *heartbeat.Heartbeat {
	cfg := heartbeat.Config{Instance: uuid.NewString()}
	for _, service := range []string{"collector", "queryapi"} {
		cfg.Service, cfg.Logger = service, a.partLogger(service)
		a.backbone.AddHeartbeat(cfg)
	}
	cfg.Service, cfg.Logger = "processor", a.partLogger("processor")
	return a.backbone.AddHeartbeat(processor.HeartbeatConfig(cfg, a.js, a.backbone.Registry, a.cfg.Stream,
		func() *processor.Service { return a.processor }))
}

// staticCredentials are those of the configuration, which are stored nowhere.
func (a *App) staticCredentials() registry.Credentials {
	c := wiring.OperatorCredentials(a.cfg.OperatorToken)
	if a.cfg.Dev {
		dev := registry.DevCredentials()
		c.Keys, c.Tokens = dev.Keys, append(dev.Tokens, c.Tokens...)
	}
	return c
}

// registerMetrics adds the metrics of the process that no service has.
func (a *App) registerMetrics() error {
	free := prometheus.NewGaugeFunc(prometheus.GaugeOpts{
		Name: "eye_disk_free_bytes",
		Help: "Free space of the data folder's disk; below a floor events are answered 503.",
	}, func() float64 {
		n, err := a.nats.Free()
		if err != nil {
			return math.NaN()
		}
		return float64(n)
	})
	if err := a.cfg.Metrics.Register(free); err != nil {
		return fmt.Errorf("register metrics: %w", err)
	}
	return nil
}

// partLogger returns the logger of a part of the process.
func (a *App) partLogger(name string) *slog.Logger {
	return a.log.With(slog.String("part", name))
}
