package collector

import (
	"sync"
	"time"
)

// queue holds the requests that wait for the committer. Its bounds cover what
// requests hold until they are answered, so also those that are being
// committed: enqueue takes capacity, freeCapacity returns it.
//
// Keys share it: a key may hold as much as it leaves free. So one alone has half,
// and there is room for others however much it sends.
type queue struct {
	maxEvents int
	maxBytes  int64
	// requests has room for maxEvents requests of one event, so enqueue never
	// blocks.
	requests chan *commitRequest

	mu        sync.Mutex
	accepting bool
	events    int
	bytes     int64
	held      map[string]held // by write key
	enqueued  int             // events since the start
	watch     watch
}

// watch notes when the total of queued events reaches a number.
type watch struct {
	since   time.Time
	want    int
	reached time.Time // zero before
}

// held is the capacity that the requests of one key hold.
type held struct {
	events int
	bytes  int64
}

func newQueue(maxEvents int, maxBytes int64) *queue {
	return &queue{maxEvents: maxEvents, maxBytes: maxBytes, requests: make(chan *commitRequest, maxEvents), held: map[string]held{}}
}

// startAccepting begins to accept requests.
func (q *queue) startAccepting() {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.accepting = true
}

// close accepts no further requests. The committer still takes those queued.
func (q *queue) close() {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.accepting {
		q.accepting = false
		close(q.requests)
	}
}

// enqueue queues a request, or returns errOverloaded or errNotRunning.
func (q *queue) enqueue(r *commitRequest) error {
	q.mu.Lock()
	defer q.mu.Unlock()
	switch {
	case !q.accepting:
		return errNotRunning
	case !q.hasRoom(r):
		return errOverloaded
	}
	q.hold(r, 1)
	q.enqueued += len(r.msgs)
	if q.watch.reached.IsZero() && q.enqueued >= q.watch.want {
		q.watch.reached = r.queuedAt
	}
	q.requests <- r
	return nil
}

// freeCapacity returns the capacity of a request that has its result.
func (q *queue) freeCapacity(r *commitRequest) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.hold(r, -1)
}

// hasRoom reports whether a request may take the capacity that it needs.
func (q *queue) hasRoom(r *commitRequest) bool {
	freeEvents, freeBytes := q.maxEvents-q.events, q.maxBytes-q.bytes
	mine := q.held[r.keyID]
	return mine.events+len(r.msgs) <= freeEvents && mine.bytes+r.heldBytes <= freeBytes
}

// hold adds the capacity of a request, times sign.
func (q *queue) hold(r *commitRequest, sign int) {
	events, bytes := sign*len(r.msgs), int64(sign)*r.heldBytes
	q.events += events
	q.bytes += bytes
	mine := q.held[r.keyID]
	mine.events += events
	mine.bytes += bytes
	if mine.events == 0 {
		delete(q.held, r.keyID)
	} else {
		q.held[r.keyID] = mine
	}
}

// totalEnqueued returns how many events were ever queued.
func (q *queue) totalEnqueued() int {
	q.mu.Lock()
	defer q.mu.Unlock()
	return q.enqueued
}

// watchArrivals returns how long after the last call as many events were queued as it
// asked for, or the time until now if fewer were. It asks for n from now on.
func (q *queue) watchArrivals(now time.Time, n int) time.Duration {
	q.mu.Lock()
	defer q.mu.Unlock()
	end := q.watch.reached
	if end.IsZero() {
		end = now
	}
	took := max(end.Sub(q.watch.since), 0)
	q.watch = watch{since: now, want: q.enqueued + n}
	return took
}

// depth returns how much requests hold now.
func (q *queue) depth() (events int, bytes int64) {
	q.mu.Lock()
	defer q.mu.Unlock()
	return q.events, q.bytes
}
