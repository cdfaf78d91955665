package replay

import (
	"context"
	"iter"
	"time"

	"github.com/theeye/theeye/processor/jobs"
	"github.com/theeye/theeye/shared/event"
	"github.com/theeye/theeye/shared/job"
	"github.com/theeye/theeye/shared/store"
)

// writtenPart has the documents that were written from a part of a portion, with
// the documents of all events that the selection covers, those that the store held
// of them, and the results of the writes.
type writtenPart struct {
	docs    []*store.Document
	covered []*store.Document
	held    heldDocs
	results []store.WriteResult
}

// heldBefore returns the documents that the store held before the parts were
// written. A part may have read the store after another had written its copy of an
// event. Of two readings of one id, the earlier one counts: the one without a
// document, or with the document that the other supersedes.
func heldBefore(parts []writtenPart) heldDocs {
	before := heldDocs{}
	for _, p := range parts {
		for id, h := range p.held {
			later, ok := before[id]
			if !ok || later.Origin.Before(h.Origin) || later.Origin == h.Origin && h.Revision < later.Revision {
				before[id] = h
			}
		}
	}
	for _, p := range parts {
		for _, d := range p.covered {
			if _, found := p.held[d.ID]; !found {
				delete(before, d.ID)
			}
		}
	}
	return before
}

// evaluatedPortion is a portion whose selected events are validated against a revision.
// The process counts as one that has them in flight until settled is called.
type evaluatedPortion struct {
	portion
	covered  [parallelParts][]*store.Document
	revision uint64
	settled  func()
}

// evaluatePortion validates the selected events of a portion against the newest
// revision, which is the target or later.
func (r *run) evaluatePortion(p portion) (evaluatedPortion, error) {
	set, settled := r.cfg.Present()
	e := evaluatedPortion{portion: p, revision: set.Revision(), settled: settled}
	err := inParallel(func(i int) error {
		e.covered[i] = r.evaluateCovered(partOf(p.messages, i), set, r.job.Selection)
		return nil
	})
	if err != nil {
		settled()
	}
	return e, err
}

// evaluateAhead yields the portions of a source: while one is written, the next is
// validated and the one after it fetched.
func (r *run) evaluateAhead(ctx context.Context, s *source) iter.Seq2[evaluatedPortion, error] {
	return readAhead(ctx, func(ctx context.Context) iter.Seq2[evaluatedPortion, error] {
		return func(yield func(evaluatedPortion, error) bool) {
			for p, err := range readAhead(ctx, s.portions) {
				var e evaluatedPortion
				if err == nil {
					e, err = r.evaluatePortion(p)
				}
				if !yield(e, err) {
					if err == nil {
						e.settled()
					}
					return
				}
			}
		}
	})
}

// writePortion writes the selected events of a portion, and settles it. It returns how
// many it wrote. In a sweep it writes only events that are below the target.
func (r *run) writePortion(ctx context.Context, e evaluatedPortion, sweeping bool) (written int, err error) {
	defer e.settled()
	now := time.Now()
	var parts [parallelParts]writtenPart
	err = inParallel(func(i int) (err error) {
		parts[i], err = r.writePart(ctx, e.covered[i], e.revision, func(d *store.Document, h store.Held, held bool) bool {
			return r.job.Selection.CoversOutcome(h, held) && (!sweeping || r.isBelowTarget(d, h, held, now))
		})
		return err
	})
	if err != nil {
		return 0, err
	}
	held := heldBefore(parts[:])
	for _, p := range parts {
		written += len(p.docs)
		if !sweeping {
			r.countPart(p, held, now)
		}
	}
	return written, nil
}

// writePart writes the events of a part for which wanted returns true.
func (r *run) writePart(
	ctx context.Context, covered []*store.Document, revision uint64, wanted func(*store.Document, store.Held, bool) bool,
) (p writtenPart, err error) {
	p.covered = covered
	if p.held, err = r.readHeld(ctx, r.h, p.covered); err != nil {
		return p, err
	}
	for _, d := range p.covered {
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
	err = jobs.RetryStore(ctx, r.h, writeLimit, func(ctx context.Context) (err error) {
		p.results, err = r.cfg.Write(ctx, revision, p.docs, p.held)
		return err
	})
	return p, err
}

// countPart counts the changes of outcome in a part.
func (r *run) countPart(p writtenPart, held heldDocs, now time.Time) {
	if r.cfg.OnChange != nil {
		defer r.reportChanges(r.tally.changes)
	}
	for i, d := range p.docs {
		h, ok := held.lookUp(d)
		r.tally.countEvent(h, ok, d, conflictCode(p.results[i]), now)
		if ok && h.ContentHash == d.ContentHash && d.Origin.Before(h.Origin) {
			h.Origin = d.Origin // the document that was held becomes the copy
			held[d.ID] = h
		}
	}
}

// reportChanges calls OnChange with the events that were counted since before.
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

// isBelowTarget reports whether the replay must still write an event: the store
// holds its origin below the target, or does not hold it at all. A copy, a conflict
// and an expired event need no write.
func (r *run) isBelowTarget(d *store.Document, h store.Held, held bool, now time.Time) bool {
	switch {
	case expired(d, now):
		return false
	case !held:
		return true
	}
	return h.ContentHash == d.ContentHash && !h.Origin.Before(d.Origin) && h.Revision < r.job.TargetRevision
}

// conflictCode is the reason for which the write rule rejected a valid event, ""
// without one.
func conflictCode(result store.WriteResult) string {
	switch result {
	case store.Conflict:
		return event.CodeIDConflict
	case store.Unstorable:
		return event.CodeUnstorable
	}
	return ""
}
