package replay

import (
	"context"
	"fmt"
	"sync/atomic"
	"testing"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/google/go-cmp/cmp"

	"github.com/theeye/theeye/processor/jobs"
	"github.com/theeye/theeye/shared/job"
	"github.com/theeye/theeye/shared/store"
	"github.com/theeye/theeye/shared/stream"
)

// stuck makes a call wait once, until its context ends, and say so.
type stuck struct {
	reached chan struct{}
	done    atomic.Bool
}

func newStuck() *stuck { return &stuck{reached: make(chan struct{})} }

func (s *stuck) wait(ctx context.Context) {
	if s.done.CompareAndSwap(false, true) {
		close(s.reached)
		<-ctx.Done()
	}
}

// await waits until the call is made.
func (s *stuck) await(t testing.TB) {
	t.Helper()
	select {
	case <-s.reached:
	case <-time.After(patience):
		t.Fatal("the call is not made")
	}
}

// reader is a store whose reads can be hooked.
type reader struct {
	jobs.Reader
	before func(ctx context.Context, n int) error
	n      atomic.Int32
}

func (r *reader) Held(ctx context.Context, ids []string) (map[string]store.Held, error) {
	if err := r.before(ctx, int(r.n.Add(1))); err != nil {
		return nil, err
	}
	return r.Reader.Held(ctx, ids)
}

// beforeRead calls f before each read of the store, with its number from 1 on.
func beforeRead(f func(ctx context.Context, n int) error) func(*Config) {
	return func(cfg *Config) { cfg.Store = &reader{Reader: cfg.Store, before: f} }
}

// stuckAt makes the nth read wait.
func stuckAt(s *stuck, nth int) func(*Config) {
	return beforeRead(func(ctx context.Context, n int) error {
		if n == nth {
			s.wait(ctx)
		}
		return ctx.Err()
	})
}

// A dry run that another process goes on with counts as one that nobody
// disturbed, by the revision that the first one judged by.
func TestADryRunGoesOn(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.requires("a")
	w.publish(append(many("loses", 4000, "a"), many("gains", 4000, "b")...)...)
	w.settle()
	revision := w.requires("b")
	inTheMiddle := newStuck()
	stop := w.runner("first", stuckAt(inTheMiddle, 5))
	id := w.start(job.DryRun, job.Selection{})
	inTheMiddle.await(t)
	w.await(id, "a checkpoint is saved", func(j job.Job) bool { return j.Done > 0 && j.Checkpoint != nil })
	stop()
	given, err := w.jobs.Get(w.ctx, id)
	w.must(err)
	if given.State != job.Running || given.Done == 0 || given.Done > 4000 {
		t.Fatalf("the first one leaves %s at %d", given.State, given.Done)
	}
	w.requires("c")
	w.publish(many("later", 100, "b")...)
	w.runner("second")
	j := w.awaitDone(id)
	if diff := cmp.Diff(job.Changes{NewlyValid: 4000, NewlyRejected: 4000}, countsAlone(w.changes(j))); diff != "" {
		t.Errorf("counts (-want +got):\n%s", diff)
	}
	if j.TargetRevision != revision || j.Total != 8000 || j.Done != 8000 || j.Runs != 2 {
		t.Errorf("it judged by %d, not %d; %d of %d, run %d", j.TargetRevision, revision, j.Done, j.Total, j.Runs)
	}
	for _, g := range w.changes(j).Groups {
		if g.Count != 4000 || len(g.Samples) != job.MaxSamples {
			t.Errorf("a group of %d with %d samples", g.Count, len(g.Samples))
		}
	}
}

// A replay that another process goes on with, in its pass or in its sweep,
// leaves nothing behind, and the consumer of the one before goes.
func TestAReplayGoesOn(t *testing.T) {
	for name, nth := range map[string]int{"in the first portion": 1, "in the pass": 4, "in the sweep": 12} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			events := append(many("loses", 5000, "a"), many("gains", 4000, "b")...)
			w.requires("a")
			w.publish(events...)
			w.settle()
			w.requires("b")
			inTheMiddle := newStuck()
			stop := w.runner("first", stuckAt(inTheMiddle, nth))
			id := w.start(job.Replay, job.Selection{})
			inTheMiddle.await(t)
			before := w.await(id, "a checkpoint is saved", func(j job.Job) bool { return j.Checkpoint != nil })
			stop()
			if nth > 1 {
				consumer := fmt.Sprintf("replay-%s-1-0", id)
				w.onlyConsumer(consumer)
				c, err := w.js.Consumer(w.ctx, stream.Name, consumer)
				w.must(err)
				// What was being written is not acknowledged.
				if floor := c.CachedInfo().AckFloor.Stream; name == "in the pass" && floor > portionEvents {
					t.Errorf("the stream may be purged up to %d", floor)
				}
			}
			w.runner("second")
			j := w.awaitDone(id)
			want := map[string]int{fmt.Sprintf("stored at %d", j.TargetRevision): 4000, fmt.Sprintf("rejected at %d", j.TargetRevision): 5000}
			if diff := cmp.Diff(want, w.states(events)); diff != "" {
				t.Errorf("after the replay (-want +got):\n%s", diff)
			}
			c := w.changes(j)
			if n := c.NewlyValid + c.NewlyRejected + c.StillRejected + c.Unchanged; n != 9000 || j.Done != 9000 || j.Runs != 2 {
				t.Errorf("%d are counted, %d done, run %d", n, j.Done, j.Runs)
			}
			var at course
			w.must(json.Unmarshal(before.Checkpoint, &at))
			if (at.Sweeps > 0) != (name == "in the sweep") {
				t.Errorf("the first one stopped at %+v", at)
			}
			w.onlyConsumer()
		})
	}
}

// onlyConsumer checks the names of the consumers of replays.
func (w *world) onlyConsumer(want ...string) {
	w.Helper()
	if diff := cmp.Diff(want, w.consumers()); diff != "" {
		w.Errorf("consumers (-want +got):\n%s", diff)
	}
}

// Cancelled at whatever point, a job ends at once and its consumer goes; what
// was written stays.
func TestCancel(t *testing.T) {
	for name, tc := range map[string]struct {
		kind   job.Kind
		change func(*stuck) func(*Config)
	}{
		"dry run": {job.DryRun, func(s *stuck) func(*Config) { return stuckAt(s, 2) }},
		"pass":    {job.Replay, func(s *stuck) func(*Config) { return stuckAt(s, 2) }},
		"sweep":   {job.Replay, func(s *stuck) func(*Config) { return stuckAt(s, 6) }},
		"write": {job.Replay, func(s *stuck) func(*Config) {
			return func(cfg *Config) {
				cfg.Write = func(ctx context.Context, _ uint64, _ []*store.Document) ([]store.WriteResult, error) {
					s.wait(ctx)
					return nil, ctx.Err()
				}
			}
		}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			w.requires("a")
			w.publish(many("e", 2500, "a")...)
			w.settle()
			s := newStuck()
			w.runner("one", tc.change(s))
			id := w.start(tc.kind, job.Selection{})
			s.await(t)
			_, err := w.jobs.Cancel(w.ctx, id)
			w.must(err)
			j := w.await(id, "it is cancelled", func(j job.Job) bool { return j.State == job.Cancelled })
			if j.Error != "" || j.Phase != "" || j.Checkpoint != nil {
				t.Errorf("it ended as %+v", j)
			}
			w.onlyConsumer()
		})
	}
}

// A replay that is cancelled while it waits behind the barrier, in the hands of
// a second process, leaves no consumer of the first one.
func TestCancelBehindTheBarrier(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.requires("a")
	w.publish(many("e", 2500, "a")...)
	s := newStuck()
	stop := w.runner("first", stuckAt(s, 2))
	id := w.start(job.Replay, job.Selection{})
	s.await(t)
	stop()
	w.onlyConsumer(fmt.Sprintf("replay-%s-1-0", id))
	w.setBeats(beat("slow", 1))
	w.runner("second")
	w.await(id, "it waits", func(j job.Job) bool { return j.Runs == 2 && containsText(j.Phase, "slow") })
	_, err := w.jobs.Cancel(w.ctx, id)
	w.must(err)
	w.await(id, "it is cancelled", func(j job.Job) bool { return j.State == job.Cancelled })
	w.onlyConsumer()
}
