package replay

import (
	"context"
	"errors"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"golang.org/x/time/rate"

	"github.com/theeye/theeye/processor/jobs"
	"github.com/theeye/theeye/shared/job"
	"github.com/theeye/theeye/shared/store"
)

// A maximum rate bounds the number of events of each write.
func TestMaximumRateBoundsPortions(t *testing.T) {
	t.Parallel()
	fx := newFixture(t)
	fx.requireMember("a")
	fx.publish(testEvents("e", 600, "a")...)
	var mu sync.Mutex
	var sizes []int
	fx.startRunner("one", func(cfg *Config) {
		write := cfg.Write
		cfg.Write = func(ctx context.Context, revision uint64, docs []*store.Document, read map[string]store.Held) ([]store.WriteResult, error) {
			mu.Lock()
			sizes = append(sizes, len(docs))
			mu.Unlock()
			return write(ctx, revision, docs, read)
		}
	})
	fx.awaitDone(fx.createJob(job.Replay, job.Selection{}, func(j *job.Job) { j.MaxRate = 250 }))
	mu.Lock()
	defer mu.Unlock()
	slices.Sort(sizes)
	if !slices.Equal(sizes, []int{50, 50, 125, 125, 125, 125}) {
		t.Errorf("it wrote %v, in %d parts of a portion", sizes, parallelParts)
	}
}

// The first second's events are free; from then on the rate bounds the events.
func TestMaximumRateBoundsTheTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := &run{limit: rate.NewLimiter(25, 25)}
		began := time.Now()
		for _, events := range []int{12, 13, 12, 13, 5, 5} {
			if err := r.limitRate(t.Context(), events); err != nil {
				t.Fatal(err)
			}
		}
		if took := time.Since(began); took.Round(time.Millisecond) != 35*time.Second/25 {
			t.Errorf("60 events at 25 a second took %v", took)
		}
		if err := r.limitRate(t.Context(), 100); err != nil { // more than the burst
			t.Fatal(err)
		}
		ctx, cancel := context.WithCancelCause(t.Context())
		time.AfterFunc(time.Second, func() { cancel(jobs.ErrCancelled) })
		if err := r.limitRate(ctx, 1000); !errors.Is(err, jobs.ErrCancelled) {
			t.Errorf("a cancelled replay: %v", err)
		}
	})
}

func TestPortionIsAtMostOneSecondOfTheRate(t *testing.T) {
	t.Parallel()
	fx := newFixture(t)
	fx.requireMember("a")
	for asked, want := range map[int64]int{1: 1, 999: 999, 1_000_000: portionEvents, 0: portionEvents} {
		r := fx.newRun()
		r.job.MaxRate = asked
		if got := r.portionSize(); got != want {
			t.Errorf("at %d a second a portion has %d", asked, got)
		}
	}
}

// A replay pauses while live events wait, and says so in its phase.
func TestReplayYieldsToLiveEvents(t *testing.T) {
	t.Parallel()
	fx := newFixture(t)
	fx.requireMember("a")
	fx.publish(testEvents("e", 6000, "a")...)
	fx.settleAll()
	var mu sync.Mutex
	written := 0
	release := make(chan struct{})
	fx.startRunner("one", func(cfg *Config) {
		write := cfg.Write
		cfg.Write = func(ctx context.Context, revision uint64, docs []*store.Document, read map[string]store.Held) ([]store.WriteResult, error) {
			mu.Lock()
			written++
			n := written
			mu.Unlock()
			if n > parallelParts {
				<-release
			}
			return write(ctx, revision, docs, read)
		}
	})
	id := fx.createJob(job.Replay, job.Selection{})
	fx.awaitJob(id, "the first portion is counted", func(j job.Job) bool { return j.Done == portionEvents })
	// The lag at the beginning is known since the first portion.
	fx.publish(testEvents("live", jobs.TolerableLag+1, "a")...)
	close(release)
	j := fx.awaitJob(id, "it yields", func(j job.Job) bool { return containsText(j.Phase, "yielding to 2001 live events") })
	if j.Done >= 6000 {
		t.Errorf("it yielded at %d", j.Done)
	}
	fx.settleAll()
	fx.awaitDone(id)
}
