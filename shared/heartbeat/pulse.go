package heartbeat

import (
	"sync"
	"time"
)

// pulse is what a service may conclude from the beats that arrived.
type pulse struct {
	// lapse is the age of the last beat from which on the service may count as
	// gone. It is below what the bucket keeps beats for, by as much as there
	// may lie between a look at the pulse and what is done after it.
	lapse time.Duration

	mu sync.Mutex
	// begun is when the last beat that arrived was begun to be sent: the
	// bucket took it at that moment or later.
	begun  time.Time
	caught bool // since the last lapse
	lapses uint64
}

// arrived notes a beat, with the moment before it was sent.
func (p *pulse) arrived(begun time.Time) {
	p.mu.Lock()
	defer p.mu.Unlock()
	// Between the two beats the service counted as live if the second arrived
	// before the first was over: that is now, or earlier.
	if !p.begun.IsZero() && !p.fresh() {
		p.lapses++
		p.caught = false
	}
	p.begun = begun
}

func (p *pulse) isCaughtUp() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.caught
}

// caughtUp notes that the service has caught up since the last beat arrived.
func (p *pulse) caughtUp() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.caught = p.fresh() // else it lapsed while catching up
}

func (p *pulse) fresh() bool { return age(p.begun) < p.lapse }

// age goes by both clocks of the machine: the monotonic one stands still while
// it sleeps, the other one may be set back.
func age(t time.Time) time.Duration {
	now := time.Now()
	return max(now.Sub(t), now.Round(0).Sub(t.Round(0)))
}

// Liveness reports how often the heart has lapsed so far, and whether it is steady
// now: the last beat arrived less than stream.HeartbeatTTL less a second ago,
// and the service caught up with the registry behind the last lapse, or the
// start. Where two calls tell the same number, and both of a steady heart,
// everybody else has seen this service live, and at its revision, from the
// first call to the second.
func (h *Heartbeat) Liveness() (lapses uint64, fresh bool) {
	h.pulse.mu.Lock()
	defer h.pulse.mu.Unlock()
	return h.pulse.lapses, h.pulse.caught && h.pulse.fresh()
}
