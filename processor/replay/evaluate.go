package replay

import (
	"cmp"
	"context"
	"fmt"
	"iter"
	"sync"

	"github.com/theeye/theeye/processor/jobs"
	"github.com/theeye/theeye/shared/event"
	"github.com/theeye/theeye/shared/job"
	"github.com/theeye/theeye/shared/schema"
	"github.com/theeye/theeye/shared/store"
	"github.com/theeye/theeye/shared/stream"
)

// parallelParts is how many parts of a portion are processed at once.
const parallelParts = 2

// inParallel calls do concurrently for each part of a portion.
func inParallel(do func(i int) error) error {
	var errs [parallelParts]error
	var all sync.WaitGroup
	for i := range errs {
		all.Go(func() {
			defer recoverTo(&errs[i])
			errs[i] = do(i)
		})
	}
	all.Wait()
	return cmp.Or(errs[:]...)
}

// recoverTo turns a panic into an error: it fails the job and not the process.
func recoverTo(err *error) {
	if v := recover(); v != nil {
		*err = fmt.Errorf("the task panicked: %v", v)
	}
}

// partOf returns the part i of a portion.
func partOf(messages []stream.Raw, i int) []stream.Raw {
	size := (len(messages) + parallelParts - 1) / parallelParts
	return messages[min(i*size, len(messages)):min((i+1)*size, len(messages))]
}

// readAhead yields what produce yields, which runs in a goroutine of its own and makes
// the next value while the caller uses one. It ends with the first error, and then or
// when the caller stops, the context of produce ends; it waits for the goroutine.
func readAhead[T any](ctx context.Context, produce func(context.Context) iter.Seq2[T, error]) iter.Seq2[T, error] {
	return func(yield func(T, error) bool) {
		ctx, cancel := context.WithCancel(ctx)
		values := make(chan T)
		var failed error
		var producer sync.WaitGroup
		defer producer.Wait()
		defer cancel()
		producer.Go(func() {
			defer close(values)
			defer recoverTo(&failed)
			for v, err := range produce(ctx) {
				if failed = err; err != nil {
					return
				}
				select {
				case values <- v:
				case <-ctx.Done():
					failed = context.Cause(ctx)
					return
				}
			}
		})
		for v := range values {
			if !yield(v, nil) {
				return
			}
		}
		if failed != nil {
			var none T
			yield(none, failed)
		}
	}
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
