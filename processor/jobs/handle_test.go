package jobs

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/theeye/theeye/shared/job"
)

func TestSaveKeepsProgressCheckpointAndReportTogether(t *testing.T) {
	fx := newFixture(t)
	h := fx.claimed(job.Replay)
	h.Update(func(j *job.Job) {
		j.Done, j.Total, j.Phase = 5, 9, "replaying"
		j.Checkpoint, j.Report = jsontext.Value(`{"next":6}`), jsontext.Value(`{"unchanged":5}`)
	})
	if e := fx.stored(h.Job().ID); e.Done != 0 || e.Phase != "" {
		t.Errorf("before the save it is %+v", e.Job)
	}
	fx.must(h.Save(fx.ctx))
	e := fx.stored(h.Job().ID)
	if e.Done != 5 || e.Total != 9 || e.Phase != "replaying" || string(e.Checkpoint) != `{"next":6}` || string(e.Report) != `{"unchanged":5}` {
		t.Errorf("after the save it is %+v", e.Job)
	}
	if e.Rate <= 0 || e.Runner != "here" || e.State != job.Running {
		t.Errorf("rate %v, runner %q, %s", e.Rate, e.Runner, e.State)
	}
}

// The measured rate is that of this run: progress of an earlier one does not count.
func TestRateCountsFromTheStartOfTheRun(t *testing.T) {
	fx := newFixture(t)
	first := fx.claimed(job.Replay)
	first.Update(func(j *job.Job) { j.Done = 1_000_000 })
	fx.must(first.Save(fx.ctx))
	second := newHandle(fx.bucket, fx.stored(first.Job().ID), first.Log())
	fx.must(second.Save(fx.ctx))
	if rate := second.Job().Rate; rate != 0 {
		t.Errorf("without progress the rate is %v", rate)
	}
}

// A save whose answer was lost has been made: the next one succeeds it.
func TestSaveAfterALostAnswerSucceeds(t *testing.T) {
	fx := newFixture(t)
	h := fx.claimed(job.Replay)
	_, err := fx.bucket.Update(fx.ctx, h.entry) // without the handle's knowledge
	fx.must(err)
	h.Update(func(j *job.Job) { j.Done = 4 })
	fx.must(h.Save(fx.ctx)) // it learns the version
	fx.must(h.Save(fx.ctx))
	if e := fx.stored(h.Job().ID); e.Done != 4 {
		t.Errorf("it is %+v", e.Job)
	}
}

func TestSaveReportsWhoChangedTheJob(t *testing.T) {
	for name, tc := range map[string]struct {
		change func(fx *fixture, e job.Entry)
		want   error
	}{
		"cancelled by an operator": {func(fx *fixture, e job.Entry) {
			_, err := fx.bucket.Cancel(fx.ctx, e.ID)
			fx.must(err)
		}, ErrCancelled},
		"taken by another runner": {func(fx *fixture, e job.Entry) {
			e.Runner = "another"
			_, err := fx.bucket.Update(fx.ctx, e)
			fx.must(err)
		}, ErrTaken},
		"taken and given back": {func(fx *fixture, e job.Entry) {
			e.Runs++
			_, err := fx.bucket.Update(fx.ctx, e)
			fx.must(err)
		}, ErrTaken},
		"ended by another runner": {func(fx *fixture, e job.Entry) {
			e.State = job.Done
			_, err := fx.bucket.Update(fx.ctx, e)
			fx.must(err)
		}, ErrTaken},
	} {
		t.Run(name, func(t *testing.T) {
			fx := newFixture(t)
			h := fx.claimed(job.Audit)
			tc.change(fx, fx.stored(h.Job().ID))
			if err := h.Save(fx.ctx); !errors.Is(err, tc.want) {
				t.Errorf("Save returns %v, want %v", err, tc.want)
			}
		})
	}
}

func TestEndOfATaskDecidesTheState(t *testing.T) {
	failure := errors.New("no such range")
	for name, tc := range map[string]struct {
		cause, err error
		want       job.State
		text       string
	}{
		"done":                     {nil, nil, job.Done, ""},
		"failed":                   {nil, failure, job.Failed, failure.Error()},
		"cancelled":                {ErrCancelled, ErrCancelled, job.Cancelled, ""},
		"shut down":                {context.Canceled, context.Canceled, job.Running, ""},
		"done during the shutdown": {context.Canceled, nil, job.Done, ""},
	} {
		t.Run(name, func(t *testing.T) {
			fx := newFixture(t)
			h := fx.claimed(job.Audit)
			h.Update(func(j *job.Job) { j.Phase, j.Checkpoint = "validating", jsontext.Value(`{"next":2}`) })
			h.saveEnd(fx.ctx, tc.cause, tc.err)
			e := fx.stored(h.Job().ID)
			if e.State != tc.want || e.Error != tc.text || e.Runner != "" {
				t.Errorf("it ended as %+v", e.Job)
			}
			if final := tc.want.Final(); final != (e.Checkpoint == nil) || final != (e.Phase == "") || final == e.EndedAt.IsZero() {
				t.Errorf("checkpoint %s, phase %q, ended at %v", e.Checkpoint, e.Phase, e.EndedAt)
			}
		})
	}
}

// The end is saved although ctx has ended, and a job that is another runner's is
// left alone.
func TestEndIsSavedAfterShutdownAndNotAfterATakeover(t *testing.T) {
	fx := newFixture(t)
	ended, cancel := context.WithCancel(fx.ctx)
	cancel()
	h := fx.claimed(job.Audit)
	h.saveEnd(ended, context.Canceled, nil)
	if e := fx.stored(h.Job().ID); e.State != job.Done {
		t.Errorf("after the shutdown it is %+v", e.Job)
	}
	taken := fx.claimed(job.Replay)
	before := fx.stored(taken.Job().ID)
	taken.saveEnd(fx.ctx, ErrTaken, nil)
	if e := fx.stored(taken.Job().ID); e.Version != before.Version {
		t.Errorf("a job of another runner was saved: %+v", e.Job)
	}
}

// An operator cancels a job that has just ended: it is done, and keeps the request.
func TestEndWinsOverALateCancellation(t *testing.T) {
	fx := newFixture(t)
	h := fx.claimed(job.Audit)
	_, err := fx.bucket.Cancel(fx.ctx, h.Job().ID)
	fx.must(err)
	h.saveEnd(fx.ctx, nil, nil)
	if e := fx.stored(h.Job().ID); e.State != job.Done || !e.CancelRequested {
		t.Errorf("it ended as %+v", e.Job)
	}
}

// A takeover that the task has not noticed yet is noticed by its end.
func TestEndDoesNotOverwriteAnotherRun(t *testing.T) {
	fx := newFixture(t)
	h := fx.claimed(job.Audit)
	e := fx.stored(h.Job().ID)
	e.Runner, e.Runs = "another", 2
	_, err := fx.bucket.Update(fx.ctx, e)
	fx.must(err)
	h.saveEnd(fx.ctx, nil, nil)
	if e := fx.stored(h.Job().ID); e.State != job.Running || e.Runner != "another" || e.Runs != 2 {
		t.Errorf("it is %+v", e.Job)
	}
}

// A process that cannot save for the duration of the lease must assume that
// another one has taken the job over.
func TestTaskStopsWhenItsLeaseCannotBeRenewed(t *testing.T) {
	fx := newFixture(t)
	h := fx.claimed(job.Audit)
	h.requestLimit = saveEvery
	running, stop := context.WithCancelCause(fx.ctx)
	defer stop(nil)
	fx.server.Shutdown()
	h.renewLease(running, stop, saveEvery, leaseTime)
	if err := context.Cause(running); !errors.Is(err, ErrTaken) {
		t.Errorf("the cause is %v", err)
	}
}

// A lease outlives an interruption that is shorter than its duration.
func TestLeaseIsRenewedAfterAnInterruption(t *testing.T) {
	fx := newFixture(t)
	h := fx.claimed(job.Audit)
	h.requestLimit = saveEvery
	running, stop := context.WithCancelCause(fx.ctx)
	renewed := make(chan struct{})
	go func() {
		defer close(renewed)
		h.renewLease(running, stop, saveEvery, time.Hour)
	}()
	fx.server.Restart()
	h.Update(func(j *job.Job) { j.Done = 3 })
	fx.awaitJob(h.Job().ID, func(j job.Job) bool { return j.Done == 3 })
	stop(nil)
	await(fx, renewed)
}
