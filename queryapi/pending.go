package queryapi

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/nats-io/nats.go/jetstream"
	"github.com/synadia-io/orbit.go/jetstreamext"

	"github.com/theeye/theeye/shared/format"
	"github.com/theeye/theeye/shared/store"
	"github.com/theeye/theeye/shared/stream"
)

// Bounds of one look for a pending event.
const (
	maxLookMessages = 5_000
	maxLookBytes    = 8 << 20
	maxLookTime     = 2 * time.Second
	maxLooks        = 4
	// A look asks for portions, so that neither the server's readers nor this
	// process hold more than about two megabytes at once.
	lookPortion      = 500
	lookPortionBytes = 1 << 20
	headerPending    = "Nats-Num-Pending"
)

var errShortRead = errors.New("the stream ended its answer early")

// waiting is an event that is accepted and has no outcome yet.
type waiting struct {
	application string
	eventID     string
	receivedAt  time.Time
	origin      store.Origin
}

// backlog looks for events among the messages that processors have still to
// settle: those between the ack floor of the live consumer and the end of the
// stream. It reads the stream directly and disturbs no consumer; of a stream
// with replicas any one may answer, so an event of the last milliseconds can
// be missed there. It is safe for concurrent use.
type backlog struct {
	js jetstream.JetStream
	// looks bounds how many run at once.
	looks chan struct{}
}

func newBacklog(js jetstream.JetStream) *backlog {
	return &backlog{js: js, looks: make(chan struct{}, maxLooks)}
}

// look finds the accepted events of id in any of the applications, one each.
// The error is a *failure: 503 while the stream does not answer, or when the
// backlog is too long to read. Events that were settled out of order may be
// among those found, so the store has the last word.
func (b *backlog) look(ctx context.Context, apps []string, id string) ([]waiting, error) {
	if b.js == nil || !b.js.Conn().IsConnected() {
		return nil, streamAway(errors.New("not connected"))
	}
	ctx, cancel := context.WithTimeout(ctx, maxLookTime)
	defer cancel()
	select {
	case b.looks <- struct{}{}:
		defer func() { <-b.looks }()
	case <-ctx.Done():
		return nil, unavailable(codeOverloaded, "too many events are being looked for in the stream", retrySoon, ctx.Err())
	}
	l := look{js: b.js, apps: make(map[string]bool, len(apps)), id: id, subject: stream.Subjects}
	for _, app := range apps {
		l.apps[app] = true
	}
	if len(apps) == 1 {
		l.subject = stream.ApplicationSubjects(apps[0])
	}
	if err := l.run(ctx); err != nil {
		var f *failure
		if errors.As(err, &f) {
			return nil, f
		}
		if ctx.Err() != nil {
			return nil, tooLong()
		}
		return nil, streamAway(err)
	}
	return l.found, nil
}

// look is one search.
type look struct {
	js jetstream.JetStream
	// apps holds the applications that are looked in and not found yet.
	apps    map[string]bool
	id      string
	subject string

	epoch           int64
	next, last      uint64
	messages, bytes int
	found           []waiting
}

func (l *look) run(ctx context.Context) error {
	if err := l.bound(ctx); err != nil {
		return err
	}
	for l.next <= l.last {
		if err := l.portion(ctx); err != nil {
			return err
		}
	}
	return nil
}

// bound finds the range. The floor is read first: it only rises, so reading it
// early can only widen the range.
func (l *look) bound(ctx context.Context) error {
	consumer, err := l.js.Consumer(ctx, stream.Name, stream.Consumer)
	if err != nil {
		return fmt.Errorf("look up consumer %s: %w", stream.Consumer, err)
	}
	events, err := l.js.Stream(ctx, stream.Name)
	if err != nil {
		return fmt.Errorf("look up stream %s: %w", stream.Name, err)
	}
	info := events.CachedInfo()
	l.epoch = info.Created.UnixMicro()
	l.next = max(consumer.CachedInfo().AckFloor.Stream+1, info.State.FirstSeq)
	l.last = info.State.LastSeq
	return nil
}

// portion reads the next messages of the range.
func (l *look) portion(ctx context.Context) error {
	msgs, err := jetstreamext.GetBatch(ctx, l.js, stream.Name, lookPortion,
		jetstreamext.GetBatchSeq(l.next), jetstreamext.GetBatchSubject(l.subject),
		jetstreamext.GetBatchMaxBytes(lookPortionBytes))
	if err != nil {
		return fmt.Errorf("read stream %s: %w", stream.Name, err)
	}
	pending, read := 0, 0
	for msg, err := range msgs {
		if errors.Is(err, jetstreamext.ErrNoMessages) {
			l.next = l.last + 1
			return nil
		}
		if err != nil {
			return fmt.Errorf("read stream %s: %w", stream.Name, err)
		}
		if pending, err = strconv.Atoi(msg.Header.Get(headerPending)); err != nil {
			return fmt.Errorf("read header %s: %w", headerPending, err)
		}
		read++
		if done, err := l.take(msg, pending); done || err != nil {
			return err
		}
	}
	if read == 0 {
		return errShortRead
	}
	if pending == 0 {
		l.next = l.last + 1
	}
	return nil
}

// take judges one message; pending messages of the subject follow it. It
// reports that the range is done.
func (l *look) take(msg *jetstream.RawStreamMsg, pending int) (bool, error) {
	l.next = msg.Sequence + 1
	if msg.Sequence > l.last {
		l.next = msg.Sequence
		return true, nil
	}
	l.messages++
	l.bytes += len(msg.Data)
	if l.messages+pending > maxLookMessages || l.bytes > maxLookBytes {
		return true, tooLong()
	}
	m, err := stream.Parse(msg.Header, msg.Data)
	if err != nil || !l.apps[m.Application] || !l.is(&m) {
		return false, nil //nolint:nilerr // a message that no collector wrote has no event_id
	}
	// The first message is the one whose place counts.
	delete(l.apps, m.Application)
	l.found = append(l.found, waiting{
		application: m.Application, eventID: l.id, receivedAt: m.ReceivedAt.Truncate(time.Millisecond),
		origin: store.Origin{Epoch: l.epoch, Seq: msg.Sequence},
	})
	return false, nil
}

// is reports whether a message carries the event. A derived id stands in the
// header; every other one in the payload.
func (l *look) is(m *stream.Message) bool {
	if m.DerivedID != "" {
		return m.DerivedID == l.id
	}
	f, ok := format.Lookup(m.Format)
	if !ok {
		return false
	}
	head, refusal := f.Inspect(m.Payload)
	return refusal == nil && head.EventID == l.id
}

func tooLong() *failure {
	return unavailable(codeBacklogTooLong,
		"the event is not stored, and too many events wait for their outcome to tell whether it is one of them", retryLater, nil)
}

func streamAway(cause error) *failure {
	return unavailable(codeStreamUnavailable,
		"the event is not stored, and the stream does not answer whether it waits for its outcome", retryLater, cause)
}
