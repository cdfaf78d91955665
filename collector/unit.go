package collector

import (
	"sync"
	"time"

	"github.com/nats-io/nats.go"
)

// unit is all the events of one request on their way into the stream. They may
// be committed in several batches; the unit ends when each message has its
// result, with the first error among them.
type unit struct {
	msgs []*nats.Msg
	// held is the memory that the request keeps until it is answered, in
	// bytes.
	held int64
	// since is when the unit was queued.
	since time.Time
	// done gets the unit's one result. It has room, so that nobody waits.
	done chan error

	mu   sync.Mutex
	left int // messages without a result
	err  error
}

func newUnit(msgs []*nats.Msg, held int64) *unit {
	return &unit{msgs: msgs, held: held, since: time.Now(), done: make(chan error, 1), left: len(msgs)}
}

// resolve gives n of the unit's messages their result.
func (u *unit) resolve(n int, err error) {
	u.mu.Lock()
	defer u.mu.Unlock()
	if u.err == nil {
		u.err = err
	}
	if u.left -= n; u.left == 0 {
		u.done <- u.err
	}
}

// failed reports whether a part of the unit has failed, so that the rest need
// not be published.
func (u *unit) failed() bool {
	u.mu.Lock()
	defer u.mu.Unlock()
	return u.err != nil
}

// part is consecutive messages of one unit that are in one batch.
type part struct {
	unit *unit
	msgs []*nats.Msg
}

// batch is what is committed together, in the order it was queued.
type batch struct {
	parts []part
	count int // messages
	bytes int // of their payloads
	// sent is set once the batch is being sent while it fills.
	sent *transfer
}

// add takes as many of the unit's messages from the index on as fit, and
// returns how many; at least one when the batch is empty.
func (b *batch) add(u *unit, from, maxCount, maxBytes int) int {
	msgs := u.msgs[from:]
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
		b.parts = append(b.parts, part{unit: u, msgs: msgs[:n]})
		if b.sent != nil {
			b.sent.send(msgs[:n])
		}
	}
	return n
}

// resolve gives every message of the batch the same result.
func (b *batch) resolve(err error) {
	for _, p := range b.parts {
		p.unit.resolve(len(p.msgs), err)
	}
}
