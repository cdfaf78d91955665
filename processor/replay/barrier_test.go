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

// beat is of a processor of this build.
func beat(instance string, revision uint64) heartbeat.Beat {
	build := daemon.BuildInfo()
	return heartbeat.Beat{Service: "processor", Instance: instance, Revision: revision, Version: build.Version, Commit: build.Commit}
}

// A replay begins when every live processor judges by its target and is of its
// build, and says for whom it waits. Its range ends where the stream ended then.
func TestTheBarrier(t *testing.T) {
	t.Parallel()
	w := newFixture(t)
	w.requireMember("a")
	w.publish(testEvents("before", 10, "a")...)
	w.settleAll()
	other := beat("other build", 1000)
	other.Commit = "0000000"
	gateway := beat("gateway", 1)
	gateway.Service = "collector"
	behind := beat("behind", 1)
	w.setBeats(beat("here", 1000), behind, other, gateway)
	w.startRunner("one")
	id := w.createJob(job.Replay, job.Selection{})
	j := w.awaitJob(id, "it waits", func(j job.Job) bool { return j.Phase != "" })
	for text, want := range map[string]bool{"behind (revision 1": true, "other build": true, "here": false, "gateway": false} {
		if containsText(j.Phase, text) != want {
			t.Errorf("the phase names %q: %v: %s", text, !want, j.Phase)
		}
	}
	w.setBeats(beat("here", 1000), gateway, beat("behind", j.TargetRevision-1))
	w.awaitJob(id, "it waits for one", func(j job.Job) bool { return !containsText(j.Phase, "other build") })
	w.publish(testEvents("meanwhile", 10, "a")...)
	if j, err := w.jobs.Get(w.ctx, id); err != nil || j.Total != 0 || j.Checkpoint != nil {
		t.Errorf("the range is fixed already: %+v, %v", j.Job, err)
	}
	w.setBeats(beat("here", 1000), gateway, beat("behind", j.TargetRevision))
	if j := w.awaitDone(id); j.Total != 20 {
		t.Errorf("the range has %d", j.Total)
	}
}

// The phase names some, however many it waits for.
func TestManyAreBehind(t *testing.T) {
	t.Parallel()
	w := newFixture(t)
	w.requireMember("a")
	for i := range 100 {
		w.beats = append(w.beats, beat(fmt.Sprintf("p%02d", i), 1))
	}
	w.startRunner("one")
	id := w.createJob(job.Replay, job.Selection{})
	j := w.awaitJob(id, "it waits", func(j job.Job) bool { return j.Phase != "" })
	if !strings.HasSuffix(j.Phase, " and 95 more") || strings.Count(j.Phase, "revision 1,") != 5 {
		t.Errorf("the phase is %s", j.Phase)
	}
}

// A process that gets a replay before it has a registry, or before its own has
// reached the target, waits.
func TestAnOwnRegistryThatIsBehind(t *testing.T) {
	t.Parallel()
	w := newFixture(t)
	w.requireMember("a")
	w.publish(testEvents("e", 10, "a")...)
	w.startRunner("one")
	w.runInBackground(func(ctx context.Context) error { <-ctx.Done(); return nil })
	id := w.createJob(job.Replay, job.Selection{}, func(j *job.Job) { j.TargetRevision += 2 })
	w.awaitJob(id, "it waits", func(j job.Job) bool { return containsText(j.Phase, "of the registry") })
	w.requireMember("b") // two revisions
	if j := w.awaitDone(id); w.reportOf(j).Pending != 10 {
		t.Errorf("it counts %+v", w.reportOf(j))
	}
}

// An event that a slow processor turns back behind the pass of a replay by
// outcome is found by the sweep, which begins once nobody has anything in hand
// that was judged before.
func TestTheSweep(t *testing.T) {
	t.Parallel()
	w := newFixture(t)
	w.requireMember("b")
	stale := w.reg.Snapshot().Schemas
	first := w.requireMember("a")
	events := testEvents("e", 1500, "a")
	w.publish(events...)
	w.settleAll() // all are stored
	between := w.apply(map[string]string{"policy.json": `{"future_skew":"9m"}`})
	slow := beat("slow", 1000)
	slow.OldestRevision = 1
	w.setBeats(slow)
	w.startRunner("one")
	id := w.createJob(job.Replay, job.Selection{Only: job.OnlyRejected})
	w.awaitJob(id, "it waits for what is in hand", func(j job.Job) bool {
		return containsText(j.Phase, "what was judged before") && containsText(j.Phase, "slow") && j.Done == 1500
	})
	// The slow one writes what it judged by a revision in between.
	var late []*store.Document
	for portion, err := range streamAll(w) {
		w.must(err)
		for _, m := range portion[:7] {
			d := w.evaluate(m, stale)
			d.Revision = between
			late = append(late, d)
		}
		break
	}
	_, err := w.writer.Write(w.ctx, late)
	w.must(err)
	w.setBeats(beat("slow", 1000))
	j := w.awaitDone(id)
	want := map[string]int{fmt.Sprintf("stored at %d", j.TargetRevision): 7, fmt.Sprintf("stored at %d", first): 1493}
	if diff := cmp.Diff(want, w.documentStates(events)); diff != "" {
		t.Errorf("after the replay (-want +got):\n%s", diff)
	}
}

// The sweep goes on until it finds nothing.
func TestTheSweepGoesOn(t *testing.T) {
	t.Parallel()
	w := newFixture(t)
	first := w.requireMember("b")
	stale := w.reg.Snapshot().Schemas
	events := testEvents("e", 20, "a")
	w.publish(events...)
	w.settleAll() // all are rejected
	w.requireMember("a")
	var sweeps atomic.Int32
	w.startRunner("one", func(cfg *Config) {
		// Each time that the replay looks whether anything is in hand, something
		// was until a moment ago.
		live := cfg.Beats
		cfg.Beats = func(ctx context.Context) ([]heartbeat.Beat, error) {
			if n := int(sweeps.Add(1)) - 1; n > 0 && n <= 3 {
				w.revertDocument(ctx, n, first, stale)
			}
			return live(ctx)
		}
	})
	j := w.awaitDone(w.createJob(job.Replay, job.Selection{}))
	if diff := cmp.Diff(map[string]int{fmt.Sprintf("stored at %d", j.TargetRevision): 20}, w.documentStates(events)); diff != "" {
		t.Errorf("after the replay (-want +got):\n%s", diff)
	}
	if n := sweeps.Load(); n != 5 { // the barrier, three that found something, one that did not
		t.Errorf("it looked %d times", n)
	}
}

// revertDocument puts an event back to an old revision, past the guard.
func (w *fixture) revertDocument(ctx context.Context, n int, revision uint64, stale *schema.Set) {
	for portion, err := range stream.Read(ctx, w.js, stream.Range{First: uint64(n), Last: uint64(n)}) {
		w.must(err)
		d := w.evaluate(portion[0], stale)
		d.Revision = revision
		w.overwrite(ctx, d)
	}
}

// Heartbeats are not asked of a bucket in which those of live processes may be
// missing yet.
func TestHeartbeatsOfAYoungBucket(t *testing.T) {
	t.Parallel()
	w := newFixture(t)
	stop := w.runInBackground(heartbeat.New(heartbeat.Config{
		JetStream: w.js, Service: "processor", Instance: "here", Revision: func() uint64 { return 7 },
		Changed: func() <-chan struct{} { return nil },
	}).Run)
	defer stop()
	r := New(Config{Resources: jobs.Resources{JetStream: w.js}})
	asked := 0
	w.poll("the bucket is old enough", func() bool {
		beats, err := r.cfg.Beats(w.ctx)
		if asked++; asked == 1 && !errors.Is(err, errBucketTooYoung) {
			t.Errorf("a new bucket answers %v, %v", beats, err)
		}
		return err == nil && slices.ContainsFunc(beats, func(b heartbeat.Beat) bool { return b.Instance == "here" && b.Revision == 7 })
	})
	bucket, err := w.js.Stream(w.ctx, stream.BucketStream(stream.BucketServices))
	w.must(err)
	if age := bucket.CachedInfo().TimeStamp.Sub(bucket.CachedInfo().Created); age < stream.HeartbeatTTL {
		t.Errorf("it answers after %v", age)
	}
	w.must(w.js.DeleteStream(w.ctx, stream.BucketStream(stream.BucketServices)))
	ctx, cancel := context.WithTimeout(w.ctx, 2*time.Second)
	defer cancel()
	if beats, err := r.cfg.Beats(ctx); err == nil {
		t.Errorf("without a bucket there are %v", beats)
	}
}
