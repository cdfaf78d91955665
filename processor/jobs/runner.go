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
)

// pollInterval is how often the runner looks for jobs.
const pollInterval = 500 * time.Millisecond

// requestLimit bounds one question to the bucket.
const requestLimit = 5 * time.Second

// Config is what a Runner needs.
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

// Runner takes up jobs. Run it once.
type Runner struct {
	cfg   Config
	kinds []job.Kind
	// observed remembers since when each job has its present version, by this
	// process's clock.
	observed map[string]observation
	// busy are the kinds that run in this process.
	mu   sync.Mutex
	busy map[job.Kind]bool
}

type observation struct {
	version uint64
	since   time.Time
}

// New returns a Runner.
func New(cfg Config) *Runner {
	if cfg.SaveEvery == 0 {
		cfg.SaveEvery = job.SaveEvery
	}
	if cfg.LeaseTime == 0 {
		cfg.LeaseTime = job.LeaseTime
	}
	return &Runner{
		cfg: cfg, kinds: slices.Sorted(maps.Keys(cfg.Tasks)),
		observed: map[string]observation{}, busy: map[job.Kind]bool{},
	}
}

// Run takes up jobs until ctx ends, and gives back those that it has. NATS
// being away is waited out.
func (r *Runner) Run(ctx context.Context) error {
	tick := time.NewTicker(pollInterval)
	defer tick.Stop()
	var tasks sync.WaitGroup
	defer tasks.Wait()
	failing := false
	for {
		err := r.claimJobs(ctx, &tasks)
		if err != nil && ctx.Err() == nil && !failing {
			r.cfg.Logger.LogAttrs(ctx, slog.LevelWarn, "cannot look for jobs; trying again", slog.Any("error", err))
		}
		failing = err != nil
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
	}
}

// claimJobs takes up what waits for this process.
func (r *Runner) claimJobs(ctx context.Context, tasks *sync.WaitGroup) error {
	ask, cancel := context.WithTimeout(ctx, requestLimit)
	defer cancel()
	bucket, err := job.Open(ask, r.cfg.JetStream)
	if err != nil {
		return err
	}
	all, err := bucket.List(ask)
	if err != nil {
		return err
	}
	r.observeVersions(all)
	for _, kind := range r.kinds {
		e, ok := oldestUnfinished(all, kind)
		if !ok || !r.isIdle(kind) || !r.isAbandoned(e) {
			continue
		}
		if e, err = r.claimJob(ask, bucket, e); errors.Is(err, job.ErrChanged) {
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

// observeVersions remembers when each version was seen first.
func (r *Runner) observeVersions(all []job.Entry) {
	next := make(map[string]observation, len(all))
	for _, e := range all {
		s, ok := r.observed[e.ID]
		if !ok || s.version != e.Version {
			s = observation{e.Version, time.Now()}
		}
		next[e.ID] = s
	}
	r.observed = next
}

// oldestUnfinished returns the oldest job of a kind that is not finished: no other of the
// kind may run.
func oldestUnfinished(newestFirst []job.Entry, kind job.Kind) (job.Entry, bool) {
	for _, e := range slices.Backward(newestFirst) {
		if e.Kind == kind && !e.State.Final() {
			return e, true
		}
	}
	return job.Entry{}, false
}

// isAbandoned reports whether nobody has the job.
func (r *Runner) isAbandoned(e job.Entry) bool {
	return e.State == job.Queued || e.Runner == "" || time.Since(r.observed[e.ID].since) > r.cfg.LeaseTime
}

func (r *Runner) isIdle(kind job.Kind) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return !r.busy[kind]
}

// claimJob makes this process the runner of a job, or ends one that was cancelled
// while nobody ran it.
func (r *Runner) claimJob(ctx context.Context, bucket *job.Bucket, e job.Entry) (job.Entry, error) {
	now := time.Now().UTC().Truncate(time.Millisecond)
	e.Runner = r.cfg.Instance
	if e.CancelRequested {
		e.State, e.EndedAt, e.Runner = job.Cancelled, now, ""
		return bucket.Update(ctx, e)
	}
	e.State = job.Running
	e.Runs++
	if e.StartedAt.IsZero() {
		e.StartedAt = now
	}
	return bucket.Update(ctx, e)
}

// runJob does a job to its end, or until it is another's.
func (r *Runner) runJob(ctx context.Context, bucket *job.Bucket, e job.Entry) {
	r.setBusy(e.Kind, true)
	defer r.setBusy(e.Kind, false)
	log := r.cfg.Logger.With(slog.String("job", e.ID), slog.String("kind", string(e.Kind)))
	log.LogAttrs(ctx, slog.LevelInfo, "job taken up", slog.Int("run", e.Runs))
	h := newHandle(bucket, e, log)
	running, stop := context.WithCancelCause(ctx)
	saved := make(chan struct{})
	go func() {
		defer close(saved)
		h.renewLease(running, stop, r.cfg.SaveEvery, r.cfg.LeaseTime)
	}()
	err := r.runTask(running, h)
	cause := context.Cause(running)
	stop(nil)
	<-saved
	state := h.saveEnd(ctx, cause, err)
	log.LogAttrs(ctx, slog.LevelInfo, "job left", slog.String("state", state))
}

// runTask runs the task. A panic fails the job and not the process.
func (r *Runner) runTask(ctx context.Context, h *Handle) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("the task panicked: %v", p)
		}
	}()
	return r.cfg.Tasks[h.Job().Kind](ctx, h)
}

func (r *Runner) setBusy(kind job.Kind, busy bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.busy[kind] = busy
}
