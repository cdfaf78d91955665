package eye

import "time"

// item is an event in the queue.
type item struct {
	// json is the event, which nothing changes any more.
	json []byte
	// seq numbers the events, those of a spool before the others.
	seq uint64
	// at is when it was enqueued, since the start of the client.
	at time.Duration
	// kept says that it is in the spool.
	kept bool
}

// queue is a ring of events, the oldest first. It counts those that are under way, which
// are outside of the ring.
type queue struct {
	ring       []item // its length is a power of two, or 0
	head, size int
	bytes      int
	// away are the events under way, and awayBytes their bytes.
	away, awayBytes int
}

// leastRing is the length of a new ring. A larger one is given up when it is empty.
const leastRing = 256

func (q *queue) at(i int) *item { return &q.ring[(q.head+i)&(len(q.ring)-1)] }

// total returns the events and bytes that the bounds apply to.
func (q *queue) total() (events, bytes int) { return q.size + q.away, q.bytes + q.awayBytes }

func (q *queue) pushBack(it item) {
	q.growFor(1)
	q.size++
	*q.at(q.size - 1) = it
	q.bytes += len(it.json)
}

// pushFront returns events to the head, which they were taken from.
func (q *queue) pushFront(items []item) {
	q.growFor(len(items))
	q.head = (q.head - len(items)) & (len(q.ring) - 1)
	q.size += len(items)
	for i, it := range items {
		*q.at(i) = it
		q.bytes += len(it.json)
	}
}

func (q *queue) popFront() item {
	it := *q.at(0)
	*q.at(0) = item{}
	q.head = (q.head + 1) & (len(q.ring) - 1)
	q.size--
	q.bytes -= len(it.json)
	if q.size == 0 && len(q.ring) > leastRing {
		q.ring, q.head = nil, 0
	}
	return it
}

// growFor makes room for n more.
func (q *queue) growFor(n int) {
	if q.size+n <= len(q.ring) {
		return
	}
	length := max(len(q.ring), leastRing)
	for length < q.size+n {
		length *= 2
	}
	ring := make([]item, length)
	for i := range q.size {
		ring[i] = *q.at(i)
	}
	q.ring, q.head = ring, 0
}

// takeBatch takes the oldest events, within the bounds but one at least, and counts them as
// under way.
func (q *queue) takeBatch(events, bytes int) []item {
	n, sum := 0, 0
	for n < q.size && n < events {
		size := len(q.at(n).json)
		if n > 0 && sum+size > bytes {
			break
		}
		n++
		sum += size
	}
	batch := make([]item, n)
	for i := range batch {
		batch[i] = q.popFront()
	}
	q.away, q.awayBytes = n, sum
	return batch
}

// settleBatch counts no event as under way any more.
func (q *queue) settleBatch() { q.away, q.awayBytes = 0, 0 }
