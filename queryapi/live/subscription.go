package live

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/theeye/theeye/shared/retry"
	"github.com/theeye/theeye/shared/store"
)

// Event is what a subscription gets: an outcome, or a gap in its place.
type Event struct {
	// Position is that of the message, or where the stream goes on behind a gap.
	Position store.Origin
	Document *store.Document
	Gap      *Gap
}

// Gap stands in the place of messages that are not shown.
type Gap struct {
	// After is the position before the gap.
	After store.Origin
	// Missed is how many messages it has; 0 is unknown.
	Missed uint64
}

// DroppedError ends a subscription whose queue overflowed.
type DroppedError struct {
	// Missed counts the outcomes that matched since, Resume is the position that
	// misses none of them.
	Missed int64
	Resume store.Origin
}

// Error implements error.
func (*DroppedError) Error() string { return "the live stream is not read fast enough" }

// Subscription is one listener. Its methods are for one goroutine.
type Subscription struct {
	hub   *Hub
	match func(*store.Document) bool
	// joined is set once the hub serves the subscription, under the hub's lock.
	joined bool
	// at is the position up to which the subscription has read by itself. Only the
	// goroutine of the subscription changes it.
	at store.Origin

	ready   chan struct{} // has an element while the queue is not empty
	drained chan struct{} // has an element after the queue was emptied

	mu      sync.Mutex
	queue   []Event
	bytes   int
	resume  store.Origin // of the last event that was put, or passed without a match
	missed  int64
	dropped bool
}

// Subscribe starts to listen for the outcomes that match, behind the position after;
// nil is from now on: every outcome of an event that is sent when Subscribe has
// returned is shown. The error is a *problem.Error where the stream does not answer.
// The caller must close the subscription.
func (h *Hub) Subscribe(ctx context.Context, match func(*store.Document) bool, after *store.Origin) (*Subscription, error) {
	s := &Subscription{hub: h, match: match, ready: make(chan struct{}, 1), drained: make(chan struct{}, 1)}
	known := h.addSubscription(s)
	if err := h.waitKnown(ctx, known); err != nil {
		s.Close()
		return nil, err
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	s.at, s.resume = h.at, h.at
	switch {
	case after == nil || *after == h.at:
		s.joined = true
	case after.Epoch != h.at.Epoch:
		s.put(Event{Position: h.at, Gap: &Gap{After: *after}})
		s.joined = true
	case after.Seq > h.at.Seq+MaxResume:
		s.put(Event{Position: h.at, Gap: &Gap{After: *after}}) // no id of this stream
		s.joined = true
	case h.at.Seq > after.Seq+MaxResume:
		s.put(Event{Position: h.at, Gap: &Gap{After: *after, Missed: h.at.Seq - after.Seq}})
		s.joined = true
	default:
		// The hub may not have reached it, as after an id of another process: what
		// lies between is not shown twice.
		s.at, s.resume = *after, *after
	}
	return s, nil
}

// Close ends the subscription.
func (s *Subscription) Close() { s.hub.removeSubscription(s) }

// Position returns where a later subscription continues, when every event that Next
// returned is taken; false while others wait.
func (s *Subscription) Position() (store.Origin, bool) {
	s.hub.mu.Lock()
	defer s.hub.mu.Unlock()
	if !s.joined {
		return s.at, true
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.resume, len(s.queue) == 0 && !s.dropped
}

// Next returns the next events, at most all that are queued, and none when ctx ends.
// The error is a *DroppedError behind the last event.
func (s *Subscription) Next(ctx context.Context) ([]Event, error) {
	for {
		events, joined, err := s.catchUp(ctx)
		if err != nil || len(events) > 0 {
			return events, err
		}
		if joined {
			break
		}
	}
	select {
	case <-s.ready:
	case <-ctx.Done():
		return nil, nil
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	events := s.queue
	s.queue, s.bytes = nil, 0
	if len(events) == 0 && s.dropped {
		return nil, &DroppedError{Missed: s.missed, Resume: s.resume}
	}
	if s.dropped {
		s.signal(s.ready) // the end follows
	}
	s.signal(s.drained)
	return events, nil
}

// catchUp reads the next part of the stream by itself, until it has reached the hub,
// and joins it there. It returns no events and no error where ctx ended; then the
// next call goes on.
func (s *Subscription) catchUp(ctx context.Context) (events []Event, joined bool, err error) {
	to, joined := s.join()
	if joined || ctx.Err() != nil {
		return nil, true, nil
	}
	switch {
	case to.Epoch != s.at.Epoch || to.Seq > s.at.Seq+maxLag:
		// The stream was made again, or the client is far too slow.
		gap := Event{Position: to, Gap: &Gap{After: s.at}}
		if to.Epoch == s.at.Epoch {
			gap.Gap.Missed = to.Seq - s.at.Seq
		}
		s.at = to
		return []Event{gap}, false, nil
	case to.Seq <= s.at.Seq:
		_ = retry.Sleep(ctx, s.hub.interval) // the hub is behind
		return nil, false, nil
	}
	select {
	case s.hub.readers <- struct{}{}:
		defer func() { <-s.hub.readers }()
	case <-ctx.Done():
		return nil, true, nil
	}
	found, err := s.hub.reader.readPortion(ctx, to.Epoch, s.at.Seq, to.Seq)
	switch {
	case err != nil && ctx.Err() != nil:
		return nil, true, nil
	case errors.Is(err, errEarly):
		found = outcomes{missing: to.Seq - s.at.Seq, last: to.Seq} // the hub has seen them: they were purged
	case err != nil:
		_ = retry.Sleep(ctx, time.Second)
		return nil, false, nil // tried again, as the hub does, which logs
	}
	before := s.at
	s.at.Seq = found.last
	if found.missing > 0 {
		events = append(events, Event{Position: s.at, Gap: &Gap{After: before, Missed: found.missing}})
	}
	for i, d := range found.documents {
		if s.match(d) {
			events = append(events, Event{Position: store.Origin{Epoch: to.Epoch, Seq: found.seqs[i]}, Document: d})
		}
	}
	return events, false, nil
}

// join makes the hub serve the subscription, if it stands where the hub does, and
// returns the position of the hub.
func (s *Subscription) join() (store.Origin, bool) {
	s.hub.mu.Lock()
	defer s.hub.mu.Unlock()
	if !s.joined && s.at == s.hub.at {
		s.joined = true
		s.mu.Lock()
		s.resume = s.at
		s.mu.Unlock()
	}
	return s.hub.at, s.joined
}

// putOutcomes queues the outcomes that match, and reports whether the queue is half
// full.
func (s *Subscription) putOutcomes(epoch int64, found outcomes) bool {
	for i, d := range found.documents {
		if s.match(d) {
			s.put(Event{Position: store.Origin{Epoch: epoch, Seq: found.seqs[i]}, Document: d})
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.dropped {
		s.resume = store.Origin{Epoch: epoch, Seq: found.last}
	}
	half := len(s.queue) > queueEvents/2 || s.bytes > queueBytes/2
	if half {
		select {
		case <-s.drained: // an earlier one
		default:
		}
	}
	return half
}

// put queues an event, or counts it where the queue is full.
func (s *Subscription) put(e Event) {
	s.mu.Lock()
	defer s.mu.Unlock()
	size := 0
	if e.Document != nil {
		size = e.Document.Size()
	}
	if s.dropped || len(s.queue) >= queueEvents || len(s.queue) > 0 && s.bytes+size > queueBytes {
		s.dropped = true
		if e.Document != nil {
			s.missed++
		}
		return
	}
	s.queue, s.bytes = append(s.queue, e), s.bytes+size
	s.resume = e.Position
	s.signal(s.ready)
}

// signal puts an element into a channel of one.
func (*Subscription) signal(c chan struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}
