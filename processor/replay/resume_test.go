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
	"github.com/theeye/theeye/shared/heartbeat"
	"github.com/theeye/theeye/shared/job"
	"github.com/theeye/theeye/shared/store"
	"github.com/theeye/theeye/shared/stream"
)

// blocker blocks one call until its context ends, and signals that call.
type blocker struct {
	reached chan struct{}
	done    atomic.Bool
}

func newBlocker() *blocker { return &blocker{reached: make(chan struct{})} }

func (s *blocker) block(ctx context.Context) {
	if s.done.CompareAndSwap(false, true) {
		close(s.reached)
		<-ctx.Done()
	}
}

// awaitReached waits until the call is made.
func (s *blocker) awaitReached(t testing.TB) {
	t.Helper()
	select {
	case <-s.reached:
	case <-time.After(patience):
		t.Fatal("the call is not made")
	}
}

// hookedReader is a store whose reads can be hooked.
type hookedReader struct {
	jobs.Reader
	before func(ctx context.Context, n int) error
	n      atomic.Int32
}

func (r *hookedReader) Held(ctx context.Context, ids []string) (map[string]store.Held, error) {
	if err := r.before(ctx, int(r.n.Add(1))); err != nil {
		return nil, err
	}
	return r.Reader.Held(ctx, ids)
}

// beforeRead calls f before each read of the store, with its number from 1 on.
func beforeRead(f func(ctx context.Context, n int) error) func(*Config) {
	return func(cfg *Config) { cfg.Store = &hookedReader{Reader: cfg.Store, before: f} }
}

// blockedAt makes the nth read wait.
func blockedAt(s *blocker, nth int) func(*Config) {
	return beforeRead(func(ctx context.Context, n int) error {
		if n == nth {
			s.block(ctx)
		}
		return ctx.Err()
	})
}

// blockedInSweep makes the nth read of the sweep wait. A replay reads the heartbeats once
// at its barrier, and again before it sweeps.
func blockedInSweep(s *blocker, nth int32) func(*Config) {
	return func(cfg *Config) {
		var beatsRead, reads atomic.Int32
		beats := cfg.Beats
		cfg.Beats = func(ctx context.Context) ([]heartbeat.Beat, error) {
			beatsRead.Add(1)
			return beats(ctx)
		}
		beforeRead(func(ctx context.Context, _ int) error {
			if beatsRead.Load() > 1 && reads.Add(1) == nth {
				s.block(ctx)
			}
			return ctx.Err()
		})(cfg)
	}
}

// A dry run that another process has continued ends with the counts of an
// uninterrupted one, against the revision of the first process.
func TestDryRunResumesAtItsCheckpoint(t *testing.T) {
	t.Parallel()
	fx := newFixture(t)
	fx.requireMember("a")
	fx.publish(append(testEvents("loses", 4000, "a"), testEvents("gains", 4000, "b")...)...)
	fx.settleAll()
	revision := fx.requireMember("b")
	inTheMiddle := newBlocker()
	stop := fx.startRunner("first", blockedAt(inTheMiddle, 5))
	id := fx.createJob(job.DryRun, job.Selection{})
	inTheMiddle.awaitReached(t)
	fx.awaitJob(id, "a checkpoint is saved", func(j job.Job) bool { return j.Done > 0 && j.Checkpoint != nil })
	stop()
	given, err := fx.jobs.Get(fx.ctx, id)
	fx.must(err)
	if given.State != job.Running || given.Done == 0 || given.Done > 4000 {
		t.Fatalf("the first one leaves %s at %d", given.State, given.Done)
	}
	fx.requireMember("c")
	fx.publish(testEvents("later", 100, "b")...)
	fx.startRunner("second")
	j := fx.awaitDone(id)
	if diff := cmp.Diff(job.Changes{NewlyValid: 4000, NewlyRejected: 4000}, withoutGroups(fx.reportOf(j))); diff != "" {
		t.Errorf("counts (-want +got):\n%s", diff)
	}
	if j.TargetRevision != revision || j.Total != 8000 || j.Done != 8000 || j.Runs != 2 {
		t.Errorf("it judged by %d, not %d; %d of %d, run %d", j.TargetRevision, revision, j.Done, j.Total, j.Runs)
	}
	for _, g := range fx.reportOf(j).Groups {
		if g.Count != 4000 || len(g.Samples) != job.MaxSamples {
			t.Errorf("a group of %d with %d samples", g.Count, len(g.Samples))
		}
	}
}

// A replay that another process continues, in its pass or in its sweep, is complete,
// and the consumer of the first process is deleted.
func TestReplayResumesAtItsCheckpoint(t *testing.T) {
	for name, tc := range map[string]struct {
		blocked func(*blocker) func(*Config)
		only    string
	}{
		"in the first portion": {func(s *blocker) func(*Config) { return blockedAt(s, 1) }, ""},
		"in the pass":          {func(s *blocker) func(*Config) { return blockedAt(s, 4) }, ""},
		"in the sweep":         {func(s *blocker) func(*Config) { return blockedInSweep(s, 2) }, job.OnlyRejected},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			fx := newFixture(t)
			events := append(testEvents("loses", 5000, "a"), testEvents("gains", 4000, "b")...)
			first := fx.requireMember("a")
			fx.publish(events...)
			fx.settleAll()
			fx.requireMember("b")
			inTheMiddle := newBlocker()
			stop := fx.startRunner("first", tc.blocked(inTheMiddle))
			id := fx.createJob(job.Replay, job.Selection{Only: tc.only})
			inTheMiddle.awaitReached(t)
			before := fx.awaitJob(id, "a checkpoint is saved", func(j job.Job) bool { return j.Checkpoint != nil })
			stop()
			if name != "in the first portion" {
				consumer := fmt.Sprintf("replay-%s-1-0", id)
				fx.wantConsumers(consumer)
				c, err := fx.js.Consumer(fx.ctx, stream.Name, consumer)
				fx.must(err)
				// The portion that was being written is not acknowledged.
				if floor := c.CachedInfo().AckFloor.Stream; name == "in the pass" && floor > portionEvents {
					t.Errorf("the stream may be purged up to %d", floor)
				}
			}
			fx.startRunner("second")
			j := fx.awaitDone(id)
			want := map[string]int{fmt.Sprintf("stored at %d", j.TargetRevision): 4000, fmt.Sprintf("rejected at %d", j.TargetRevision): 5000}
			counted := uint64(9000)
			if tc.only == job.OnlyRejected {
				want = map[string]int{fmt.Sprintf("stored at %d", j.TargetRevision): 4000, fmt.Sprintf("stored at %d", first): 5000}
				counted = 4000
			}
			if diff := cmp.Diff(want, fx.documentStates(events)); diff != "" {
				t.Errorf("after the replay (-want +got):\n%s", diff)
			}
			c := fx.reportOf(j)
			if n := c.NewlyValid + c.NewlyRejected + c.StillRejected + c.Unchanged; n != counted || j.Done != 9000 || j.Runs != 2 {
				t.Errorf("%d are counted, %d done, run %d", n, j.Done, j.Runs)
			}
			var at checkpoint
			fx.must(json.Unmarshal(before.Checkpoint, &at))
			if (at.Sweeps > 0) != (name == "in the sweep") {
				t.Errorf("the first one stopped at %+v", at)
			}
			fx.wantConsumers()
		})
	}
}

// wantConsumers checks the names of the consumers of replays.
func (fx *fixture) wantConsumers(want ...string) {
	fx.Helper()
	if diff := cmp.Diff(want, fx.consumerNames()); diff != "" {
		fx.Errorf("consumers (-want +got):\n%s", diff)
	}
}

// A job that is cancelled at any step ends at once, and its consumer is deleted.
func TestCancelEndsAJobAtAnyStep(t *testing.T) {
	for name, tc := range map[string]struct {
		kind   job.Kind
		only   string
		change func(*blocker) func(*Config)
	}{
		"dry run": {job.DryRun, "", func(s *blocker) func(*Config) { return blockedAt(s, 2) }},
		"pass":    {job.Replay, "", func(s *blocker) func(*Config) { return blockedAt(s, 2) }},
		"sweep":   {job.Replay, job.OnlyRejected, func(s *blocker) func(*Config) { return blockedInSweep(s, 2) }},
		"write": {job.Replay, "", func(s *blocker) func(*Config) {
			return func(cfg *Config) {
				cfg.Write = func(ctx context.Context, _ uint64, _ []*store.Document, _ map[string]store.Held) ([]store.WriteResult, error) {
					s.block(ctx)
					return nil, ctx.Err()
				}
			}
		}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			fx := newFixture(t)
			fx.requireMember("a")
			fx.publish(testEvents("e", 2500, "a")...)
			fx.settleAll()
			s := newBlocker()
			fx.startRunner("one", tc.change(s))
			id := fx.createJob(tc.kind, job.Selection{Only: tc.only})
			s.awaitReached(t)
			_, err := fx.jobs.Cancel(fx.ctx, id)
			fx.must(err)
			j := fx.awaitJob(id, "it is cancelled", func(j job.Job) bool { return j.State == job.Cancelled })
			if j.Error != "" || j.Phase != "" || j.Checkpoint != nil {
				t.Errorf("it ended as %+v", j)
			}
			fx.wantConsumers()
		})
	}
}

// A replay is cancelled while its second process waits at the barrier: the consumer of
// the first process is deleted.
func TestCancelAtTheBarrierDeletesTheConsumer(t *testing.T) {
	t.Parallel()
	fx := newFixture(t)
	fx.requireMember("a")
	fx.publish(testEvents("e", 2500, "a")...)
	s := newBlocker()
	stop := fx.startRunner("first", blockedAt(s, 2))
	id := fx.createJob(job.Replay, job.Selection{})
	s.awaitReached(t)
	stop()
	fx.wantConsumers(fmt.Sprintf("replay-%s-1-0", id))
	fx.setBeats(beat("slow", 1))
	fx.startRunner("second")
	fx.awaitJob(id, "it waits", func(j job.Job) bool { return j.Runs == 2 && containsText(j.Phase, "slow") })
	_, err := fx.jobs.Cancel(fx.ctx, id)
	fx.must(err)
	fx.awaitJob(id, "it is cancelled", func(j job.Job) bool { return j.State == job.Cancelled })
	fx.wantConsumers()
}
