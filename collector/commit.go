package collector

import (
	"context"
	"fmt"
	"time"

	"github.com/nats-io/nats.go"
)

// errLate is why a unit that waited too long is not published any more.
var errLate = fmt.Errorf("%w: waited too long in the queue", errNotCommitted)

// committer is the one writer of this process into the stream. A sync of the
// disk costs the same for one event as for a thousand, so it commits in groups:
//
//	put → gather → publish → resolve
//
// gather takes what waits, publish sends it as one atomic batch (or one by one,
// where that is cheaper), resolve gives each request its result. While a batch
// is being synced the next one fills in the queue.
//
// A unit always gets its result within a bounded time: it is dropped after
// queueTimeout in the queue, and publishing ends with commitTimeout.
type committer struct {
	queue  *queue
	writer *writer
	limits commitLimits
	meter  *metrics
	// expect is how many events the next batch is worth waiting for.
	expect int
	// linger is how long.
	linger time.Duration
	// carried is a unit that did not fit into the last batch, and from where
	// on its messages are left.
	carried *unit
	from    int
}

const (
	// maxBatch is the most messages that the server takes in a batch.
	maxBatch = 1000
	// maxBatchBytes bounds a batch's payload far below what the server lets
	// wait for one stream, 128 MiB.
	maxBatchBytes = 8 << 20
	// minLinger and maxLinger bound the wait for a batch to fill, which
	// otherwise is half of what the last one took: on a slow disk a full batch
	// is worth more.
	minLinger = 2 * time.Millisecond
	maxLinger = 5 * time.Millisecond
)

// commitLimits bound a batch and the time of a unit.
type commitLimits struct {
	count         int           // messages in a batch
	bytes         int           // payload in a batch
	queueTimeout  time.Duration // longest wait in the queue
	commitTimeout time.Duration // longest wait for the server
}

func newCommitter(conn *nats.Conn, l Limits, m *metrics) *committer {
	return &committer{
		queue:  newQueue(l.QueueEvents, l.QueueBytes),
		writer: &writer{conn: conn, meter: m},
		meter:  m,
		limits: commitLimits{
			count: maxBatch, bytes: maxBatchBytes,
			queueTimeout: l.QueueTimeout, commitTimeout: l.CommitTimeout,
		},
	}
}

// commit returns nil once every message is on disk. It waits for its result
// whatever happens to the client: what is queued is committed.
func (c *committer) commit(msgs []*nats.Msg, held int64) error {
	if err := c.writer.fits(msgs); err != nil {
		return err
	}
	u := newUnit(msgs, held)
	if err := c.queue.put(u); err != nil {
		return err
	}
	err := <-u.done
	c.queue.release(u)
	c.meter.commitSeconds.Observe(time.Since(u.since).Seconds())
	return err
}

// run commits until the queue is closed and empty.
func (c *committer) run() {
	for {
		b := c.gather()
		if b == nil {
			return
		}
		before := c.queue.total()
		c.publish(b)
		c.expect = worthwhile(b.count, c.queue.total()-before)
	}
}

// worthwhile is how many events the next batch waits for: nearly all that were
// under way when this one was answered, in it and behind it. What few events
// there are is not waited for, as their sync is short.
func worthwhile(committed, arrived int) int {
	if committed < smallBatch {
		return 0
	}
	return min((committed+arrived)*7/8, maxBatch)
}

// publish commits one batch and resolves it.
func (c *committer) publish(b *batch) {
	if b.count == 0 {
		return
	}
	start := time.Now()
	ctx, cancel := context.WithTimeout(context.Background(), c.limits.commitTimeout)
	defer cancel()
	c.writer.write(ctx, b)
	took := time.Since(start)
	c.linger = min(max(took/2, minLinger), maxLinger)
	c.meter.batchEvents.Observe(float64(b.count))
	c.meter.batchSeconds.Observe(took.Seconds())
}

// gather waits for the first unit and takes with it what else is there. Where
// many requests are under way it pays to wait a moment: the answers to one
// batch bring the events of the next. It returns nil when the queue is closed
// and empty.
func (c *committer) gather() *batch {
	b := new(batch)
	if !c.take(b, nil) {
		return nil
	}
	var timer *time.Timer
	for c.carried == nil && b.count < c.limits.count {
		select {
		case u, ok := <-c.queue.units:
			if !ok {
				return b
			}
			c.admit(b, u)
			continue
		default:
		}
		if b.count >= c.expect {
			break
		}
		if timer == nil {
			c.writer.open(b)
			timer = time.NewTimer(c.linger)
			defer timer.Stop()
		}
		if !c.take(b, timer.C) {
			break
		}
	}
	return b
}

// take adds the carried or the next unit, and reports whether there was one
// before the timer fired or the queue ended.
func (c *committer) take(b *batch, timer <-chan time.Time) bool {
	if u := c.carried; u != nil {
		c.carried = nil
		c.fill(b, u, c.from)
		return true
	}
	select {
	case u, ok := <-c.queue.units:
		if ok {
			c.admit(b, u)
		}
		return ok
	case <-timer:
		return false
	}
}

// admit adds a unit that is not too late.
func (c *committer) admit(b *batch, u *unit) {
	if time.Since(u.since) > c.limits.queueTimeout {
		u.resolve(len(u.msgs), errLate)
		return
	}
	c.fill(b, u, 0)
}

// fill adds the unit's messages from an index on, and carries over what does
// not fit. The rest of a unit that failed is not published.
func (c *committer) fill(b *batch, u *unit, from int) {
	if from > 0 && u.failed() {
		u.resolve(len(u.msgs)-from, nil)
		return
	}
	from += b.add(u, from, c.limits.count, c.limits.bytes)
	if from < len(u.msgs) {
		c.carried, c.from = u, from
	}
}
