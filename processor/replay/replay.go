package replay

import (
	"context"
	"fmt"
	"time"

	"github.com/go-json-experiment/json"
	"golang.org/x/time/rate"

	"github.com/theeye/theeye/processor/jobs"
	"github.com/theeye/theeye/shared/event"
	"github.com/theeye/theeye/shared/job"
	"github.com/theeye/theeye/shared/store"
	"github.com/theeye/theeye/shared/stream"
)

// course is the checkpoint of a replay.
type course struct {
	// Last is the end of the range; 0 until the barrier has fixed it. First
	// and Next are where the replay began and where it goes on.
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
	limit   *rate.Limiter
	pace    pace
}

// Replay is the jobs.Task of replays. The package comment says what it does in
// which order, and what holds when it returns nil.
func (r *Replayer) Replay(ctx context.Context, h *jobs.Handle) error {
	run, err := r.start(ctx, h)
	if err != nil {
		return err
	}
	defer run.forget(ctx)
	if run.at.Sweeps == 0 {
		if err := run.pass(ctx); err != nil {
			return err
		}
	}
	if err := run.sweep(ctx); err != nil {
		return err
	}
	return run.p.note(nil, h.Job().Total, run.counted, true)
}

// start fixes the range behind the barrier, or goes on where another runner
// was.
func (r *Replayer) start(ctx context.Context, h *jobs.Handle) (*run, error) {
	run := &run{Replayer: r, h: h, job: h.Job(), p: progress{h: h}}
	var err error
	if run.counted, err = resumed(run.job); err != nil {
		return nil, err
	}
	if run.job.Checkpoint != nil {
		if err := json.Unmarshal(run.job.Checkpoint, &run.at); err != nil {
			return nil, fmt.Errorf("read the checkpoint: %w", err)
		}
	}
	// The next runner may be of another build than the first one.
	if err := r.barrier(ctx, h, run.job.TargetRevision); err != nil {
		return nil, err
	}
	err = jobs.Insist(ctx, askLimit, func(ctx context.Context) (err error) {
		run.rng, err = run.job.Selection.Range(ctx, r.cfg.JetStream)
		return err
	}, never)
	if err != nil {
		return nil, err
	}
	if run.at.Last == 0 {
		run.at = course{First: run.rng.First, Last: run.rng.Last, Next: run.rng.First}
	}
	run.rng.First, run.rng.Last = run.at.First, run.at.Last
	if run.job.MaxRate > 0 {
		run.limit = rate.NewLimiter(rate.Limit(run.job.MaxRate), int(min(run.job.MaxRate, portionEvents)))
	}
	h.Update(func(j *job.Job) { j.Total, j.Phase = left(run.rng), "replaying" })
	return run, run.note(true)
}

func (r *run) note(always bool) error {
	return r.p.note(r.at, r.at.Next-r.at.First, r.counted, always)
}

// pass takes every message of the range through its outcome once.
func (r *run) pass(ctx context.Context) error {
	if left(r.rng) == 0 {
		return nil
	}
	source := source{r: r}
	for r.at.Next <= r.at.Last {
		portion, err := source.next(ctx)
		if err != nil {
			return err
		}
		if len(portion) == 0 {
			break // the rest of the range has nothing of the selection
		}
		docs, err := r.write(ctx, portion, false)
		if err != nil {
			return err
		}
		source.ack()
		r.at.Next = portion[len(portion)-1].Seq + 1
		if err := r.note(false); err != nil {
			return err
		}
		if err := r.wait(ctx, docs); err != nil {
			return err
		}
	}
	return nil
}

// sweep reads the range again, as often as it finds something to write.
func (r *run) sweep(ctx context.Context) error {
	for {
		r.at.Sweeps++
		r.at.Next = r.at.Last + 1
		if err := r.note(true); err != nil {
			return err
		}
		if err := r.awaitHands(ctx, r.h, r.job.TargetRevision); err != nil {
			return err
		}
		r.h.Update(func(j *job.Job) { j.Phase = fmt.Sprintf("making sure, pass %d", r.at.Sweeps) })
		found := 0
		for portion, err := range stream.Read(ctx, r.cfg.JetStream, r.rng) {
			if err != nil {
				return err
			}
			n, err := r.write(ctx, portion, true)
			if err != nil {
				return err
			}
			found += n
			if err := r.wait(ctx, n); err != nil {
				return err
			}
		}
		if found == 0 {
			return nil
		}
	}
}

// write brings the selected events of a portion to the newest revision, which
// is the target at least, and returns how many it wrote. In a sweep it writes
// only what is below the target.
func (r *run) write(ctx context.Context, portion []stream.Raw, sweeping bool) (int, error) {
	set := r.cfg.Registry.Snapshot().Schemas
	docs := r.judge(portion, set, r.job.Selection)
	held, err := r.held(ctx, docs)
	if err != nil {
		return 0, err
	}
	now := time.Now()
	todo := docs[:0:0]
	for _, d := range docs {
		h, ok := held[d.ID]
		if r.job.Selection.CoversOutcome(h, ok) && (!sweeping || r.below(d, h, ok, now)) {
			todo = append(todo, d)
		}
	}
	if len(todo) == 0 {
		return 0, nil
	}
	var outcomes []store.Outcome
	err = jobs.Insist(ctx, writeLimit, func(ctx context.Context) (err error) {
		outcomes, err = r.cfg.Write(ctx, set.Revision(), todo)
		return err
	}, misconfigured)
	if err != nil || sweeping {
		return len(todo), err
	}
	for i, d := range todo {
		h, ok := held[d.ID]
		r.counted.add(h, ok, d, codeOf(outcomes[i]), now)
	}
	return len(todo), nil
}

// below reports whether an event is not where the replay must bring it: its own
// place is held below the target, or nobody holds it. A copy, a conflict and
// what has expired are where they belong.
func (r *run) below(d *store.Document, h store.Held, held bool, now time.Time) bool {
	if !held {
		return d.ExpiresAt.IsZero() || d.ExpiresAt.After(now)
	}
	return h.ContentHash == d.ContentHash && !h.Origin.Before(d.Origin) && h.Revision < r.job.TargetRevision
}

// codeOf is why the write rule rejected what the judgement did not.
func codeOf(o store.Outcome) string {
	switch o {
	case store.Conflict:
		return event.CodeIDConflict
	case store.Unstorable:
		return event.CodeUnstorable
	}
	return ""
}

// wait keeps the rate that was asked for, and steps back before live events.
func (r *run) wait(ctx context.Context, written int) error {
	if r.limit != nil {
		for written > 0 {
			n := min(written, r.limit.Burst())
			if err := r.limit.WaitN(ctx, n); err != nil {
				return ended(ctx, err)
			}
			written -= n
		}
	}
	return r.pace.wait(ctx, r)
}

// ended is the cause of ctx's end, or err if it has not ended.
func ended(ctx context.Context, err error) error {
	if cause := context.Cause(ctx); cause != nil {
		return cause
	}
	return err
}
