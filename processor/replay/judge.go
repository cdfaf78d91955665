package replay

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/theeye/theeye/processor/jobs"
	"github.com/theeye/theeye/shared/event"
	"github.com/theeye/theeye/shared/job"
	"github.com/theeye/theeye/shared/schema"
	"github.com/theeye/theeye/shared/store"
	"github.com/theeye/theeye/shared/stream"
)

// judges is how many goroutines judge a portion.
const judges = 2

// judge returns the documents of the messages that a selection covers, as far
// as messages tell, in their order.
func (r *Replayer) judge(portion []stream.Raw, set *schema.Set, s job.Selection) []*store.Document {
	docs := make([]*store.Document, len(portion))
	var all sync.WaitGroup
	share := (len(portion) + judges - 1) / judges
	for from := 0; from < len(portion); from += share {
		to := min(from+share, len(portion))
		all.Go(func() {
			for i := from; i < to; i++ {
				if d := r.cfg.Judge(portion[i], set); s.Covers(d) {
					docs[i] = d
				}
			}
		})
	}
	all.Wait()
	covered := docs[:0]
	for _, d := range docs {
		if d != nil {
			covered = append(covered, d)
		}
	}
	return covered
}

// presence is what the store holds of documents.
type presence map[string]store.Held

// held reads what the store holds of documents, however long it is away.
func (r *Replayer) held(ctx context.Context, h *jobs.Handle, docs []*store.Document) (p presence, err error) {
	if len(docs) == 0 {
		return nil, nil
	}
	ids := make([]string, len(docs))
	for i, d := range docs {
		ids[i] = d.ID
	}
	err = insist(ctx, h, askLimit, func(ctx context.Context) error {
		p, err = r.cfg.Store.Held(ctx, ids)
		return err
	})
	return p, err
}

// conflict is the outcome of an event whose id another content holds.
var conflict = []event.Fault{{Code: event.CodeIDConflict, Path: event.Pointer("event_id")}}

// of returns the present outcome of an event, which is not that of the content
// that holds its id.
func (p presence) of(d *store.Document) (h store.Held, ok bool) {
	h, ok = p[d.ID]
	if ok && h.ContentHash != d.ContentHash {
		h.Status, h.Errors = store.Rejected, conflict
	}
	return h, ok
}

// phaseStore is the phase of a job while the store is away.
const phaseStore = "waiting for the store"

// insist asks the store, however long it is away, and tells so meanwhile. What
// a person must mend is an error.
func insist(ctx context.Context, h *jobs.Handle, limit time.Duration, do func(context.Context) error) error {
	before, away := h.Job().Phase, false
	tell := func(phase string) { h.Update(func(j *job.Job) { j.Phase = phase }) }
	err := jobs.Insist(ctx, limit, do, func(err error) bool {
		if errors.Is(err, store.ErrConfiguration) {
			return true
		}
		away = true
		tell(phaseStore)
		return false
	})
	if away {
		tell(before)
	}
	return err
}
