package collector

import (
	"math"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/theeye/theeye/shared/registry"
)

// handClock is a clock that tests move.
type handClock struct {
	mu  sync.Mutex
	now time.Time
}

func newHandClock() *handClock { return &handClock{now: time.Date(2026, 5, 1, 12, 0, 0, 0, time.UTC)} }

func (c *handClock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

func (c *handClock) advance(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(d)
}

func rates(events, bytes int64) registry.Key {
	return registry.Key{Application: "shop", ID: "0123456789ab", EventsPerSecond: events, BytesPerSecond: bytes}
}

// The largest request that is allowed at all passes, whatever the limit.
func TestLargestRequestPasses(t *testing.T) {
	clock := newHandClock()
	for _, k := range []registry.Key{rates(1, 1), rates(1, 0), rates(0, 1), rates(math.MaxInt64, math.MaxInt64)} {
		if wait, _ := newRateLimiter(k).reserveCost(cost{maxEvents, maxBody}, clock.Now); wait != 0 {
			t.Errorf("%+v: it waits %v", k, wait)
		}
	}
}

// A key may send what it is allowed to in a second at once, and no more.
func TestAllowanceHoldsASecond(t *testing.T) {
	clock := newHandClock()
	a := newRateLimiter(rates(5000, 0))
	for i := range 5 {
		if wait, _ := a.reserveCost(cost{1000, 1}, clock.Now); wait != 0 {
			t.Fatalf("request %d waits %v", i, wait)
		}
	}
	if wait, limit := a.reserveCost(cost{500, 1}, clock.Now); wait != 100*time.Millisecond || limit != limitEvents {
		t.Errorf("it waits %v for %s", wait, limit)
	}
	clock.advance(time.Hour)
	if wait, _ := a.reserveCost(cost{5000, 1}, clock.Now); wait != 0 {
		t.Errorf("full again, it waits %v", wait)
	}
	if wait, _ := a.reserveCost(cost{1, 1}, clock.Now); wait == 0 {
		t.Error("an hour gives more than a second's worth")
	}
}

// Where one limit is reached the other one is not charged.
func TestBothLimitsOrNone(t *testing.T) {
	clock := newHandClock()
	a := newRateLimiter(rates(1, 1))
	if wait, _ := a.reserveCost(cost{1, maxBody}, clock.Now); wait != 0 {
		t.Fatal("it does not start full")
	}
	for range 10 {
		if wait, limit := a.reserveCost(cost{900, 100}, clock.Now); wait != 100*time.Second || limit != limitBytes {
			t.Fatalf("it waits %v for %s", wait, limit)
		}
	}
	if wait, _ := a.reserveCost(cost{999, 0}, clock.Now); wait != 0 {
		t.Errorf("the events of requests that were turned down are charged: it waits %v", wait)
	}
}

// However many requests come at once, no more pass than there is.
func TestAllowanceIsConcurrent(t *testing.T) {
	clock := newHandClock()
	a := newRateLimiter(rates(1, 1))
	var passed atomic.Int64
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			for range 500 {
				if wait, _ := a.reserveCost(cost{events: 1, bytes: maxBody / 500}, clock.Now); wait == 0 {
					passed.Add(1)
				}
			}
		})
	}
	wg.Wait()
	if got := passed.Load(); got != 500 {
		t.Errorf("%d requests pass, want 500", got)
	}
}

// model is what an allowance should be: two numbers that grow with time.
type model struct {
	events, bytes gauge
}

type gauge struct{ perSecond, burst, left float64 }

func gaugeOf(perSecond int64, largest int) gauge {
	burst := max(float64(perSecond), float64(largest))
	return gauge{float64(perSecond), burst, burst}
}

func (g *gauge) grow(seconds float64) { g.left = min(g.left+seconds*g.perSecond, g.burst) }

func (g *gauge) wait(n int) float64 {
	if g.perSecond == 0 {
		return 0
	}
	return max(0, (float64(n)-g.left)/g.perSecond)
}

// change is what set does: what was left stays, within the new bounds.
func (g *gauge) change(perSecond int64, largest int) {
	next := gaugeOf(perSecond, largest)
	if g.perSecond > 0 {
		next.left = min(g.left, next.burst)
	}
	*g = next
}

// Whatever happens in whatever order, an allowance says what the model says:
// that is, the wait is enough and not too long, requests that are turned down
// leave no trace, and what was given back is there again.
func TestAllowanceAgainstModel(t *testing.T) {
	const near = 1e-3 // seconds: the limiter counts nanoseconds and doubles
	perSecond := rapid.OneOf(rapid.Just(int64(0)), rapid.Int64Range(1, 20), rapid.Int64Range(1, 20<<20))
	rapid.Check(t, func(t *rapid.T) {
		clock := newHandClock()
		k := rates(perSecond.Draw(t, "events/s"), perSecond.Draw(t, "bytes/s"))
		a, m := newRateLimiter(k), model{gaugeOf(k.EventsPerSecond, maxEvents), gaugeOf(k.BytesPerSecond, maxBody)}
		var last *cost
		t.Repeat(map[string]func(*rapid.T){
			"take": func(t *rapid.T) {
				c := cost{rapid.IntRange(1, maxEvents).Draw(t, "events"), rapid.IntRange(1, maxBody).Draw(t, "bytes")}
				want := max(m.events.wait(c.events), m.bytes.wait(c.bytes))
				seen, _ := a.checkCost(c, clock.Now)
				wait, _ := a.reserveCost(c, clock.Now)
				if math.Abs(wait.Seconds()-want) > near+want*1e-6 || seen != wait {
					t.Fatalf("%+v waits %v, was to wait %v; want %gs", c, wait, seen, want)
				}
				if wait == 0 {
					m.events.left -= float64(c.events)
					m.bytes.left -= float64(c.bytes)
					last = &c
				}
			},
			"give back": func(*rapid.T) {
				if last == nil {
					return
				}
				a.refundCost(*last, clock.Now)
				m.events.left = min(m.events.left+float64(last.events), m.events.burst)
				m.bytes.left = min(m.bytes.left+float64(last.bytes), m.bytes.burst)
				last = nil
			},
			"time": func(t *rapid.T) {
				d := time.Duration(rapid.Int64Range(0, int64(20*time.Second)).Draw(t, "passes"))
				clock.advance(d)
				m.events.grow(d.Seconds())
				m.bytes.grow(d.Seconds())
			},
			"change": func(t *rapid.T) {
				k = rates(perSecond.Draw(t, "events/s"), perSecond.Draw(t, "bytes/s"))
				a.setLimits(k, clock.Now())
				m.events.change(k.EventsPerSecond, maxEvents)
				m.bytes.change(k.BytesPerSecond, maxBody)
				last = nil
			},
		})
	})
}
