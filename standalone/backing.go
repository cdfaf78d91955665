package standalone

import (
	"context"
	"fmt"
	"math"
	"path/filepath"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"github.com/prometheus/client_golang/prometheus"

	"github.com/theeye/theeye/shared/daemon"
	"github.com/theeye/theeye/shared/natsd"
	"github.com/theeye/theeye/shared/store/mongo"
	"github.com/theeye/theeye/shared/store/sqlite"
)

const (
	// databaseName is the file of the embedded store in the data folder.
	databaseName = "events.db"
	// spareRoom is what the embedded server may keep on disk, in bytes, beside
	// what the stream and the registry reserve.
	spareRoom = 1 << 30
	// closeLimit bounds the farewell to the store.
	closeLimit = 5 * time.Second
)

// openNATS starts the embedded server, which locks the data folder, and
// connects to it twice.
func (a *App) openNATS() error {
	log := a.part("nats")
	srv, err := natsd.Start(natsd.Config{
		Dir: a.cfg.DataDir, MaxStore: a.cfg.Stream.StoreBytes() + spareRoom, MinFree: a.cfg.MinFree, Logger: log,
	})
	if err != nil {
		return err
	}
	a.nats = srv
	a.undo = append(a.undo, srv.Close)
	// A connection of its own for the collector: what others ask of the
	// server never waits behind its batches, nor they behind it.
	for _, c := range []struct {
		name   string
		buffer int
	}{
		{"theeye", nats.DefaultReconnectBufSize},
		// What would wait for a server that restarts is answered 503 anyway.
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
// there yet.
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
			Path: filepath.Join(a.cfg.DataDir, databaseName), Logger: a.part("store"),
		})
		if err != nil {
			return err
		}
		a.store = st
	}
	if a.cfg.WrapStore != nil {
		a.store = a.cfg.WrapStore(a.store)
	}
	a.undo = append(a.undo, func() error { return a.closeStore(ctx) })
	return nil
}

// checkMongo says what is wrong with a connection string, without connecting.
func checkMongo(uri, database string) error {
	if uri == "" {
		return nil
	}
	ctx, cancel := context.WithTimeout(context.Background(), closeLimit)
	defer cancel()
	st, err := mongo.Open(ctx, mongo.Config{URI: uri, Database: database})
	if err != nil {
		return err
	}
	return st.Close(ctx)
}

// closeStore closes the store, also after ctx.
func (a *App) closeStore(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), closeLimit)
	defer cancel()
	if err := a.store.Close(ctx); err != nil {
		return fmt.Errorf("close the store: %w", err)
	}
	return nil
}

// registerMetrics adds what the services cannot know.
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
