package replay

import (
	"context"
	"fmt"

	"github.com/go-json-experiment/json"
	"golang.org/x/time/rate"

	"github.com/theeye/theeye/processor/jobs"
	"github.com/theeye/theeye/shared/job"
	"github.com/theeye/theeye/shared/stream"
)

// Replay is the jobs.Task of replays. The package comment has the order of its
// steps, and what holds when it returns nil. After another process has continued a
// replay, the events after the last checkpoint may be counted by their outcome
// after the replay instead of the one before.
func (r *Replayer) Replay(ctx context.Context, h *jobs.Handle) error {
	run := &run{Replayer: r, h: h, job: h.Job(), progress: progress{h: h, interval: r.progressInterval}}
	defer run.deleteConsumers(ctx)
	if err := run.prepareRange(ctx); err != nil {
		return err
	}
	if run.checkpoint.Sweeps == 0 {
		if err := run.replayRange(ctx); err != nil {
			return err
		}
	}
	if run.job.Selection.ByOutcome() {
		if err := run.sweepRange(ctx); err != nil {
			return err
		}
	}
	return run.recordProgressNow()
}

// prepareRange waits for the barrier and fixes the range, or continues at the
// checkpoint of another runner.
func (r *run) prepareRange(ctx context.Context) error {
	var err error
	if r.tally, err = resumeTally(r.job); err != nil {
		return err
	}
	// The next runner may be of another build than the first one.
	if err := r.awaitBarrier(ctx, r.h, r.job.TargetRevision); err != nil {
		return err
	}
	var purged uint64
	err = jobs.Retry(ctx, natsLimit, func(ctx context.Context) (err error) {
		r.span, purged, err = r.selectRange(ctx, r.job.Selection)
		return err
	}, nil)
	if err != nil {
		return err
	}
	if r.job.Checkpoint == nil {
		r.tally.changes.Purged = purged
		r.checkpoint = checkpoint{First: r.span.First, Last: r.span.Last, Next: r.span.First}
	} else if err := json.Unmarshal(r.job.Checkpoint, &r.checkpoint); err != nil {
		return fmt.Errorf("read the checkpoint: %w", err)
	}
	r.span.First, r.span.Last = r.checkpoint.First, r.checkpoint.Last
	if r.job.MaxRate > 0 {
		r.limit = rate.NewLimiter(rate.Limit(r.job.MaxRate), r.portionSize())
	}
	r.h.Update(func(j *job.Job) { j.Total = sequencesLeft(r.span) })
	return r.recordProgressNow()
}

// portionSize is how many events are replayed at once: with a maximum rate, at most
// those of one second.
func (r *run) portionSize() int {
	if r.job.MaxRate > 0 {
		return int(min(r.job.MaxRate, portionEvents))
	}
	return portionEvents
}

func (r *run) processed() uint64 { return r.checkpoint.Next - r.checkpoint.First }

func (r *run) recordProgress() error {
	return r.progress.recordIfDue(r.checkpoint, r.processed(), r.tally, phaseReplaying)
}

func (r *run) recordProgressNow() error {
	return r.progress.recordNow(r.checkpoint, r.processed(), r.tally, phaseReplaying)
}

// replayRange evaluates and writes every message of the range once.
func (r *run) replayRange(ctx context.Context) error {
	source := r.newSource(r.portionSize())
	for p, err := range r.evaluateAhead(ctx, source) {
		if err != nil {
			return err
		}
		if _, err := r.writePortion(ctx, p, false); err != nil {
			return err
		}
		source.ackPortion(p.portion)
		r.checkpoint.Next = p.end()
		if err := r.recordProgress(); err != nil {
			return err
		}
		if err := r.throttle.AwaitLag(ctx, r.h, r.cfg.JetStream, r.throttleInterval); err != nil {
			return err
		}
	}
	r.checkpoint.Next = r.checkpoint.Last + 1
	return nil
}

// sweepRange reads the range again, until it finds nothing to write.
func (r *run) sweepRange(ctx context.Context) error {
	for found := 1; found > 0; {
		found = 0
		r.checkpoint.Sweeps++
		if err := r.recordProgressNow(); err != nil {
			return err
		}
		if err := r.awaitInFlight(ctx, r.h, r.job.TargetRevision); err != nil {
			return err
		}
		for portion, err := range readRange(ctx, r.cfg.JetStream, r.span) {
			if err != nil {
				return err
			}
			seq := portion[0].Seq
			r.h.Update(func(j *job.Job) {
				j.Phase = fmt.Sprintf("verifying, pass %d, at %d of %d", r.checkpoint.Sweeps, seq, r.checkpoint.Last)
			})
			n, err := r.sweepPortion(ctx, portion)
			if err != nil {
				return err
			}
			found += n
			if err := r.throttle.AwaitLag(ctx, r.h, r.cfg.JetStream, r.throttleInterval); err != nil {
				return err
			}
		}
	}
	return nil
}

// sweepPortion writes the events of a portion that are below the target, and returns
// their number.
func (r *run) sweepPortion(ctx context.Context, messages []stream.Raw) (int, error) {
	e, err := r.evaluatePortion(portion{messages: messages})
	if err != nil {
		return 0, err
	}
	return r.writePortion(ctx, e, true)
}
