package processor

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/theeye/theeye/shared/outcome"
	"github.com/theeye/theeye/shared/registry"
	"github.com/theeye/theeye/shared/store"
	"github.com/theeye/theeye/shared/stream"
)

// Heartbeat tells whether everybody else counts this process as live, as
// heartbeat.Heart does.
type Heartbeat interface {
	// Instance is the name of the process.
	Instance() string
	// Liveness reports how often the process was taken for gone so far, and
	// whether it is live and has caught up with the registry since then.
	Liveness() (lapses uint64, fresh bool)
}

// CatchUp is the heartbeat.Config.CatchUp of a processor: it returns once reg
// has a snapshot of the newest revision that the bucket had at the moment of the
// call, or with the end of ctx.
func CatchUp(js jetstream.JetStream, reg *registry.Registry) func(context.Context) error {
	return func(ctx context.Context) error {
		bucket, err := js.Stream(ctx, "KV_"+stream.BucketSchemas)
		if err != nil {
			return fmt.Errorf("look up bucket %s: %w", stream.BucketSchemas, err)
		}
		for newest := bucket.CachedInfo().State.LastSeq; ; {
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

// steadyPoll is how often a heart that is not steady is looked at.
const steadyPoll = 20 * time.Millisecond

// awaitSteady waits until the heart is steady and returns how often it has
// lapsed so far. One that is steady already is reported also after the end of
// ctx: what is in work is finished.
func (s *Service) awaitSteady(ctx context.Context) (lapses uint64, err error) {
	if s.cfg.Heart == nil {
		return 0, nil
	}
	lapses, fresh := s.cfg.Heart.Liveness()
	if fresh {
		return lapses, nil
	}
	tick := time.NewTicker(steadyPoll)
	defer tick.Stop()
	for !fresh {
		select {
		case <-ctx.Done():
			return lapses, ctx.Err()
		case <-tick.C:
		}
		lapses, fresh = s.cfg.Heart.Liveness()
	}
	return lapses, nil
}

// work is a batch in the hands of a lane.
type work struct {
	batch []delivery
	// docs are judged by revision, while the heart had lapsed so often; nil
	// before.
	docs     []*store.Document
	revision uint64
	lapses   uint64
}

// judge sees to it that the documents of w may be written now. A process that
// was taken for gone since it judged them judges again, by the registry as it is
// now: a replay may have begun that did not wait for it, and what it judged
// before is not what the replay's end promises. The error is the end of ctx.
func (s *Service) judge(ctx context.Context, w *work) error {
	for {
		lapses, err := s.awaitSteady(ctx)
		if err != nil {
			return err
		}
		if w.docs != nil {
			if lapses == w.lapses {
				return nil
			}
			s.metrics.again.Inc()
		}
		rules := s.hands.take(w, s.rules)
		w.docs, w.revision, w.lapses = s.judgeAll(ctx, w.batch, rules), rules.Revision(), lapses
		// Judging takes time, too: look again.
	}
}

// hands remember by which revision the lanes judged what they have in hand. The
// zero value is ready to use; its methods are safe for concurrent use.
type hands struct {
	mu     sync.Mutex
	judged map[*work]uint64
}

// take notes that w is judged by what rules returns. That is one step: a
// heartbeat that reads the registry's revision first, and then asks what is in
// hand, misses nothing that is below that revision.
func (h *hands) take(w *work, rules func() outcome.Rules) outcome.Rules {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.judged == nil {
		h.judged = map[*work]uint64{}
	}
	by := rules()
	h.judged[w] = by.Revision()
	return by
}

// drop notes that w is out of hand.
func (h *hands) drop(w *work) {
	h.mu.Lock()
	defer h.mu.Unlock()
	delete(h.judged, w)
}

// oldest is the lowest revision of all, 0 with nothing in hand.
func (h *hands) oldest() uint64 {
	h.mu.Lock()
	defer h.mu.Unlock()
	var lowest uint64
	for _, revision := range h.judged {
		if lowest == 0 || revision < lowest {
			lowest = revision
		}
	}
	return lowest
}

// OldestRevision is the lowest revision by which anything was judged that this
// processor has in hand and did not settle yet, 0 when that is nothing. It is
// the heartbeat.Config.Oldest of a processor; safe for concurrent use.
func (s *Service) OldestRevision() uint64 { return s.hands.oldest() }
