package jobs

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"time"

	"github.com/theeye/theeye/shared/job"
)

// saveLimit bounds the saving of a job's end.
const saveLimit = 5 * time.Second

// Handle is a job in the hands of its task. Its methods are safe for concurrent
// use.
type Handle struct {
	bucket *job.Bucket
	log    *slog.Logger

	mu    sync.Mutex
	entry job.Entry

	// What the measured rate goes by.
	startedAt time.Time
	startDone uint64
}

func newHandle(bucket *job.Bucket, e job.Entry, log *slog.Logger) *Handle {
	return &Handle{bucket: bucket, log: log, entry: e, startedAt: time.Now(), startDone: e.Done}
}

// Job is the job as the task knows it.
func (h *Handle) Job() job.Job {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.entry.Job
}

// Update changes what is saved next: progress, phase, checkpoint and report
// together, so that the next runner finds them of one moment. change must not
// block, and must not keep or alter slices that the job holds.
func (h *Handle) Update(change func(j *job.Job)) {
	h.mu.Lock()
	defer h.mu.Unlock()
	change(&h.entry.Job)
}

// Log is the logger of the job.
func (h *Handle) Log() *slog.Logger { return h.log }

// Save saves at once. The error says that the job is no longer this task's, or
// that NATS is away.
func (h *Handle) Save(ctx context.Context) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.saveLocked(ctx)
}

func (h *Handle) saveLocked(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, requestLimit)
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

// resolveConflict finds out who changed the job: an operator who cancels it, or
// another runner, or this process itself, whose save was answered too late.
func (h *Handle) resolveConflict(ctx context.Context, cause error) error {
	now, err := h.bucket.Get(ctx, h.entry.ID)
	switch {
	case errors.Is(err, job.ErrNotFound):
		return ErrTaken
	case err != nil:
		return errors.Join(cause, err)
	case now.Runner != h.entry.Runner || now.Runs != h.entry.Runs || now.State != job.Running:
		return ErrTaken
	}
	h.entry.CancelRequested = now.CancelRequested
	h.entry.Version = now.Version
	if now.CancelRequested {
		return ErrCancelled
	}
	return nil // the next save is on top of it
}

// renewLease saves again and again until ctx ends, and ends the task when the job is no
// longer its own. It stops, too, when it could not save for as long as another
// process waits before it takes the job over.
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

// saveEnd saves how the job ended, and returns that.
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
			// Most likely an operator who cancels what has just ended.
			now, err := h.bucket.Get(ctx, h.entry.ID)
			if err != nil || now.Runs != h.entry.Runs || now.State.Final() || now.Runner == runner {
				return "taken over"
			}
			h.entry.Version, h.entry.CancelRequested = now.Version, now.CancelRequested
		case ctx.Err() != nil:
			return "not saved; another run will end it"
		default:
			select {
			case <-ctx.Done():
			case <-time.After(pollInterval):
			}
		}
	}
}
