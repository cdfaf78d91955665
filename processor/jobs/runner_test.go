package jobs

import (
	"context"
	"errors"
	"log/slog"
	"slices"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/theeye/theeye/shared/job"
)

func TestOneOfManyRunnersDoesEachJob(t *testing.T) {
	fx := newFixture(t)
	var mu sync.Mutex
	var order []string
	running, most := 0, 0
	task := func(_ context.Context, h *Handle) error {
		mu.Lock()
		order = append(order, h.Job().ID)
		running++
		most = max(most, running)
		mu.Unlock()
		h.Update(func(j *job.Job) { j.Done, j.Total, j.Report = 3, 3, jsontext.Value(`{"n":3}`) })
		mu.Lock()
		defer mu.Unlock()
		running--
		return nil
	}
	ids := []string{fx.createJob(job.Replay), fx.createJob(job.Replay), fx.createJob(job.Replay)}
	for i := range 3 {
		fx.startRunner(strconv.Itoa(i), map[job.Kind]Task{job.Replay: task})
	}
	for _, id := range ids {
		j := fx.awaitJob(id, hasState(job.Done))
		if j.Done != 3 || string(j.Report) != `{"n":3}` || j.EndedAt.IsZero() || j.Runner != "" || j.Checkpoint != nil {
			t.Errorf("it ended as %+v", j)
		}
	}
	mu.Lock()
	defer mu.Unlock()
	if most != 1 {
		t.Errorf("%d jobs of one kind ran side by side", most)
	}
	slices.Sort(ids) // by age
	if !slices.Equal(order, ids) {
		t.Errorf("the jobs %v ran in the order %v", ids, order)
	}
}

func TestJobsOfDifferentKindsRunSideBySide(t *testing.T) {
	fx := newFixture(t)
	var both sync.WaitGroup
	both.Add(2)
	meet := func(context.Context, *Handle) error {
		both.Done()
		both.Wait()
		return nil
	}
	replay, audit := fx.createJob(job.Replay), fx.createJob(job.Audit)
	fx.startRunner("one", map[job.Kind]Task{job.Replay: meet, job.Audit: meet})
	fx.awaitJob(replay, hasState(job.Done))
	fx.awaitJob(audit, hasState(job.Done))
}

func TestJobWithoutATaskHereStaysQueued(t *testing.T) {
	fx := newFixture(t)
	id := fx.createJob(job.Replay)
	done := fx.createJob(job.Audit)
	fx.startRunner("one", map[job.Kind]Task{job.Audit: func(context.Context, *Handle) error { return nil }})
	fx.awaitJob(done, hasState(job.Done))
	if e := fx.stored(id); e.State != job.Queued || e.Runs != 0 {
		t.Errorf("it is %+v", e.Job)
	}
}

// A process that ends by a signal gives its job back at once; one that is killed or
// suspended loses it when the lease expires. The next one continues at the
// checkpoint, and the first one cannot save any more.
func TestJobContinuesElsewhereAtItsCheckpoint(t *testing.T) {
	for _, end := range []string{"signal", "silence"} {
		t.Run(end, func(t *testing.T) {
			fx := newFixture(t)
			resume := make(chan struct{})
			cause := make(chan error, 1)
			first := func(ctx context.Context, h *Handle) error {
				h.Update(func(j *job.Job) { j.Done, j.Checkpoint = 7, jsontext.Value(`{"seq":7}`) })
				if err := h.Save(ctx); err != nil {
					t.Error(err)
				}
				if end == "silence" {
					h.mu.Lock() // like a suspended process: it saves no more
					<-resume
					h.mu.Unlock()
				}
				<-ctx.Done()
				cause <- context.Cause(ctx)
				return ctx.Err()
			}
			signal := fx.startRunner("first", map[job.Kind]Task{job.Audit: first})
			id := fx.createJob(job.Audit)
			fx.awaitJob(id, func(j job.Job) bool { return j.Done == 7 })
			if end == "signal" {
				signal()
				if e := fx.stored(id); e.State != job.Running || e.Runner != "" {
					t.Errorf("it was given back as %+v", e.Job)
				}
			}
			second := func(_ context.Context, h *Handle) error {
				if j := h.Job(); j.Done != 7 || string(j.Checkpoint) != `{"seq":7}` || j.Runs != 2 {
					t.Errorf("it continues from %+v", j)
				}
				h.Update(func(j *job.Job) { j.Done = 9 })
				return nil
			}
			fx.startRunner("second", map[job.Kind]Task{job.Audit: second})
			fx.awaitJob(id, hasState(job.Done))
			if end == "silence" {
				close(resume)
				if err := await(fx, cause); !errors.Is(err, ErrTaken) {
					t.Errorf("the first task ended because of %v", err)
				}
				signal()
			}
			if e := fx.stored(id); e.State != job.Done || e.Done != 9 {
				t.Errorf("in the end it is %+v", e.Job)
			}
		})
	}
}

// A lease that is renewed does not expire, however long the task takes.
func TestRenewedLeaseIsNotTakenOver(t *testing.T) {
	fx := newFixture(t)
	release := make(chan struct{})
	running := make(chan struct{}, 1)
	fx.startRunner("first", map[job.Kind]Task{job.Audit: func(context.Context, *Handle) error {
		running <- struct{}{}
		<-release
		return nil
	}})
	id := fx.createJob(job.Audit)
	await(fx, running)
	fx.startRunner("second", map[job.Kind]Task{job.Audit: fx.noTask})
	claimed := fx.stored(id).Version
	fx.awaitJob(id, func(job.Job) bool { return fx.stored(id).Version > claimed+uint64(2*leaseTime/saveEvery) })
	close(release)
	if j := fx.awaitJob(id, hasState(job.Done)); j.Runs != 1 {
		t.Errorf("it ran %d times", j.Runs)
	}
}

func TestCancelEndsARunningTask(t *testing.T) {
	fx := newFixture(t)
	cause := make(chan error, 1)
	fx.startRunner("one", map[job.Kind]Task{job.DryRun: until(cause)})
	id := fx.createJob(job.DryRun)
	fx.awaitJob(id, isRunning)
	_, err := fx.bucket.Cancel(fx.ctx, id)
	fx.must(err)
	if err := await(fx, cause); !errors.Is(err, ErrCancelled) {
		t.Errorf("the cause is %v", err)
	}
	if j := fx.awaitJob(id, hasState(job.Cancelled)); j.EndedAt.IsZero() || j.Runner != "" || j.Error != "" {
		t.Errorf("it ended as %+v", j)
	}
}

// A job that was cancelled while no process had it ends without another run.
func TestCancelledJobIsNotContinued(t *testing.T) {
	fx := newFixture(t)
	cause := make(chan error, 1)
	stop := fx.startRunner("first", map[job.Kind]Task{job.Audit: until(cause)})
	id := fx.createJob(job.Audit)
	fx.awaitJob(id, isRunning)
	stop()
	_, err := fx.bucket.Cancel(fx.ctx, id)
	fx.must(err)
	fx.startRunner("second", map[job.Kind]Task{job.Audit: fx.noTask})
	if j := fx.awaitJob(id, hasState(job.Cancelled)); j.EndedAt.IsZero() || j.Runs != 1 {
		t.Errorf("it ended as %+v", j)
	}
}

func TestFailureAndPanicFailTheJobAlone(t *testing.T) {
	fx := newFixture(t)
	var mu sync.Mutex
	runs := 0
	fx.startRunner("one", map[job.Kind]Task{
		job.DryRun: func(context.Context, *Handle) error { return errors.New("no such range") },
		job.Audit: func(context.Context, *Handle) error {
			mu.Lock()
			defer mu.Unlock()
			if runs++; runs == 1 {
				panic("a bug")
			}
			return nil
		},
	})
	failed, panicked := fx.createJob(job.DryRun), fx.createJob(job.Audit)
	if j := fx.awaitJob(failed, hasState(job.Failed)); j.Error != "no such range" || j.EndedAt.IsZero() || j.Runner != "" {
		t.Errorf("it ended as %+v", j)
	}
	if j := fx.awaitJob(panicked, hasState(job.Failed)); j.Error != "the task panicked: a bug" {
		t.Errorf("it says %q", j.Error)
	}
	fx.awaitJob(fx.createJob(job.Audit), hasState(job.Done)) // the runner goes on
}

// A runner starts before another process has created the bucket.
func TestRunnerWaitsForTheBucket(t *testing.T) {
	fx := newEmptyFixture(t)
	ran := make(chan string, 1)
	fx.startRunner("one", map[job.Kind]Task{job.Audit: func(_ context.Context, h *Handle) error {
		ran <- h.Job().ID
		return nil
	}})
	fx.makeBucket()
	id := fx.createJob(job.Audit)
	if got := await(fx, ran); got != id {
		t.Errorf("job %s ran, want %s", got, id)
	}
	fx.awaitJob(id, hasState(job.Done))
}

// While NATS is unavailable the runner waits; then it ends the job that it has, or
// claims it again.
func TestRunnerSurvivesARestartOfNATS(t *testing.T) {
	fx := newFixture(t)
	running, release := make(chan struct{}, 10), make(chan struct{})
	fx.startRunner("one", map[job.Kind]Task{job.Audit: func(ctx context.Context, _ *Handle) error {
		running <- struct{}{}
		select {
		case <-release:
			return nil
		case <-ctx.Done():
			return ctx.Err()
		}
	}})
	id := fx.createJob(job.Audit)
	await(fx, running)
	fx.server.Restart()
	close(release)
	if j := fx.awaitJob(id, hasState(job.Done)); j.Runner != "" {
		t.Errorf("it ended as %+v", j)
	}
}

func TestOnlyAbandonedJobsAreClaimed(t *testing.T) {
	r := New(Config{LeaseTime: time.Hour, Logger: slog.New(slog.DiscardHandler)})
	entry := func(state job.State, runner string) job.Entry {
		return job.Entry{Job: job.Job{ID: string(state) + runner, State: state, Runner: runner}, Version: 1}
	}
	for _, tc := range []struct {
		entry job.Entry
		want  bool
	}{
		{entry(job.Queued, ""), true},
		{entry(job.Running, ""), true},
		{entry(job.Running, "another"), false},
	} {
		r.observeVersions([]job.Entry{tc.entry})
		if got := r.isAbandoned(tc.entry); got != tc.want {
			t.Errorf("%s by %q is abandoned: %v", tc.entry.State, tc.entry.Runner, got)
		}
	}
}

func TestOldestUnfinishedJobOfAKindComesFirst(t *testing.T) {
	jobOf := func(id string, kind job.Kind, state job.State) job.Entry {
		return job.Entry{Job: job.Job{ID: id, Kind: kind, State: state}}
	}
	newestFirst := []job.Entry{
		jobOf("5", job.Audit, job.Queued), jobOf("4", job.Replay, job.Queued), jobOf("3", job.Replay, job.Running),
		jobOf("2", job.Replay, job.Done), jobOf("1", job.DryRun, job.Failed),
	}
	for kind, want := range map[job.Kind]string{job.Replay: "3", job.Audit: "5", job.DryRun: ""} {
		e, ok := oldestUnfinished(newestFirst, kind)
		if ok != (want != "") || e.ID != want {
			t.Errorf("of kind %s it is %q, want %q", kind, e.ID, want)
		}
	}
}
