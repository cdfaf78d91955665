package collector

import (
	"fmt"
	"iter"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"golang.org/x/time/rate"

	"github.com/theeye/theeye/shared/api"
	"github.com/theeye/theeye/shared/httpserver"
	"github.com/theeye/theeye/shared/registry"
)

// cost is what a request takes from the rate limits of its write key.
type cost struct {
	events int
	bytes  int // of its body, decompressed
}

// The names of the two limits.
const (
	limitEvents = "events"
	limitBytes  = "bytes"
)

// rateLimiter is the token buckets of one limited write key. They fill at the
// key's rates. Their size is the tokens of one second, but at least the cost of
// the largest request, which could otherwise never pass.
type rateLimiter struct {
	mu     sync.Mutex
	events *rate.Limiter // nil without this limit
	bytes  *rate.Limiter
}

func newRateLimiter(k registry.Key) *rateLimiter {
	l := new(rateLimiter)
	l.setLimits(k, time.Time{})
	return l
}

// setLimits changes the limits to those of the key. The tokens left stay.
func (l *rateLimiter) setLimits(k registry.Key, now time.Time) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.events = updateLimiter(l.events, k.EventsPerSecond, maxEvents, now)
	l.bytes = updateLimiter(l.bytes, k.BytesPerSecond, maxBody, now)
}

// updateLimiter returns the limiter of a rate: the old one, if there is one,
// with the new rate. It is nil without a limit.
func updateLimiter(l *rate.Limiter, perSecond int64, largest int, now time.Time) *rate.Limiter {
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

// reserveCost takes the cost from both limits, or from neither: then it returns
// how long it takes until both have enough, if no other request takes from
// them, and which limit takes longest. It reads the clock under the lock, so
// that time never goes back for a limiter.
func (l *rateLimiter) reserveCost(c cost, clock func() time.Time) (wait time.Duration, limit string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	now := clock()
	if wait, limit = l.waitFor(c, now); wait == 0 {
		takeTokens(l.events, c.events, now)
		takeTokens(l.bytes, c.bytes, now)
	}
	return wait, limit
}

// checkCost is reserveCost without taking anything.
func (l *rateLimiter) checkCost(c cost, clock func() time.Time) (wait time.Duration, limit string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.waitFor(c, clock())
}

// refundCost undoes a reserveCost.
func (l *rateLimiter) refundCost(c cost, clock func() time.Time) {
	l.mu.Lock()
	defer l.mu.Unlock()
	now := clock()
	takeTokens(l.events, -c.events, now)
	takeTokens(l.bytes, -c.bytes, now)
}

func (l *rateLimiter) waitFor(c cost, now time.Time) (time.Duration, string) {
	events, bytes := waitForTokens(l.events, c.events, now), waitForTokens(l.bytes, c.bytes, now)
	if bytes > events {
		return bytes, limitBytes
	}
	return events, limitEvents
}

// waitForTokens returns how long it takes until l has n tokens.
func waitForTokens(l *rate.Limiter, n int, now time.Time) time.Duration {
	if l == nil {
		return 0
	}
	lack := float64(n) - l.TokensAt(now)
	if lack <= 0 {
		return 0
	}
	return max(time.Duration(lack/float64(l.Limit())*float64(time.Second)), 1)
}

// takeTokens takes n tokens, which the limiter must have. A negative n returns
// tokens, up to the size of the bucket.
func takeTokens(l *rate.Limiter, n int, now time.Time) {
	if l != nil {
		l.AllowN(now, n)
	}
}

// rateLimiters holds the rate limiter of every limited write key of the newest
// snapshot; the tokens that a key has left outlive a snapshot. The limits hold
// in this process alone: n collectors let through n times as much.
//
// Requests of different keys share no lock: they read one table, which a change
// of the registry replaces.
type rateLimiters struct {
	access   func() *registry.Access // the newest
	clock    func() time.Time
	refusals *prometheus.CounterVec // of requests, by limit

	table      atomic.Pointer[limiterTable]
	rebuilding sync.Mutex // held while a table is made
}

// limiterTable is immutable, except for the state of its limiters.
type limiterTable struct {
	access   *registry.Access
	limiters map[keyID]*rateLimiter
}

// keyID identifies a write key.
type keyID struct{ application, id string }

func keyIDOf(k registry.Key) keyID { return keyID{k.Application, k.ID} }

// limiterOf returns the rate limiter of a key, nil if it has no limits.
func (s *rateLimiters) limiterOf(k registry.Key) *rateLimiter {
	if !k.Limited() {
		return nil
	}
	return s.currentTable().limiters[keyIDOf(k)]
}

// currentTable returns the table of the newest snapshot.
func (s *rateLimiters) currentTable() *limiterTable {
	if t := s.table.Load(); t != nil && t.access == s.access() {
		return t
	}
	s.rebuilding.Lock()
	defer s.rebuilding.Unlock()
	// The snapshot is read under the lock, so that an older table never
	// replaces a newer one, which would forget new keys.
	access, old := s.access(), s.table.Load()
	if old != nil && old.access == access {
		return old
	}
	t := &limiterTable{access: access, limiters: updateLimiters(old, access.Limited(), s.clock())}
	s.table.Store(t)
	return t
}

// updateLimiters returns the limiters of the keys: those of the old table with
// their present limits, and new ones.
func updateLimiters(old *limiterTable, keys iter.Seq[registry.Key], now time.Time) map[keyID]*rateLimiter {
	limiters := map[keyID]*rateLimiter{}
	for k := range keys {
		l := (*rateLimiter)(nil)
		if old != nil {
			l = old.limiters[keyIDOf(k)]
		}
		if l == nil {
			l = newRateLimiter(k)
		} else {
			l.setLimits(k, now)
		}
		limiters[keyIDOf(k)] = l
	}
	return limiters
}

// reservation is the cost that a request has reserved. The zero value reserves
// nothing.
type reservation struct {
	limiter *rateLimiter
	cost    cost
	clock   func() time.Time
}

// refund returns the cost of a request that was answered 503.
func (r reservation) refund() {
	if r.limiter != nil {
		r.limiter.refundCost(r.cost, r.clock)
	}
}

// reserve reserves the cost of a request from the limits of its key. If they do
// not have enough, it reserves nothing and fails with 429.
func (s *rateLimiters) reserve(k registry.Key, c cost) (reservation, error) {
	l := s.limiterOf(k)
	if l == nil {
		return reservation{}, nil
	}
	if wait, limit := l.reserveCost(c, s.clock); wait > 0 {
		return reservation{}, s.refuseRequest(k, wait, limit)
	}
	return reservation{limiter: l, cost: c, clock: s.clock}, nil
}

// checkExceeded fails with 429 if the limits of a key have less than atLeast. It
// reserves nothing.
func (s *rateLimiters) checkExceeded(k registry.Key, atLeast cost) error {
	l := s.limiterOf(k)
	if l == nil {
		return nil
	}
	if wait, limit := l.checkCost(atLeast, s.clock); wait > 0 {
		return s.refuseRequest(k, wait, limit)
	}
	return nil
}

func (s *rateLimiters) refuseRequest(k registry.Key, wait time.Duration, limit string) error {
	s.refusals.WithLabelValues(limit).Inc()
	perSecond := k.EventsPerSecond
	if limit == limitBytes {
		perSecond = k.BytesPerSecond
	}
	return &httpserver.Failure{
		Status: http.StatusTooManyRequests, Code: api.CodeRateLimited, RetryAfter: wait,
		Detail: fmt.Sprintf("the write key may send %d %s a second; nothing of this request is kept", perSecond, limit),
	}
}
