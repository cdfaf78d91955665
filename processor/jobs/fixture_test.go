package jobs

import (
	"context"
	"errors"
	"log/slog"
	"testing"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/theeye/theeye/shared/job"
	"github.com/theeye/theeye/shared/natsd/natstest"
	"github.com/theeye/theeye/shared/stream"
)

func TestMain(m *testing.M) { natstest.VerifyTestMain(m) }

// leaseTime is the lease of the tests, which renew it every saveEvery: longer than a
// busy machine pauses them.
const (
	leaseTime = 2 * time.Second
	saveEvery = 20 * time.Millisecond
)

// fixture is a NATS server with the bucket of jobs.
type fixture struct {
	t      *testing.T
	ctx    context.Context
	server *natstest.Server
	js     jetstream.JetStream
	bucket *job.Bucket
}

func newFixture(t *testing.T) *fixture {
	t.Helper()
	fx := newEmptyFixture(t)
	fx.makeBucket()
	return fx
}

// newEmptyFixture returns a fixture without the bucket of jobs.
func newEmptyFixture(t *testing.T) *fixture {
	t.Helper()
	fx := &fixture{t: t, server: natstest.Start(t)}
	fx.js = fx.server.JetStream()
	var cancel context.CancelFunc
	fx.ctx, cancel = context.WithTimeout(t.Context(), time.Minute)
	t.Cleanup(cancel)
	return fx
}

func (fx *fixture) makeBucket() {
	fx.t.Helper()
	fx.must(stream.Ensure(fx.ctx, fx.js, stream.Config{MaxBytes: 1 << 20}))
	var err error
	fx.bucket, err = job.Open(fx.ctx, fx.js)
	fx.must(err)
}

func (fx *fixture) must(err error) {
	fx.t.Helper()
	if err != nil {
		fx.t.Fatal(err)
	}
}

// config returns the configuration of a runner.
func (fx *fixture) config(name string, tasks map[job.Kind]Task) Config {
	return Config{
		JetStream: fx.js, Instance: name, Tasks: tasks, Logger: slog.New(slog.DiscardHandler),
		SaveEvery: saveEvery, LeaseTime: leaseTime,
	}
}

// startRunner starts a runner; the returned function ends it as a signal would.
func (fx *fixture) startRunner(name string, tasks map[job.Kind]Task) (stop func()) {
	fx.t.Helper()
	r := New(fx.config(name, tasks))
	ctx, cancel := context.WithCancel(fx.ctx)
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		if err := r.Run(ctx); err != nil {
			fx.t.Error(err)
		}
	}()
	stop = func() { cancel(); <-ended }
	fx.t.Cleanup(stop)
	return stop
}

func (fx *fixture) createJob(kind job.Kind) string {
	fx.t.Helper()
	e, err := fx.bucket.Create(fx.ctx, job.Job{Kind: kind})
	fx.must(err)
	return e.ID
}

// claimed creates a job and returns a handle to it, as a runner has one.
func (fx *fixture) claimed(kind job.Kind) *Handle {
	fx.t.Helper()
	e, err := fx.bucket.Get(fx.ctx, fx.createJob(kind))
	fx.must(err)
	e, err = New(fx.config("here", nil)).claimJob(fx.ctx, fx.bucket, e)
	fx.must(err)
	return newHandle(fx.bucket, e, slog.New(slog.DiscardHandler))
}

func (fx *fixture) stored(id string) job.Entry {
	fx.t.Helper()
	e, err := fx.bucket.Get(fx.ctx, id)
	fx.must(err)
	return e
}

// awaitJob waits until a job fulfils a condition. It retries requests, because
// those of a restarting server time out.
func (fx *fixture) awaitJob(id string, done func(job.Job) bool) job.Job {
	fx.t.Helper()
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	var last job.Job
	for {
		ctx, cancel := context.WithTimeout(fx.ctx, time.Second)
		e, err := fx.bucket.Get(ctx, id)
		cancel()
		if err == nil {
			last = e.Job
			if done(last) {
				return last
			}
		}
		select {
		case <-fx.ctx.Done():
			fx.t.Fatalf("the job is %+v", last)
		case <-tick.C:
		}
	}
}

func hasState(s job.State) func(job.Job) bool { return func(j job.Job) bool { return j.State == s } }

// await waits until a channel is closed or has a value, which it returns.
func await[T any](fx *fixture, c <-chan T) T {
	fx.t.Helper()
	select {
	case v := <-c:
		return v
	case <-fx.ctx.Done():
		fx.t.Fatal("nothing arrives")
		panic("unreachable")
	}
}

// until is a task that reports that it runs, and ends with its context. It sends
// the cause of the end to ended.
func until(ended chan<- error) Task {
	return func(ctx context.Context, h *Handle) error {
		h.Update(func(j *job.Job) { j.Done = 1 })
		<-ctx.Done()
		ended <- context.Cause(ctx)
		return ctx.Err()
	}
}

func isRunning(j job.Job) bool { return j.State == job.Running && j.Done == 1 }

// noTask fails the test when it runs.
func (fx *fixture) noTask(context.Context, *Handle) error {
	fx.t.Error("the task runs")
	return errors.New("the task runs")
}
