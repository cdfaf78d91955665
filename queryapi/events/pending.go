package events

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"github.com/synadia-io/orbit.go/jetstreamext"

	"github.com/theeye/theeye/queryapi/problem"
	"github.com/theeye/theeye/shared/api"
	"github.com/theeye/theeye/shared/format"
	"github.com/theeye/theeye/shared/store"
	"github.com/theeye/theeye/shared/stream"
)

// Bounds of one search for a pending event.
const (
	maxSearchMessages = 5_000
	maxSearchBytes    = 8 << 20
	maxSearchTime     = 2 * time.Second
	maxSearches       = 4 // at the same time
	// A search reads batches, so that neither the server's readers nor this
	// process hold more than about two megabytes at once.
	batchMessages = 500
	batchBytes    = 1 << 20
	headerPending = "Nats-Num-Pending"
)

// retryLater is how long a client should wait where a limit is reached, or the
// stream does not answer.
const retryLater = 5 * time.Second

var errShortRead = errors.New("the stream ended its answer early")

// Pending is an accepted event without an outcome.
type Pending struct {
	Application string
	EventID     string
	ReceivedAt  time.Time
	Origin      store.Origin
}

// backlog finds events among the messages without an outcome: those between the
// ack floor of the live consumer and the end of the stream. It reads the stream
// directly and disturbs no consumer. Any replica of the stream may answer, so
// an event of the last milliseconds can be missed. It is safe for concurrent
// use.
type backlog struct {
	js jetstream.JetStream
	// searches limits the concurrent searches.
	searches chan struct{}
}

func newBacklog(js jetstream.JetStream) *backlog {
	return &backlog{js: js, searches: make(chan struct{}, maxSearches)}
}

// findPending finds the accepted events with an id in any of the applications,
// one each. The error is a *problem.Error: the stream does not answer, or the
// backlog is too long to read. Events that were settled out of order may be
// among those found, so the store must be asked after it.
func (b *backlog) findPending(ctx context.Context, apps []string, id string) ([]Pending, error) {
	if b.js == nil || !b.js.Conn().IsConnected() {
		return nil, backlogUnavailable(nats.ErrDisconnected)
	}
	ctx, cancel := context.WithTimeout(ctx, maxSearchTime)
	defer cancel()
	select {
	case b.searches <- struct{}{}:
		defer func() { <-b.searches }()
	case <-ctx.Done():
		return nil, problem.Wrap(api.CodeOverloaded, "too many events are being searched for in the stream", ctx.Err())
	}
	s := search{js: b.js, apps: make(map[string]bool, len(apps)), id: id, subject: stream.Subjects}
	for _, app := range apps {
		s.apps[app] = true
	}
	if len(apps) == 1 {
		s.subject = stream.ApplicationSubjects(apps[0])
	}
	err := s.run(ctx)
	switch {
	case err == nil:
		return s.found, nil
	case problem.Is(err):
		return nil, err
	case ctx.Err() != nil:
		return nil, backlogTooLong()
	}
	return nil, backlogUnavailable(err)
}

// search is one search of the backlog.
type search struct {
	js jetstream.JetStream
	// apps are the applications in which the event is not found yet.
	apps    map[string]bool
	id      string
	subject string

	epoch           int64
	next, last      uint64
	messages, bytes int
	found           []Pending
}

func (s *search) run(ctx context.Context) error {
	if err := s.findRange(ctx); err != nil {
		return err
	}
	for s.next <= s.last {
		if err := s.readBatch(ctx); err != nil {
			return err
		}
	}
	return nil
}

// findRange finds the range of sequences. The floor is read first: it only
// rises, so reading it early can only widen the range.
func (s *search) findRange(ctx context.Context) error {
	consumer, err := s.js.Consumer(ctx, stream.Name, stream.Consumer)
	if err != nil {
		return fmt.Errorf("look up consumer %s: %w", stream.Consumer, err)
	}
	events, err := s.js.Stream(ctx, stream.Name)
	if err != nil {
		return fmt.Errorf("look up stream %s: %w", stream.Name, err)
	}
	info := events.CachedInfo()
	s.epoch = stream.EpochOf(info)
	s.next = max(consumer.CachedInfo().AckFloor.Stream+1, info.State.FirstSeq)
	s.last = info.State.LastSeq
	return nil
}

// readBatch reads the next messages of the range.
func (s *search) readBatch(ctx context.Context) error {
	msgs, err := jetstreamext.GetBatch(ctx, s.js, stream.Name, batchMessages,
		jetstreamext.GetBatchSeq(s.next), jetstreamext.GetBatchSubject(s.subject),
		jetstreamext.GetBatchMaxBytes(batchBytes))
	if err != nil {
		return fmt.Errorf("read stream %s: %w", stream.Name, err)
	}
	pending, read := 0, 0
	for msg, err := range msgs {
		if errors.Is(err, jetstreamext.ErrNoMessages) {
			s.next = s.last + 1
			return nil
		}
		if err != nil {
			return fmt.Errorf("read stream %s: %w", stream.Name, err)
		}
		if pending, err = strconv.Atoi(msg.Header.Get(headerPending)); err != nil {
			return fmt.Errorf("read header %s: %w", headerPending, err)
		}
		read++
		if done, err := s.checkMessage(msg, pending); done || err != nil {
			return err
		}
	}
	if read == 0 {
		return errShortRead
	}
	if pending == 0 {
		s.next = s.last + 1
	}
	return nil
}

// checkMessage compares one message with the event; pending messages of the
// subject follow it. It reports that the range is done.
func (s *search) checkMessage(msg *jetstream.RawStreamMsg, pending int) (bool, error) {
	s.next = msg.Sequence + 1
	if msg.Sequence > s.last {
		s.next = msg.Sequence
		return true, nil
	}
	s.messages++
	s.bytes += len(msg.Data)
	if s.messages+pending > maxSearchMessages || s.bytes > maxSearchBytes {
		return true, backlogTooLong()
	}
	m, err := stream.Parse(msg.Header, msg.Data)
	if err != nil || !s.apps[m.Application] || !s.isEvent(&m) {
		return false, nil //nolint:nilerr // a message that no collector wrote has no event_id
	}
	// The origin of an event is its first message.
	delete(s.apps, m.Application)
	s.found = append(s.found, Pending{
		Application: m.Application, EventID: s.id, ReceivedAt: m.ReceivedAt.Truncate(time.Millisecond),
		Origin: store.Origin{Epoch: s.epoch, Seq: msg.Sequence},
	})
	return false, nil
}

// isEvent reports whether a message carries the event. A derived id is in the
// header; every other one in the payload.
func (s *search) isEvent(m *stream.Message) bool {
	if m.DerivedID != "" {
		return m.DerivedID == s.id
	}
	f, ok := format.Lookup(m.Format)
	if !ok {
		return false
	}
	head, refusal := f.Inspect(m.Payload, m.Receipt())
	return refusal == nil && head.EventID == s.id
}

func backlogTooLong() *problem.Error {
	return &problem.Error{
		Code: api.CodeBacklogTooLong, RetryAfter: retryLater,
		Detail: "the event is not stored, and too many events have no outcome yet to find out whether it is one of them",
	}
}

func backlogUnavailable(cause error) *problem.Error {
	return &problem.Error{
		Code: api.CodeStreamUnavailable, RetryAfter: retryLater, Cause: cause,
		Detail: "the event is not stored, and the stream does not answer whether it has no outcome yet",
	}
}
