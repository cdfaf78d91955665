package processor

import (
	"context"
	"errors"
	"fmt"
	"os"
	"runtime/debug"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/theeye/theeye/shared/daemon"
	"github.com/theeye/theeye/shared/heartbeat"
	"github.com/theeye/theeye/shared/registry"
	"github.com/theeye/theeye/shared/store"
	"github.com/theeye/theeye/shared/store/mongo"
	"github.com/theeye/theeye/shared/stream"
)

const (
	// closeLimit bounds the end of the store's connections.
	closeLimit = 2 * time.Second
	// memoryGoal is where the collector of garbage begins to work harder, in
	// bytes. What the lanes hold of the largest events is about half of it.
	memoryGoal = 96 << 20
)

// settings are what the environment says.
type settings struct {
	natsURL string
	admin   string
	mongo   mongo.Config
	stream  stream.Config
	audit   int
}

// read reads every setting; the faults are in env.
func read(env *daemon.Env) settings {
	defaults := stream.Config{}.WithDefaults()
	c := settings{
		natsURL: env.String("EYE_NATS_URL", nats.DefaultURL),
		admin:   env.Address("EYE_ADMIN_LISTEN", daemon.DefaultAdminListen("processor")),
		mongo: mongo.Config{
			URI:      env.String("EYE_MONGO_URI", "mongodb://127.0.0.1:27017/"),
			Database: env.String("EYE_MONGO_DATABASE", mongo.DefaultDatabase),
		},
		audit: env.Int("EYE_AUDIT_RATE", 0),
		stream: stream.Config{
			MaxBytes:  env.Bytes("EYE_STREAM_MAX_BYTES", defaults.MaxBytes),
			Replicas:  env.Int("EYE_STREAM_REPLICAS", defaults.Replicas),
			Retention: env.Duration("EYE_STREAM_RETENTION", defaults.Retention),
		},
	}
	if c.audit < 0 {
		env.Fault("EYE_AUDIT_RATE", "wants 0, for none, or events a second")
	}
	const smallest = 4 << 20 // room for a few of the largest events
	if c.stream.MaxBytes < smallest {
		env.Fault("EYE_STREAM_MAX_BYTES", fmt.Sprintf("wants at least %d", smallest))
	}
	if r := c.stream.Replicas; r != 1 && r != 3 && r != 5 {
		env.Fault("EYE_STREAM_REPLICAS", "wants 1, 3 or 5")
	}
	if c.stream.Retention < time.Minute {
		env.Fault("EYE_STREAM_RETENTION", "wants at least a minute")
	}
	return c
}

// Run is the program processor: it reads the settings EYE_NATS_URL,
// EYE_MONGO_URI, EYE_MONGO_DATABASE, EYE_ADMIN_LISTEN, EYE_STREAM_MAX_BYTES,
// EYE_STREAM_REPLICAS, EYE_STREAM_RETENTION and EYE_AUDIT_RATE, connects, and processes until
// ctx ends. It waits for NATS and MongoDB that are not there yet. What only a
// person can mend is daemon.ErrUsage: a setting, a store that refuses its
// configuration, or ErrRevision.
func Run(ctx context.Context, p *daemon.Process) error {
	if os.Getenv("GOMEMLIMIT") == "" {
		debug.SetMemoryLimit(memoryGoal)
	}
	c := read(p.Env)
	st, err := mongo.Open(ctx, c.mongo)
	if err != nil {
		p.Env.Fault("EYE_MONGO_URI", err.Error())
	}
	if err := p.Env.Err(); err != nil {
		return errors.Join(err, closeStore(ctx, st))
	}
	err = serve(ctx, p, c, st)
	if errors.Is(err, store.ErrConfiguration) || errors.Is(err, ErrRevision) {
		err = fmt.Errorf("%w: %w", daemon.ErrUsage, err)
	}
	return errors.Join(err, closeStore(ctx, st))
}

// serve composes the processor with what it needs. Teardown is the reverse.
func serve(ctx context.Context, p *daemon.Process, c settings, st store.Store) error {
	nc, err := daemon.ConnectNATS(c.natsURL, p.Name, p.Logger)
	if err != nil {
		return err
	}
	defer nc.Close()
	js, err := jetstream.New(nc)
	if err != nil {
		return fmt.Errorf("use JetStream: %w", err)
	}
	reg := registry.New(registry.Config{JetStream: js, Needs: registry.NeedSchemas, Logger: p.Logger})
	var service *Service
	heart := heartbeat.New(heartbeat.Config{
		JetStream: js, Service: p.Name, Revision: reg.Revision, Changed: reg.Changed, Logger: p.Logger,
		Oldest:     func() uint64 { return service.OldestRevision() },
		CatchUp:    CatchUp(js, reg),
		MakeBucket: func(ctx context.Context) error { return stream.EnsureServices(ctx, js, c.stream) },
	})
	service, err = New(Config{
		JetStream: js, Conn: nc, Registry: reg, Store: st, Heartbeat: heart,
		Stream: c.stream, AuditRate: c.audit, Logger: p.Logger, Metrics: p.Metrics,
	})
	if err != nil {
		return err
	}
	admin, err := daemon.Admin(daemon.AdminConfig{
		Listen: c.admin, Metrics: p.Metrics, Ready: service.Ready, Logger: p.Logger,
	})
	if err != nil {
		return err
	}
	group := daemon.Group{Logger: p.Logger}
	group.Add("admin", admin.Run)
	group.Add("registry", reg.Run)
	// It ends after the service: a beat says that the service may be at work.
	group.Add("heartbeat", heart.Run)
	group.Add("processor", service.Run)
	return group.Run(ctx)
}

func closeStore(ctx context.Context, st *mongo.Store) error {
	if st == nil {
		return nil
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), closeLimit)
	defer cancel()
	return st.Close(ctx)
}
