package collector

import (
	"errors"
	"sync"
)

var (
	// errOverloaded says that the queue has no room for a request's events.
	errOverloaded = errors.New("the queue is full")
	// errNotRunning says that nobody commits: not yet, or not any more.
	errNotRunning = errors.New("the committer does not run")
)

// queue holds the units that wait for the committer. It is bounded by what the
// requests hold until they are answered, also while they are being committed:
// put counts, release gives back.
type queue struct {
	maxEvents int
	maxBytes  int64
	// units has room for maxEvents units of one event, so put never blocks.
	units chan *unit

	mu      sync.Mutex
	open    bool
	events  int
	bytes   int64
	arrived int // events since the start
}

func newQueue(maxEvents int, maxBytes int64) *queue {
	return &queue{maxEvents: maxEvents, maxBytes: maxBytes, units: make(chan *unit, maxEvents)}
}

// start lets units in.
func (q *queue) start() {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.open = true
}

// close lets no further units in. Those inside are still to be taken.
func (q *queue) close() {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.open {
		q.open = false
		close(q.units)
	}
}

// put queues a unit, or returns errOverloaded or errNotRunning.
func (q *queue) put(u *unit) error {
	q.mu.Lock()
	defer q.mu.Unlock()
	switch {
	case !q.open:
		return errNotRunning
	case q.events+len(u.msgs) > q.maxEvents || q.bytes+u.held > q.maxBytes:
		return errOverloaded
	}
	q.events += len(u.msgs)
	q.bytes += u.held
	q.arrived += len(u.msgs)
	q.units <- u
	return nil
}

// release gives back what a unit took, after its result is there.
func (q *queue) release(u *unit) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.events -= len(u.msgs)
	q.bytes -= u.held
}

// total returns how many events were ever put.
func (q *queue) total() int {
	q.mu.Lock()
	defer q.mu.Unlock()
	return q.arrived
}

// depth returns what requests hold now.
func (q *queue) depth() (events int, bytes int64) {
	q.mu.Lock()
	defer q.mu.Unlock()
	return q.events, q.bytes
}
