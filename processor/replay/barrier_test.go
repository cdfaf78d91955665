package replay

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/theeye/theeye/processor/jobs"
	"github.com/theeye/theeye/shared/daemon"
	"github.com/theeye/theeye/shared/heartbeat"
	"github.com/theeye/theeye/shared/job"
	"github.com/theeye/theeye/shared/schema"
	"github.com/theeye/theeye/shared/store"
	"github.com/theeye/theeye/shared/stream"
)

// beat returns the heartbeat of a processor of this build.
func beat(instance string, revision uint64) heartbeat.Beat {
	build := daemon.BuildInfo()
	return heartbeat.Beat{Service: "processor", Instance: instance, Revision: revision, Version: build.Version, Commit: build.Commit}
}

// A replay begins when every live processor validates against its target and is of
// its build. Until then its phase names those that are not. Its range ends where the
// stream ends when it begins.
func TestReplayWaitsForEveryLiveProcessor(t *testing.T) {
	t.Parallel()
	fx := newFixture(t)
	fx.requireMember("a")
	fx.publish(testEvents("before", 10, "a")...)
	fx.settleAll()
	other := beat("other build", 1000)
	other.Commit = "0000000"
	gateway := beat("gateway", 1)
	gateway.Service = "collector"
	behind := beat("behind", 1)
	fx.setBeats(beat("here", 1000), behind, other, gateway)
	fx.startRunner("one")
	id := fx.createJob(job.Replay, job.Selection{})
	j := fx.awaitJob(id, "it waits for others", func(j job.Job) bool { return containsText(j.Phase, "behind") })
	for text, want := range map[string]bool{"behind (revision 1": true, "other build": true, "here": false, "gateway": false} {
		if containsText(j.Phase, text) != want {
			t.Errorf("the phase names %q: %v: %s", text, !want, j.Phase)
		}
	}
	fx.setBeats(beat("here", 1000), gateway, beat("behind", j.TargetRevision-1))
	fx.awaitJob(id, "it waits for one", func(j job.Job) bool { return !containsText(j.Phase, "other build") })
	fx.publish(testEvents("meanwhile", 10, "a")...)
	if j, err := fx.jobs.Get(fx.ctx, id); err != nil || j.Total != 0 || j.Checkpoint != nil {
		t.Errorf("the range is fixed already: %+v, %v", j.Job, err)
	}
	fx.setBeats(beat("here", 1000), gateway, beat("behind", j.TargetRevision))
	if j := fx.awaitDone(id); j.Total != 20 {
		t.Errorf("the range has %d", j.Total)
	}
}

func TestPhaseNamesABoundedNumberOfProcessors(t *testing.T) {
	t.Parallel()
	fx := newFixture(t)
	fx.requireMember("a")
	for i := range 100 {
		fx.beats = append(fx.beats, beat(fmt.Sprintf("p%02d", i), 1))
	}
	fx.startRunner("one")
	id := fx.createJob(job.Replay, job.Selection{})
	// Before, it may wait for its own registry.
	j := fx.awaitJob(id, "it waits for processors", func(j job.Job) bool { return containsText(j.Phase, "revision 1,") })
	if !strings.HasSuffix(j.Phase, " and 95 more") || strings.Count(j.Phase, "revision 1,") != 5 {
		t.Errorf("the phase is %s", j.Phase)
	}
}

// The process that runs a replay waits for its own registry, too.
func TestReplayWaitsForItsOwnRegistry(t *testing.T) {
	t.Parallel()
	fx := newFixture(t)
	fx.requireMember("a")
	fx.publish(testEvents("e", 10, "a")...)
	fx.startRunner("one")
	fx.runInBackground(func(ctx context.Context) error { <-ctx.Done(); return nil })
	id := fx.createJob(job.Replay, job.Selection{}, func(j *job.Job) { j.TargetRevision += 2 })
	fx.awaitJob(id, "it waits", func(j job.Job) bool { return containsText(j.Phase, "of the registry") })
	fx.requireMember("b") // two revisions
	if j := fx.awaitDone(id); fx.reportOf(j).Pending != 10 {
		t.Errorf("it counts %+v", fx.reportOf(j))
	}
}

// A slow processor changes the outcome of an event after a replay by outcome has
// skipped it. The sweep finds the event; it begins when no processor has a batch in
// flight that was validated before the replay.
func TestSweepFindsEventsOfASlowProcessor(t *testing.T) {
	t.Parallel()
	fx := newFixture(t)
	fx.requireMember("b")
	stale := fx.reg.Snapshot().Schemas
	first := fx.requireMember("a")
	events := testEvents("e", 1500, "a")
	fx.publish(events...)
	fx.settleAll() // all are stored
	between := fx.apply(map[string]string{"policy.json": `{"future_skew":"9m"}`})
	slow := beat("slow", 1000)
	slow.OldestRevision = 1
	fx.setBeats(slow)
	fx.startRunner("one")
	id := fx.createJob(job.Replay, job.Selection{Only: job.OnlyRejected})
	fx.awaitJob(id, "it waits for the batches in flight", func(j job.Job) bool {
		return containsText(j.Phase, "every batch validated before") && containsText(j.Phase, "slow") && j.Done == 1500
	})
	// The slow processor writes documents of a revision in between.
	var late []*store.Document
	for portion, err := range streamAll(fx) {
		fx.must(err)
		for _, m := range portion[:7] {
			d := fx.evaluate(m, stale)
			d.Revision = between
			late = append(late, d)
		}
		break
	}
	_, err := fx.writer.Write(fx.ctx, late)
	fx.must(err)
	fx.setBeats(beat("slow", 1000))
	j := fx.awaitDone(id)
	want := map[string]int{fmt.Sprintf("stored at %d", j.TargetRevision): 7, fmt.Sprintf("stored at %d", first): 1493}
	if diff := cmp.Diff(want, fx.documentStates(events)); diff != "" {
		t.Errorf("after the replay (-want +got):\n%s", diff)
	}
}

func TestSweepRepeatsUntilItFindsNothing(t *testing.T) {
	t.Parallel()
	fx := newFixture(t)
	first := fx.requireMember("b")
	stale := fx.reg.Snapshot().Schemas
	events := testEvents("e", 20, "a")
	fx.publish(events...)
	fx.settleAll() // all are rejected
	fx.requireMember("a")
	var sweeps atomic.Int32
	fx.startRunner("one", func(cfg *Config) {
		// Each time that the replay checks the batches in flight, one has just been
		// written.
		live := cfg.Beats
		cfg.Beats = func(ctx context.Context) ([]heartbeat.Beat, error) {
			if n := int(sweeps.Add(1)) - 1; n > 0 && n <= 3 {
				fx.revertDocument(ctx, n, first, stale)
			}
			return live(ctx)
		}
	})
	j := fx.awaitDone(fx.createJob(job.Replay, job.Selection{Only: job.OnlyRejected}))
	if diff := cmp.Diff(map[string]int{fmt.Sprintf("stored at %d", j.TargetRevision): 20}, fx.documentStates(events)); diff != "" {
		t.Errorf("after the replay (-want +got):\n%s", diff)
	}
	if n := sweeps.Load(); n != 5 { // the barrier, three that found something, one that did not
		t.Errorf("it looked %d times", n)
	}
}

// revertDocument puts a document back to an old revision, without the guard.
func (fx *fixture) revertDocument(ctx context.Context, n int, revision uint64, stale *schema.Set) {
	for portion, err := range stream.Read(ctx, fx.js, stream.Range{First: uint64(n), Last: uint64(n)}) {
		fx.must(err)
		d := fx.evaluate(portion[0], stale)
		d.Revision = revision
		fx.overwrite(ctx, d)
	}
}

// The heartbeats of live processes may be missing in a bucket that has just been
// created.
func TestHeartbeatsAreNotReadFromAYoungBucket(t *testing.T) {
	t.Parallel()
	fx := newFixture(t)
	stop := fx.runInBackground(heartbeat.New(heartbeat.Config{
		JetStream: fx.js, Service: "processor", Instance: "here", Revision: func() uint64 { return 7 },
		Changed: func() <-chan struct{} { return nil },
	}).Run)
	defer stop()
	r := New(Config{Resources: jobs.Resources{JetStream: fx.js}})
	if r.minBucketAge != stream.HeartbeatTTL {
		t.Errorf("a bucket is old enough after %v", r.minBucketAge)
	}
	r.minBucketAge = time.Hour
	if beats, err := r.cfg.Beats(fx.ctx); !errors.Is(err, jobs.ErrBucketTooYoung) {
		t.Errorf("a new bucket answers %v, %v", beats, err)
	}
	r.minBucketAge = 100 * time.Millisecond
	fx.poll("the bucket is old enough", func() bool {
		beats, err := r.cfg.Beats(fx.ctx)
		return err == nil && slices.ContainsFunc(beats, func(b heartbeat.Beat) bool { return b.Instance == "here" && b.Revision == 7 })
	})
	bucket, err := fx.js.Stream(fx.ctx, stream.BucketStream(stream.BucketServices))
	fx.must(err)
	if age := bucket.CachedInfo().TimeStamp.Sub(bucket.CachedInfo().Created); age < r.minBucketAge {
		t.Errorf("it answers after %v", age)
	}
	fx.must(fx.js.DeleteStream(fx.ctx, stream.BucketStream(stream.BucketServices)))
	ctx, cancel := context.WithTimeout(fx.ctx, 2*time.Second)
	defer cancel()
	if beats, err := r.cfg.Beats(ctx); err == nil {
		t.Errorf("without a bucket there are %v", beats)
	}
}
