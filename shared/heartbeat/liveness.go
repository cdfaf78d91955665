package heartbeat

import (
	"sync"
	"time"
)

// liveness is what a service can conclude from the beats that arrived.
type liveness struct {
	// expiry is the age of the last beat from which on the service may count as
	// dead. It is below the time for which the bucket keeps beats, by the time
	// that may pass between a call of Liveness and the action that relies on it.
	expiry time.Duration

	mu sync.Mutex // guards what follows
	// lastSent is when the sending of the last beat that arrived began: the
	// bucket received it at that moment or later.
	lastSent time.Time
	// current is whether the service has caught up since the last expiration.
	current     bool
	expirations uint64
}

// recordBeat records a beat that arrived and was sent from begun on.
func (l *liveness) recordBeat(begun time.Time) {
	l.mu.Lock()
	defer l.mu.Unlock()
	// The service counted as live between the two beats if the second arrived
	// before the first expired: that is now, or earlier.
	if !l.lastSent.IsZero() && !l.isFresh() {
		l.expirations++
		l.current = false
	}
	l.lastSent = begun
}

func (l *liveness) isCaughtUp() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.current
}

// recordCatchUp records that the service has caught up since the last beat
// arrived.
func (l *liveness) recordCatchUp() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.current = l.isFresh() // else the beat expired during the catch-up
}

// snapshot returns the number of expirations, and whether the service is live.
func (l *liveness) snapshot() (expirations uint64, live bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.expirations, l.current && l.isFresh()
}

// isFresh returns whether the last beat has not expired. The caller holds mu.
func (l *liveness) isFresh() bool { return age(l.lastSent) < l.expiry }

// age uses both clocks of the machine: the monotonic clock stops while the
// machine sleeps, the wall clock may be set back.
func age(t time.Time) time.Duration {
	now := time.Now()
	return max(now.Sub(t), now.Round(0).Sub(t.Round(0)))
}

// Liveness returns how often the heartbeat has expired so far, and whether the
// service is live now: the last beat arrived less than stream.HeartbeatTTL minus
// a second ago, and the service has caught up with the registry since the last
// expiration, or since the start. If two calls return the same number, and both
// that it is live, then every other process has seen this service live, and at
// its revision, from the first call to the second.
func (h *Heartbeat) Liveness() (expirations uint64, live bool) { return h.liveness.snapshot() }
