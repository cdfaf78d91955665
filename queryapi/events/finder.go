package events

import (
	"context"
	"sync/atomic"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/theeye/theeye/queryapi/analytics"
	"github.com/theeye/theeye/queryapi/problem"
	"github.com/theeye/theeye/shared/api"
	"github.com/theeye/theeye/shared/registry"
	"github.com/theeye/theeye/shared/store"
)

// Store is what the questions need of a store.
type Store interface {
	store.Reader
	// Ready returns nil once the processor has prepared the store and it
	// answers.
	Ready(ctx context.Context) error
}

// Config configures a Finder.
type Config struct {
	// JetStream reads events without an outcome, and messages for traces. It
	// may be nil or disconnected: questions that need it then return
	// api.CodeStreamUnavailable.
	JetStream jetstream.JetStream
	// Registry knows the types and the applications.
	Registry *registry.Registry
	Store    Store
	// Analytics selects stored events by filters, from columns of the same store. nil
	// scans the store for them.
	Analytics *analytics.Analytics
}

// Finder finds events. It is safe for concurrent use.
type Finder struct {
	js       jetstream.JetStream
	registry *registry.Registry
	store    Store
	// analytics is nil where there are no columns.
	analytics *analytics.Analytics
	backlog   *backlog
	// traces limits the traces that evaluate an event at the same time.
	traces chan struct{}
	// prepared is set when the store was ready once: from then on its own
	// errors are sufficient.
	prepared atomic.Bool
}

// maxTraces bounds the traces that evaluate an event at the same time.
const maxTraces = 4

// New returns a Finder.
func New(c Config) *Finder {
	return &Finder{
		js: c.JetStream, registry: c.Registry, store: c.Store,
		analytics: c.Analytics, backlog: newBacklog(c.JetStream), traces: make(chan struct{}, maxTraces),
	}
}

// readyTimeout bounds one check whether the store is ready.
const readyTimeout = 2 * time.Second

// CheckPrepared returns an error until the store is prepared: an empty answer
// of a store that was never set up would be wrong.
func (f *Finder) CheckPrepared(ctx context.Context) error {
	if f.prepared.Load() {
		return nil
	}
	if err := f.CheckReady(ctx); err != nil {
		return problem.Wrap(api.CodeStarting, "the store is not ready yet", err)
	}
	f.prepared.Store(true)
	return nil
}

// CheckReady returns why the store is not ready, for the operator.
func (f *Finder) CheckReady(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, readyTimeout)
	defer cancel()
	return f.store.Ready(ctx)
}

// streamConnected reports whether a request to NATS can be answered. One sent
// while the connection is down would wait until it is up again.
func (f *Finder) streamConnected() bool { return f.js != nil && f.js.Conn().IsConnected() }
