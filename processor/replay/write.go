package replay

import (
	"context"
	"time"

	"github.com/theeye/theeye/shared/event"
	"github.com/theeye/theeye/shared/job"
	"github.com/theeye/theeye/shared/schema"
	"github.com/theeye/theeye/shared/store"
	"github.com/theeye/theeye/shared/stream"
)

// part is what was brought to the newest revision of a part of a portion.
type part struct {
	docs     []*store.Document
	held     presence
	outcomes []store.WriteResult
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
	if r.cfg.OnChange != nil {
		defer r.tell(r.counted.changes)
	}
	for i, d := range p.docs {
		h, ok := held.of(d)
		r.counted.add(h, ok, d, codeOf(p.outcomes[i]), now)
		if ok && h.ContentHash == d.ContentHash && d.Origin.Before(h.Origin) {
			h.Origin = d.Origin // what was held becomes the copy
			held[d.ID] = h
		}
	}
}

// tell says what was counted since before.
func (r *run) tell(before job.Changes) {
	now := &r.counted.changes
	for change, events := range map[job.Change]uint64{
		job.NewlyValid:    now.NewlyValid - before.NewlyValid,
		job.StillRejected: now.StillRejected - before.StillRejected,
		job.NewlyRejected: now.NewlyRejected - before.NewlyRejected,
		job.Unchanged:     now.Unchanged - before.Unchanged,
	} {
		r.cfg.OnChange(change, events)
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
func codeOf(o store.WriteResult) string {
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
