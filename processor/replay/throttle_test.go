package replay

import (
	"context"
	"slices"
	"sync"
	"testing"

	"github.com/theeye/theeye/shared/job"
	"github.com/theeye/theeye/shared/store"
)

// A rate bounds what is written at once, and what is written in all by the time
// that it takes: that is the limiter's, whose bounds this checks.
func TestTheRate(t *testing.T) {
	t.Parallel()
	fx := newFixture(t)
	fx.requireMember("a")
	fx.publish(testEvents("e", 60, "a")...)
	var mu sync.Mutex
	var sizes []int
	fx.startRunner("one", func(cfg *Config) {
		write := cfg.Write
		cfg.Write = func(ctx context.Context, revision uint64, docs []*store.Document) ([]store.WriteResult, error) {
			mu.Lock()
			sizes = append(sizes, len(docs))
			mu.Unlock()
			return write(ctx, revision, docs)
		}
	})
	j := fx.awaitDone(fx.createJob(job.Replay, job.Selection{}, func(j *job.Job) { j.MaxRate = 25 }))
	mu.Lock()
	defer mu.Unlock()
	slices.Sort(sizes)
	if !slices.Equal(sizes, []int{5, 5, 12, 12, 13, 13}) {
		t.Errorf("it wrote %v at once, in %d lanes", sizes, parallelParts)
	}
	// The first second's events are free.
	if took := j.EndedAt.Sub(j.StartedAt).Seconds(); took < 35./25 {
		t.Errorf("60 events at 25 a second took %.2f s", took)
	}
}

func TestTheLimiter(t *testing.T) {
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

// A replay steps back while live events wait, and says so.
func TestLiveEventsGoFirst(t *testing.T) {
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
		cfg.Write = func(ctx context.Context, revision uint64, docs []*store.Document) ([]store.WriteResult, error) {
			mu.Lock()
			written++
			n := written
			mu.Unlock()
			if n > parallelParts {
				<-release
			}
			return write(ctx, revision, docs)
		}
	})
	id := fx.createJob(job.Replay, job.Selection{})
	fx.awaitJob(id, "the first portion is counted", func(j job.Job) bool { return j.Done == portionEvents })
	// The lag of the beginning is known since the first portion.
	fx.publish(testEvents("live", tolerableLag+1, "a")...)
	close(release)
	j := fx.awaitJob(id, "it steps back", func(j job.Job) bool { return containsText(j.Phase, "yielding to 2001 live events") })
	if j.Done >= 6000 {
		t.Errorf("it stepped back at %d", j.Done)
	}
	fx.settleAll()
	fx.awaitDone(id)
}
