package replays

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/theeye/theeye/processor"
	"github.com/theeye/theeye/shared/daemon"
	"github.com/theeye/theeye/shared/daemon/wiring"
	"github.com/theeye/theeye/shared/heartbeat"
	"github.com/theeye/theeye/shared/registry"
	"github.com/theeye/theeye/shared/store"
	"github.com/theeye/theeye/shared/store/mongo"
	"github.com/theeye/theeye/shared/stream"
)

// Settings of the test program as a processor.
const (
	// roleVariable names the bug to plant, noBug for no bug; with it set the test
	// program is a processor and runs no test.
	roleVariable = "REPLAYTEST_BUG"
	noBug        = "none"
	// registryVariable is the address of NATS for the registry alone.
	registryVariable = "REPLAYTEST_REGISTRY"
	// gateVariable is a file: while it is there, writes wait.
	gateVariable = "REPLAYTEST_GATE"
)

// runPlanted runs a processor with a bug until it is killed.
func runPlanted() int {
	p := daemon.NewProcess("processor", os.Stderr, slog.LevelInfo)
	err := serve(context.Background(), p, bugs[os.Getenv(roleVariable)])
	fmt.Fprintln(os.Stderr, err)
	return 1
}

// serve composes a processor as its program does, but for the registry, which
// has a connection of its own, and for the bug.
func serve(ctx context.Context, p *daemon.Process, b bug) error {
	js, nc, err := connect(p, os.Getenv("EYE_NATS_URL"))
	if err != nil {
		return err
	}
	behind, _, err := connect(p, os.Getenv(registryVariable))
	if err != nil {
		return err
	}
	cfg := mongo.Config{URI: os.Getenv("EYE_MONGO_URI"), Database: os.Getenv("EYE_MONGO_DATABASE")}
	opened, err := mongo.Open(ctx, cfg)
	if err != nil {
		return err
	}
	var st store.Store = opened
	if b.store != nil {
		if st, err = b.store(cfg, st); err != nil {
			return err
		}
	}
	st = gated{st, os.Getenv(gateVariable)}
	shared := wiring.New(registry.Config{JetStream: behind, Needs: registry.NeedSchemas, Logger: p.Logger}, p.Metrics)
	var service *processor.Service
	heart := processor.HeartbeatConfig(heartbeat.Config{JetStream: js, Service: p.Name, Logger: p.Logger},
		js, shared.Registry, stream.Config{}, func() *processor.Service { return service })
	if b.heart != nil {
		b.heart(&heart)
	}
	config := processor.Config{
		JetStream: js, Conn: nc, Registry: shared.Registry, Store: st, Heartbeat: shared.AddHeartbeat(heart),
		Logger: p.Logger, Metrics: p.Metrics,
	}
	if b.processor != nil {
		b.processor(&config)
	}
	if service, err = processor.New(config); err != nil {
		return err
	}
	return shared.Serve(ctx, p, daemon.Common{AdminListen: daemon.Address{Value: os.Getenv("EYE_ADMIN_LISTEN")}}, service)
}

func connect(p *daemon.Process, url string) (jetstream.JetStream, *nats.Conn, error) {
	nc, err := daemon.ConnectNATS(url, p.Name, p.Logger)
	if err != nil {
		return nil, nil, err
	}
	js, err := jetstream.New(nc)
	return js, nc, err
}

// gated is a store that delays writes while the gate file exists, and creates a
// second file while it delays one.
type gated struct {
	store.Store
	gate string
}

// heldBy is the file that exists while a write waits at a gate.
func heldBy(gate string) string { return gate + ".held" }

func (g gated) wait(ctx context.Context) {
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for g.gate != "" && ctx.Err() == nil {
		if _, err := os.Stat(g.gate); err != nil {
			return
		}
		_ = os.WriteFile(heldBy(g.gate), nil, 0o600)
		<-tick.C
	}
}

func (g gated) Insert(ctx context.Context, docs []*store.Document) ([]error, error) {
	g.wait(ctx)
	return g.Store.Insert(ctx, docs)
}

func (g gated) Replace(ctx context.Context, docs []*store.Document) ([]error, error) {
	g.wait(ctx)
	return g.Store.Replace(ctx, docs)
}
