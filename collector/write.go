package collector

import (
	"context"
	"errors"
	"fmt"
	"strconv"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"github.com/nats-io/nuid"
	"github.com/synadia-io/orbit.go/jetstreamext"

	"github.com/theeye/theeye/shared/stream"
)

// smallBatch is the number of events below which single publishes are cheaper
// than an atomic batch, whose two syncs and file cost some milliseconds flat.
const smallBatch = 16

// maxHeaders is more than the headers of a message take, in bytes.
const maxHeaders = 2 << 10

// writer publishes batches and resolves them. One atomic batch is sent without
// waiting for its messages; the acknowledgement of the last one, which comes
// after the sync, is that of all. The orbit library waits for the first message
// as well, which would cost a round trip a batch.
type writer struct {
	conn  *nats.Conn
	meter *metrics
	acks  *inbox
	line  *lifeline
}

// fits returns why messages cannot be published now: without a connection, or
// because one is over what the server takes and would fail its whole batch.
// With the max_payload that The Eye's configuration sets, all fit.
func (w *writer) fits(msgs []*nats.Msg) error {
	if !w.conn.IsConnected() {
		return errDisconnected
	}
	limit := w.conn.MaxPayload()
	for _, m := range msgs {
		if int64(len(m.Data)+maxHeaders) > limit {
			return fmt.Errorf("%w: max_payload of NATS is %d bytes, less than an event needs", errNotCommitted, limit)
		}
	}
	return nil
}

// write publishes b, as far as it is not sent yet, and gives each of its
// messages its result. It returns before ctx's end or soon after.
func (w *writer) write(ctx context.Context, b *batch) {
	ctx, release := w.line.hold(ctx)
	defer release()
	if !w.conn.IsConnected() {
		// What is published now would wait in the client's buffer and reach the
		// stream after its request was answered 503: allowed, and pointless.
		b.resolve(errDisconnected)
		return
	}
	if b.sent == nil {
		if b.count < smallBatch {
			w.singles(ctx, b)
			return
		}
		w.open(b)
	}
	err := b.sent.commit(ctx)
	var refused *jetstream.APIError
	if errors.As(err, &refused) && !errors.Is(err, errStreamFull) {
		// The server stored nothing of the batch. The reason may be one message
		// of one request: no other request may fail for it.
		w.meter.fallbacks.Inc()
		w.singles(ctx, b)
		return
	}
	b.resolve(err)
}

// open begins to send b as one ADR-50 batch, which the server stages while the
// rest of it arrives. What is added to b from then on is sent at once.
func (w *writer) open(b *batch) {
	b.sent = &transfer{writer: w, id: nuid.Next()}
	for _, p := range b.parts {
		b.sent.send(p.msgs)
	}
}

// transfer is an atomic batch on its way to the server.
type transfer struct {
	writer *writer
	id     string
	count  int       // messages, the held one included
	held   *nats.Msg // the newest: the last one carries the commit
	err    error     // the first error of a publish
}

// send publishes messages without waiting. The newest is held back.
func (t *transfer) send(msgs []*nats.Msg) {
	for _, m := range msgs {
		if t.held != nil && t.err == nil {
			t.err = t.writer.conn.PublishMsg(t.held)
		}
		t.count++
		m.Header[jetstreamext.BatchIDHeader] = []string{t.id}
		m.Header[jetstreamext.BatchSeqHeader] = []string{strconv.Itoa(t.count)}
		t.held = m
	}
}

// commit publishes the held message and waits for the acknowledgement of all.
func (t *transfer) commit(ctx context.Context) error {
	if t.err != nil {
		return fmt.Errorf("%w: publish: %w", errNotCommitted, t.err)
	}
	t.held.Header[jetstreamext.BatchCommitHeader] = []string{"1"}
	t.held.Header[nats.ExpectedStreamHdr] = []string{stream.Name}
	reply, err := t.writer.conn.RequestMsgWithContext(ctx, t.held)
	if err != nil {
		return fmt.Errorf("%w: %w", errNotCommitted, errors.Join(err, context.Cause(ctx)))
	}
	ack, err := readAck(reply)
	if err == nil && (ack.Batch != t.id || ack.Count != t.count) {
		return errAck
	}
	return err
}
