package replay

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/theeye/theeye/processor/jobs"
	"github.com/theeye/theeye/shared/job"
	"github.com/theeye/theeye/shared/store"
)

var errUnavailable = fmt.Errorf("%w: unplugged", store.ErrUnavailable)

// A replay waits for an unavailable store at any step, and says so in its phase. It
// completes writes that were interrupted.
func TestReplayWaitsForTheStore(t *testing.T) {
	t.Parallel()
	fx := newFixture(t)
	events := testEvents("e", 2500, "a")
	fx.requireMember("a")
	fx.publish(events...)
	fx.settleAll()
	fx.requireMember("b")
	available := make(chan struct{})
	unavailable := func() bool {
		select {
		case <-available:
			return false
		default:
			return true
		}
	}
	fx.startRunner("one", beforeRead(func(_ context.Context, n int) error {
		if n == 2 {
			return errUnavailable
		}
		return nil
	}), func(cfg *Config) {
		write := cfg.Write
		var n atomic.Int32
		cfg.Write = func(ctx context.Context, revision uint64, docs []*store.Document, read map[string]store.Held) ([]store.WriteResult, error) {
			if n.Add(1) > parallelParts && unavailable() {
				_, err := write(ctx, revision, docs[:len(docs)/2], read)
				return nil, errors.Join(err, errUnavailable)
			}
			return write(ctx, revision, docs, read)
		}
	})
	id := fx.createJob(job.Replay, job.Selection{})
	fx.awaitJob(id, "it waits", func(j job.Job) bool { return j.Phase == jobs.PhaseStore && j.Done == portionEvents })
	close(available)
	fx.awaitJob(id, "it goes on", func(j job.Job) bool { return j.Phase != jobs.PhaseStore })
	j := fx.awaitDone(id)
	if diff := cmp.Diff(job.Changes{NewlyRejected: 2500}, withoutGroups(fx.reportOf(j))); diff != "" {
		t.Errorf("counts (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(map[string]int{fmt.Sprintf("rejected at %d", j.TargetRevision): 2500}, fx.documentStates(events)); diff != "" {
		t.Errorf("after the replay (-want +got):\n%s", diff)
	}
}

// A store that refuses its configuration fails the job, whose error says why. No
// consumer stays.
func TestReplayFailsIfTheStoreRefusesItsConfiguration(t *testing.T) {
	t.Parallel()
	fx := newFixture(t)
	fx.requireMember("a")
	fx.publish(testEvents("e", 10, "a")...)
	refused := fmt.Errorf("%w: the password is wrong", store.ErrConfiguration)
	fx.startRunner("one", func(cfg *Config) {
		cfg.Write = func(context.Context, uint64, []*store.Document, map[string]store.Held) ([]store.WriteResult, error) {
			return nil, refused
		}
	})
	id := fx.createJob(job.Replay, job.Selection{})
	j := fx.awaitJob(id, "it fails", func(j job.Job) bool { return j.State == job.Failed })
	if !containsText(j.Error, "the password is wrong") {
		t.Errorf("it says %q", j.Error)
	}
	fx.wantConsumers()
}

// A dry run cannot continue with a registry that has not reached its revision.
func TestDryRunFailsForAnUnknownRevision(t *testing.T) {
	t.Parallel()
	fx := newFixture(t)
	fx.requireMember("a")
	fx.startRunner("one")
	id := fx.createJob(job.DryRun, job.Selection{}, func(j *job.Job) { j.TargetRevision = 1000 })
	j := fx.awaitJob(id, "it fails", func(j job.Job) bool { return j.State == job.Failed })
	if !containsText(j.Error, "no such revision") {
		t.Errorf("it says %q", j.Error)
	}
}
