package collector

import (
	"context"
	"fmt"
	"strconv"

	"github.com/nats-io/nats.go"
	"github.com/synadia-io/orbit.go/jetstreamext"

	"github.com/theeye/theeye/shared/stream"
)

// inbox receives the acknowledgements of single publishes. They are published
// in the order of their request, all before the first is waited for.
type inbox struct {
	sub     *nats.Subscription
	prefix  string
	replies chan *nats.Msg
	round   uint64
}

// start lets acknowledgements come in.
func (w *writer) start() error {
	acks := &inbox{prefix: w.conn.NewInbox() + ".", replies: make(chan *nats.Msg, 2*maxBatch)}
	sub, err := w.conn.ChanSubscribe(acks.prefix+"*.*", acks.replies)
	if err != nil {
		return fmt.Errorf("subscribe to acknowledgements: %w", err)
	}
	acks.sub = sub
	w.acks, w.line = acks, watch(w.conn)
	return nil
}

// stop undoes start.
func (w *writer) stop() {
	w.line.stop()
	_ = w.acks.sub.Unsubscribe() // a closed connection has done so
}

// singles publishes each message of b by itself and gives it its result.
func (w *writer) singles(ctx context.Context, b *batch) {
	w.acks.round++
	prefix := w.acks.prefix + strconv.FormatUint(w.acks.round, 10) + "."
	waiting := make(map[string]*unit, b.count)
	n := 0
	for _, p := range b.parts {
		for _, m := range p.msgs {
			delete(m.Header, jetstreamext.BatchIDHeader)
			delete(m.Header, jetstreamext.BatchSeqHeader)
			delete(m.Header, jetstreamext.BatchCommitHeader)
			m.Header[nats.ExpectedStreamHdr] = []string{stream.Name}
			m.Reply = prefix + strconv.Itoa(n)
			n++
			waiting[m.Reply] = p.unit
			if err := w.conn.PublishMsg(m); err != nil {
				delete(waiting, m.Reply)
				p.unit.resolve(1, fmt.Errorf("%w: publish: %w", errNotCommitted, err))
			}
		}
	}
	w.acks.await(ctx, waiting)
}

// await resolves every message that waits, at the latest when ctx ends. What
// came for an earlier round is too late.
func (i *inbox) await(ctx context.Context, waiting map[string]*unit) {
	for len(waiting) > 0 {
		select {
		case reply := <-i.replies:
			u, ok := waiting[reply.Subject]
			if !ok {
				continue
			}
			delete(waiting, reply.Subject)
			_, err := readAck(reply)
			u.resolve(1, err)
		case <-ctx.Done():
			for subject, u := range waiting {
				delete(waiting, subject)
				u.resolve(1, fmt.Errorf("%w: %w", errNotCommitted, context.Cause(ctx)))
			}
		}
	}
}
