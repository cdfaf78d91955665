package registry

import (
	"context"
	"log/slog"
	"sync"
	"sync/atomic"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/theeye/theeye/shared/schema"
	"github.com/theeye/theeye/shared/stream"
)

// Config is what a Registry needs.
type Config struct {
	JetStream jetstream.JetStream
	// Static are credentials that hold in this process alone.
	Static Credentials
	// Needs are the buckets that are read; 0 is all. A Snapshot holds nothing
	// of the others, and does not wait for them.
	Needs Needs
	// Logger gets records that cannot be read and trouble with the watch;
	// slog.Default when nil.
	Logger *slog.Logger
}

// Needs is a set of buckets of the registry.
type Needs uint8

// What a service reads of the registry. The schemas are always read.
const (
	NeedSchemas Needs = 1 << iota
	NeedApplications
	NeedTokens

	needAll = NeedSchemas | NeedApplications | NeedTokens
)

// Snapshot is the registry at one moment. It is immutable.
type Snapshot struct {
	Schemas *schema.Set
	// Access is never nil; it holds what Config.Needs and Config.Static name.
	Access *Access
}

// Registry follows the buckets. Its methods are safe for concurrent use.
type Registry struct {
	js     jetstream.JetStream
	static static
	needs  Needs
	log    *slog.Logger

	snapshot atomic.Pointer[Snapshot]
	ready    chan struct{}

	mu      sync.Mutex
	changed chan struct{}

	// What Run's goroutine alone uses.
	schemas      *versions
	applications *table[[]hashed[Key]]
	tokens       *table[hashed[Token]]
}

// New returns a Registry that has no snapshot before Run runs.
func New(cfg Config) *Registry {
	log := cfg.Logger
	if log == nil {
		log = slog.Default()
	}
	needs := cfg.Needs
	if needs == 0 {
		needs = needAll
	}
	return &Registry{
		needs:   needs,
		js:      cfg.JetStream,
		static:  cfg.Static.hash(),
		log:     log,
		ready:   make(chan struct{}),
		changed: make(chan struct{}),

		schemas:      newVersions(log),
		applications: newTable(stream.BucketApplications, decodeApplication, log),
		tokens:       newTable(stream.BucketTokens, decodeToken, log),
	}
}

// Snapshot returns the newest snapshot, nil before the first complete one. A
// batch of events is judged by one snapshot: take it once.
func (r *Registry) Snapshot() *Snapshot { return r.snapshot.Load() }

// Ready is closed at the first complete snapshot.
func (r *Registry) Ready() <-chan struct{} { return r.ready }

// Changed is closed at the next snapshot. To miss none, take Changed before
// Snapshot, and again after it is closed.
func (r *Registry) Changed() <-chan struct{} {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.changed
}

// changes reports whether the tables hold what no snapshot shows.
func (r *Registry) changes() bool {
	last := r.snapshot.Load()
	return last == nil || last.Schemas.Revision() != r.schemas.revision ||
		r.schemas.dirty || r.applications.dirty || r.tokens.dirty
}

// publish makes the snapshot of what the tables hold. What did not change is
// taken over from the last one. The error is one of NATS.
func (r *Registry) publish(ctx context.Context, schemas jetstream.KeyValue) error {
	last := r.snapshot.Load()
	next := &Snapshot{}
	if last != nil {
		*next = *last
	}
	if last == nil || r.schemas.dirty || last.Schemas.Revision() != r.schemas.revision {
		set, err := r.schemas.set(ctx, schemas)
		if err != nil {
			return err
		}
		next.Schemas = set
	}
	if last == nil || r.applications.dirty || r.tokens.dirty {
		next.Access = r.access(ctx)
	}
	r.schemas.dirty, r.applications.dirty, r.tokens.dirty = false, false, false
	r.snapshot.Store(next)
	if last == nil {
		close(r.ready)
		r.log.LogAttrs(ctx, slog.LevelInfo, "the registry is loaded",
			slog.Uint64("revision", next.Schemas.Revision()), slog.Int("types", len(next.Schemas.Types())),
			slog.Int("applications", len(r.applications.records)), slog.Int("tokens", len(r.tokens.records)))
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	close(r.changed)
	r.changed = make(chan struct{})
	return nil
}
