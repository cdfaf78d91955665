package audit

import (
	"context"
	"fmt"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/theeye/theeye/processor/jobs"
	"github.com/theeye/theeye/shared/event"
	"github.com/theeye/theeye/shared/job"
	"github.com/theeye/theeye/shared/outcome"
	"github.com/theeye/theeye/shared/schema"
	"github.com/theeye/theeye/shared/store"
	"github.com/theeye/theeye/shared/stream"
)

// item is one message that is reconciled with the store.
type item struct {
	msg stream.Raw
	// doc is its identity: id, content, type, received time and origin.
	doc     *store.Document
	verdict verdict
	// original is the origin of the first copy of a duplicate.
	original store.Origin
	// conflicting says that another content holds the id.
	conflicting bool
}

// reconcile gives each message its verdict, counts it, and returns which of them
// are missing.
func (sc *scan) reconcile(ctx context.Context, messages []stream.Raw) ([]job.Range, error) {
	if len(messages) == 0 {
		return nil, nil
	}
	items := sc.identifyMessages(messages)
	// The floor before the store: a message that is settled in between is in the
	// store.
	floor, err := sc.ackFloor(ctx, items)
	if err != nil {
		return nil, err
	}
	all := make([]*item, len(items))
	for i := range items {
		all[i] = &items[i]
	}
	left, err := sc.findInStore(ctx, all)
	if err != nil {
		return nil, err
	}
	if left, err = sc.findDecoded(ctx, left); err != nil {
		return nil, err
	}
	if left, err = sc.splitPending(ctx, left, floor); err != nil {
		return nil, err
	}
	if left, err = sc.findExpired(ctx, left); err != nil {
		return nil, err
	}
	if sc.repair && len(left) > 0 {
		if left, err = sc.repairMissing(ctx, items, left); err != nil {
			return nil, err
		}
	}
	for i := range items {
		sc.report.countVerdict(items[i].verdict)
		if items[i].verdict == duplicate {
			sc.report.addDuplicate(items[i].msg.Seq, items[i].original, sc.epoch)
		}
	}
	missing := make([]job.Range, len(left))
	for i, it := range left {
		missing[i] = job.Range{From: it.msg.Seq, To: it.msg.Seq, Reason: job.MissingInStore}
	}
	return missing, nil
}

// identityRules validate nothing: the id and the content of a message do not
// depend on the registry.
type identityRules struct{}

// Revision implements outcome.Rules.
func (identityRules) Revision() uint64 { return 0 }

// ValidateWithin implements outcome.Rules.
func (identityRules) ValidateWithin(*event.Event, time.Time, string, schema.Work) (schema.Verdict, bool) {
	return schema.Verdict{}, true
}

// parallelDecoders is how many goroutines identify a portion, and parallelReaders how
// many look it up in the store.
const (
	parallelDecoders = 2
	parallelReaders  = 2
)

func (sc *scan) identifyMessages(messages []stream.Raw) []item {
	items := make([]item, len(messages))
	share := (len(messages) + parallelDecoders - 1) / parallelDecoders
	var all sync.WaitGroup
	for from := 0; from < len(messages); from += share {
		to := min(from+share, len(messages))
		all.Go(func() {
			for i := from; i < to; i++ {
				items[i].msg = messages[i]
				items[i].doc = sc.identify(messages[i], sc.epoch)
			}
		})
	}
	all.Wait()
	return items
}

// ackFloor returns the live consumer's floor: everything up to it was written
// before it was acknowledged. It is read again only if an item lies above it.
func (sc *scan) ackFloor(ctx context.Context, items []item) (uint64, error) {
	if items[len(items)-1].msg.Seq <= sc.floor {
		return sc.floor, nil
	}
	err := sc.readFloor(ctx)
	return sc.floor, err
}

func (sc *scan) readFloor(ctx context.Context) error {
	return jobs.Retry(ctx, requestLimit, func(ctx context.Context) error {
		c, err := sc.cfg.JetStream.Consumer(ctx, stream.Name, stream.Consumer)
		if err != nil {
			return fmt.Errorf("look up consumer %s: %w", stream.Consumer, err)
		}
		sc.floor = max(sc.floor, c.CachedInfo().AckFloor.Stream)
		return nil
	}, nil)
}

// findInStore looks the items up in the store, first under their ids and then
// under the ids that they have as conflicts with another content. It returns the
// items that are not there.
func (sc *scan) findInStore(ctx context.Context, items []*item) ([]*item, error) {
	left, err := sc.findByID(ctx, items, func(d *store.Document) string { return d.ID })
	if err != nil {
		return nil, err
	}
	return sc.findByID(ctx, left, func(d *store.Document) string {
		return store.ConflictID(d.Application, d.ContentHash, d.EventID)
	})
}

// findDecoded decodes the items, and looks up those that have another identity then: an
// event on which the decoder panics is identified by its bytes. It returns the items
// that are not there.
func (sc *scan) findDecoded(ctx context.Context, items []*item) (left []*item, err error) {
	var others []*item
	for _, it := range items {
		d, _ := outcome.Evaluate(it.msg, identityRules{}, sc.epoch)
		if d.ID == it.doc.ID && d.ContentHash == it.doc.ContentHash {
			left = append(left, it)
			continue
		}
		it.doc, it.conflicting = d, false
		others = append(others, it)
	}
	others, err = sc.findInStore(ctx, others)
	return append(left, others...), err
}

// findByID gives a verdict to the items that the store holds under an id, and
// returns the others.
func (sc *scan) findByID(ctx context.Context, items []*item, id func(*store.Document) string) ([]*item, error) {
	if len(items) == 0 {
		return nil, nil
	}
	ids := make([]string, len(items))
	for i, it := range items {
		ids[i] = id(it.doc)
	}
	held, err := sc.readHeld(ctx, ids)
	if err != nil {
		return nil, err
	}
	var left []*item
	for i, it := range items {
		h, ok := held.at(i, ids[i])
		if it.conflicting = it.conflicting || ok && h.ContentHash != it.doc.ContentHash; ok {
			it.applyHeld(h)
		}
		if it.verdict == unexplained {
			left = append(left, it)
		}
	}
	return left, nil
}

// readAtOnce is how many ids are read by one call, of several at the same time.
const readAtOnce = 500

// heldParts has what the store holds under ids, for each part of readAtOnce of them.
type heldParts []map[string]store.Held

// at returns the document that the store holds under the id at an index.
func (p heldParts) at(i int, id string) (store.Held, bool) {
	h, ok := p[i/readAtOnce][id]
	return h, ok
}

func (sc *scan) readHeld(ctx context.Context, ids []string) (heldParts, error) {
	parts := make(heldParts, (len(ids)+readAtOnce-1)/readAtOnce)
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(parallelReaders)
	for i := range parts {
		part := ids[i*readAtOnce : min((i+1)*readAtOnce, len(ids))]
		group.Go(func() error {
			return jobs.Retry(ctx, requestLimit, func(ctx context.Context) (err error) {
				parts[i], err = sc.cfg.Store.Held(ctx, part)
				return err
			}, isPermanent)
		})
	}
	return parts, group.Wait()
}

// applyHeld gives the item the verdict that follows from a document in the store.
// A document of a later origin explains nothing: had this message been written,
// its origin would have won.
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

// splitPending separates the items that are still to be settled from those that
// are missing, which it returns. Items above the floor are looked up once more: a
// processor may have settled them in the meantime.
func (sc *scan) splitPending(ctx context.Context, items []*item, floor uint64) (left []*item, err error) {
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
	if err := sc.readFloor(ctx); err != nil {
		return nil, err
	}
	floor = sc.floor
	if above, err = sc.findInStore(ctx, above); err != nil {
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

// findExpired marks those items as expired that the store may have removed
// because a retention is over, and returns the others.
func (sc *scan) findExpired(ctx context.Context, items []*item) (left []*item, err error) {
	if len(items) == 0 {
		return nil, nil
	}
	err = jobs.Retry(ctx, requestLimit, func(ctx context.Context) error {
		return sc.policies.refreshPolicies(ctx, sc.cfg.Registry.Revision())
	}, nil)
	if err != nil {
		return nil, err
	}
	now := sc.cfg.Now()
	for _, it := range items {
		over, err := sc.mayHaveExpired(ctx, it, now)
		switch {
		case err != nil:
			return nil, err
		case over:
			it.verdict = expired
		default:
			left = append(left, it)
		}
	}
	return left, nil
}

// mayHaveExpired reports whether a processor may have given the event an outcome
// whose retention is over now. It begins with the newest policies, which most
// often decide.
func (sc *scan) mayHaveExpired(ctx context.Context, it *item, now time.Time) (bool, error) {
	t := schema.Type{Category: it.doc.Category, Name: it.doc.Name}
	over := func(retention time.Duration) bool {
		return retention > 0 && !it.doc.ReceivedAt.Add(retention).After(now)
	}
	for _, interval := range sc.policies.intervalsSince(it.doc.ReceivedAt) {
		asStored, asRejected := over(interval.policy.Retention.Of(t, false)), over(interval.policy.Retention.Of(t, true))
		switch {
		case it.conflicting && asRejected, asStored && asRejected:
			return true, nil
		case it.conflicting || asStored == asRejected:
			continue
		}
		// It depends on the outcome, and so on the schemas of that interval.
		gone, err := sc.expiredUnder(ctx, interval, it, t, now)
		if gone || err != nil {
			return gone, err
		}
	}
	return false, nil
}

// expiredUnder validates the event against every revision of an interval that can
// have decided its outcome, and reports whether it has expired under one of them.
func (sc *scan) expiredUnder(ctx context.Context, interval policyInterval, it *item, t schema.Type, now time.Time) (gone bool, err error) {
	err = jobs.Retry(ctx, requestLimit, func(ctx context.Context) error {
		revisions, err := sc.policies.candidateRevisions(ctx, interval, t, it.doc.ReceivedAt)
		if err != nil {
			return err
		}
		for _, revision := range revisions {
			set, err := sc.policies.schemasAt(ctx, revision)
			if err != nil {
				return err
			}
			d, _ := outcome.Evaluate(it.msg, set, sc.epoch)
			if gone = !d.ExpiresAt.IsZero() && !d.ExpiresAt.After(now); gone {
				return nil
			}
		}
		return nil
	}, nil)
	return gone, err
}

// repairMissing writes missing events, validated against the newest revision, and
// checks that the store then holds them. It returns those that are still missing.
// It looks up all items of the portion again: a later copy that was held is a
// duplicate now.
func (sc *scan) repairMissing(ctx context.Context, items []item, missing []*item) ([]*item, error) {
	results, err := sc.writeItems(ctx, missing)
	if err != nil {
		return nil, err
	}
	var written []*item
	for i, it := range missing {
		switch results[i] {
		case store.Inserted, store.Replaced, store.Conflict, store.Unstorable:
			written = append(written, it)
		case store.Expired: // under the newest policy
			it.verdict = expired
		case store.Unchanged: // another process wrote it in the meantime
		}
	}
	var again []*item
	for i := range items {
		if v := items[i].verdict; v == unexplained || v == stored || v == rejected {
			items[i].verdict = unexplained
			again = append(again, &items[i])
		}
	}
	left, err := sc.findInStore(ctx, again)
	for _, it := range written {
		if it.verdict != unexplained {
			sc.report.Repaired++
		}
	}
	return left, err
}

// writeItems writes items by the store's write rule.
func (sc *scan) writeItems(ctx context.Context, items []*item) (results []store.WriteResult, err error) {
	set, settled := sc.cfg.Present()
	defer settled()
	docs := make([]*store.Document, len(items))
	for i, it := range items {
		docs[i], _ = outcome.Evaluate(it.msg, set, sc.epoch)
	}
	err = jobs.Retry(ctx, writeLimit, func(ctx context.Context) error {
		results, err = sc.cfg.Write(ctx, set.Revision(), docs, nil)
		return err
	}, isPermanent)
	return results, err
}
