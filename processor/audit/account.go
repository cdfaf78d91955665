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
	// first is the place of the first copy of a duplicate.
	first store.Origin
	// foreign says that another content holds the id.
	foreign bool
}

// account gives each message its verdict, counts it, and returns what of them
// is missing.
func (w *walk) account(ctx context.Context, messages []stream.Raw) ([]job.Range, error) {
	if len(messages) == 0 {
		return nil, nil
	}
	items := w.identify(messages)
	// The floor before the store: what is settled in between is in the store.
	floor, err := w.settledTo(ctx, items)
	if err != nil {
		return nil, err
	}
	all := make([]*item, len(items))
	for i := range items {
		all[i] = &items[i]
	}
	left, err := w.lookUp(ctx, all)
	if err != nil {
		return nil, err
	}
	if left, err = w.await(ctx, left, floor); err != nil {
		return nil, err
	}
	if left, err = w.expire(ctx, left); err != nil {
		return nil, err
	}
	if w.repair && len(left) > 0 {
		if left, err = w.mend(ctx, items, left); err != nil {
			return nil, err
		}
	}
	for i := range items {
		w.ledger.count(items[i].verdict)
		if items[i].verdict == duplicate {
			w.ledger.copyOf(items[i].msg.Seq, items[i].first, w.epoch)
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

// identifiers is how many goroutines identify a portion.
const identifiers = 2

func (w *walk) identify(messages []stream.Raw) []item {
	items := make([]item, len(messages))
	share := (len(messages) + identifiers - 1) / identifiers
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

// settledTo is the live consumer's floor: everything up to it was written
// before it was acknowledged. It is read again only for what lies above.
func (w *walk) settledTo(ctx context.Context, items []item) (uint64, error) {
	if items[len(items)-1].msg.Seq <= w.floor {
		return w.floor, nil
	}
	err := w.readFloor(ctx)
	return w.floor, err
}

func (w *walk) readFloor(ctx context.Context) error {
	return jobs.Insist(ctx, askLimit, func(ctx context.Context) error {
		c, err := w.cfg.JetStream.Consumer(ctx, stream.Name, stream.Consumer)
		if err != nil {
			return fmt.Errorf("look up consumer %s: %w", stream.Consumer, err)
		}
		w.floor = max(w.floor, c.CachedInfo().AckFloor.Stream)
		return nil
	}, nil)
}

// lookUp looks for the items in the store, under their ids and then under those
// that they would have beside another content. It returns those that are not
// there.
func (w *walk) lookUp(ctx context.Context, items []*item) ([]*item, error) {
	left, err := w.settle(ctx, items, func(d *store.Document) string { return d.ID })
	if err != nil {
		return nil, err
	}
	return w.settle(ctx, left, func(d *store.Document) string {
		return store.ConflictID(d.Application, d.ContentHash, d.EventID)
	})
}

// settle gives the items a verdict that are held under an id, and returns the
// others.
func (w *walk) settle(ctx context.Context, items []*item, id func(*store.Document) string) ([]*item, error) {
	if len(items) == 0 {
		return nil, nil
	}
	ids := make([]string, len(items))
	for i, it := range items {
		ids[i] = id(it.doc)
	}
	var held map[string]store.Held
	err := jobs.Insist(ctx, askLimit, func(ctx context.Context) (err error) {
		held, err = w.cfg.Store.Held(ctx, ids)
		return err
	}, final)
	if err != nil {
		return nil, err
	}
	var left []*item
	for i, it := range items {
		h, ok := held[ids[i]]
		if it.foreign = it.foreign || ok && h.ContentHash != it.doc.ContentHash; ok {
			it.by(h)
		}
		if it.verdict == open {
			left = append(left, it)
		}
	}
	return left, nil
}

// by gives the item the verdict of what is held. A later place explains
// nothing: had this message been written, its place would have won.
func (it *item) by(h store.Held) {
	switch {
	case h.ContentHash != it.doc.ContentHash || it.doc.Origin.Before(h.Origin):
	case h.Origin.Before(it.doc.Origin):
		it.verdict, it.first = duplicate, h.Origin
	case h.Status == store.Rejected:
		it.verdict = rejected
	default:
		it.verdict = stored
	}
}

// await tells what is still to be settled from what is missing. Items above the
// floor are looked at once more: a processor may have settled them meanwhile.
func (w *walk) await(ctx context.Context, items []*item, floor uint64) (left []*item, err error) {
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
	if above, err = w.lookUp(ctx, above); err != nil {
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
