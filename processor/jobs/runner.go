package jobs

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/theeye/theeye/shared/job"
	"github.com/theeye/theeye/shared/kv"
)

// Config configures a Runner.
type Config struct {
	JetStream jetstream.JetStream
	// Instance names this process among all others.
	Instance string
	// Tasks are the kinds of jobs that this process can do.
	Tasks  map[job.Kind]Task
	Logger *slog.Logger
	// SaveEvery and LeaseTime are those of package job where they are 0; all
	// processes must have the same.
	SaveEvery, LeaseTime time.Duration
}

// Runner claims jobs and runs their tasks. Run it once.
type Runner struct {
	cfg   Config
	kinds []job.Kind
	// observed remembers since when each job has had its present version.
	observed kv.Observations

	mu sync.Mutex
	// busy are the kinds of which this process runs a job. Guarded by mu.
	busy map[job.Kind]bool
}

// New returns a Runner.
func New(cfg Config) *Runner {
	if cfg.SaveEvery == 0 {
		cfg.SaveEvery = job.SaveEvery
	}
	if cfg.LeaseTime == 0 {
		cfg.LeaseTime = job.LeaseTime
	}
	return &Runner{cfg: cfg, kinds: slices.Sorted(maps.Keys(cfg.Tasks)), busy: map[job.Kind]bool{}}
}

// Run claims jobs until ctx ends, and then gives back those that it has. While
// NATS is unavailable it retries.
func (r *Runner) Run(ctx context.Context) error {
	tick := time.NewTicker(pollInterval)
	defer tick.Stop()
	var tasks sync.WaitGroup
	defer tasks.Wait()
	failing := false
	for {
		err := r.claimJobs(ctx, &tasks)
		if err != nil && ctx.Err() == nil && !failing {
			r.cfg.Logger.LogAttrs(ctx, slog.LevelWarn, "cannot read the jobs; retrying", slog.Any("error", err))
		}
		failing = err != nil
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
	}
}

// claimJobs claims the jobs that wait for a process, and starts their tasks.
func (r *Runner) claimJobs(ctx context.Context, tasks *sync.WaitGroup) error {
	bounded, cancel := context.WithTimeout(ctx, requestLimit)
	defer cancel()
	bucket, err := job.Open(bounded, r.cfg.JetStream)
	if err != nil {
		return err
	}
	all, err := bucket.List(bounded)
	if err != nil {
		return err
	}
	r.observeVersions(all)
	for _, kind := range r.kinds {
		e, ok := oldestUnfinished(all, kind)
		if !ok || !r.isIdle(kind) || !r.isAbandoned(e) {
			continue
		}
		if e, err = r.claimJob(bounded, bucket, e); errors.Is(err, job.ErrChanged) {
			continue // another process was first
		}
		if err != nil {
			return err
		}
		if e.State == job.Running {
			tasks.Go(func() { r.runJob(ctx, bucket, e) })
		}
	}
	return nil
}

func (r *Runner) observeVersions(all []job.Entry) {
	r.observed.Refresh(func(yield func(string, uint64) bool) {
		for _, e := range all {
			if !yield(e.ID, e.Version) {
				return
			}
		}
	})
}

// oldestUnfinished returns the oldest job of a kind that is not finished: no
// other one of the kind may run.
func oldestUnfinished(newestFirst []job.Entry, kind job.Kind) (job.Entry, bool) {
	for _, e := range slices.Backward(newestFirst) {
		if e.Kind == kind && !e.State.Final() {
			return e, true
		}
	}
	return job.Entry{}, false
}

// isIdle reports whether this process runs no job of a kind.
func (r *Runner) isIdle(kind job.Kind) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return !r.busy[kind]
}

func (r *Runner) setBusy(kind job.Kind, busy bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.busy[kind] = busy
}

// isAbandoned reports whether no process holds the job: it has no runner, or its
// lease has expired.
func (r *Runner) isAbandoned(e job.Entry) bool {
	return e.State == job.Queued || e.Runner == "" || r.observed.Age(e.ID) > r.cfg.LeaseTime
}

// claimJob makes this process the runner of a job. A job that was cancelled while
// no process ran it ends instead.
func (r *Runner) claimJob(ctx context.Context, bucket *job.Bucket, e job.Entry) (job.Entry, error) {
	now := time.Now().UTC().Truncate(time.Millisecond)
	if e.CancelRequested {
		if e.Runner != "" {
			e.Runs++ // the runner that was lost may be suspended, and not know that the job has ended
		}
		e.State, e.EndedAt, e.Runner = job.Cancelled, now, ""
		return bucket.Update(ctx, e)
	}
	e.Runner, e.State = r.cfg.Instance, job.Running
	e.Runs++
	if e.StartedAt.IsZero() {
		e.StartedAt = now
	}
	return bucket.Update(ctx, e)
}

// runJob runs the task of a job to its end, or until this process has lost the
// lease.
func (r *Runner) runJob(ctx context.Context, bucket *job.Bucket, e job.Entry) {
	r.setBusy(e.Kind, true)
	defer r.setBusy(e.Kind, false)
	log := r.cfg.Logger.With(slog.String("job", e.ID), slog.String("kind", string(e.Kind)))
	log.LogAttrs(ctx, slog.LevelInfo, "job started", slog.Int("run", e.Runs))
	h := newHandle(bucket, e, log)
	running, stop := context.WithCancelCause(ctx)
	renewed := make(chan struct{})
	go func() {
		defer close(renewed)
		h.renewLease(running, stop, r.cfg.SaveEvery, r.cfg.LeaseTime)
	}()
	err := r.runTask(running, h)
	cause := context.Cause(running)
	stop(nil)
	<-renewed
	state := h.saveEnd(ctx, cause, err)
	log.LogAttrs(ctx, slog.LevelInfo, "job stopped", slog.String("state", state))
}

// runTask calls the task. A panic fails the job and not the process.
func (r *Runner) runTask(ctx context.Context, h *Handle) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("the task panicked: %v", p)
		}
	}()
	return r.cfg.Tasks[h.Job().Kind](ctx, h)
}
