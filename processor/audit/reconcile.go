package audit

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/theeye/theeye/processor/jobs"
	"github.com/theeye/theeye/shared/event"
	"github.com/theeye/theeye/shared/job"
	"github.com/theeye/theeye/shared/outcome"
	"github.com/theeye/theeye/shared/schema"
	"github.com/theeye/theeye/shared/store"
	"github.com/theeye/theeye/shared/stream"
)

// item is one message on its way to its verdict.
type item struct {
	msg stream.Raw
	// doc is its identity: id, content, type, received time and place.
	doc     *store.Document
	verdict verdict
	// original is the place of the first copy of a duplicate.
	original store.Origin
	// conflicting says that another content holds the id.
	conflicting bool
}

// reconcile gives each message its verdict, counts it, and returns what of them
// is missing.
func (w *scan) reconcile(ctx context.Context, messages []stream.Raw) ([]job.Range, error) {
	if len(messages) == 0 {
		return nil, nil
	}
	items := w.identifyMessages(messages)
	// The floor before the store: what is settled in between is in the store.
	floor, err := w.ackFloor(ctx, items)
	if err != nil {
		return nil, err
	}
	all := make([]*item, len(items))
	for i := range items {
		all[i] = &items[i]
	}
	left, err := w.findInStore(ctx, all)
	if err != nil {
		return nil, err
	}
	if left, err = w.splitPending(ctx, left, floor); err != nil {
		return nil, err
	}
	if left, err = w.findExpired(ctx, left); err != nil {
		return nil, err
	}
	if w.repair && len(left) > 0 {
		if left, err = w.repairMissing(ctx, items, left); err != nil {
			return nil, err
		}
	}
	for i := range items {
		w.report.countVerdict(items[i].verdict)
		if items[i].verdict == duplicate {
			w.report.addDuplicate(items[i].msg.Seq, items[i].original, w.epoch)
		}
	}
	missing := make([]job.Range, len(left))
	for i, it := range left {
		missing[i] = job.Range{From: it.msg.Seq, To: it.msg.Seq, Reason: job.MissingInStore}
	}
	return missing, nil
}

// identity judges nothing: the id and the content of a message do not depend
// on the registry.
type identity struct{}

// Revision implements outcome.Rules.
func (identity) Revision() uint64 { return 0 }

// Validate implements outcome.Rules.
func (identity) Validate(*event.Event, time.Time, string) schema.Verdict { return schema.Verdict{} }

// parallelDecoders is how many goroutines identify a portion.
const parallelDecoders = 2

func (w *scan) identifyMessages(messages []stream.Raw) []item {
	items := make([]item, len(messages))
	share := (len(messages) + parallelDecoders - 1) / parallelDecoders
	var all sync.WaitGroup
	for from := 0; from < len(messages); from += share {
		to := min(from+share, len(messages))
		all.Go(func() {
			for i := from; i < to; i++ {
				items[i].msg = messages[i]
				items[i].doc, _ = outcome.Evaluate(messages[i], identity{}, w.epoch)
			}
		})
	}
	all.Wait()
	return items
}

// ackFloor is the live consumer's floor: everything up to it was written
// before it was acknowledged. It is read again only for what lies above.
func (w *scan) ackFloor(ctx context.Context, items []item) (uint64, error) {
	if items[len(items)-1].msg.Seq <= w.floor {
		return w.floor, nil
	}
	err := w.readFloor(ctx)
	return w.floor, err
}

func (w *scan) readFloor(ctx context.Context) error {
	return jobs.Insist(ctx, requestLimit, func(ctx context.Context) error {
		c, err := w.cfg.JetStream.Consumer(ctx, stream.Name, stream.Consumer)
		if err != nil {
			return fmt.Errorf("look up consumer %s: %w", stream.Consumer, err)
		}
		w.floor = max(w.floor, c.CachedInfo().AckFloor.Stream)
		return nil
	}, nil)
}

// findInStore looks for the items in the store, under their ids and then under those
// that they would have beside another content. It returns those that are not
// there.
func (w *scan) findInStore(ctx context.Context, items []*item) ([]*item, error) {
	left, err := w.findByID(ctx, items, func(d *store.Document) string { return d.ID })
	if err != nil {
		return nil, err
	}
	return w.findByID(ctx, left, func(d *store.Document) string {
		return store.ConflictID(d.Application, d.ContentHash, d.EventID)
	})
}

// findByID gives the items a verdict that are held under an id, and returns the
// others.
func (w *scan) findByID(ctx context.Context, items []*item, id func(*store.Document) string) ([]*item, error) {
	if len(items) == 0 {
		return nil, nil
	}
	ids := make([]string, len(items))
	for i, it := range items {
		ids[i] = id(it.doc)
	}
	var held map[string]store.Held
	err := jobs.Insist(ctx, requestLimit, func(ctx context.Context) (err error) {
		held, err = w.cfg.Store.Held(ctx, ids)
		return err
	}, isPermanent)
	if err != nil {
		return nil, err
	}
	var left []*item
	for i, it := range items {
		h, ok := held[ids[i]]
		if it.conflicting = it.conflicting || ok && h.ContentHash != it.doc.ContentHash; ok {
			it.applyHeld(h)
		}
		if it.verdict == unexplained {
			left = append(left, it)
		}
	}
	return left, nil
}

// applyHeld gives the item the verdict of what is held. A later place explains
// nothing: had this message been written, its place would have won.
func (it *item) applyHeld(h store.Held) {
	switch {
	case h.ContentHash != it.doc.ContentHash || it.doc.Origin.Before(h.Origin):
	case h.Origin.Before(it.doc.Origin):
		it.verdict, it.original = duplicate, h.Origin
	case h.Status == store.Rejected:
		it.verdict = rejected
	default:
		it.verdict = stored
	}
}

// splitPending tells what is still to be settled from what is missing. Items above the
// floor are looked at once more: a processor may have settled them meanwhile.
func (w *scan) splitPending(ctx context.Context, items []*item, floor uint64) (left []*item, err error) {
	var above []*item
	for _, it := range items {
		if it.msg.Seq > floor {
			above = append(above, it)
		} else {
			left = append(left, it)
		}
	}
	if len(above) == 0 {
		return left, nil
	}
	if err := w.readFloor(ctx); err != nil {
		return nil, err
	}
	floor = w.floor
	if above, err = w.findInStore(ctx, above); err != nil {
		return nil, err
	}
	for _, it := range above {
		if it.msg.Seq > floor {
			it.verdict = pending
		} else {
			left = append(left, it)
		}
	}
	return left, nil
}

// repairMissing writes what is missing, judged by the newest revision, and looks whether
// it is there then. It returns what is still missing. All items of the portion
// are looked up again: a later copy that was held is a duplicate now.
func (w *scan) repairMissing(ctx context.Context, items []item, missing []*item) ([]*item, error) {
	outcomes, err := w.writeItems(ctx, missing)
	if err != nil {
		return nil, err
	}
	var written []*item
	for i, it := range missing {
		switch outcomes[i] {
		case store.Inserted, store.Replaced, store.Conflict, store.Unstorable:
			written = append(written, it)
		case store.Expired: // by the newest policy
			it.verdict = expired
		case store.Unchanged: // somebody else wrote it meanwhile
		}
	}
	var again []*item
	for i := range items {
		if v := items[i].verdict; v == unexplained || v == stored || v == rejected {
			items[i].verdict = unexplained
			again = append(again, &items[i])
		}
	}
	left, err := w.findInStore(ctx, again)
	for _, it := range written {
		if it.verdict != unexplained {
			w.report.Repaired++
		}
	}
	return left, err
}

// writeItems writes items by the store's write rule.
func (w *scan) writeItems(ctx context.Context, items []*item) (outcomes []store.WriteResult, err error) {
	set := w.cfg.Registry.Snapshot().Schemas
	docs := make([]*store.Document, len(items))
	for i, it := range items {
		docs[i], _ = outcome.Evaluate(it.msg, set, w.epoch)
	}
	err = jobs.Insist(ctx, writeLimit, func(ctx context.Context) error {
		outcomes, err = w.cfg.Write(ctx, set.Revision(), docs)
		return err
	}, isPermanent)
	return outcomes, err
}
