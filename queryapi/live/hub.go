package live

import (
	"cmp"
	"context"
	"errors"
	"log/slog"
	"sync"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/theeye/theeye/queryapi/problem"
	"github.com/theeye/theeye/shared/api"
	"github.com/theeye/theeye/shared/store"
)

// Bounds of a hub and its subscriptions.
const (
	// MaxResume is how many messages back a subscription resumes.
	MaxResume = 10_000
	// maxLag is how many messages a hub catches up with, where the processors
	// are faster than it.
	maxLag = 50_000
	// maxEarly is how often messages below the floor may be missing until they
	// count as lost: a replica of the stream may be behind by moments.
	maxEarly = 20
	// maxReaders bounds the subscriptions that read a part of the stream at once.
	maxReaders = 4
	// queueEvents and queueBytes bound the outcomes that wait in one subscription.
	queueEvents = 4000
	queueBytes  = 4 << 20
	// drainTime is how long the hub waits for a subscription that is half full.
	drainTime = 100 * time.Millisecond
)

// DefaultInterval is how often a hub asks for new outcomes.
const DefaultInterval = 250 * time.Millisecond

// retryLater is how long a client should wait where the stream does not answer.
const retryLater = 5 * time.Second

// startTimeout bounds the wait of a first subscription for its position.
const startTimeout = 5 * time.Second

// Config configures a Hub.
type Config struct {
	// JetStream reads the stream. It may be nil or disconnected: Subscribe then
	// returns api.CodeStreamUnavailable.
	JetStream jetstream.JetStream
	Store     Outcomes
	Logger    *slog.Logger
	// Interval is how often the hub asks for new outcomes; 0 is DefaultInterval.
	Interval time.Duration
}

// Hub reads outcomes for all subscriptions of a process, while there are any. It is
// safe for concurrent use.
type Hub struct {
	reader   reader
	interval time.Duration
	log      *slog.Logger
	readers  chan struct{}

	mu   sync.Mutex
	subs map[*Subscription]bool
	stop context.CancelFunc // ends the reading; nil without subscriptions
	// at is the position up to which outcomes were passed on; known is closed when
	// it is set.
	at    store.Origin
	known chan struct{}
}

// New returns a Hub.
func New(c Config) *Hub {
	return &Hub{
		reader: reader{js: c.JetStream, store: c.Store}, interval: cmp.Or(c.Interval, DefaultInterval), log: c.Logger,
		readers: make(chan struct{}, maxReaders), subs: map[*Subscription]bool{},
	}
}

// addSubscription registers s, and starts to read for the first one.
func (h *Hub) addSubscription(s *Subscription) (known <-chan struct{}) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.subs[s] = true
	if h.stop == nil {
		ctx, stop := context.WithCancel(context.Background())
		h.stop, h.known, h.at = stop, make(chan struct{}), store.Origin{}
		go h.readOutcomes(ctx, h.known)
	}
	return h.known
}

// removeSubscription ends the reading with the last subscription.
func (h *Hub) removeSubscription(s *Subscription) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if delete(h.subs, s); len(h.subs) == 0 && h.stop != nil {
		h.stop()
		h.stop = nil
	}
}

// readOutcomes reads until ctx ends. Errors are logged once each: what fails is
// tried again, and the subscriptions wait.
func (h *Hub) readOutcomes(ctx context.Context, known chan struct{}) {
	tick := time.NewTicker(h.interval)
	defer tick.Stop()
	early, logged := 0, ""
	for {
		err := h.readNew(ctx, known, early >= maxEarly)
		switch {
		case ctx.Err() != nil:
			return
		case errors.Is(err, errEarly):
			early++
		case err == nil:
			early, logged = 0, ""
		case err.Error() != logged:
			logged = err.Error()
			h.log.LogAttrs(ctx, slog.LevelWarn, "live streams wait: outcomes cannot be read; trying again", slog.Any("error", err))
		}
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}

// readNew passes on the outcomes up to the floor. lost says that messages which the
// stream does not show are lost.
func (h *Hub) readNew(ctx context.Context, known chan struct{}, lost bool) error {
	b, err := h.reader.readBounds(ctx)
	if err != nil {
		return err
	}
	at := h.currentPosition()
	switch {
	case at == (store.Origin{}):
		h.beginReading(ctx, known, b)
		return nil
	case at.Epoch != b.epoch:
		h.skip(ctx, store.Origin{Epoch: b.epoch, Seq: b.floor}, 0) // the stream was made again
		return nil
	case b.floor > at.Seq+maxLag:
		h.skip(ctx, store.Origin{Epoch: b.epoch, Seq: b.floor}, b.floor-at.Seq)
		return nil
	}
	for at.Seq < b.floor {
		found, err := h.reader.readPortion(ctx, b.epoch, at.Seq, b.floor)
		if errors.Is(err, errEarly) && lost {
			h.skip(ctx, store.Origin{Epoch: b.epoch, Seq: b.floor}, b.floor-at.Seq)
			return nil
		}
		if err != nil {
			return err
		}
		at.Seq = found.last
		h.passOn(ctx, at, found)
	}
	return nil
}

func (h *Hub) currentPosition() store.Origin {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.at
}

// beginReading sets the first position.
func (h *Hub) beginReading(ctx context.Context, known chan struct{}, b bounds) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if ctx.Err() == nil {
		h.at = store.Origin{Epoch: b.epoch, Seq: b.floor}
		close(known)
	}
}

// skip goes on behind messages that are not shown. missed is 0 where their number is
// unknown.
func (h *Hub) skip(ctx context.Context, to store.Origin, missed uint64) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if ctx.Err() != nil {
		return // another reading may have begun
	}
	gap := &Gap{After: h.at, Missed: missed}
	h.at = to
	for s := range h.subs {
		if s.joined {
			s.put(Event{Position: to, Gap: gap})
		}
	}
}

// passOn gives the outcomes to the subscriptions that have joined, and waits a
// moment for those that are half full.
func (h *Hub) passOn(ctx context.Context, to store.Origin, found outcomes) {
	full := h.putOutcomes(ctx, to, found)
	if len(full) == 0 {
		return
	}
	late := time.NewTimer(drainTime)
	defer late.Stop()
	for _, s := range full {
		select {
		case <-s.drained:
		case <-late.C:
			return
		case <-ctx.Done():
			return
		}
	}
}

// putOutcomes gives the outcomes to the subscriptions that have joined, and returns
// those that are half full.
func (h *Hub) putOutcomes(ctx context.Context, to store.Origin, found outcomes) (full []*Subscription) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if ctx.Err() != nil {
		return nil // another reading may have begun
	}
	for s := range h.subs {
		if !s.joined {
			continue
		}
		if found.missing > 0 {
			s.put(Event{Position: to, Gap: &Gap{After: h.at, Missed: found.missing}})
		}
		if s.putOutcomes(to.Epoch, found) {
			full = append(full, s)
		}
	}
	h.at = to
	return full
}

// waitKnown waits until the hub has a position.
func (h *Hub) waitKnown(ctx context.Context, known <-chan struct{}) error {
	late := time.NewTimer(startTimeout)
	defer late.Stop()
	select {
	case <-known:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	case <-late.C:
		return &problem.Error{Code: api.CodeStreamUnavailable, RetryAfter: retryLater, Detail: "the stream of events does not answer"}
	}
}
