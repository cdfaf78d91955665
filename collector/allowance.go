package collector

import (
	"sync"
	"time"

	"golang.org/x/time/rate"

	"github.com/theeye/theeye/shared/registry"
)

// cost is what a request is charged with.
type cost struct {
	events int
	bytes  int // of its body, unpacked
}

// The names of the two limits.
const (
	limitEvents = "events"
	limitBytes  = "bytes"
)

// allowance is what one limited write key may send now. It fills at the key's
// rates, up to what it may send in one second, and at least to what the largest
// request costs: otherwise that could never pass.
type allowance struct {
	mu     sync.Mutex
	events *rate.Limiter // nil without this limit
	bytes  *rate.Limiter
}

func newAllowance(k registry.Key) *allowance {
	a := new(allowance)
	a.set(k, time.Time{})
	return a
}

// set changes the limits to those of the key. What was left stays.
func (a *allowance) set(k registry.Key, now time.Time) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.events = limited(a.events, k.EventsPerSecond, maxEvents, now)
	a.bytes = limited(a.bytes, k.BytesPerSecond, maxBody, now)
}

// limited returns the limiter of so much a second, made of the old one where
// there is one. No limit has none.
func limited(l *rate.Limiter, perSecond int64, largest int, now time.Time) *rate.Limiter {
	burst := max(int(perSecond), largest)
	switch {
	case perSecond <= 0:
		return nil
	case l == nil:
		return rate.NewLimiter(rate.Limit(perSecond), burst)
	case l.Limit() != rate.Limit(perSecond):
		l.SetLimitAt(now, rate.Limit(perSecond))
		l.SetBurstAt(now, burst)
	}
	return l
}

// take charges both limits, or neither: then it returns how long to wait until
// both have enough, if nobody else takes it, and which one takes the longest.
// The clock is read inside, so that time never goes back for a limiter.
func (a *allowance) take(c cost, clock func() time.Time) (wait time.Duration, limit string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	now := clock()
	if wait, limit = a.wait(c, now); wait == 0 {
		charge(a.events, c.events, now)
		charge(a.bytes, c.bytes, now)
	}
	return wait, limit
}

// look is take without the charge.
func (a *allowance) look(c cost, clock func() time.Time) (wait time.Duration, limit string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.wait(c, clock())
}

// giveBack undoes a take.
func (a *allowance) giveBack(c cost, clock func() time.Time) {
	a.mu.Lock()
	defer a.mu.Unlock()
	now := clock()
	charge(a.events, -c.events, now)
	charge(a.bytes, -c.bytes, now)
}

func (a *allowance) wait(c cost, now time.Time) (time.Duration, string) {
	events, bytes := missing(a.events, c.events, now), missing(a.bytes, c.bytes, now)
	if bytes > events {
		return bytes, limitBytes
	}
	return events, limitEvents
}

// missing is how long it takes until l has n.
func missing(l *rate.Limiter, n int, now time.Time) time.Duration {
	if l == nil {
		return 0
	}
	lack := float64(n) - l.TokensAt(now)
	if lack <= 0 {
		return 0
	}
	return max(time.Duration(lack/float64(l.Limit())*float64(time.Second)), 1)
}

// charge takes n that are there; of a negative n, the limiter keeps what fits.
func charge(l *rate.Limiter, n int, now time.Time) {
	if l != nil {
		l.AllowN(now, n)
	}
}
