package jobs

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"time"

	"github.com/theeye/theeye/shared/job"
	"github.com/theeye/theeye/shared/retry"
)

const (
	// pollInterval is how often a runner looks for jobs to claim.
	pollInterval = 500 * time.Millisecond
	// requestLimit bounds the requests of one poll, or of one save.
	requestLimit = 5 * time.Second
	// saveLimit bounds the saving of a job's end.
	saveLimit = 5 * time.Second
)

// Causes of the end of a task's context.
var (
	// ErrCancelled means that an operator cancelled the job.
	ErrCancelled = errors.New("the job was cancelled")
	// ErrTaken means that another process has the job.
	ErrTaken = errors.New("another process has taken the job over")
)

// ErrSuperseded is the result of a task whose job a later one replaces: the job ends
// cancelled, and its error says why.
var ErrSuperseded = errors.New("superseded")

// Handle is a task's access to the job that it runs. Its methods are safe for
// concurrent use.
type Handle struct {
	bucket *job.Bucket
	log    *slog.Logger
	// requestLimit is the constant of that name; tests shorten it.
	requestLimit time.Duration

	mu    sync.Mutex
	entry job.Entry // guarded by mu

	// The measured rate counts from here.
	startedAt time.Time
	startDone uint64
}

func newHandle(bucket *job.Bucket, e job.Entry, log *slog.Logger) *Handle {
	return &Handle{
		bucket: bucket, log: log, requestLimit: requestLimit, entry: e, startedAt: time.Now(), startDone: e.Done,
	}
}

// Job is the job as the task knows it.
func (h *Handle) Job() job.Job {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.entry.Job
}

// Update changes the state that is saved next: progress, phase, checkpoint and
// report together, so that the next runner finds them from the same moment.
// change must not block, and must not keep or alter slices that the job holds.
func (h *Handle) Update(change func(j *job.Job)) {
	h.mu.Lock()
	defer h.mu.Unlock()
	change(&h.entry.Job)
}

// Log is the logger of the job.
func (h *Handle) Log() *slog.Logger { return h.log }

// Save saves at once. An error means that the job is no longer this task's, or
// that NATS is unavailable.
func (h *Handle) Save(ctx context.Context) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.saveLocked(ctx)
}

func (h *Handle) saveLocked(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, h.requestLimit)
	defer cancel()
	if past := time.Since(h.startedAt).Seconds(); past > 0 && h.entry.Done >= h.startDone {
		h.entry.Rate = float64(h.entry.Done-h.startDone) / past
	}
	saved, err := h.bucket.Update(ctx, h.entry)
	if errors.Is(err, job.ErrChanged) {
		return h.resolveConflict(ctx, err)
	}
	if err == nil {
		h.entry.Version = saved.Version
	}
	return err
}

// resolveConflict finds out who changed the job: an operator who cancels it,
// another runner, or this process itself with a save whose answer was lost.
func (h *Handle) resolveConflict(ctx context.Context, conflict error) error {
	current, err := h.bucket.Get(ctx, h.entry.ID)
	switch {
	case errors.Is(err, job.ErrNotFound):
		return ErrTaken
	case err != nil:
		return errors.Join(conflict, err)
	case current.Runner != h.entry.Runner || current.Runs != h.entry.Runs || current.State != job.Running:
		return ErrTaken
	}
	h.entry.CancelRequested = current.CancelRequested
	h.entry.Version = current.Version
	if current.CancelRequested {
		return ErrCancelled
	}
	return nil // the next save succeeds this version
}

// renewLease saves at every interval until ctx ends, and stops the task when the
// job is no longer this process's. It also stops the task when no save succeeded
// for the duration of the lease, because another process may then take the job
// over.
func (h *Handle) renewLease(ctx context.Context, stop context.CancelCauseFunc, every, lease time.Duration) {
	tick := time.NewTicker(every)
	defer tick.Stop()
	last := time.Now()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		switch err := h.Save(ctx); {
		case err == nil:
			last = time.Now()
		case errors.Is(err, ErrCancelled), errors.Is(err, ErrTaken):
			stop(err)
			return
		case time.Since(last) > lease:
			stop(ErrTaken)
			return
		}
	}
}

// saveEnd saves how the job ended, and returns a description of that for the log.
func (h *Handle) saveEnd(ctx context.Context, cause, err error) string {
	if errors.Is(cause, ErrTaken) {
		return "taken over"
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	h.entry.Runner = ""
	state := "given back"
	switch {
	case errors.Is(cause, ErrCancelled):
		h.entry.State = job.Cancelled
	case err == nil:
		h.entry.State = job.Done
	case errors.Is(err, ErrSuperseded):
		h.entry.State, h.entry.Error = job.Cancelled, err.Error()
	case cause == nil:
		h.entry.State, h.entry.Error = job.Failed, err.Error()
		h.log.LogAttrs(ctx, slog.LevelError, "job failed", slog.Any("error", err))
	}
	if h.entry.State.Final() {
		state = string(h.entry.State)
		h.entry.EndedAt = time.Now().UTC().Truncate(time.Millisecond)
		h.entry.Checkpoint, h.entry.Phase = nil, ""
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), saveLimit)
	defer cancel()
	for {
		runner := h.entry.Runner
		saved, err := h.bucket.Update(ctx, h.entry)
		switch {
		case err == nil:
			h.entry.Version = saved.Version
			return state
		case errors.Is(err, job.ErrChanged):
			// Most likely an operator cancelled a job that has just ended.
			current, err := h.bucket.Get(ctx, h.entry.ID)
			if err != nil || current.Runs != h.entry.Runs || current.State.Final() || current.Runner == runner {
				return "taken over"
			}
			h.entry.Version, h.entry.CancelRequested = current.Version, current.CancelRequested
		case ctx.Err() != nil:
			return "not saved; the next runner ends it"
		default:
			_ = retry.Sleep(ctx, pollInterval) // the next attempt notices the end of ctx
		}
	}
}
