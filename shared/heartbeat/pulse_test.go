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

func newPulse() *pulse { return &pulse{lapse: stream.HeartbeatTTL - beatEvery} }

func (p *pulse) steady() (uint64, bool) {
	return (&Heartbeat{pulse: pulse{lapse: p.lapse, begun: p.begun, caught: p.caught, lapses: p.lapses}}).Liveness()
}

// history is what happened to a pulse, as the bucket and others saw it.
type history struct {
	*pulse
	random *rand.Rand
	// over is when the last beat expires, gap when the first beat came that
	// followed none that was still live, caught when the service caught up.
	over, gap, caught time.Time
	looks             map[uint64]time.Time // the first at each number of lapses
}

func (h *history) pause(most time.Duration) { time.Sleep(time.Duration(h.random.Int64N(int64(most)))) }

// beat sends one that takes its time there and back.
func (h *history) beat() {
	begun := time.Now()
	h.pause(2 * time.Second)
	if time.Now().After(h.over) {
		h.gap = time.Now()
	}
	h.over = time.Now().Add(stream.HeartbeatTTL)
	h.pause(2 * time.Second)
	h.arrived(begun)
}

// look asks whether it is steady, and says what is wrong with the answer.
func (h *history) look() (steady bool, wrong string) {
	lapses, fresh := h.steady()
	if !fresh {
		return false, ""
	}
	first, known := h.looks[lapses]
	if !known {
		h.looks[lapses] = time.Now()
	}
	switch {
	case time.Now().After(h.over):
		wrong = "it is steady, and its beat is over"
	case h.caught.Before(h.gap):
		wrong = "it is steady, and did not catch up since the last gap"
	case known && first.Before(h.gap):
		wrong = "the number of lapses is the same before and behind a gap"
	}
	return true, wrong
}

// Whatever happens in whatever order: between two looks of a steady heart that
// tell the same number of lapses the bucket was never without a beat, and the
// service has caught up since it had none.
func TestSteadyMeansLiveThroughout(t *testing.T) {
	steady := 0
	for seed := range uint64(2000) {
		synctest.Test(t, func(t *testing.T) {
			h := &history{pulse: newPulse(), random: rand.New(rand.NewPCG(seed, 0)), looks: map[uint64]time.Time{}}
			for range 60 {
				h.pause(2 * time.Second)
				switch h.random.IntN(4) {
				case 0, 1:
					h.beat()
				case 2:
					h.caughtUp()
					h.caught = time.Now()
				}
				is, wrong := h.look()
				if wrong != "" {
					t.Fatalf("seed %d: %s", seed, wrong)
				}
				if is {
					steady++
				}
			}
		})
	}
	if steady < 10_000 {
		t.Errorf("it was steady at %d looks of 120,000: the test says little", steady)
	}
}

func TestPulse(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPulse()
		wants := func(lapses uint64, fresh bool) {
			t.Helper()
			if l, f := p.steady(); l != lapses || f != fresh {
				t.Errorf("%d lapses, steady %v; want %d, %v", l, f, lapses, fresh)
			}
		}
		wants(0, false)
		p.arrived(time.Now())
		wants(0, false)
		p.caughtUp()
		wants(0, true)
		time.Sleep(p.lapse - 1)
		wants(0, true)
		p.arrived(time.Now())
		time.Sleep(p.lapse)
		wants(0, false)
		p.caughtUp() // too late
		p.arrived(time.Now())
		wants(1, false)
		p.caughtUp()
		wants(1, true)
		begun := time.Now()
		time.Sleep(p.lapse) // an answer that takes that long says nothing of now
		p.arrived(begun)
		p.caughtUp()
		wants(2, false)
	})
}

// A heart is steady behind its first beat and what catches up after that, and
// again after a lapse.
func TestAHeartCatchesUpBehindALapse(t *testing.T) {
	s, js := startServer(t)
	var calls atomic.Int64
	cfg := quiet(js, at(1), "processor", "p")
	cfg.MakeBucket = func(ctx context.Context) error { return stream.EnsureServices(ctx, js, stream.Config{}) }
	cfg.CatchUp = func(ctx context.Context) error {
		n := calls.Add(1)
		if beats, err := List(ctx, js); err != nil || len(beats) != 1 {
			t.Errorf("it catches up before its beat is there: %v, error %v", beats, err)
		}
		if n == 1 {
			return errors.New("the registry is not there yet")
		}
		return nil
	}
	h := New(cfg)
	h.every, h.pulse.lapse = 5*time.Millisecond, time.Second
	if _, fresh := h.Liveness(); fresh {
		t.Error("steady before it runs")
	}
	run(t, h)
	steady := func(want uint64) func() bool {
		return func() bool { lapses, fresh := h.Liveness(); return fresh && lapses == want }
	}
	until(t, "it is steady", steady(0))
	if n := calls.Load(); n != 2 {
		t.Errorf("it was asked to catch up %d times, want once again after the failure", n)
	}
	s.Shutdown()
	until(t, "it is not steady", func() bool { _, fresh := h.Liveness(); return !fresh })
	s.Restart()
	until(t, "it is steady again", steady(1))
	if n := calls.Load(); n != 3 {
		t.Errorf("it was asked to catch up %d times", n)
	}
}

// Catching up is bounded, and the end of the heart ends it.
func TestCatchingUpIsBounded(t *testing.T) {
	_, js := startServer(t)
	cfg := quiet(js, at(1), "processor", "p")
	asked := make(chan context.Context, 1)
	cfg.CatchUp = func(ctx context.Context) error {
		select {
		case asked <- ctx:
		default:
		}
		<-ctx.Done()
		return ctx.Err()
	}
	h := New(cfg)
	end := run(t, h)
	select {
	case ctx := <-asked:
		if _, ok := ctx.Deadline(); !ok {
			t.Error("it may take for ever")
		}
	case <-time.After(patience):
		t.Fatal("it is not asked to catch up")
	}
	end()
	if _, fresh := h.Liveness(); fresh {
		t.Error("it never caught up, and is steady")
	}
}
