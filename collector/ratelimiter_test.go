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

// manualClock is a clock that a test advances.
type manualClock struct {
	mu  sync.Mutex
	now time.Time
}

func newManualClock() *manualClock {
	return &manualClock{now: time.Date(2026, 5, 1, 12, 0, 0, 0, time.UTC)}
}

func (c *manualClock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

func (c *manualClock) advance(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(d)
}

func keyWithRates(events, bytes int64) registry.Key {
	return registry.Key{Application: "shop", ID: "0123456789ab", KeySettings: registry.KeySettings{EventsPerSecond: events, BytesPerSecond: bytes}}
}

// The largest valid request passes under every limit.
func TestLargestRequestPasses(t *testing.T) {
	clock := newManualClock()
	for _, k := range []registry.Key{keyWithRates(1, 1), keyWithRates(1, 0), keyWithRates(0, 1), keyWithRates(math.MaxInt64, math.MaxInt64)} {
		if wait, _ := newRateLimiter(k).reserveCost(cost{maxEvents, maxBody}, clock.Now); wait != 0 {
			t.Errorf("%+v: it waits %v", k, wait)
		}
	}
}

// A burst may have the tokens of one second, and no more.
func TestLimiterHoldsOneSecond(t *testing.T) {
	clock := newManualClock()
	a := newRateLimiter(keyWithRates(5000, 0))
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
		t.Errorf("refilled, it waits %v", wait)
	}
	if wait, _ := a.reserveCost(cost{1, 1}, clock.Now); wait == 0 {
		t.Error("an hour gives more than the tokens of one second")
	}
}

// If one limit is exceeded, no tokens are taken from the other.
func TestReservesBothLimitsOrNone(t *testing.T) {
	clock := newManualClock()
	a := newRateLimiter(keyWithRates(1, 1))
	if wait, _ := a.reserveCost(cost{1, maxBody}, clock.Now); wait != 0 {
		t.Fatal("it does not start full")
	}
	for range 10 {
		if wait, limit := a.reserveCost(cost{900, 100}, clock.Now); wait != 100*time.Second || limit != limitBytes {
			t.Fatalf("it waits %v for %s", wait, limit)
		}
	}
	if wait, _ := a.reserveCost(cost{999, 0}, clock.Now); wait != 0 {
		t.Errorf("refused requests take events: it waits %v", wait)
	}
}

// Concurrent requests never take more tokens than there are.
func TestLimiterIsSafeForConcurrentUse(t *testing.T) {
	clock := newManualClock()
	a := newRateLimiter(keyWithRates(1, 1))
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

// modelLimiter is the specification of a rateLimiter: two token counts that grow
// with time.
type modelLimiter struct {
	events, bytes modelBucket
}

type modelBucket struct{ perSecond, burst, tokens float64 }

func newModelBucket(perSecond int64, largest int) modelBucket {
	burst := max(float64(perSecond), float64(largest))
	return modelBucket{float64(perSecond), burst, burst}
}

func (g *modelBucket) addTokens(seconds float64) {
	g.tokens = min(g.tokens+seconds*g.perSecond, g.burst)
}

func (g *modelBucket) waitSeconds(n int) float64 {
	if g.perSecond == 0 {
		return 0
	}
	return max(0, (float64(n)-g.tokens)/g.perSecond)
}

// changeRate models setLimits: the tokens stay, within the new bounds.
func (g *modelBucket) changeRate(perSecond int64, largest int) {
	next := newModelBucket(perSecond, largest)
	if g.perSecond > 0 {
		next.tokens = min(g.tokens, next.burst)
	}
	*g = next
}

// After any sequence of operations the limiter agrees with the model: waits are
// exact, a refused request takes nothing, and a refund returns its tokens.
func TestLimiterMatchesModel(t *testing.T) {
	const near = 1e-3 // seconds: the limiter counts nanoseconds and doubles
	perSecond := rapid.OneOf(rapid.Just(int64(0)), rapid.Int64Range(1, 20), rapid.Int64Range(1, 20<<20))
	rapid.Check(t, func(t *rapid.T) {
		clock := newManualClock()
		k := keyWithRates(perSecond.Draw(t, "events/s"), perSecond.Draw(t, "bytes/s"))
		a, m := newRateLimiter(k), modelLimiter{newModelBucket(k.EventsPerSecond, maxEvents), newModelBucket(k.BytesPerSecond, maxBody)}
		var last *cost
		t.Repeat(map[string]func(*rapid.T){
			"reserve": func(t *rapid.T) {
				c := cost{rapid.IntRange(1, maxEvents).Draw(t, "events"), rapid.IntRange(1, maxBody).Draw(t, "bytes")}
				want := max(m.events.waitSeconds(c.events), m.bytes.waitSeconds(c.bytes))
				seen, _ := a.checkCost(c, clock.Now)
				wait, _ := a.reserveCost(c, clock.Now)
				if math.Abs(wait.Seconds()-want) > near+want*1e-6 || seen != wait {
					t.Fatalf("%+v waits %v, was to wait %v; want %gs", c, wait, seen, want)
				}
				if wait == 0 {
					m.events.tokens -= float64(c.events)
					m.bytes.tokens -= float64(c.bytes)
					last = &c
				}
			},
			"refund": func(*rapid.T) {
				if last == nil {
					return
				}
				a.refundCost(*last, clock.Now)
				m.events.tokens = min(m.events.tokens+float64(last.events), m.events.burst)
				m.bytes.tokens = min(m.bytes.tokens+float64(last.bytes), m.bytes.burst)
				last = nil
			},
			"time": func(t *rapid.T) {
				d := time.Duration(rapid.Int64Range(0, int64(20*time.Second)).Draw(t, "passes"))
				clock.advance(d)
				m.events.addTokens(d.Seconds())
				m.bytes.addTokens(d.Seconds())
			},
			"change": func(t *rapid.T) {
				k = keyWithRates(perSecond.Draw(t, "events/s"), perSecond.Draw(t, "bytes/s"))
				a.setLimits(k, clock.Now())
				m.events.changeRate(k.EventsPerSecond, maxEvents)
				m.bytes.changeRate(k.BytesPerSecond, maxBody)
				last = nil
			},
		})
	})
}
