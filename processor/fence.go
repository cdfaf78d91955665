package processor

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/theeye/theeye/shared/outcome"
	"github.com/theeye/theeye/shared/registry"
	"github.com/theeye/theeye/shared/schema"
	"github.com/theeye/theeye/shared/store"
	"github.com/theeye/theeye/shared/stream"
)

// Heartbeat reports whether other processes see this one as live, as
// heartbeat.Heartbeat does.
type Heartbeat interface {
	// Instance is the name of the process.
	Instance() string
	// Liveness reports how often the heartbeat has expired so far, and whether
	// the process is live and has caught up with the registry since then.
	Liveness() (expirations uint64, live bool)
}

// CatchUp is the heartbeat.Config.CatchUp of a processor: it returns once reg
// has a snapshot of the newest revision that the bucket had at the time of the
// call, or with the end of ctx.
func CatchUp(js jetstream.JetStream, reg *registry.Registry) func(context.Context) error {
	return func(ctx context.Context) error {
		newest, err := stream.NewestRevision(ctx, js, stream.BucketSchemas)
		if err != nil {
			return err
		}
		for {
			changed := reg.Changed()
			if s := reg.Snapshot(); s != nil && s.Schemas.Revision() >= newest {
				return nil
			}
			select {
			case <-changed:
			case <-ctx.Done():
				return fmt.Errorf("wait for revision %d of the registry: %w", newest, ctx.Err())
			}
		}
	}
}

// livenessPoll is how often a heartbeat that is not live is checked.
const livenessPoll = 20 * time.Millisecond

var errNotLive = errors.New("no heartbeat arrives, or the registry is not up to date; batches in flight wait")

// fence keeps a processor whose heartbeat has expired from writing documents
// that it validated before. Replays depend on it: see package replay.
type fence struct {
	// heartbeat is nil in a process without others, which is always live.
	heartbeat Heartbeat
	inFlight  inFlight
}

// checkLive returns nil while other processes see this one as live.
func (f *fence) checkLive() error {
	if f.heartbeat == nil {
		return nil
	}
	if _, live := f.heartbeat.Liveness(); !live {
		return errNotLive
	}
	return nil
}

// awaitLive waits until the heartbeat is live and returns how often it has
// expired so far. A heartbeat that is live already is also reported after the end
// of ctx, because batches in flight are to be finished.
func (f *fence) awaitLive(ctx context.Context) (expirations uint64, err error) {
	if f.heartbeat == nil {
		return 0, nil
	}
	expirations, live := f.heartbeat.Liveness()
	if live {
		return expirations, nil
	}
	tick := time.NewTicker(livenessPoll)
	defer tick.Stop()
	for !live {
		select {
		case <-ctx.Done():
			return expirations, ctx.Err()
		case <-tick.C:
		}
		expirations, live = f.heartbeat.Liveness()
	}
	return expirations, nil
}

// wasLive reports whether other processes have seen this one as live since a batch
// was validated.
func (f *fence) wasLive(b *batch) bool {
	if f.heartbeat == nil {
		return true
	}
	expirations, live := f.heartbeat.Liveness()
	return live && expirations == b.expirations
}

// batch is a batch in flight.
type batch struct {
	// late says that the heartbeat had expired by the end of a write.
	late bool
	// messages are changed by splitCostly alone, which holds mu.
	messages []delivery
	mu       sync.Mutex
	// allowance is the work that the messages may take together; see costlyQueue.
	allowance schema.Work
	// docs are the outcomes of the messages, nil before validation. They were
	// validated against revision when the heartbeat had expired so many times.
	docs        []*store.Document
	revision    uint64
	expirations uint64
}

// inFlight tracks the registry revision that each worker's current batch, and what a
// job is writing, was validated against. The zero value is ready to use; its methods
// are safe for concurrent use.
type inFlight struct {
	mu        sync.Mutex
	revisions map[*batch]uint64 // guarded by mu
}

// track notes that b is validated against the rules that current returns. That is
// one atomic step: a heartbeat that reads the registry's revision first, and the
// oldest revision in flight after it, misses no batch below the former.
func (f *inFlight) track(b *batch, current func() outcome.Rules) outcome.Rules {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.revisions == nil {
		f.revisions = map[*batch]uint64{}
	}
	rules := current()
	f.revisions[b] = rules.Revision()
	return rules
}

// trackSet is track for work other than a batch of messages; settled is untrack.
func (f *inFlight) trackSet(current func() *schema.Set) (set *schema.Set, settled func()) {
	b := new(batch)
	f.track(b, func() outcome.Rules {
		set = current()
		return set
	})
	return set, func() { f.untrack(b) }
}

// untrack notes that b is no longer in flight.
func (f *inFlight) untrack(b *batch) {
	f.mu.Lock()
	defer f.mu.Unlock()
	delete(f.revisions, b)
}

// oldestRevision is the lowest revision of all batches in flight, 0 without any.
func (f *inFlight) oldestRevision() uint64 {
	f.mu.Lock()
	defer f.mu.Unlock()
	var lowest uint64
	for _, revision := range f.revisions {
		if lowest == 0 || revision < lowest {
			lowest = revision
		}
	}
	return lowest
}
