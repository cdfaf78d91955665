package retention

import (
	"context"
	"fmt"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/theeye/theeye/shared/job"
	"github.com/theeye/theeye/shared/registry"
	"github.com/theeye/theeye/shared/registry/editor"
	"github.com/theeye/theeye/shared/store"
)

const day = 24 * time.Hour

// Each change of the retention has one job, whatever the number of processors; a
// change of another member of the policy has none, and a retention that was changed
// and changed back while no processor ran has one.
func TestOneJobForEachChange(t *testing.T) {
	t.Parallel()
	forEachStore(t, func(fx *fixture) {
		ids := fx.insert(30, 0)
		stop := fx.follow()
		second := fx.follow()
		fx.startRunner("one", fx.store, 7)
		fx.startRunner("two", fx.store, 7)
		first := fx.putPolicy(`{"stored":"90d"}`)
		if j := fx.awaitDone(first); fx.reportOf(j).Changed != 30 || j.Author != "ops" || j.Note != "why" || j.Done != 30 || j.Total != 30 {
			fx.Errorf("the job is %+v", j)
		}
		if n := fx.keeps(90*day, ids); n != 30 {
			fx.Errorf("%d documents are kept for 90 days", n)
		}
		_, err := fx.edit.PutPolicy(fx.ctx, []byte(`{"future_skew":"7m","retention":{"stored":"2160h","types":{}}}`), editor.Any, registry.ChangeInfo{Author: "ops"})
		fx.must(err)
		stop()
		second()
		fx.putPolicy(`{"stored":"1d"}`)
		last := fx.putPolicy(`{"stored":"90d"}`)
		fx.follow()
		fx.awaitDone(last)
		if n := fx.keeps(90*day, ids); n != 30 {
			fx.Errorf("%d documents are kept for 90 days", n)
		}
		revision, err := fx.edit.DeletePolicy(fx.ctx, editor.Any, registry.ChangeInfo{Author: "ops"})
		fx.must(err)
		fx.awaitDone(revision)
		if n := fx.keeps(0, ids); n != 30 {
			fx.Errorf("%d documents are kept for ever", n)
		}
		if list := fx.jobs(); len(list) != 3 {
			fx.Errorf("there are %d jobs: %+v", len(list), list)
		}
	})
}

// A job goes on where its runner ended, and each document has its expiry once both
// are done.
func TestJobContinuesAtItsCheckpoint(t *testing.T) {
	t.Parallel()
	forEachStore(t, func(fx *fixture) {
		ids := fx.insert(60, 0)
		fx.follow()
		held := make(chan struct{})
		var portions atomic.Int32
		stop := fx.startRunner("dies", &hooked{Retainer: fx.store, before: func(ctx context.Context, n int, p store.RetentionPortion) error {
			if p.DueBefore.IsZero() && portions.Add(1) == 4 {
				close(held)
				<-ctx.Done()
			}
			return ctx.Err()
		}}, 10)
		revision := fx.putPolicy(`{"stored":"90d"}`)
		<-held
		fx.awaitJob(revision, "its checkpoint is saved", func(j job.Job) bool { return j.Done >= 30 && j.Checkpoint != nil })
		stop()
		var after atomic.Int32
		fx.startRunner("continues", &hooked{Retainer: fx.store, before: func(_ context.Context, _ int, p store.RetentionPortion) error {
			if p.DueBefore.IsZero() {
				after.Add(1)
			}
			return nil
		}}, 10)
		if j := fx.awaitDone(revision); j.Runs != 2 || j.Done != 60 {
			fx.Errorf("the job is %+v", j)
		}
		if n := fx.keeps(90*day, ids); n != 60 {
			fx.Errorf("%d documents are kept for 90 days", n)
		}
		if n := after.Load(); n > 4 { // 30 documents, and perhaps an empty portion
			fx.Errorf("the second runner read %d portions", n)
		}
	})
}

// A change while a job runs ends it before its next portion: nothing is removed that
// the new policy keeps.
func TestLaterChangeSupersedesAJob(t *testing.T) {
	t.Parallel()
	forEachStore(t, func(fx *fixture) {
		ids := fx.insert(60, 90*day)
		fx.follow()
		reached, goOn := make(chan struct{}), make(chan struct{})
		var portions atomic.Int32
		fx.startRunner("one", &hooked{Retainer: fx.store, before: func(_ context.Context, _ int, p store.RetentionPortion) error {
			if p.DueBefore.IsZero() && portions.Add(1) == 3 {
				close(reached)
				<-goOn
			}
			return nil
		}}, 10)
		short := fx.putPolicy(`{"stored":"1h"}`)
		<-reached
		long := fx.putPolicy(`{"stored":"365d"}`)
		for fx.reg.Revision() < long {
			<-fx.reg.Changed()
		}
		close(goOn)
		j := fx.awaitJob(short, "it ends", func(j job.Job) bool { return j.State.Final() })
		if j.State != job.Cancelled || !strings.Contains(j.Error, "superseded") || j.Done > 40 {
			fx.Errorf("the first job is %+v", j)
		}
		fx.awaitDone(long)
		if n := fx.keeps(365*day, ids); n != 60 {
			fx.Errorf("%d documents are kept for a year", n)
		}
	})
}

// A cancelled job is not started again by itself; the next change does all.
func TestCancelledJobStaysCancelled(t *testing.T) {
	t.Parallel()
	forEachStore(t, func(fx *fixture) {
		ids := fx.insert(30, 0)
		fx.follow()
		reached := make(chan struct{})
		var portions atomic.Int32
		fx.startRunner("one", &hooked{Retainer: fx.store, before: func(ctx context.Context, _ int, p store.RetentionPortion) error {
			if p.DueBefore.IsZero() && portions.Add(1) == 2 {
				close(reached)
				<-ctx.Done()
			}
			return nil
		}}, 10)
		revision := fx.putPolicy(`{"stored":"90d"}`)
		<-reached
		fx.awaitJob(revision, "it runs", func(j job.Job) bool { _, err := fx.bucket.Cancel(fx.ctx, j.ID); return err == nil })
		fx.awaitJob(revision, "it is cancelled", func(j job.Job) bool { return j.State == job.Cancelled })
		fx.follow()
		next := fx.putPolicy(`{"stored":"91d"}`)
		fx.awaitDone(next)
		if n := fx.keeps(91*day, ids); n != 30 || len(fx.jobs()) != 2 {
			fx.Errorf("%d documents are kept for 91 days, by %d jobs", n, len(fx.jobs()))
		}
	})
}

// Due documents are changed while the job still waits for a slow processor, and the
// pass begins when that has settled the events that it validated before.
func TestDueDocumentsDoNotWaitForTheBarrier(t *testing.T) {
	t.Parallel()
	forEachStore(t, func(fx *fixture) {
		soon := fx.insert(20, time.Minute)
		fx.setBeats(processor(1, 0))
		fx.follow()
		fx.startRunner("one", fx.store, 7)
		revision := fx.putPolicy(`{"stored":"0s","rejected":"1d"}`)
		fx.awaitJob(revision, "it waits", func(j job.Job) bool { return strings.Contains(j.Phase, "p1 (revision 1") })
		if n := fx.keeps(0, soon); n != 20 {
			fx.Errorf("%d of the documents that fall due are kept", n)
		}
		late := fx.insertOne("late", time.Minute) // by the slow processor
		fx.awaitJob(revision, "what it wrote since is changed, too", func(job.Job) bool { return fx.keeps(0, late) == 1 })
		fx.setBeats(processor(revision, 1))
		far := fx.insertOne("far", 30*day)
		fx.awaitJob(revision, "it waits for what is in flight", func(j job.Job) bool { return strings.Contains(j.Phase, fmt.Sprintf("p%d (", revision)) && j.Done == 0 })
		fx.setBeats(processor(revision, revision))
		fx.awaitDone(revision)
		if n := fx.keeps(0, far); n != 1 {
			fx.Error("a document that was written before the barrier keeps its expiry")
		}
	})
}

// insertOne stores one event of revision 1.
func (fx *fixture) insertOne(id string, after time.Duration) []string {
	fx.Helper()
	d := &store.Document{
		ID: "demo/" + id, Status: store.Stored, Application: "demo", EventID: id, SessionID: "s", Category: "c", Name: "n",
		Timestamp: time.Now().UTC(), ReceivedAt: time.Now().UTC().Truncate(time.Millisecond), ContentHash: id,
		Origin: store.Origin{Epoch: 1, Seq: 1}, Revision: 1, Data: []byte(`{}`),
	}
	d.ExpiresAt = d.ReceivedAt.Add(after)
	_, err := fx.store.Insert(fx.ctx, []*store.Document{d})
	fx.must(err)
	return []string{d.ID}
}

// After a job that lost its runner, the next pass writes every document, so that a
// suspended runner can change none of them.
func TestPassAfterALostRunnerMarksAll(t *testing.T) {
	t.Parallel()
	forEachStore(t, func(fx *fixture) {
		fx.insert(5, 0)
		e, err := fx.bucket.Create(fx.ctx, job.Job{Kind: job.Retention, TargetRevision: 1})
		fx.must(err)
		e.State, e.Runs = job.Cancelled, 2
		_, err = fx.bucket.Update(fx.ctx, e)
		fx.must(err)
		fx.follow()
		var marked, not atomic.Int32
		fx.startRunner("one", &hooked{Retainer: fx.store, before: func(_ context.Context, _ int, p store.RetentionPortion) error {
			if p.Mark {
				marked.Add(1)
			} else {
				not.Add(1)
			}
			return nil
		}}, 10)
		fx.awaitDone(fx.putPolicy(`{"stored":"2d"}`))
		if marked.Load() == 0 || not.Load() > 0 {
			fx.Errorf("%d portions are marked, %d are not", marked.Load(), not.Load())
		}
	})
}

// While the store is unavailable the job waits, and says so.
func TestJobOutlastsAnOutageOfTheStore(t *testing.T) {
	t.Parallel()
	forEachStore(t, func(fx *fixture) {
		ids := fx.insert(20, 0)
		fx.follow()
		var down atomic.Bool
		down.Store(true)
		fx.startRunner("one", &hooked{Retainer: fx.store, before: func(context.Context, int, store.RetentionPortion) error {
			if down.Load() {
				return store.ErrUnavailable
			}
			return nil
		}}, 10)
		revision := fx.putPolicy(`{"stored":"2d"}`)
		fx.awaitJob(revision, "it waits for the store", func(j job.Job) bool { return j.Phase == "waiting for the store" })
		down.Store(false)
		fx.awaitDone(revision)
		if n := fx.keeps(2*day, ids); n != 20 {
			fx.Errorf("%d documents are kept for two days", n)
		}
	})
}
