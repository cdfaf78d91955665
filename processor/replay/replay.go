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

// course is the checkpoint of a replay.
type course struct {
	// First and Last are the range, fixed behind the barrier; Next is where the
	// replay goes on.
	First uint64 `json:"first"`
	Last  uint64 `json:"last"`
	Next  uint64 `json:"next"`
	// Sweeps counts the passes of the sweep that have begun.
	Sweeps int `json:"sweeps,omitzero"`
}

// run is one replay in the hands of this process.
type run struct {
	*Replayer
	h       *jobs.Handle
	job     job.Job
	at      course
	rng     stream.Range
	counted *tally
	p       progress
	// limit is nil without a rate.
	limit *rate.Limiter
	pace  pace
}

// Replay is the jobs.Task of replays. The package comment says what it does in
// which order, and what holds when it returns nil. Where another process goes
// on with it, some events may count as they are after the replay instead of as
// they were before: those behind the last checkpoint.
func (r *Replayer) Replay(ctx context.Context, h *jobs.Handle) error {
	run := &run{Replayer: r, h: h, job: h.Job(), p: progress{h: h, every: r.noteEvery}}
	defer run.forget(ctx)
	if err := run.start(ctx); err != nil {
		return err
	}
	if run.at.Sweeps == 0 {
		if err := run.pass(ctx); err != nil {
			return err
		}
	}
	if err := run.sweep(ctx); err != nil {
		return err
	}
	return run.noteNow()
}

// start fixes the range behind the barrier, or goes on where another runner
// was.
func (r *run) start(ctx context.Context) error {
	var err error
	if r.counted, err = resume(r.job); err != nil {
		return err
	}
	// The next runner may be of another build than the first one.
	if err := r.barrier(ctx, r.h, r.job.TargetRevision); err != nil {
		return err
	}
	err = jobs.Insist(ctx, natsLimit, func(ctx context.Context) (err error) {
		r.rng, err = r.job.Selection.Range(ctx, r.cfg.JetStream)
		return err
	}, nil)
	if err != nil {
		return err
	}
	if r.job.Checkpoint == nil {
		r.at = course{First: r.rng.First, Last: r.rng.Last, Next: r.rng.First}
	} else if err := json.Unmarshal(r.job.Checkpoint, &r.at); err != nil {
		return fmt.Errorf("read the checkpoint: %w", err)
	}
	r.rng.First, r.rng.Last = r.at.First, r.at.Last
	if r.job.MaxRate > 0 {
		r.limit = rate.NewLimiter(rate.Limit(r.job.MaxRate), r.portion())
	}
	r.h.Update(func(j *job.Job) { j.Total = left(r.rng) })
	return r.noteNow()
}

// portion is how many events are taken at once: where a rate was asked for, no
// more than those of a second.
func (r *run) portion() int {
	if r.job.MaxRate > 0 {
		return int(min(r.job.MaxRate, portionEvents))
	}
	return portionEvents
}

func (r *run) done() uint64 { return r.at.Next - r.at.First }

func (r *run) note() error    { return r.p.note(r.at, r.done(), r.counted, phaseRunning) }
func (r *run) noteNow() error { return r.p.noteNow(r.at, r.done(), r.counted, phaseRunning) }

// pass takes every message of the range through its outcome once.
func (r *run) pass(ctx context.Context) error {
	source := source{r: r, size: r.portion()}
	for r.at.Next <= r.at.Last {
		portion, err := source.next(ctx)
		if err != nil {
			return err
		}
		if len(portion) == 0 {
			break // the rest of the range has nothing of the selection
		}
		if _, err := r.write(ctx, portion, false); err != nil {
			return err
		}
		source.ack()
		r.at.Next = portion[len(portion)-1].Seq + 1
		if err := r.note(); err != nil {
			return err
		}
		if err := r.pace.wait(ctx, r); err != nil {
			return err
		}
	}
	return nil
}

// sweep reads the range again, as often as it finds something to write.
func (r *run) sweep(ctx context.Context) error {
	for found := 1; found > 0; {
		found = 0
		r.at.Sweeps++
		r.at.Next = r.at.Last + 1
		if err := r.noteNow(); err != nil {
			return err
		}
		if err := r.awaitHands(ctx, r.h, r.job.TargetRevision); err != nil {
			return err
		}
		for portion, err := range read(ctx, r.cfg.JetStream, r.rng) {
			if err != nil {
				return err
			}
			seq := portion[0].Seq
			r.h.Update(func(j *job.Job) {
				j.Phase = fmt.Sprintf("making sure, pass %d, at %d of %d", r.at.Sweeps, seq, r.at.Last)
			})
			n, err := r.write(ctx, portion, true)
			if err != nil {
				return err
			}
			found += n
			if err := r.pace.wait(ctx, r); err != nil {
				return err
			}
		}
	}
	return nil
}
