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

// smallBatch is the number of events below which single publishes are cheaper
// than an atomic batch, whose two syncs and file cost some milliseconds flat.
const smallBatch = 16

// maxParallel bounds the single publishes that are under way.
const maxParallel = 64

// maxHeaders is more than the headers of a message take, in bytes.
const maxHeaders = 2 << 10

// codeServerStoreFailed is the server's error code for a stream over its limits.
const codeServerStoreFailed jetstream.ErrorCode = 10077

var (
	errStreamFull   = fmt.Errorf("%w: the stream is full", errNotCommitted)
	errDisconnected = fmt.Errorf("%w: NATS is away", errNotCommitted)
	errAck          = fmt.Errorf("%w: the acknowledgement does not match", errNotCommitted)
)

// writer publishes batches and resolves them. One atomic batch is sent without
// waiting for its messages; the acknowledgement of the last one, which comes
// after the sync, is that of all. The orbit library waits for the first message
// as well, which would cost a round trip a batch.
type writer struct {
	conn  *nats.Conn
	meter *metrics
}

// fits reports whether every message is within what the server takes. One that
// is not would fail its whole batch, so it must not get into one. With the
// max_payload that The Eye's configuration sets, all fit.
func (w *writer) fits(msgs []*nats.Msg) error {
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
	ack, err := t.writer.request(ctx, t.held)
	if err == nil && (ack.Batch != t.id || ack.Count != t.count) {
		return errAck
	}
	return err
}

// singles publishes each message by itself, in parallel.
func (w *writer) singles(ctx context.Context, b *batch) {
	var wg sync.WaitGroup
	slots := make(chan struct{}, maxParallel)
	for _, p := range b.parts {
		for _, m := range p.msgs {
			delete(m.Header, jetstreamext.BatchIDHeader)
			delete(m.Header, jetstreamext.BatchSeqHeader)
			delete(m.Header, jetstreamext.BatchCommitHeader)
			m.Header[nats.ExpectedStreamHdr] = []string{stream.Name}
			slots <- struct{}{}
			wg.Go(func() {
				defer func() { <-slots }()
				_, err := w.request(ctx, m)
				p.unit.resolve(1, err)
			})
		}
	}
	wg.Wait()
}

// ack is what the server answers to a publish.
type ack struct {
	Stream string `json:"stream"`
	Seq    uint64 `json:"seq"`
	Batch  string `json:"batch"`
	Count  int    `json:"count"`

	Error *jetstream.APIError `json:"error"`
}

// request publishes a message and waits for the stream's acknowledgement. Every
// error wraps errNotCommitted.
func (w *writer) request(ctx context.Context, m *nats.Msg) (ack, error) {
	reply, err := w.conn.RequestMsgWithContext(ctx, m)
	if err != nil {
		return ack{}, fmt.Errorf("%w: %w", errNotCommitted, err)
	}
	var a ack
	if err := json.Unmarshal(reply.Data, &a); err != nil {
		return ack{}, fmt.Errorf("%w: %w", errAck, err)
	}
	switch {
	case a.Error != nil && a.Error.ErrorCode == codeServerStoreFailed:
		return ack{}, fmt.Errorf("%w: %w", errStreamFull, a.Error)
	case a.Error != nil:
		return ack{}, fmt.Errorf("%w: %w", errNotCommitted, a.Error)
	case a.Stream != stream.Name || a.Seq == 0:
		return ack{}, errAck
	}
	return a, nil
}
