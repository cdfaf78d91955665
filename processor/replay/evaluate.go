package replay

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/theeye/theeye/processor/jobs"
	"github.com/theeye/theeye/shared/event"
	"github.com/theeye/theeye/shared/job"
	"github.com/theeye/theeye/shared/schema"
	"github.com/theeye/theeye/shared/store"
	"github.com/theeye/theeye/shared/stream"
)

// parallelParts is how many parts of a portion are in work at once: while the one is
// judged, the store is busy with the other.
const parallelParts = 2

// inParallel does something with all parts of a portion at once.
func inParallel(portion []stream.Raw, do func(lane int, part []stream.Raw) error) error {
	var errs [parallelParts]error
	var all sync.WaitGroup
	size := (len(portion) + parallelParts - 1) / parallelParts
	for lane := range errs {
		part := portion[min(lane*size, len(portion)):min((lane+1)*size, len(portion))]
		all.Go(func() {
			defer func() {
				if v := recover(); v != nil { // it fails the job, and not the process
					errs[lane] = fmt.Errorf("the task panicked: %v", v)
				}
			}()
			errs[lane] = do(lane, part)
		})
	}
	all.Wait()
	return cmp.Or(errs[:]...)
}

// evaluateCovered returns the documents of the messages that a selection covers, as far
// as messages tell, in their order.
func (r *Replayer) evaluateCovered(part []stream.Raw, set *schema.Set, s job.Selection) []*store.Document {
	covered := make([]*store.Document, 0, len(part))
	for _, m := range part {
		if d := r.cfg.Evaluate(m, set); s.Covers(d) {
			covered = append(covered, d)
		}
	}
	return covered
}

// heldDocs is what the store holds of documents.
type heldDocs map[string]store.Held

// readHeld reads what the store holds of documents, however long it is away.
func (r *Replayer) readHeld(ctx context.Context, h *jobs.Handle, docs []*store.Document) (p heldDocs, err error) {
	if len(docs) == 0 {
		return nil, nil
	}
	ids := make([]string, len(docs))
	for i, d := range docs {
		ids[i] = d.ID
	}
	err = retryStore(ctx, h, storeLimit, func(ctx context.Context) error {
		p, err = r.cfg.Store.Held(ctx, ids)
		return err
	})
	return p, err
}

// conflictFaults is the outcome of an event whose id another content holds.
var conflictFaults = []event.Fault{{Code: event.CodeIDConflict, Path: event.Pointer("event_id")}}

// lookUp returns the present outcome of an event, which is not that of the content
// that holds its id.
func (p heldDocs) lookUp(d *store.Document) (h store.Held, ok bool) {
	h, ok = p[d.ID]
	if ok && h.ContentHash != d.ContentHash {
		h.Status, h.Errors = store.Rejected, conflictFaults
	}
	return h, ok
}

// merge adds what another part knows, which may have looked later.
func (p heldDocs) merge(other heldDocs) {
	for id, h := range other {
		if _, ok := p[id]; !ok {
			p[id] = h
		}
	}
}

// What a job does, in its phase. The phases of waiting say more.
const (
	phaseValidating = "judging"
	phaseReplaying  = "replaying"
	phaseStore      = "waiting for the store"
)

// retryStore asks the store, however long it is away, which the phase of the job
// tells then. What a person must mend is an error.
func retryStore(ctx context.Context, h *jobs.Handle, limit time.Duration, do func(context.Context) error) error {
	return jobs.Retry(ctx, limit, do, func(err error) bool {
		if errors.Is(err, store.ErrConfiguration) {
			return true
		}
		h.Update(func(j *job.Job) { j.Phase = phaseStore })
		return false
	})
}
