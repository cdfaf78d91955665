package admin

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
	"github.com/nats-io/nats.go/jetstream"
	"golang.org/x/time/rate"

	"github.com/theeye/theeye/queryapi/problem"
	"github.com/theeye/theeye/queryapi/refresh"
	"github.com/theeye/theeye/shared/api"
	"github.com/theeye/theeye/shared/job"
	"github.com/theeye/theeye/shared/kv"
	"github.com/theeye/theeye/shared/registry"
	"github.com/theeye/theeye/shared/registry/editor"
	"github.com/theeye/theeye/shared/stream"
)

// Store is what the status and the jobs need of a store.
type Store interface {
	Finder
	// Ready returns nil once the processor has prepared the store and it
	// answers.
	Ready(ctx context.Context) error
	// HighestRevision returns the highest registry revision ever written.
	HighestRevision(ctx context.Context) (uint64, error)
}

// Config configures an Admin.
type Config struct {
	// JetStream reaches the buckets of the registry and of jobs. It may be nil
	// or disconnected: every call then returns api.CodeRegistryUnavailable, or
	// api.CodeStreamUnavailable for the status.
	JetStream jetstream.JetStream
	Registry  *registry.Registry
	Store     Store
	// Columns are those derived from the store; nil without.
	Columns *refresh.Refresher
	// Backup is for an embedded store.
	Backup BackupConfig
	Logger *slog.Logger
}

// Admin makes the operators' calls. It is safe for concurrent use.
type Admin struct {
	js       jetstream.JetStream
	editor   *editor.Editor // nil without NATS
	uses     *kv.Bucket     // nil without NATS
	registry *registry.Registry
	store    Store
	columns  *refresh.Refresher // nil without
	habits   habits
	log      *slog.Logger
	// logLimit bounds the log lines about an unavailable store or stream.
	logLimit rate.Sometimes

	// removing is held while a token is removed, so that two calls at one moment do not
	// remove two last ones.
	removing sync.Mutex

	backup    BackupConfig
	backingUp chan struct{} // holds one for the part that is being copied
}

// New returns an Admin.
func New(c Config) *Admin {
	a := &Admin{
		js: c.JetStream, registry: c.Registry, store: c.Store, columns: c.Columns, log: c.Logger,
		logLimit: rate.Sometimes{First: 1, Interval: time.Second},
		backup:   c.Backup, backingUp: make(chan struct{}, 1),
	}
	if c.JetStream != nil {
		a.editor = editor.New(c.JetStream)
		a.uses = kv.New(c.JetStream, stream.BucketUses)
	}
	return a
}

// Change says which version a change replaces, who makes it, and why.
type Change struct {
	// Match is what the key must have for the change to be made.
	Match editor.Precondition
	By    registry.ChangeInfo
}

// CheckConnected returns an error while NATS is disconnected. A request sent
// then would wait until the connection is up again.
func (a *Admin) CheckConnected() error {
	if a.connected() {
		return nil
	}
	return registryUnavailable(nil)
}

func (a *Admin) connected() bool { return a.js != nil && a.js.Conn().IsConnected() }

// registryUnavailable claims nothing about a change: it may have been made
// before the answer of NATS was lost.
func registryUnavailable(cause error) *problem.Error {
	return problem.Wrap(api.CodeRegistryUnavailable,
		"the registry does not answer; a change may have been made or not: read before you repeat it", cause)
}

// withRegistry makes a call that reads or writes the buckets themselves, not
// the snapshot: an operator must see the present version.
func withRegistry[T any](a *Admin, call func() (T, error)) (T, error) {
	if err := a.CheckConnected(); err != nil {
		var zero T
		return zero, err
	}
	v, err := call()
	return v, classify(err)
}

// classify returns an error of the registry or the jobs as clients get it. All
// are errors of NATS that are not listed here, except for a record, or an
// answer, that is not JSON.
func classify(err error) error {
	var conflict *editor.ConflictError
	var invalid *editor.InvalidError
	var semantic *json.SemanticError
	var syntactic *jsontext.SyntacticError
	switch {
	case err == nil, problem.Is(err), errors.As(err, &conflict), errors.As(err, &invalid),
		errors.As(err, &semantic), errors.As(err, &syntactic):
		return err
	case errors.Is(err, registry.ErrNotFound), errors.Is(err, job.ErrNotFound), errors.Is(err, job.ErrTooMany):
		return err
	}
	return registryUnavailable(fmt.Errorf("registry: %w", err))
}
