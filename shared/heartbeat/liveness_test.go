package heartbeat

import (
	"context"
	"errors"
	"math/rand/v2"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/theeye/theeye/shared/stream"
)

func newLiveness() *liveness { return &liveness{expiry: stream.HeartbeatTTL - beatInterval} }

// history is a liveness with what really happened, as the bucket saw it.
type history struct {
	*liveness
	random *rand.Rand
	// expires is when the last beat expires, gapEnd when the last beat arrived
	// that followed no live one, caughtUp when the service last caught up.
	expires, gapEnd, caughtUp time.Time
	firstRead                 map[uint64]time.Time // by number of expirations
}

func (h *history) sleepUpTo(limit time.Duration) {
	time.Sleep(time.Duration(h.random.Int64N(int64(limit))))
}

// sendBeat sends a beat that takes its time to the bucket and back.
func (h *history) sendBeat() {
	begun := time.Now()
	h.sleepUpTo(2 * time.Second)
	if time.Now().After(h.expires) {
		h.gapEnd = time.Now()
	}
	h.expires = time.Now().Add(stream.HeartbeatTTL)
	h.sleepUpTo(2 * time.Second)
	h.recordBeat(begun)
}

// checkSnapshot returns whether the service is live by the snapshot, and what
// contradicts this.
func (h *history) checkSnapshot() (live bool, wrong string) {
	expirations, live := h.snapshot()
	if !live {
		return false, ""
	}
	first, known := h.firstRead[expirations]
	if !known {
		h.firstRead[expirations] = time.Now()
	}
	switch {
	case time.Now().After(h.expires):
		wrong = "it is live, and its beat has expired"
	case h.caughtUp.Before(h.gapEnd):
		wrong = "it is live, and did not catch up since the last gap"
	case known && first.Before(h.gapEnd):
		wrong = "the number of expirations is the same before and after a gap"
	}
	return true, wrong
}

// In any order of events: between two snapshots that are live and have the same
// number of expirations, the bucket always had a beat, and the service has caught
// up since it had none.
func TestLiveMeansLiveThroughout(t *testing.T) {
	live := 0
	for seed := range uint64(2000) {
		synctest.Test(t, func(t *testing.T) {
			h := &history{liveness: newLiveness(), random: rand.New(rand.NewPCG(seed, 0)), firstRead: map[uint64]time.Time{}}
			for range 60 {
				h.sleepUpTo(2 * time.Second)
				switch h.random.IntN(4) {
				case 0, 1:
					h.sendBeat()
				case 2:
					h.recordCatchUp()
					h.caughtUp = time.Now()
				}
				is, wrong := h.checkSnapshot()
				if wrong != "" {
					t.Fatalf("seed %d: %s", seed, wrong)
				}
				if is {
					live++
				}
			}
		})
	}
	if live < 10_000 {
		t.Errorf("it was live in %d snapshots of 120,000: the test proves little", live)
	}
}

func TestLivenessCountsExpirations(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLiveness()
		want := func(expirations uint64, live bool) {
			t.Helper()
			if e, is := l.snapshot(); e != expirations || is != live {
				t.Errorf("%d expirations, live %v; want %d, %v", e, is, expirations, live)
			}
		}
		want(0, false)
		l.recordBeat(time.Now())
		want(0, false)
		l.recordCatchUp()
		want(0, true)
		time.Sleep(l.expiry - 1)
		want(0, true)
		l.recordBeat(time.Now())
		time.Sleep(l.expiry)
		want(0, false)
		l.recordCatchUp() // too late
		l.recordBeat(time.Now())
		want(1, false)
		l.recordCatchUp()
		want(1, true)
		begun := time.Now()
		time.Sleep(l.expiry) // a response that takes that long proves nothing about now
		l.recordBeat(begun)
		l.recordCatchUp()
		want(2, false)
	})
}

// A service is live after its first beat and the catch-up that follows, and again
// after an expiration.
func TestServiceCatchesUpAfterExpiration(t *testing.T) {
	s, js := startServer(t)
	var calls atomic.Int64
	cfg := quietConfig(js, registryAt(1), "processor", "p")
	cfg.CreateBucket = func(ctx context.Context) error { return stream.EnsureServices(ctx, js, stream.Config{}) }
	cfg.CatchUp = func(ctx context.Context) error {
		n := calls.Add(1)
		if beats, err := List(ctx, js); err != nil || len(beats) != 1 {
			t.Errorf("it catches up before its beat has arrived: %v, error %v", beats, err)
		}
		if n == 1 {
			return errors.New("the registry is not available yet")
		}
		return nil
	}
	h := New(cfg)
	h.interval, h.liveness.expiry = 5*time.Millisecond, 5*time.Second // a busy machine may pause it for a while
	if _, live := h.Liveness(); live {
		t.Error("it is live before it runs")
	}
	runHeartbeat(t, h)
	liveAfter := func(want uint64) func() bool {
		return func() bool { expirations, live := h.Liveness(); return live && expirations == want }
	}
	waitUntil(t, "it is live", liveAfter(0))
	if n := calls.Load(); n != 2 {
		t.Errorf("CatchUp was called %d times, want one more call after the failure", n)
	}
	s.Shutdown()
	waitUntil(t, "it is not live", func() bool { _, live := h.Liveness(); return !live })
	s.Restart()
	waitUntil(t, "it is live again", liveAfter(1))
	if n := calls.Load(); n != 3 {
		t.Errorf("CatchUp was called %d times, want 3", n)
	}
}

// Catching up is bounded, and the end of the heartbeat ends it.
func TestCatchUpIsBounded(t *testing.T) {
	_, js := startServer(t)
	cfg := quietConfig(js, registryAt(1), "processor", "p")
	called := make(chan context.Context, 1)
	cfg.CatchUp = func(ctx context.Context) error {
		select {
		case called <- ctx:
		default:
		}
		<-ctx.Done()
		return ctx.Err()
	}
	h := New(cfg)
	end := runHeartbeat(t, h)
	select {
	case ctx := <-called:
		if _, ok := ctx.Deadline(); !ok {
			t.Error("its context has no deadline")
		}
	case <-time.After(patience):
		t.Fatal("CatchUp is not called")
	}
	end()
	if _, live := h.Liveness(); live {
		t.Error("it is live and never caught up")
	}
}
