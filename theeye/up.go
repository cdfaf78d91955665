package main

import (
	"context"
	"errors"
	"log/slog"
	"os"
	"runtime/debug"
	"slices"

	"github.com/theeye/theeye/shared/daemon"
	"github.com/theeye/theeye/shared/natsd"
	"github.com/theeye/theeye/shared/store/mongo"
	"github.com/theeye/theeye/shared/stream"
	"github.com/theeye/theeye/standalone"
)

type upCmd struct {
	Dev         bool   `env:"EYE_DEV" help:"Add application demo with public keys, and the sample types. Refuses to listen beyond this machine."`
	Listen      string `env:"EYE_LISTEN" default:"127.0.0.1:8080" placeholder:"HOST:PORT" help:"Where events are taken and queries answered (${default})."`
	AdminListen string `env:"EYE_ADMIN_LISTEN" default:"127.0.0.1:8090" placeholder:"HOST:PORT" help:"Health, readiness, metrics and profiles (${default})."`
	Data        string `env:"EYE_DATA" default:"./data" placeholder:"DIR" help:"Where everything is kept (${default}). One process a folder."`
	Mongo       string `env:"EYE_MONGO_URI" placeholder:"URI" help:"Keep events in MongoDB instead."`
	Config      string `env:"EYE_CONFIG" placeholder:"DIR" help:"Apply the declarations of a folder, and follow it."`
}

// memoryGoal is where the collector of garbage begins to work harder, in bytes.
// NATS and SQLite hold pages beside it.
const memoryGoal = 320 << 20

// Help is the longer text of --help.
func (upCmd) Help() string {
	return `Ends on SIGTERM or an interrupt, after it has finished what it began; a second one ends it at once.

Further settings from the environment:
  EYE_OPERATOR_TOKEN    an operator token that is valid while set, and stored nowhere
  EYE_STREAM_MAX_BYTES  size of the stream (10GiB)
  EYE_STREAM_RETENTION  how long processed events stay in the stream (720h)
  EYE_AUDIT_RATE        events a second that are accounted for all the time (0, none)
  EYE_MIN_FREE          free disk space below which no events are taken (512MiB)
  EYE_MONGO_DATABASE    database of --mongo (` + mongo.DefaultDatabase + `)
  EYE_LOG_LEVEL         debug, info, warn or error (info)`
}

// Run runs everything until it is told to end.
func (c *upCmd) Run(t *terminal) error {
	p := daemon.NewProcess("theeye", daemon.Environ(), t.err)
	code := daemon.Supervise(p.Logger, func(ctx context.Context) error {
		return c.serve(ctx, p, t)
	})
	if code != daemon.ExitOK {
		return exit(code)
	}
	return nil
}

func (c *upCmd) serve(ctx context.Context, p *daemon.Process, t *terminal) error {
	cfg := c.config(p)
	var token string
	cfg.NewOperatorToken = func(secret string) { token = secret } // before Started is closed
	if err := faults(cfg, p.Env); err != nil {                    //nolint:contextcheck // nothing to wait for yet
		return err
	}
	p.Logger.InfoContext(ctx, "Starting", slog.String("version", daemon.Version()), slog.String("data", c.Data))
	starting := progress(t.err)
	defer starting.stop()
	if os.Getenv("GOMEMLIMIT") == "" {
		debug.SetMemoryLimit(memoryGoal)
	}
	app, err := standalone.New(cfg)
	if err != nil {
		return err
	}
	greeted, ended := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(greeted)
		select {
		case <-app.Started():
			starting.stop()
			c.greeting(app, token).print(t)
		case <-ended:
		}
	}()
	err = app.Run(ctx)
	close(ended)
	<-greeted
	return err
}

// config is what flags and environment say.
func (c *upCmd) config(p *daemon.Process) standalone.Config {
	defaults := stream.Config{}.WithDefaults()
	return standalone.Config{
		Listen: c.Listen, AdminListen: c.AdminListen, DataDir: c.Data,
		MongoURI: c.Mongo, MongoDatabase: p.Env.String("EYE_MONGO_DATABASE", ""),
		MongoTimeWindows: p.Env.Bool("EYE_MONGO_TIME_WINDOWS", false),
		ConfigDir:        c.Config, Dev: c.Dev, OperatorToken: p.Env.String("EYE_OPERATOR_TOKEN", ""),
		Stream: stream.Config{
			MaxBytes:  p.Env.Bytes("EYE_STREAM_MAX_BYTES", defaults.MaxBytes),
			Retention: p.Env.Duration("EYE_STREAM_RETENTION", defaults.Retention),
		},
		AuditRate: p.Env.Int("EYE_AUDIT_RATE", 0),
		MinFree:   uint64(p.Env.Bytes("EYE_MIN_FREE", natsd.DefaultMinFree)),
		Logger:    p.Logger, Metrics: p.Metrics,
	}
}

// faults is every fault of the flags and the environment at once, or nil.
func faults(cfg standalone.Config, env *daemon.Env) error {
	all := cfg.Faults()
	var more daemon.Faults
	if errors.As(env.Err(), &more) {
		all = slices.Concat(more, all)
	}
	if len(all) == 0 {
		return nil
	}
	return all
}
