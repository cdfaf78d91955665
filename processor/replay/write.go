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

// writtenPart has the documents that were written from a part of a portion, with
// the documents that the store held before, and the results of the writes.
type writtenPart struct {
	docs    []*store.Document
	held    heldDocs
	results []store.WriteResult
}

// writePortion validates the selected events of a portion against the newest
// revision, which is the target or later, and writes them. It returns how many it
// wrote. In a sweep it writes only events that are below the target.
func (r *run) writePortion(ctx context.Context, portion []stream.Raw, sweeping bool) (written int, err error) {
	set := r.cfg.Registry.Snapshot().Schemas
	now := time.Now()
	var parts [parallelParts]writtenPart
	err = inParallel(portion, func(i int, messages []stream.Raw) (err error) {
		parts[i], err = r.selectPart(ctx, messages, set, func(d *store.Document, h store.Held, held bool) bool {
			return r.job.Selection.CoversOutcome(h, held) && (!sweeping || r.isBelowTarget(d, h, held, now))
		})
		return err
	})
	if err != nil {
		return 0, err
	}
	// All parts have read the store before any of them writes: the copies of one
	// event may be in several, and the report counts the outcome that the store
	// held before.
	err = inParallel(portion, func(i int, _ []stream.Raw) (err error) {
		parts[i].results, err = r.writeDocs(ctx, parts[i].docs, set.Revision())
		return err
	})
	if err != nil {
		return 0, err
	}
	held := heldDocs{}
	for _, p := range parts {
		held.merge(p.held)
	}
	for _, p := range parts {
		written += len(p.docs)
		if !sweeping {
			r.countPart(p, held, now)
		}
	}
	return written, nil
}

// selectPart returns the documents of a part for which wanted returns true, with
// the documents that the store holds.
func (r *run) selectPart(
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
	return p, nil
}

// writeDocs writes documents of a revision, at the rate of the job.
func (r *run) writeDocs(ctx context.Context, docs []*store.Document, revision uint64) (results []store.WriteResult, err error) {
	if len(docs) == 0 {
		return nil, nil
	}
	if err := r.limitRate(ctx, len(docs)); err != nil {
		return nil, err
	}
	err = retryStore(ctx, r.h, writeLimit, func(ctx context.Context) (err error) {
		results, err = r.cfg.Write(ctx, revision, docs)
		return err
	})
	return results, err
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
