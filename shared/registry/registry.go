package registry

import (
	"context"
	"errors"
	"log/slog"
	"maps"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/theeye/theeye/shared/kv"
	"github.com/theeye/theeye/shared/retry"
	"github.com/theeye/theeye/shared/schema"
	"github.com/theeye/theeye/shared/stream"
)

// retryFirst and retryMost bound the wait before a watch is tried again.
const (
	retryFirst = 50 * time.Millisecond
	retryMost  = 2 * time.Second
)

var errOpenTimeout = errors.New("NATS did not answer in time")

// Config is what a Registry needs.
type Config struct {
	JetStream jetstream.JetStream
	// Static are credentials that hold in this process alone.
	Static Credentials
	// Needs are the buckets that are read; 0 is all. A Snapshot holds nothing
	// of the others, and does not wait for them.
	Needs Needs
	// Logger logs unreadable records and failures of the watch; nil is
	// slog.Default.
	Logger *slog.Logger
}

// Needs is a set of buckets of the registry. Schemas are always in it.
type Needs uint8

// The buckets that a service can need.
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
	static staticAccess
	needs  Needs
	log    *slog.Logger

	snapshot   atomic.Pointer[Snapshot]
	unreadable atomic.Int64 // keys of the newest snapshot
	ready      chan struct{}

	mu      sync.Mutex
	changed chan struct{}

	// The goroutine of Run alone uses these.
	schemas      *schemaTable
	applications *recordTable[[]digested[Key]]
	tokens       *recordTable[digested[Token]]
}

// New returns a Registry. It has no snapshot until Run has read the buckets.
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
		static:  cfg.Static.digestSecrets(),
		log:     log,
		ready:   make(chan struct{}),
		changed: make(chan struct{}),

		schemas:      newSchemaTable(log),
		applications: newRecordTable(stream.BucketApplications, decodeApplication, log),
		tokens:       newRecordTable(stream.BucketTokens, decodeToken, log),
	}
}

// Snapshot returns the newest snapshot, nil before the first complete one. A
// batch of events is validated by one snapshot: take it once.
func (r *Registry) Snapshot() *Snapshot { return r.snapshot.Load() }

// Revision returns the registry revision of the newest snapshot, 0 before the
// first complete one.
func (r *Registry) Revision() uint64 {
	if s := r.Snapshot(); s != nil {
		return s.Schemas.Revision()
	}
	return 0
}

// Unreadable returns of how many keys the newest record cannot be read, so that
// an earlier one is in force, or none.
func (r *Registry) Unreadable() int { return int(r.unreadable.Load()) }

// Ready is closed at the first complete snapshot.
func (r *Registry) Ready() <-chan struct{} { return r.ready }

// Changed is closed at the next snapshot. To miss none, take Changed before
// Snapshot, and again after it is closed.
func (r *Registry) Changed() <-chan struct{} {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.changed
}

// Run follows the registry until ctx ends, and then returns nil. It waits for
// buckets that do not exist yet, and while NATS is disconnected.
func (r *Registry) Run(ctx context.Context) error {
	wait := retryFirst
	for {
		if !r.awaitConnection(ctx) {
			return nil
		}
		complete, err := r.watchBuckets(ctx)
		if ctx.Err() != nil {
			return nil //nolint:nilerr // ctx ended as planned
		}
		switch {
		case complete && errors.Is(err, errWatchEnded):
			wait = retryFirst
		case errors.Is(err, jetstream.ErrBucketNotFound):
			// The query API creates them, or the processor of a single process.
		default:
			r.log.LogAttrs(ctx, slog.LevelWarn, "the registry cannot be watched; the last snapshot stays",
				slog.String("error", err.Error()))
		}
		if err := retry.Sleep(ctx, wait); err != nil {
			return nil //nolint:nilerr // ctx ended as planned
		}
		wait = min(2*wait, retryMost)
	}
}

// awaitConnection waits while NATS is disconnected, which the connection itself logs: a
// request would be refused, or buffered and answered too late. It returns false if ctx
// ends before.
func (r *Registry) awaitConnection(ctx context.Context) bool {
	conn := r.js.Conn()
	connected := conn.StatusChanged(nats.CONNECTED)
	defer conn.RemoveStatusListener(connected)
	if conn.IsConnected() {
		return true
	}
	select {
	case <-connected:
		return true
	case <-ctx.Done():
		return false
	}
}

// watchBuckets watches the needed buckets and publishes snapshots until the watch
// fails or ends. It reports whether all buckets were read to their end.
func (r *Registry) watchBuckets(ctx context.Context) (complete bool, err error) {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	// After a reconnect the server may be another one, which does not have our
	// consumers; to wait for their missing heartbeats would take many seconds.
	// The listener is registered first, so that it misses no reconnect.
	conn := r.js.Conn()
	connected := conn.StatusChanged(nats.CONNECTED)
	defer conn.RemoveStatusListener(connected)

	// A watch lives as long as the context of the request that opens it. That
	// context can have no deadline, so a timer bounds the request instead.
	opening := time.AfterFunc(openTimeout, func() { cancel(errOpenTimeout) })
	w, err := r.openWatches(ctx)
	if err != nil {
		return false, err
	}
	defer w.stop()
	opening.Stop()
	for err == nil {
		err = w.receiveNext(ctx, connected)
		if err == nil {
			err = w.receiveBuffered(ctx)
		}
		if err == nil && w.snapshotDue(r.hasChanges()) {
			err = r.publishSnapshot(ctx, w.schemas.bucket)
			w.resetDelay()
		}
	}
	return w.isComplete(), err
}

// openWatches opens the watches of the needed buckets.
func (r *Registry) openWatches(ctx context.Context) (*watchSet, error) {
	w := &watchSet{delay: time.NewTimer(gatherTime)}
	w.delay.Stop()
	for _, b := range []struct {
		need  Needs
		table bucketTable
		into  **bucketWatch
	}{
		{needAll, r.schemas, &w.schemas},
		{NeedApplications, r.applications, &w.applications},
		{NeedTokens, r.tokens, &w.tokens},
	} {
		if r.needs&b.need == 0 {
			continue
		}
		watch, err := watchBucket(ctx, r.js, b.table)
		if err != nil {
			w.stop()
			return nil, err
		}
		*b.into = watch
		w.all = append(w.all, watch)
	}
	return w, nil
}

// hasChanges reports whether the tables hold something that no snapshot shows.
func (r *Registry) hasChanges() bool {
	last := r.snapshot.Load()
	return last == nil || last.Schemas.Revision() != r.schemas.revision ||
		r.schemas.dirty || r.applications.dirty || r.tokens.dirty
}

// publishSnapshot makes a snapshot of the tables. It takes over from the last
// one what did not change. Errors are those of NATS.
func (r *Registry) publishSnapshot(ctx context.Context, schemas *kv.Bucket) error {
	last := r.snapshot.Load()
	next := &Snapshot{}
	if last != nil {
		*next = *last
	}
	if last == nil || r.schemas.dirty || last.Schemas.Revision() != r.schemas.revision {
		set, err := r.schemas.buildSet(ctx, schemas)
		if err != nil {
			return err
		}
		next.Schemas = set
	}
	if last == nil || r.applications.dirty || r.tokens.dirty {
		next.Access = r.buildAccess(ctx)
	}
	r.schemas.dirty, r.applications.dirty, r.tokens.dirty = false, false, false
	r.snapshot.Store(next)
	r.unreadable.Store(int64(r.schemas.countUnreadable() + r.applications.countUnreadable() + r.tokens.countUnreadable()))
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

// buildAccess builds the Access of the tables. Of equal digests, the first by
// name counts.
func (r *Registry) buildAccess(ctx context.Context) *Access {
	a := newAccess(len(r.applications.records), len(r.tokens.records))
	r.static.addTo(a)
	names := slices.Sorted(maps.Keys(r.applications.records))
	for _, name := range names {
		for _, k := range r.applications.records[name].value {
			if k.sum.IsPublic() && !r.static.hasKey(k.sum) {
				r.log.LogAttrs(ctx, slog.LevelWarn, "a write key that everybody knows is not accepted: make another one",
					slog.String("application", name), slog.String("key", k.value.ID))
				continue
			}
			if !a.addKey(k.sum, k.value) && !r.static.hasKey(k.sum) {
				r.log.LogAttrs(ctx, slog.LevelWarn, "two applications have the same write key; the first one keeps it",
					slog.String("application", name))
			}
		}
	}
	a.addApplications(names...)
	for _, id := range slices.Sorted(maps.Keys(r.tokens.records)) {
		t := r.tokens.records[id]
		if !t.readable {
			continue
		}
		if t.value.sum.IsPublic() {
			r.log.LogAttrs(ctx, slog.LevelWarn, "a token that everybody knows is not accepted: make another one", slog.String("token", id))
			continue
		}
		if !a.addToken(t.value.sum, t.value.value) {
			r.log.LogAttrs(ctx, slog.LevelWarn, "two tokens have the same secret; the first one counts",
				slog.String("token", id))
		}
	}
	return a
}
