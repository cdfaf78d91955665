package eye

import (
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"
)

// attempts is what the goroutine knows of the requests so far.
type attempts struct {
	// failures counts the failures in a row. Nothing is sent before next; asked says that
	// the answer asked for that.
	failures int
	next     time.Time
	asked    bool
	// limit bounds the events of a batch, after one that could not be read.
	limit int
	// closing is set when Close was seen.
	closing bool
}

// never is a delay without end.
const never = time.Duration(1<<63 - 1)

// run forms and sends batches until the client is closed.
func (c *Client) run() {
	defer close(c.ended)
	for {
		c.deliverReports()
		batch, wait, end := c.takeNext(time.Now())
		switch {
		case end:
			c.endRun()
			return
		case len(batch) > 0:
			c.sendBatch(batch)
		default:
			c.sleep(wait)
		}
	}
}

// takeNext takes the next batch if one is to be sent now, else returns how long nothing
// is to be done, or that the client has ended.
func (c *Client) takeNext(now time.Time) (batch []item, wait time.Duration, end bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.releaseWaiters()
	a := &c.attempts
	if c.closing && !a.closing {
		a.closing, a.failures = true, 0
		if !a.asked {
			a.next = time.Time{}
		}
	}
	switch wait = a.next.Sub(now); {
	case c.life.Err() != nil:
		return nil, 0, true
	case c.q.size == 0:
		return nil, never, c.closing
	case wait > 0:
		return nil, wait, c.closing && !c.deadline.IsZero() && a.next.After(c.deadline)
	}
	front := c.q.at(0)
	age := now.Sub(c.began) - front.at
	if front.seq >= c.due && c.q.size < c.cfg.BatchEvents && c.q.bytes < c.cfg.BatchBytes && age < c.cfg.MaxWait {
		return nil, c.cfg.MaxWait - age, false
	}
	batch = c.q.takeBatch(min(c.cfg.BatchEvents, a.limit), c.cfg.BatchBytes)
	c.away = batch[0].seq
	return batch, 0, false
}

// releaseWaiters ends the calls of Flush whose events are settled; c.mu is held.
func (c *Client) releaseWaiters() {
	below := c.settledBelow()
	kept := c.waiters[:0]
	for _, w := range c.waiters {
		if w.seq <= below {
			close(w.done)
		} else {
			kept = append(kept, w)
		}
	}
	clear(c.waiters[len(kept):])
	c.waiters = kept
}

// sleep waits until there may be something to do.
func (c *Client) sleep(wait time.Duration) {
	timer := time.NewTimer(wait)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-c.wake:
	case <-c.life.Done():
	}
}

// errTimeout is the reason of a request that took too long.
var errTimeout = errors.New("it did not come in time")

// sendBatch makes one request, and does what its answer means.
func (c *Client) sendBatch(batch []item) {
	body := c.encodeBody(batch)
	ctx, cancel := context.WithTimeoutCause(c.life, c.cfg.RequestTimeout, errTimeout)
	results, err := c.sender.Send(ctx, body, len(batch))
	cancel()
	f := new(Failure)
	switch {
	case err == nil:
		c.settleBatch(batch, results)
		return
	case errors.As(err, &f):
	case errors.Is(err, errTimeout):
		f.Err = err
	default: // the client is cut
		c.returnBatch(batch, nil)
		return
	}
	if f.Kind == Unreadable {
		c.divideBatch(batch, f, isGzip(body))
		return
	}
	c.postpone(f)
	c.returnBatch(batch, f)
}

// encodeBody returns the body of a request. It is not used again: a transport may read it
// after the end of the request.
func (c *Client) encodeBody(batch []item) []byte {
	size := 64
	for _, it := range batch {
		size += len(it.json) + 1
	}
	b := append(make([]byte, 0, size), `{"sent_at":"`...)
	b = append(appendTime(b, time.Now()), `","events":[`...)
	for i, it := range batch {
		if i > 0 {
			b = append(b, ',')
		}
		b = append(b, it.json...)
	}
	b = append(b, "]}"...)
	if c.plain || c.cfg.GzipFrom < 0 || len(b) < c.cfg.GzipFrom {
		return b
	}
	var compressed bytes.Buffer
	if c.gzip == nil {
		c.gzip, _ = gzip.NewWriterLevel(nil, gzip.BestSpeed) // the level exists
	}
	c.gzip.Reset(&compressed)
	_, _ = c.gzip.Write(b) // a Buffer takes everything
	_ = c.gzip.Close()
	return compressed.Bytes()
}

// settleBatch counts the events of a request that succeeded.
func (c *Client) settleBatch(batch []item, results []Result) {
	a := &c.attempts
	a.failures, a.next, a.asked = 0, time.Time{}, false
	a.limit = min(2*a.limit, c.cfg.BatchEvents)
	c.mu.Lock()
	c.reports.forget(msgUnauthorized, msgNotTheEye)
	c.stats.LastFailure = ""
	c.mu.Unlock()
	c.completeBatch(batch, results)
}

// completeBatch counts and reports the events of a batch, each of which has a result.
func (c *Client) completeBatch(batch []item, results []Result) {
	var accepted []string
	var refused []Refused
	count := 0
	for i, r := range results {
		switch {
		case r.Refused:
			refused = append(refused, Refused{EventID: eventID(batch[i].json), Code: r.Code, Message: r.Message, Event: bytes.Clone(batch[i].json)})
		default:
			count++
			if c.cfg.OnAccepted != nil {
				accepted = append(accepted, eventID(batch[i].json))
			}
		}
	}
	c.mu.Lock()
	c.stats.Requests++
	c.stats.Accepted += int64(count)
	c.stats.Refused += int64(len(refused))
	c.q.settleBatch()
	c.settleSpool()
	if len(refused) > 0 {
		c.reports.addMessage(msgRefused, refused[0].Code+": "+refused[0].Message)
	}
	c.mu.Unlock()
	if len(accepted) > 0 {
		c.callBack(func() { c.cfg.OnAccepted(accepted) })
	}
	if len(refused) > 0 && c.cfg.OnRefused != nil {
		c.callBack(func() { c.cfg.OnRefused(refused) })
	}
}

// divideBatch sees to it that one event that cannot be read does not take others with it:
// the next batches are smaller. A single event is refused.
func (c *Client) divideBatch(batch []item, f *Failure, compressed bool) {
	switch {
	case compressed && f.Status == http.StatusUnsupportedMediaType:
		c.plain = true
	case len(batch) > 1:
		c.attempts.limit = len(batch) / 2
	default:
		if f.Code == "" {
			f.Code, f.Detail = fmt.Sprintf("status_%d", f.Status), f.Error()
		}
		c.completeBatch(batch, []Result{{Refused: true, Code: f.Code, Message: f.Detail}})
		return
	}
	c.returnBatch(batch, f)
}

// returnBatch puts a batch back to the head of the queue, to be sent without waiting for
// more events.
func (c *Client) returnBatch(batch []item, f *Failure) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.q.settleBatch()
	c.q.pushFront(batch)
	c.due = max(c.due, batch[len(batch)-1].seq+1)
	c.stats.Requests++
	if f == nil {
		return
	}
	c.stats.FailedRequests++
	c.stats.LastFailure = f.Error()
	switch f.Kind {
	case Unauthorized:
		c.reports.addMessage(msgUnauthorized, f.Error())
	case NotTheEye:
		c.reports.addMessage(msgNotTheEye, f.Error())
	}
}

// postpone sets the time of the next attempt after a failure: at least the delay that the
// answer asks for, and a random part, so that clients do not come back all at once.
func (c *Client) postpone(f *Failure) {
	a := &c.attempts
	base := min(c.cfg.BackoffMin, c.cfg.BackoffMax)
	for range a.failures {
		if base > c.cfg.BackoffMax/2 { // twice as much may be more than a Duration has
			base = c.cfg.BackoffMax
			break
		}
		base *= 2
	}
	a.failures++
	after := min(f.RetryAfter, c.cfg.RetryAfterMax)
	a.asked = after > 0
	a.next = time.Now().Add(max(after, base/2) + time.Duration(c.random()*float64(base/2)))
}

// keepLeft drops the events that are left and not in the spool; c.mu is held.
func (c *Client) keepLeft() {
	if c.spool != nil {
		c.spool.endPause() // what the disk did not take before, it may take now
	}
	for range c.q.size {
		it := c.q.popFront()
		if !it.kept {
			it.kept = c.writeSpool(it.json)
			c.next++
		}
		if it.kept {
			c.q.pushBack(it)
		} else {
			c.countDrop(ReasonClosed, it.json)
		}
	}
}

// endRun accounts for the events that are left, and ends the client.
func (c *Client) endRun() {
	c.mu.Lock()
	c.closing = true
	if left := c.q.size; left > 0 && !c.killed {
		c.left = fmt.Errorf("%w: %d are left", ErrLeft, left)
		if c.stats.LastFailure != "" {
			c.left = fmt.Errorf("%w; %s", c.left, c.stats.LastFailure)
		}
		c.reports.addMessage(msgLeftBehind, c.left.Error())
		c.keepLeft()
	}
	if c.spool != nil {
		c.spool.closeFiles(c.q.size == 0)
	}
	c.mu.Unlock()
	c.deliverReports()
	c.mu.Lock()
	c.releaseWaiters()
	c.gone = true
	c.reportSoon()
	c.mu.Unlock()
	c.cut()
	c.sender.CloseIdleConnections()
}
