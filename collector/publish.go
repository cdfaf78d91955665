package collector

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"sync"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"github.com/nats-io/nuid"
	"github.com/synadia-io/orbit.go/jetstreamext"

	"github.com/theeye/theeye/shared/stream"
)

// maxHeaders is more than the headers of a message take, in bytes.
const maxHeaders = 2 << 10

// publisher publishes batches and resolves them. It sends an atomic batch
// without waiting for its messages; the acknowledgement of the last one, which
// comes after the sync, acknowledges all. The orbit library also waits for the
// first message, which would cost a round trip per batch.
type publisher struct {
	conn        *nats.Conn
	metrics     *metrics
	acks        *ackInbox
	disconnects *disconnectWatcher
}

// subscribe subscribes to acknowledgements and to losses of the connection.
func (p *publisher) subscribe() error {
	acks := &ackInbox{prefix: p.conn.NewInbox() + ".", replies: make(chan *nats.Msg, 2*maxBatch)}
	sub, err := p.conn.ChanSubscribe(acks.prefix+"*.*", acks.replies)
	if err != nil {
		return fmt.Errorf("subscribe to acknowledgements: %w", err)
	}
	acks.sub = sub
	p.acks, p.disconnects = acks, watchDisconnects(p.conn)
	return nil
}

// unsubscribe undoes start.
func (p *publisher) unsubscribe() {
	p.disconnects.close()
	_ = p.acks.sub.Unsubscribe() // fails on a closed connection, which has unsubscribed
}

// checkFits returns why messages cannot be published now: NATS is disconnected,
// or a message is larger than the server accepts and would fail its whole batch.
// With the max_payload of The Eye's configuration, all messages fit.
func (p *publisher) checkFits(msgs []*nats.Msg) error {
	if !p.conn.IsConnected() {
		return errDisconnected
	}
	limit := p.conn.MaxPayload()
	for _, m := range msgs {
		if int64(len(m.Data)+maxHeaders) > limit {
			return fmt.Errorf("%w: max_payload of NATS is %d bytes, less than an event needs", errNotCommitted, limit)
		}
	}
	return nil
}

// publishBatch publishes the messages of b that are not sent yet, and resolves
// every message. It returns before the end of ctx or soon after, and whether the
// server took the batch as it was sent: else its time says nothing of the disk.
func (p *publisher) publishBatch(ctx context.Context, b *batch) (taken bool) {
	ctx, release := p.disconnects.withDisconnect(ctx)
	defer release()
	if !p.conn.IsConnected() {
		// A message published now would wait in the client's buffer and reach
		// the stream after its request was answered 503: allowed, but useless.
		b.resolveAll(errDisconnected)
		return false
	}
	if b.atomic == nil {
		return p.publishEach(ctx, b)
	}
	err := b.atomic.sendCommit(ctx, b.count)
	var refused *jetstream.APIError
	if errors.As(err, &refused) && !errors.Is(err, errStreamFull) {
		// The server stored nothing of the batch. The reason may be one message
		// of one request: no other request may fail for it.
		p.metrics.fallbacks.Inc()
		p.publishEach(ctx, b)
		return false
	}
	b.resolveAll(err)
	return err == nil
}

// openAtomic begins to send b as one ADR-50 batch, which the server stages while
// the rest of it arrives. Messages added to b later are sent at once.
func (p *publisher) openAtomic(b *batch) {
	b.atomic = &atomicBatch{publisher: p, id: nuid.Next()}
	for _, s := range b.segments {
		b.atomic.sendMessages(s.msgs)
	}
}

// atomicBatch is an ADR-50 batch that is being sent to the server.
type atomicBatch struct {
	publisher *publisher
	id        string
	count     int       // messages, commitMsg included
	commitMsg *nats.Msg // the newest message, not sent yet: the last one commits
	err       error     // the first error of a publish
}

// sendMessages publishes messages without waiting. It holds back the newest.
func (t *atomicBatch) sendMessages(msgs []*nats.Msg) {
	for _, m := range msgs {
		if t.commitMsg != nil && t.err == nil {
			t.err = t.publisher.conn.PublishMsg(t.commitMsg)
		}
		t.count++
		m.Header[jetstreamext.BatchIDHeader] = []string{t.id}
		m.Header[jetstreamext.BatchSeqHeader] = []string{strconv.Itoa(t.count)}
		t.commitMsg = m
	}
}

// sendCommit publishes the last message, which commits the batch, and waits for
// the acknowledgement of all, a number of messages.
func (t *atomicBatch) sendCommit(ctx context.Context, all int) error {
	if t.err != nil {
		return fmt.Errorf("%w: publish: %w", errNotCommitted, t.err)
	}
	t.commitMsg.Header[jetstreamext.BatchCommitHeader] = []string{"1"}
	t.commitMsg.Header[nats.ExpectedStreamHdr] = []string{stream.Name}
	reply, err := t.publisher.conn.RequestMsgWithContext(ctx, t.commitMsg)
	if err != nil {
		return fmt.Errorf("%w: %w", errNotCommitted, errors.Join(err, context.Cause(ctx)))
	}
	ack, err := parseAck(reply)
	if err == nil && (ack.Batch != t.id || ack.Count != all) {
		return errAckMismatch
	}
	return err
}

// publishEach publishes each message of b by itself and resolves it. It returns
// whether the server took them all.
func (p *publisher) publishEach(ctx context.Context, b *batch) (taken bool) {
	p.acks.round++
	prefix := p.acks.prefix + strconv.FormatUint(p.acks.round, 10) + "."
	waiting := make(map[string]*commitRequest, b.count)
	n := 0
	for _, s := range b.segments {
		for _, m := range s.msgs {
			delete(m.Header, jetstreamext.BatchIDHeader)
			delete(m.Header, jetstreamext.BatchSeqHeader)
			delete(m.Header, jetstreamext.BatchCommitHeader)
			m.Header[nats.ExpectedStreamHdr] = []string{stream.Name}
			m.Reply = prefix + strconv.Itoa(n)
			n++
			waiting[m.Reply] = s.request
			if err := p.conn.PublishMsg(m); err != nil {
				delete(waiting, m.Reply)
				s.request.resolveMessages(1, fmt.Errorf("%w: publish: %w", errNotCommitted, err))
			}
		}
	}
	sent := len(waiting)
	return p.acks.awaitAcks(ctx, waiting) == 0 && sent == n
}

// ackInbox receives the acknowledgements of single publishes. All messages of a
// batch are published before the first acknowledgement is waited for.
type ackInbox struct {
	sub     *nats.Subscription
	prefix  string
	replies chan *nats.Msg
	round   uint64 // of publishEach
}

// awaitAcks resolves every waiting message, by its reply subject, at the latest
// when ctx ends, and returns how many failed. Acknowledgements of earlier rounds are
// dropped.
func (i *ackInbox) awaitAcks(ctx context.Context, waiting map[string]*commitRequest) (failed int) {
	for len(waiting) > 0 {
		select {
		case reply := <-i.replies:
			r, ok := waiting[reply.Subject]
			if !ok {
				continue
			}
			delete(waiting, reply.Subject)
			_, err := parseAck(reply)
			if err != nil {
				failed++
			}
			r.resolveMessages(1, err)
		case <-ctx.Done():
			failed += len(waiting)
			for subject, r := range waiting {
				delete(waiting, subject)
				r.resolveMessages(1, fmt.Errorf("%w: %w", errNotCommitted, context.Cause(ctx)))
			}
		}
	}
	return failed
}

// errNotCommitted is wrapped by every reason why a request's events are not
// known to be on disk.
var errNotCommitted = errors.New("not committed")

var (
	errStreamFull   = fmt.Errorf("%w: the stream is full", errNotCommitted)
	errDisconnected = fmt.Errorf("%w: NATS is disconnected", errNotCommitted)
	errAckMismatch  = fmt.Errorf("%w: the acknowledgement does not match", errNotCommitted)
)

// codeServerStoreFailed is the server's error code for a stream over its limits.
const codeServerStoreFailed jetstream.ErrorCode = 10077

// statusNoResponders is the server's status if no stream has the subject.
const statusNoResponders = "503"

// ack is the server's reply to a publish.
type ack struct {
	Stream string `json:"stream"`
	Seq    uint64 `json:"seq"`
	Batch  string `json:"batch"`
	Count  int    `json:"count"`

	Error *jetstream.APIError `json:"error"`
}

// parseAck returns the acknowledgement of our stream, which the server sends
// after the sync. Every error wraps errNotCommitted.
func parseAck(reply *nats.Msg) (ack, error) {
	if len(reply.Data) == 0 && reply.Header.Get("Status") == statusNoResponders {
		return ack{}, fmt.Errorf("%w: %w", errNotCommitted, nats.ErrNoResponders)
	}
	var a ack
	if err := json.Unmarshal(reply.Data, &a); err != nil {
		return ack{}, fmt.Errorf("%w: %w", errAckMismatch, err)
	}
	switch {
	case a.Error != nil && a.Error.ErrorCode == codeServerStoreFailed:
		return ack{}, fmt.Errorf("%w: %w", errStreamFull, a.Error)
	case a.Error != nil:
		return ack{}, fmt.Errorf("%w: %w", errNotCommitted, a.Error)
	case a.Stream != stream.Name || a.Seq == 0:
		return ack{}, errAckMismatch
	}
	return a, nil
}

// disconnectWatcher ends the wait for acknowledgements when the connection is
// lost: those in flight will never arrive, and sites must not wait for them.
type disconnectWatcher struct {
	conn   *nats.Conn
	losses chan nats.Status
	done   chan struct{} // closed when run has returned

	mu     sync.Mutex
	cancel context.CancelCauseFunc // of the present wait, nil without one
}

func watchDisconnects(conn *nats.Conn) *disconnectWatcher {
	l := &disconnectWatcher{
		conn: conn, losses: conn.StatusChanged(nats.RECONNECTING, nats.DISCONNECTED, nats.CLOSED), done: make(chan struct{}),
	}
	go l.run()
	return l
}

func (l *disconnectWatcher) run() {
	defer close(l.done)
	for range l.losses {
		l.mu.Lock()
		if l.cancel != nil {
			l.cancel(errDisconnected)
		}
		l.mu.Unlock()
	}
}

func (l *disconnectWatcher) close() {
	l.conn.RemoveStatusListener(l.losses)
	<-l.done
}

// withDisconnect returns a context that also ends when the connection is lost.
// Check after the call that the connection is up: an earlier loss does not end
// the context.
func (l *disconnectWatcher) withDisconnect(ctx context.Context) (context.Context, context.CancelFunc) {
	ctx, cancel := context.WithCancelCause(ctx)
	l.mu.Lock()
	defer l.mu.Unlock()
	l.cancel = cancel
	return ctx, func() {
		l.mu.Lock()
		defer l.mu.Unlock()
		l.cancel = nil
		cancel(nil)
	}
}
