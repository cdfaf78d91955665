package collector

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/nats-io/nats.go"
)

// committer is the only publisher of this process. A sync of the disk costs the
// same for one event as for a thousand, so it commits in groups:
//
//	enqueue → gather → publish → resolve
//
// gather takes the requests that are queued, publish sends their messages as one
// atomic batch (or one by one, where that is cheaper), resolve gives each
// request its result. While a batch is being synced the next one fills in the
// queue.
//
// A request always gets its result within a bounded time: it is dropped after
// queueTimeout in the queue, and publishing ends with commitTimeout.
type committer struct {
	queue     *queue
	publisher *publisher
	limits    batchLimits
	metrics   *metrics
	policy    *policy
	// remainder is a request that did not fit into the last batch, and
	// remainderStart the index of its first message that is left.
	remainder      *commitRequest
	remainderStart int
	answeredAt     time.Time // when the last batch was
}

const (
	// maxBatch is the most messages that the server accepts in a batch.
	maxBatch = 1000
	// maxBatchBytes bounds a batch's payload far below the 128 MiB that the
	// server lets wait for one stream.
	maxBatchBytes = 8 << 20
)

var (
	// errOverloaded means that the queue or the memory budget has no room for a
	// request.
	errOverloaded = errors.New("the queue is full")
	// errNotRunning means that the committer does not run yet, or no longer.
	errNotRunning = errors.New("the committer does not run")
	// errQueueTimeout means that a request was not published because it waited
	// too long.
	errQueueTimeout = fmt.Errorf("%w: waited too long in the queue", errNotCommitted)
)

// batchLimits bound a batch and the time of a request.
type batchLimits struct {
	count         int           // messages in a batch
	bytes         int           // payload in a batch
	queueTimeout  time.Duration // longest wait in the queue
	commitTimeout time.Duration // longest wait for the server
}

func newCommitter(conn *nats.Conn, l Limits, m *metrics) *committer {
	return &committer{
		queue:     newQueue(l.QueueEvents, l.QueueBytes),
		publisher: &publisher{conn: conn, metrics: m},
		metrics:   m,
		policy:    newPolicy(),
		limits: batchLimits{
			count: maxBatch, bytes: maxBatchBytes,
			queueTimeout: l.QueueTimeout, commitTimeout: l.CommitTimeout,
		},
	}
}

// commitMessages returns nil once every message is on disk. It waits for the
// result even if the client disconnects: a queued request is committed. keyID is
// the write key that sends them, heldBytes the memory that the request holds until
// it is answered.
func (c *committer) commitMessages(keyID string, msgs []*nats.Msg, heldBytes int64) error {
	if err := c.publisher.checkFits(msgs); err != nil {
		return err
	}
	r := newCommitRequest(keyID, msgs, heldBytes)
	if err := c.queue.enqueue(r); err != nil {
		return err
	}
	err := <-r.result
	c.queue.freeCapacity(r)
	c.metrics.commitSeconds.Observe(time.Since(r.queuedAt).Seconds())
	return err
}

// run commits until the queue is closed and empty.
func (c *committer) run() {
	for {
		b := c.gatherBatch()
		if b == nil {
			return
		}
		c.commitBatch(b)
	}
}

// commitBatch publishes one batch and resolves it.
func (c *committer) commitBatch(b *batch) {
	if b.count == 0 {
		return
	}
	start, before := time.Now(), c.queue.totalEnqueued()
	ctx, cancel := context.WithTimeout(context.Background(), c.limits.commitTimeout)
	defer cancel()
	if b.atomic == nil && c.policy.isAtomic(b.count) {
		c.publisher.openAtomic(b)
	}
	taken := c.publisher.publishBatch(ctx, b)
	took := time.Since(start)
	c.answeredAt = time.Now()
	c.policy.observeReturn(c.queue.watchArrivals(c.answeredAt, most(b.count)))
	c.policy.expectAgain(b.count, c.queue.totalEnqueued()-before)
	if taken {
		c.policy.observe(b.count, b.atomic != nil, took)
	}
	c.metrics.batchEvents.Observe(float64(b.count))
	c.metrics.batchSeconds.Observe(took.Seconds())
}

// gatherBatch waits for a first request and takes the others that are queued.
// With many requests in flight it pays to wait a moment, as policy says: the
// answers to one batch bring the events of the next. It returns nil when the
// queue is closed and empty.
func (c *committer) gatherBatch() *batch {
	b := new(batch)
	if !c.addNext(b, nil) {
		return nil
	}
	var timer *time.Timer
	for c.remainder == nil && b.count < c.limits.count {
		select {
		case r, ok := <-c.queue.requests:
			if !ok {
				return b
			}
			c.addUnlessLate(b, r)
			continue
		default:
		}
		patience := c.policy.planWait(b.count, time.Since(c.answeredAt))
		if patience == 0 {
			break
		}
		if timer == nil {
			timer = time.NewTimer(patience)
			defer timer.Stop()
		} else {
			timer.Reset(patience)
		}
		if b.atomic == nil && c.policy.isAtomic(b.count) {
			c.publisher.openAtomic(b)
		}
		if !c.addNext(b, timer.C) {
			break
		}
	}
	return b
}

// addNext adds the remainder or the next request. It reports false if the timer
// fired or the queue ended before there was one.
func (c *committer) addNext(b *batch, timer <-chan time.Time) bool {
	if r := c.remainder; r != nil {
		c.remainder = nil
		c.addRequest(b, r, c.remainderStart)
		return true
	}
	select {
	case r, ok := <-c.queue.requests:
		if ok {
			c.addUnlessLate(b, r)
		}
		return ok
	case <-timer:
		return false
	}
}

// addUnlessLate adds a request that has not waited too long.
func (c *committer) addUnlessLate(b *batch, r *commitRequest) {
	if time.Since(r.queuedAt) > c.limits.queueTimeout {
		r.resolveMessages(len(r.msgs), errQueueTimeout)
		return
	}
	c.addRequest(b, r, 0)
}

// addRequest adds the messages of a request from index start on, and keeps as
// remainder those that do not fit. The remainder of a request that has failed
// is not published.
func (c *committer) addRequest(b *batch, r *commitRequest, start int) {
	if start > 0 && r.hasFailed() {
		r.resolveMessages(len(r.msgs)-start, nil)
		return
	}
	start += b.addMessages(r, start, c.limits.count, c.limits.bytes)
	if start < len(r.msgs) {
		c.remainder, c.remainderStart = r, start
	}
}

// commitRequest is all messages of one HTTP request. They may be committed in
// several batches; the request is resolved when each message has its result,
// with the first error among them.
type commitRequest struct {
	keyID string
	msgs  []*nats.Msg
	// heldBytes is the memory that the HTTP request holds until it is answered.
	heldBytes int64
	queuedAt  time.Time
	// result gets the one result of the request. It has room for it, so that
	// the committer never blocks.
	result chan error

	mu         sync.Mutex
	unresolved int // messages without a result
	err        error
}

func newCommitRequest(keyID string, msgs []*nats.Msg, heldBytes int64) *commitRequest {
	return &commitRequest{
		keyID: keyID, msgs: msgs, heldBytes: heldBytes, queuedAt: time.Now(), result: make(chan error, 1), unresolved: len(msgs),
	}
}

// resolveMessages gives n of the request's messages their result.
func (r *commitRequest) resolveMessages(n int, err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.err == nil {
		r.err = err
	}
	if r.unresolved -= n; r.unresolved == 0 {
		r.result <- r.err
	}
}

// hasFailed reports whether a message of the request has failed, so that the
// rest need not be published.
func (r *commitRequest) hasFailed() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.err != nil
}

// segment is consecutive messages of one request in one batch.
type segment struct {
	request *commitRequest
	msgs    []*nats.Msg
}

// batch is the messages that are committed together, in the order in which they
// were queued.
type batch struct {
	segments []segment
	count    int // messages
	bytes    int // of their payloads
	// atomic is set once the batch is being sent while it fills.
	atomic *atomicBatch
}

// addMessages adds as many of the request's messages from index start on as
// fit, at least one if the batch is empty, and returns how many.
func (b *batch) addMessages(r *commitRequest, start, maxCount, maxBytes int) int {
	msgs := r.msgs[start:]
	n := 0
	for n < len(msgs) && b.count < maxCount {
		size := len(msgs[n].Data)
		if b.count > 0 && b.bytes+size > maxBytes {
			break
		}
		b.count++
		b.bytes += size
		n++
	}
	if n > 0 {
		b.segments = append(b.segments, segment{request: r, msgs: msgs[:n]})
		if b.atomic != nil {
			b.atomic.sendMessages(msgs[:n])
		}
	}
	return n
}

// resolveAll gives every message of the batch the same result.
func (b *batch) resolveAll(err error) {
	for _, s := range b.segments {
		s.request.resolveMessages(len(s.msgs), err)
	}
}
