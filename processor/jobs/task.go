package jobs

import (
	"context"
	"log/slog"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/theeye/theeye/shared/registry"
	"github.com/theeye/theeye/shared/retry"
	"github.com/theeye/theeye/shared/schema"
	"github.com/theeye/theeye/shared/store"
)

// Task does a job of one kind. It ends soon after ctx does, whose cause then
// says why, and returns nil when the job is done, or the reason why it failed
// for good: a task retries transient failures itself.
type Task func(ctx context.Context, h *Handle) error

// Resources are the parts of a processor that tasks work with.
type Resources struct {
	JetStream jetstream.JetStream
	// Registry must be running.
	Registry *registry.Registry
	Store    Reader
	Write    WriteFunc
	// Track returns the present schemas. Until settled is called, the process counts
	// as one that has documents in flight that were validated against them: a task
	// validates and writes in between. nil is for a process without others.
	Track  func() (set *schema.Set, settled func())
	Logger *slog.Logger
}

// Present is Track, or the snapshot of the registry without it.
func (r *Resources) Present() (set *schema.Set, settled func()) {
	if r.Track != nil {
		return r.Track()
	}
	return r.Registry.Snapshot().Schemas, func() {}
}

// Reader is the part of a store that tasks read.
type Reader interface {
	Held(ctx context.Context, ids []string) (map[string]store.Held, error)
}

// WriteFunc writes documents by the store's write rule, as store.Writer.WriteOver
// does, after it has recorded their registry revision in the store. read is what the
// caller has read under their ids, nil where that is nothing.
type WriteFunc func(ctx context.Context, revision uint64, docs []*store.Document, read map[string]store.Held) ([]store.WriteResult, error)

// retryDelay is the wait before the next attempt of Retry.
const retryDelay = 500 * time.Millisecond

// Retry calls do, each attempt within limit, until it succeeds, returns an error
// that permanent reports, or ctx ends, whose cause it then returns. So a task
// waits until NATS or the store is available again. A nil permanent is false for
// all errors.
func Retry(ctx context.Context, limit time.Duration, do func(context.Context) error, permanent func(error) bool) error {
	return retry.Until(ctx, retry.Policy{First: retryDelay, AttemptTimeout: limit, Permanent: permanent}, do)
}
