package eye

import (
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"sync"
	"sync/atomic"
	"time"
)

// Client collects events and sends them in batches. Its methods are safe for concurrent
// use; those of a nil Client, and of one that was not made by New, drop and count.
type Client struct {
	cfg    Config
	sender *Sender
	random func() float64
	began  time.Time
	// wake has a token when the goroutine has to look at the state again.
	wake chan struct{}
	// ended is closed when the goroutine has ended; cut ends it at once.
	ended chan struct{}
	life  context.Context
	cut   context.CancelFunc
	// early counts the calls before New.
	early atomic.Int64

	mu      sync.Mutex
	q       queue
	block   []byte // the newest block of events
	next    uint64 // seq of the next event
	spool   *spool // nil without one
	stats   Stats
	reports reports
	waiters []waiter
	// due is the first event that need not be sent before a batch is full.
	due uint64
	// away is the oldest event under way; it is valid while q.away > 0.
	away uint64
	// closing is set by Close, with the earliest deadline of its calls, zero for none.
	closing  bool
	deadline time.Time
	left     error // why the goroutine ended with events that are not settled
	// killed has the goroutine end as the end of the process does, for tests. gone says
	// that it delivers no more reports, reporting that another one does.
	killed, gone, reporting bool

	// The goroutine's own.
	attempts attempts
	plain    bool // gzip is not taken
	gzip     *gzip.Writer
}

// waiter is a Flush that waits until every event before seq is settled.
type waiter struct {
	seq  uint64
	done chan struct{}
}

// New returns a running client, or every fault of its configuration. The events of a
// spool are sent at once.
func New(cfg Config) (*Client, error) { return newClient(cfg, rand.Float64) }

func newClient(cfg Config, random func() float64) (*Client, error) {
	cfg, err := cfg.fillDefaults()
	if err != nil {
		return nil, err
	}
	if cfg.Transport == nil {
		if t, ok := http.DefaultTransport.(*http.Transport); ok {
			cfg.Transport = t.Clone()
		}
	}
	c := &Client{
		cfg: cfg, random: random, began: time.Now(),
		wake: make(chan struct{}, 1), ended: make(chan struct{}),
	}
	c.attempts.limit = cfg.BatchEvents
	if c.sender, err = NewSender(SenderConfig{URL: cfg.URL, WriteKey: cfg.WriteKey, Transport: cfg.Transport}); err != nil {
		return nil, err
	}
	if cfg.Spool != "" {
		if err := c.openSpool(); err != nil {
			return nil, err
		}
	}
	c.life, c.cut = context.WithCancel(context.Background())
	go c.run()
	return c, nil
}

// openSpool opens the spool and takes the events in it.
func (c *Client) openSpool() error {
	s, found, err := openSpool(c.cfg.Spool)
	if err != nil {
		return fmt.Errorf("eye: %w", err)
	}
	c.spool = s
	for _, it := range found.events {
		c.q.pushBack(it)
	}
	c.next = found.next
	c.due = c.next
	// Not before all events have their numbers: the record of settled events goes into a
	// segment, too, which is named by the number of the next event.
	c.makeRoom()
	c.stats.Recovered = int64(len(found.events))
	if found.damaged > 0 {
		c.reports.addMessage(msgSpoolDamaged, fmt.Sprintf("%d bytes", found.damaged))
	}
	return nil
}

// scratch holds buffers for encoding.
var scratch = sync.Pool{New: func() any { b := make([]byte, 0, 1024); return &b }}

// maxScratch is the largest buffer that is kept.
const maxScratch = 64 << 10

// Enqueue takes an event to be sent. It does not wait for the network. Without a spool
// it does not wait for a disk either; with one it writes the event to a file, without
// syncing it. When Enqueue returns an error, the event is dropped: it cannot be
// encoded, is too large, or the client is closed. A full queue is no error: the oldest
// events make room.
//
// The data is encoded before the return. It must not be changed during the call.
func (c *Client) Enqueue(e Event) error {
	if c == nil || c.ended == nil {
		return c.dropEarly()
	}
	buf := scratch.Get().(*[]byte)
	now := time.Now()
	b, err := appendEvent((*buf)[:0], &e, now)
	if err == nil {
		err = c.accept(b, now.Sub(c.began), faultOf(&e, b))
	} else {
		err = c.dropUnencoded(err)
	}
	if cap(b) <= maxScratch {
		*buf = b
		scratch.Put(buf)
	}
	return err
}

// blockBytes is the size of the blocks that hold the events of the queue: an event each
// would cost more than all else that Enqueue does. A block lives as long as one of its
// events, which leave in the order in which they came.
const blockBytes = 32 << 10

// copyEvent copies an encoded event into the newest block; c.mu is held.
func (c *Client) copyEvent(b []byte) []byte {
	if len(b) > cap(c.block)-len(c.block) {
		c.block = make([]byte, 0, max(blockBytes, len(b)))
	}
	start := len(c.block)
	c.block = append(c.block, b...)
	return c.block[start:len(c.block):len(c.block)]
}

// accept puts a copy of an encoded event into the queue.
func (c *Client) accept(b []byte, at time.Duration, fault string) error {
	if len(b) > maxEventBytes {
		return c.dropUnencoded(ErrTooLarge)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closing {
		return c.dropLocked(ErrClosed)
	}
	text := c.copyEvent(b)
	c.stats.Enqueued++
	if fault != "" {
		c.reports.addMessage(msgInvalidEvent, fault)
	}
	before := c.q.bytes
	c.q.pushBack(item{json: text, seq: c.next, at: at, kept: c.writeSpool(text)})
	c.next++
	c.makeRoom()
	reached := c.q.size == c.cfg.BatchEvents || c.q.bytes >= c.cfg.BatchBytes && before < c.cfg.BatchBytes
	if c.q.size <= 1 || reached || !c.reports.isEmpty() {
		c.wakeUp()
	}
	return nil
}

// makeRoom drops events until the queue is within its bounds; c.mu is held.
func (c *Client) makeRoom() {
	full := false
	for {
		events, bytes := c.q.total()
		if c.q.size == 0 || events <= c.cfg.QueueEvents && bytes <= c.cfg.QueueBytes {
			break
		}
		c.countDrop(ReasonQueueFull, c.q.popFront().json)
		full = true
	}
	if full {
		c.settleSpool()
		c.reports.addMessage(message(ReasonQueueFull), "")
	}
}

// dropUnencoded counts an event that cannot be sent.
func (c *Client) dropUnencoded(err error) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closing {
		err = ErrClosed
	}
	return c.dropLocked(err)
}

func (c *Client) dropLocked(err error) error {
	reason := ReasonUnserialisable
	switch {
	case errors.Is(err, ErrClosed):
		reason = ReasonClosed
	case errors.Is(err, ErrTooLarge):
		reason = ReasonTooLarge
	}
	c.stats.Enqueued++
	c.countDrop(reason, nil)
	c.reports.addMessage(message(reason), err.Error())
	c.reportSoon()
	return err
}

// countDrop counts an event that is dropped, and keeps it for OnDropped; c.mu is held.
func (c *Client) countDrop(reason Reason, event []byte) {
	c.stats.countDrop(reason)
	if c.cfg.OnDropped != nil {
		c.reports.addDrop(reason, event)
	}
}

// writeSpool writes the next event into the spool, and reports whether it is there; c.mu is
// held.
func (c *Client) writeSpool(event []byte) bool {
	if c.spool == nil {
		return false
	}
	kept, err := c.spool.appendEvent(c.next, event)
	if err != nil {
		c.reports.addMessage(msgSpoolFailed, err.Error())
	}
	return kept
}

// settleSpool has the spool forget the settled events; c.mu is held.
func (c *Client) settleSpool() {
	if c.spool != nil {
		c.spool.settleBelow(c.settledBelow(), c.next)
	}
}

// wakeUp has the goroutine look at the state.
func (c *Client) wakeUp() {
	select {
	case c.wake <- struct{}{}:
	default:
	}
}

// Flush sends what waits, and returns when every event that was enqueued before it is
// accepted, refused or dropped, after the callbacks for them. It does not shorten the
// delay after a failed request. At the end of ctx it returns the cause; the events stay
// in the queue.
func (c *Client) Flush(ctx context.Context) error {
	if c == nil || c.ended == nil {
		return nil
	}
	c.mu.Lock()
	seq := c.next
	if c.settledBelow() >= seq || c.isEnded() {
		c.mu.Unlock()
		return nil
	}
	w := waiter{seq: seq, done: make(chan struct{})}
	c.waiters = append(c.waiters, w)
	c.due = max(c.due, seq)
	c.mu.Unlock()
	c.wakeUp()
	select {
	case <-w.done:
		return nil
	case <-c.ended:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// settledBelow returns the sequence number below which every event is settled; c.mu is
// held.
func (c *Client) settledBelow() uint64 {
	switch {
	case c.q.away > 0:
		return c.away
	case c.q.size > 0:
		return c.q.at(0).seq
	}
	return c.next
}

// ErrLeft means that Close returned before every event was settled.
var ErrLeft = errors.New("eye: events were not sent")

// closeGrace is how long Close waits after its deadline for a callback to return.
const closeGrace = time.Second

// Close sends what waits, as Flush does, and ends the client. A delay after a failed
// request ends at once, unless the answer asked for it. Close returns when every event is
// settled; at the end of ctx, when it ends the request that is under way; or before its
// deadline, when the next attempt would come later. The error is ErrLeft then. Events that
// are left stay in the spool; without one, they are dropped.
//
// Later calls of Close wait for the same end. Of several calls, the earliest end of ctx
// counts.
func (c *Client) Close(ctx context.Context) error {
	if c == nil || c.ended == nil {
		return nil
	}
	c.mu.Lock()
	c.closing = true
	c.due = c.next
	if deadline, ok := ctx.Deadline(); ok && (c.deadline.IsZero() || deadline.Before(c.deadline)) {
		c.deadline = deadline
	}
	c.mu.Unlock()
	c.wakeUp()
	select {
	case <-c.ended:
	case <-ctx.Done():
		c.cut()
		select {
		case <-c.ended:
		case <-time.After(closeGrace):
			return fmt.Errorf("%w: a callback does not return", ErrLeft)
		}
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.left
}

func (c *Client) isEnded() bool {
	select {
	case <-c.ended:
		return true
	default:
		return false
	}
}
