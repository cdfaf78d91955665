package httpserver

import (
	"cmp"
	"sync"
	"time"
)

// Pace is the least progress of a transfer over the network. A slow client is
// served as long as it makes that progress.
type Pace struct {
	// Rate is the least mean rate in bytes per second. It counts from twice Stall
	// on, so that a small body may pause more than once.
	Rate int64
	// Stall is the longest time without a byte, Longest that of the transfer.
	Stall, Longest time.Duration
}

// orElse returns the pace with the fields of d in place of zero ones.
func (p Pace) orElse(d Pace) Pace {
	return Pace{
		Rate: cmp.Or(p.Rate, d.Rate), Stall: cmp.Or(p.Stall, d.Stall), Longest: cmp.Or(p.Longest, d.Longest),
	}
}

// deadlineOf returns until when the next byte must arrive.
func (p Pace) deadlineOf(start, last time.Time, bytes int64) time.Time {
	least := start.Add(2*p.Stall + time.Duration(float64(bytes)/float64(p.Rate)*float64(time.Second)))
	for _, t := range []time.Time{last.Add(p.Stall), start.Add(p.Longest)} {
		if t.Before(least) {
			least = t
		}
	}
	return least
}

const (
	// yieldAfter is how far a transfer must be behind yieldRate until it gives
	// way to another where memory is short, and yieldRate in bytes per second.
	yieldAfter = 2 * time.Second
	yieldRate  = 64 << 10
)

// Transfer is a body or an answer on its way. It sets the deadlines of the
// connection by its Pace. The zero value is at rest; its methods may be called
// concurrently.
type Transfer struct {
	mu          sync.Mutex
	pace        Pace
	setDeadline func(time.Time) error
	start, last time.Time
	until       time.Time // the deadline that is set
	bytes       int64
	running     bool
	cut         bool
}

// Start starts the transfer. setDeadline sets a deadline of the connection; its
// error, as of a test's writer without deadlines, is ignored.
func (t *Transfer) Start(p Pace, setDeadline func(time.Time) error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	now := time.Now()
	t.pace, t.setDeadline, t.running = p, setDeadline, true
	t.start, t.last, t.bytes = now, now, 0
	t.moveDeadline()
}

// moveDeadline sets the deadline if it has moved by a part that matters: to set
// it costs more than to read a small body.
func (t *Transfer) moveDeadline() {
	until := t.pace.deadlineOf(t.start, t.last, t.bytes)
	if until.Sub(t.until) < t.pace.Stall/8 && !until.Before(t.until) {
		return
	}
	t.until = until
	_ = t.setDeadline(until)
}

// age returns the time since the start.
func (t *Transfer) age() time.Duration {
	t.mu.Lock()
	defer t.mu.Unlock()
	return time.Since(t.start)
}

// Advance counts n more bytes.
func (t *Transfer) Advance(n int) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if n <= 0 || !t.running || t.cut {
		return
	}
	t.last = time.Now()
	t.bytes += int64(n)
	t.moveDeadline()
}

// End ends the transfer and removes the deadline of the connection.
func (t *Transfer) End() {
	t.mu.Lock()
	defer t.mu.Unlock()
	if !t.running || t.cut {
		return
	}
	t.running = false
	_ = t.setDeadline(time.Time{})
}

// Cut ends the wait of a running transfer: its reader or writer gets a timeout.
func (t *Transfer) Cut() {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.running && !t.cut {
		t.cut = true
		_ = t.setDeadline(time.Now())
	}
}

// WasCut reports whether Cut ended the transfer.
func (t *Transfer) WasCut() bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.cut
}

// delay returns how far a running transfer is behind: the time without a byte,
// or the time that it took beyond that of yieldRate. A transfer at rest is not behind.
func (t *Transfer) delay(now time.Time) time.Duration {
	t.mu.Lock()
	defer t.mu.Unlock()
	if !t.running || t.cut {
		return 0
	}
	expected := time.Duration(float64(t.bytes) / yieldRate * float64(time.Second))
	return max(now.Sub(t.last), now.Sub(t.start)-expected)
}
