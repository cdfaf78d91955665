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
	"github.com/theeye/theeye/shared/schema"
	"github.com/theeye/theeye/shared/store"
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

// part is what was brought to the newest revision of a part of a portion.
type part struct {
	docs     []*store.Document
	held     presence
	outcomes []store.Outcome
}

// write brings the selected events of a portion to the newest revision, which
// is the target at least, and returns how many it wrote. In a sweep it writes
// only what is below the target.
func (r *run) write(ctx context.Context, portion []stream.Raw, sweeping bool) (written int, err error) {
	set := r.cfg.Registry.Snapshot().Schemas
	now := time.Now()
	var parts [lanes]part
	err = inParts(portion, func(lane int, messages []stream.Raw) (err error) {
		parts[lane], err = r.bring(ctx, messages, set, func(d *store.Document, h store.Held, held bool) bool {
			return r.job.Selection.CoversOutcome(h, held) && (!sweeping || r.below(d, h, held, now))
		})
		return err
	})
	if err != nil {
		return 0, err
	}
	held := presence{}
	for _, p := range parts {
		written += len(p.docs)
		held.join(p.held)
		if !sweeping {
			r.count(p, held, now)
		}
	}
	return written, nil
}

// bring writes those of a part that are wanted.
func (r *run) bring(
	ctx context.Context, messages []stream.Raw, set *schema.Set, wanted func(*store.Document, store.Held, bool) bool,
) (p part, err error) {
	docs := r.judge(messages, set, r.job.Selection)
	if p.held, err = r.held(ctx, r.h, docs); err != nil {
		return p, err
	}
	for _, d := range docs {
		if h, ok := p.held.of(d); wanted(d, h, ok) {
			p.docs = append(p.docs, d)
		}
	}
	if len(p.docs) == 0 {
		return p, nil
	}
	if err := r.throttle(ctx, len(p.docs)); err != nil {
		return p, err
	}
	err = insist(ctx, r.h, writeLimit, func(ctx context.Context) (err error) {
		p.outcomes, err = r.cfg.Write(ctx, set.Revision(), p.docs)
		return err
	})
	return p, err
}

// count counts what became of the events of a part.
func (r *run) count(p part, held presence, now time.Time) {
	for i, d := range p.docs {
		h, ok := held.of(d)
		r.counted.add(h, ok, d, codeOf(p.outcomes[i]), now)
		if ok && h.ContentHash == d.ContentHash && d.Origin.Before(h.Origin) {
			h.Origin = d.Origin // what was held becomes the copy
			held[d.ID] = h
		}
	}
}

// below reports whether an event is not where the replay must bring it: its own
// place is held below the target, or nobody holds it. A copy, a conflict and
// what has expired are where they belong.
func (r *run) below(d *store.Document, h store.Held, held bool, now time.Time) bool {
	switch {
	case expired(d, now):
		return false
	case !held:
		return true
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

// throttle keeps the rate that was asked for.
func (r *run) throttle(ctx context.Context, events int) error {
	if r.limit == nil {
		return nil
	}
	for events > 0 {
		n := min(events, r.limit.Burst())
		if err := r.limit.WaitN(ctx, n); err != nil {
			return ended(ctx, err)
		}
		events -= n
	}
	return nil
}

// ended is the cause of ctx's end, or err if it has not ended.
func ended(ctx context.Context, err error) error {
	if cause := context.Cause(ctx); cause != nil {
		return cause
	}
	return err
}
