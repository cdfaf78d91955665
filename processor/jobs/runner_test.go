package jobs

import (
	"context"
	"errors"
	"log/slog"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/go-json-experiment/json/jsontext"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/theeye/theeye/shared/job"
	"github.com/theeye/theeye/shared/natsd/natstest"
	"github.com/theeye/theeye/shared/stream"
)

// fixture is a NATS server with the bucket of jobs.
type fixture struct {
	t      *testing.T
	ctx    context.Context
	js     jetstream.JetStream
	bucket *job.Bucket
}

func newFixture(t *testing.T) *fixture {
	t.Helper()
	w := &fixture{t: t, js: natstest.Start(t).JetStream()}
	var cancel context.CancelFunc
	w.ctx, cancel = context.WithTimeout(t.Context(), time.Minute)
	t.Cleanup(cancel)
	if err := stream.Ensure(w.ctx, w.js, stream.Config{MaxBytes: 1 << 20}); err != nil {
		t.Fatal(err)
	}
	var err error
	if w.bucket, err = job.Open(w.ctx, w.js); err != nil {
		t.Fatal(err)
	}
	return w
}

// startRunner starts a runner; the returned function ends it as a signal would.
func (w *fixture) startRunner(name string, tasks map[job.Kind]Task) (stop func()) {
	w.t.Helper()
	r := New(Config{
		JetStream: w.js, Instance: name, Tasks: tasks, Logger: slog.New(slog.DiscardHandler),
		SaveEvery: 20 * time.Millisecond, LeaseTime: 400 * time.Millisecond,
	})
	ctx, cancel := context.WithCancel(w.ctx)
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		if err := r.Run(ctx); err != nil {
			w.t.Error(err)
		}
	}()
	stop = func() { cancel(); <-ended }
	w.t.Cleanup(stop)
	return stop
}

func (w *fixture) createJob(kind job.Kind) string {
	w.t.Helper()
	e, err := w.bucket.Create(w.ctx, job.Job{Kind: kind})
	if err != nil {
		w.t.Fatal(err)
	}
	return e.ID
}

// awaitJob waits until a job is as wanted.
func (w *fixture) awaitJob(id string, wanted func(job.Job) bool) job.Job {
	w.t.Helper()
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	var last job.Job
	for {
		if e, err := w.bucket.Get(w.ctx, id); err == nil {
			last = e.Job
			if wanted(last) {
				return last
			}
		}
		select {
		case <-w.ctx.Done():
			w.t.Fatalf("the job is %+v", last)
		case <-tick.C:
		}
	}
}

func hasState(s job.State) func(job.Job) bool { return func(j job.Job) bool { return j.State == s } }

func TestAJobIsDoneOnceByOneOfMany(t *testing.T) {
	w := newFixture(t)
	var mu sync.Mutex
	runs := map[string]int{}
	atWork, most := 0, 0
	task := func(_ context.Context, h *Handle) error {
		mu.Lock()
		runs[h.Job().ID]++
		atWork++
		most = max(most, atWork)
		mu.Unlock()
		h.Update(func(j *job.Job) { j.Done, j.Total, j.Report = 3, 3, jsontext.Value(`{"n":3}`) })
		mu.Lock()
		defer mu.Unlock()
		atWork--
		return nil
	}
	for i := range 3 {
		w.startRunner(strconv.Itoa(i), map[job.Kind]Task{job.Replay: task})
	}
	ids := []string{w.createJob(job.Replay), w.createJob(job.Replay), w.createJob(job.Replay)}
	for _, id := range ids {
		j := w.awaitJob(id, hasState(job.Done))
		if j.Done != 3 || string(j.Report) != `{"n":3}` || j.EndedAt.IsZero() || j.Runner != "" || j.Checkpoint != nil {
			t.Errorf("it ended as %+v", j)
		}
	}
	mu.Lock()
	defer mu.Unlock()
	for id, n := range runs {
		if n != 1 {
			t.Errorf("job %s ran %d times", id, n)
		}
	}
	if most != 1 || len(runs) != 3 {
		t.Errorf("%d ran side by side, %d in all", most, len(runs))
	}
}

// A process that ends by a signal gives its job back at once, one that is
// killed or stopped loses it after the lease; the next goes on from the
// checkpoint, and the first one cannot save any more.
func TestAJobGoesOnElsewhere(t *testing.T) {
	for _, end := range []string{"signal", "silence"} {
		t.Run(end, func(t *testing.T) {
			w := newFixture(t)
			silent := make(chan struct{})
			defer close(silent)
			first := func(ctx context.Context, h *Handle) error {
				h.Update(func(j *job.Job) { j.Done, j.Checkpoint = 7, jsontext.Value(`{"seq":7}`) })
				if err := h.Save(ctx); err != nil {
					t.Error(err)
				}
				if end == "silence" {
					// As a process that is stopped: it saves no more.
					h.mu.Lock()
					<-silent
					h.mu.Unlock()
				}
				<-ctx.Done()
				return ctx.Err()
			}
			r := New(Config{
				JetStream: w.js, Instance: "first", Tasks: map[job.Kind]Task{job.Audit: first},
				Logger: slog.New(slog.DiscardHandler), SaveEvery: 20 * time.Millisecond, LeaseTime: 400 * time.Millisecond,
			})
			ctx, signal := context.WithCancel(w.ctx)
			defer signal()
			ended := make(chan error, 1)
			go func() { ended <- r.Run(ctx) }()
			id := w.createJob(job.Audit)
			w.awaitJob(id, func(j job.Job) bool { return j.Done == 7 })
			if end == "signal" {
				signal()
				if err := <-ended; err != nil {
					t.Error(err)
				}
			}
			second := func(_ context.Context, h *Handle) error {
				if j := h.Job(); j.Done != 7 || string(j.Checkpoint) != `{"seq":7}` || j.Runs != 2 {
					t.Errorf("it goes on from %+v", j)
				}
				h.Update(func(j *job.Job) { j.Done = 9 })
				return nil
			}
			w.startRunner("second", map[job.Kind]Task{job.Audit: second})
			w.awaitJob(id, hasState(job.Done))
			if end == "silence" {
				silent <- struct{}{}
				signal()
				if err := <-ended; err != nil {
					t.Error(err)
				}
			}
			if e, err := w.bucket.Get(w.ctx, id); err != nil || e.State != job.Done || e.Done != 9 {
				t.Errorf("in the end it is %+v, %v", e.Job, err)
			}
		})
	}
}

func TestCancelEndsATask(t *testing.T) {
	w := newFixture(t)
	w.startRunner("one", map[job.Kind]Task{job.DryRun: func(ctx context.Context, h *Handle) error {
		h.Update(func(j *job.Job) { j.Done = 1 })
		<-ctx.Done()
		if !errors.Is(context.Cause(ctx), ErrCancelled) {
			t.Errorf("the cause is %v", context.Cause(ctx))
		}
		return ctx.Err()
	}})
	id := w.createJob(job.DryRun)
	w.awaitJob(id, func(j job.Job) bool { return j.Done == 1 })
	if _, err := w.bucket.Cancel(w.ctx, id); err != nil {
		t.Fatal(err)
	}
	if j := w.awaitJob(id, hasState(job.Cancelled)); j.EndedAt.IsZero() || j.Runner != "" {
		t.Errorf("it ended as %+v", j)
	}
}

func TestAFailureIsTold(t *testing.T) {
	w := newFixture(t)
	w.startRunner("one", map[job.Kind]Task{
		job.DryRun: func(context.Context, *Handle) error { return errors.New("no such range") },
		job.Audit:  func(context.Context, *Handle) error { panic("a bug") },
	})
	failed, panicked := w.createJob(job.DryRun), w.createJob(job.Audit)
	if j := w.awaitJob(failed, hasState(job.Failed)); j.Error != "no such range" {
		t.Errorf("it says %q", j.Error)
	}
	if j := w.awaitJob(panicked, hasState(job.Failed)); j.Error != "the task panicked: a bug" {
		t.Errorf("it says %q", j.Error)
	}
}
