package replay

import (
	"cmp"
	"context"
	"fmt"
	"sync"

	"github.com/theeye/theeye/processor/jobs"
	"github.com/theeye/theeye/shared/event"
	"github.com/theeye/theeye/shared/job"
	"github.com/theeye/theeye/shared/schema"
	"github.com/theeye/theeye/shared/store"
	"github.com/theeye/theeye/shared/stream"
)

// parallelParts is how many parts of a portion are processed at once: while one is
// validated, the store is busy with the other.
const parallelParts = 2

// inParallel calls do concurrently with each part of a portion.
func inParallel(portion []stream.Raw, do func(i int, part []stream.Raw) error) error {
	var errs [parallelParts]error
	var all sync.WaitGroup
	size := (len(portion) + parallelParts - 1) / parallelParts
	for i := range errs {
		part := portion[min(i*size, len(portion)):min((i+1)*size, len(portion))]
		all.Go(func() {
			defer func() {
				if v := recover(); v != nil { // a panic fails the job and not the process
					errs[i] = fmt.Errorf("the task panicked: %v", v)
				}
			}()
			errs[i] = do(i, part)
		})
	}
	all.Wait()
	return cmp.Or(errs[:]...)
}

// evaluateCovered returns the documents of the messages that a selection covers, in
// their order. Where a selection restricts outcomes, CoversOutcome decides further.
func (r *Replayer) evaluateCovered(part []stream.Raw, set *schema.Set, s job.Selection) []*store.Document {
	covered := make([]*store.Document, 0, len(part))
	for _, m := range part {
		if d := r.cfg.Evaluate(m, set); s.Covers(d) {
			covered = append(covered, d)
		}
	}
	return covered
}

// heldDocs are the documents that the store holds, by id.
type heldDocs map[string]store.Held

// readHeld looks documents up in the store. While the store is unavailable it
// retries.
func (r *Replayer) readHeld(ctx context.Context, h *jobs.Handle, docs []*store.Document) (p heldDocs, err error) {
	if len(docs) == 0 {
		return nil, nil
	}
	ids := make([]string, len(docs))
	for i, d := range docs {
		ids[i] = d.ID
	}
	err = jobs.RetryStore(ctx, h, storeLimit, func(ctx context.Context) error {
		p, err = r.cfg.Store.Held(ctx, ids)
		return err
	})
	return p, err
}

// conflictFaults are the faults of an event whose id is held by another content.
var conflictFaults = []event.Fault{{Code: event.CodeIDConflict, Path: event.Pointer("event_id")}}

// lookUp returns the present outcome of an event. If another content holds its id,
// that is a rejection, and not the outcome of that content.
func (p heldDocs) lookUp(d *store.Document) (h store.Held, ok bool) {
	h, ok = p[d.ID]
	if ok && h.ContentHash != d.ContentHash {
		h.Status, h.Errors = store.Rejected, conflictFaults
	}
	return h, ok
}

// Phases of a job. Those of waiting are of package jobs.
const (
	phaseValidating = "validating"
	phaseReplaying  = "replaying"
)
