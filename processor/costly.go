package processor

import (
	"context"
	"slices"
	"sync"

	"github.com/theeye/theeye/shared/schema"
	"github.com/theeye/theeye/shared/store"
	"github.com/theeye/theeye/shared/stream"
)

// A batch has an allowance of work, so that no application makes the events of
// others wait by events that are costly to validate: a message over the rest of it is
// set aside, while everything negligible is still validated at once. One
// goroutine takes the messages that were set aside one by one, and from one
// application after the other. The allowance decides when a message is validated and
// in which batch, never its outcome.

const (
	// batchWork is the allowance of a batch, about 0.15 s.
	batchWork = schema.MaxWork / 2
	// costlyRoom and costlyBytes bound the messages that are set aside, and
	// costlyShare those of one application among them.
	costlyRoom  = 64
	costlyShare = costlyRoom / 2
	costlyBytes = 8 << 20
)

// splitCostly removes the messages without a document from b, and returns them.
func (b *batch) splitCostly() []delivery {
	if !slices.Contains(b.docs, nil) {
		return nil
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	var kept, costly []delivery
	for i, d := range b.docs {
		if d == nil {
			costly = append(costly, b.messages[i])
		} else {
			kept = append(kept, b.messages[i])
		}
	}
	b.messages = kept
	b.docs = slices.DeleteFunc(b.docs, func(d *store.Document) bool { return d == nil })
	return costly
}

// held returns the messages that b has at present.
func (b *batch) held() []delivery {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.messages
}

// costlyQueue holds the messages that are set aside. Its methods are safe for
// concurrent use.
type costlyQueue struct {
	settler *settler
	metrics *metrics
	added   chan struct{} // holds a token after messages were added

	mu sync.Mutex
	// waiting are the messages by application, and order the applications that
	// have some, the next one first.
	waiting map[string][]delivery
	order   []string
	count   int
	bytes   int
	closed  bool
}

func newCostlyQueue(s *settler, m *metrics) *costlyQueue {
	return &costlyQueue{settler: s, metrics: m, added: make(chan struct{}, 1), waiting: map[string][]delivery{}}
}

// setAside takes over messages. Those without room are postponed.
func (q *costlyQueue) setAside(messages []delivery) {
	q.metrics.costly.Add(float64(len(messages)))
	rest, closed := q.add(messages)
	if closed {
		q.settler.release(rest)
		return
	}
	q.metrics.postponed.Add(float64(len(rest)))
	q.settler.postpone(rest)
	select {
	case q.added <- struct{}{}:
	default:
	}
}

// add adds the messages for which there is room, and returns the others; none once
// the queue is closed.
func (q *costlyQueue) add(messages []delivery) (rest []delivery, closed bool) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.closed {
		return messages, true
	}
	for _, m := range messages {
		application := m.Header.Get(stream.HeaderApplication)
		own := q.waiting[application]
		if q.count >= costlyRoom || len(own) >= costlyShare || q.count > 0 && q.bytes+m.size > costlyBytes {
			rest = append(rest, m)
			continue
		}
		if len(own) == 0 {
			q.order = append(q.order, application)
		}
		q.waiting[application] = append(own, m)
		q.count++
		q.bytes += m.size
	}
	q.metrics.costlyWaiting.Set(float64(q.count))
	return rest, false
}

// takeNext removes the next message: that of the application whose turn it is.
func (q *costlyQueue) takeNext() (m delivery, ok bool) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if len(q.order) == 0 {
		return m, false
	}
	application := q.order[0]
	q.order = q.order[1:]
	own := q.waiting[application]
	m, own = own[0], own[1:]
	if len(own) > 0 {
		q.waiting[application] = own
		q.order = append(q.order, application)
	} else {
		delete(q.waiting, application)
	}
	q.count--
	q.bytes -= m.size
	q.metrics.costlyWaiting.Set(float64(q.count))
	return m, true
}

// stopTaking makes the queue take no more messages, and returns those that wait.
func (q *costlyQueue) stopTaking() []delivery {
	q.mu.Lock()
	q.closed = true
	q.mu.Unlock()
	return q.list()
}

// list returns the messages that wait.
func (q *costlyQueue) list() []delivery {
	q.mu.Lock()
	defer q.mu.Unlock()
	var all []delivery
	for _, own := range q.waiting {
		all = append(all, own...)
	}
	return all
}

// processCostly processes the messages that were set aside until ctx ends, and then
// releases those that are left. It returns an error that must stop the processor.
func (w *worker) processCostly(ctx context.Context) error {
	stop := repeatEvery(ctx, progressInterval, func() { w.settler.signalProgress(w.costly.list()) })
	defer func() {
		stop()
		w.settler.release(w.costly.stopTaking())
	}()
	for {
		m, ok := w.costly.takeNext()
		if !ok {
			select {
			case <-ctx.Done():
				return nil
			case <-w.costly.added:
			}
			continue
		}
		if ctx.Err() != nil {
			w.settler.release([]delivery{m})
			return nil
		}
		if err := w.processBatch(ctx, &batch{messages: []delivery{m}, allowance: schema.MaxWork}); err != nil {
			return err
		}
	}
}
