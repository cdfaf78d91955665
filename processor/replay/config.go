package replay

import (
	"context"
	"log/slog"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/theeye/theeye/shared/daemon"
	"github.com/theeye/theeye/shared/heartbeat"
	"github.com/theeye/theeye/shared/job"
	"github.com/theeye/theeye/shared/registry"
	"github.com/theeye/theeye/shared/schema"
	"github.com/theeye/theeye/shared/store"
	"github.com/theeye/theeye/shared/stream"
)

// Reader is what is read of the store.
type Reader interface {
	Held(ctx context.Context, ids []string) (map[string]store.Held, error)
}

// Config is what a Replayer needs.
type Config struct {
	JetStream jetstream.JetStream
	// Registry must be running.
	Registry *registry.Registry
	Store    Reader
	// Write brings documents to their outcomes: store.Writer.Write, after the
	// store was told the revision.
	Write func(ctx context.Context, revision uint64, docs []*store.Document) ([]store.WriteResult, error)
	// Judge is the document of a message by a set; pure.
	Judge func(m stream.Raw, set *schema.Set) *store.Document
	// Changed, where set, hears what a replay made of so many events.
	Changed func(change job.Change, events uint64)
	// Beats are the processes that are live; nil asks the bucket.
	Beats  func(ctx context.Context) ([]heartbeat.Beat, error)
	Logger *slog.Logger
}

// Replayer has the tasks of package jobs for replays and dry runs. It is safe
// for concurrent use.
type Replayer struct {
	cfg   Config
	build daemon.Build
	// How often progress is noted, and the lag looked at.
	noteEvery, paceEvery time.Duration
}

// New returns a Replayer.
func New(cfg Config) *Replayer {
	r := &Replayer{cfg: cfg, build: daemon.BuildInfo(), noteEvery: noteEvery, paceEvery: paceEvery}
	if r.cfg.Beats == nil {
		r.cfg.Beats = r.live
	}
	return r
}

const (
	// askLimit bounds one question to NATS or the store, writeLimit one
	// attempt to write a portion.
	askLimit = 20 * time.Second
	// natsLimit bounds a short question to NATS: one that is on its way when a
	// server ends is never answered.
	natsLimit  = 5 * time.Second
	writeLimit = time.Minute
	// noteEvery is how often progress is noted; a report takes a while to write.
	noteEvery = 250 * time.Millisecond
	// paceEvery is how often the lag of live events is looked at.
	paceEvery = 500 * time.Millisecond
	// lookEvery is how often something is looked at that is waited for.
	lookEvery = 200 * time.Millisecond
)
