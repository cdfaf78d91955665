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

// writtenPart is what was brought to the newest revision of a part of a portion.
type writtenPart struct {
	docs     []*store.Document
	held     heldDocs
	outcomes []store.WriteResult
}

// writePortion brings the selected events of a portion to the newest revision, which
// is the target at least, and returns how many it wrote. In a sweep it writes
// only what is below the target.
func (r *run) writePortion(ctx context.Context, portion []stream.Raw, sweeping bool) (written int, err error) {
	set := r.cfg.Registry.Snapshot().Schemas
	now := time.Now()
	var parts [parallelParts]writtenPart
	err = inParallel(portion, func(lane int, messages []stream.Raw) (err error) {
		parts[lane], err = r.writePart(ctx, messages, set, func(d *store.Document, h store.Held, held bool) bool {
			return r.job.Selection.CoversOutcome(h, held) && (!sweeping || r.isBelowTarget(d, h, held, now))
		})
		return err
	})
	if err != nil {
		return 0, err
	}
	held := heldDocs{}
	for _, p := range parts {
		written += len(p.docs)
		held.merge(p.held)
		if !sweeping {
			r.countPart(p, held, now)
		}
	}
	return written, nil
}

// writePart writes those of a part that are wanted.
func (r *run) writePart(
	ctx context.Context, messages []stream.Raw, set *schema.Set, wanted func(*store.Document, store.Held, bool) bool,
) (p writtenPart, err error) {
	docs := r.evaluateCovered(messages, set, r.job.Selection)
	if p.held, err = r.readHeld(ctx, r.h, docs); err != nil {
		return p, err
	}
	for _, d := range docs {
		if h, ok := p.held.lookUp(d); wanted(d, h, ok) {
			p.docs = append(p.docs, d)
		}
	}
	if len(p.docs) == 0 {
		return p, nil
	}
	if err := r.limitRate(ctx, len(p.docs)); err != nil {
		return p, err
	}
	err = retryStore(ctx, r.h, writeLimit, func(ctx context.Context) (err error) {
		p.outcomes, err = r.cfg.Write(ctx, set.Revision(), p.docs)
		return err
	})
	return p, err
}

// countPart counts what became of the events of a part.
func (r *run) countPart(p writtenPart, held heldDocs, now time.Time) {
	if r.cfg.OnChange != nil {
		defer r.reportChanges(r.tally.changes)
	}
	for i, d := range p.docs {
		h, ok := held.lookUp(d)
		r.tally.countEvent(h, ok, d, conflictCode(p.outcomes[i]), now)
		if ok && h.ContentHash == d.ContentHash && d.Origin.Before(h.Origin) {
			h.Origin = d.Origin // what was held becomes the copy
			held[d.ID] = h
		}
	}
}

// reportChanges says what was counted since before.
func (r *run) reportChanges(before job.Changes) {
	now := &r.tally.changes
	for change, events := range map[job.Change]uint64{
		job.NewlyValid:    now.NewlyValid - before.NewlyValid,
		job.StillRejected: now.StillRejected - before.StillRejected,
		job.NewlyRejected: now.NewlyRejected - before.NewlyRejected,
		job.Unchanged:     now.Unchanged - before.Unchanged,
	} {
		r.cfg.OnChange(change, events)
	}
}

// isBelowTarget reports whether an event is not where the replay must bring it: its own
// place is held below the target, or nobody holds it. A copy, a conflict and
// what has expired are where they belong.
func (r *run) isBelowTarget(d *store.Document, h store.Held, held bool, now time.Time) bool {
	switch {
	case expired(d, now):
		return false
	case !held:
		return true
	}
	return h.ContentHash == d.ContentHash && !h.Origin.Before(d.Origin) && h.Revision < r.job.TargetRevision
}

// conflictCode is why the write rule rejected what the judgement did not.
func conflictCode(o store.WriteResult) string {
	switch o {
	case store.Conflict:
		return event.CodeIDConflict
	case store.Unstorable:
		return event.CodeUnstorable
	}
	return ""
}

// limitRate keeps the rate that was asked for.
func (r *run) limitRate(ctx context.Context, events int) error {
	if r.limit == nil {
		return nil
	}
	for events > 0 {
		n := min(events, r.limit.Burst())
		if err := r.limit.WaitN(ctx, n); err != nil {
			return causeOr(ctx, err)
		}
		events -= n
	}
	return nil
}

// causeOr is the cause of ctx's end, or err if it has not ended.
func causeOr(ctx context.Context, err error) error {
	if cause := context.Cause(ctx); cause != nil {
		return cause
	}
	return err
}
