package audit

import (
	"context"

	"github.com/theeye/theeye/processor/jobs"
	"github.com/theeye/theeye/shared/outcome"
	"github.com/theeye/theeye/shared/store"
)

// mend writes what is missing, judged by the newest revision, and looks whether
// it is there then. It returns what is still missing. All items of the portion
// are looked up again: a later copy that was held is a duplicate now.
func (w *walk) mend(ctx context.Context, items []item, missing []*item) ([]*item, error) {
	outcomes, err := w.writeAll(ctx, missing)
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
		if v := items[i].verdict; v == open || v == stored || v == rejected {
			items[i].verdict = open
			again = append(again, &items[i])
		}
	}
	left, err := w.lookUp(ctx, again)
	for _, it := range written {
		if it.verdict != open {
			w.ledger.Repaired++
		}
	}
	return left, err
}

// writeAll writes items by the store's write rule.
func (w *walk) writeAll(ctx context.Context, items []*item) (outcomes []store.WriteResult, err error) {
	set := w.cfg.Registry.Snapshot().Schemas
	docs := make([]*store.Document, len(items))
	for i, it := range items {
		docs[i], _ = outcome.Evaluate(it.msg, set, w.epoch)
	}
	err = jobs.Insist(ctx, writeLimit, func(ctx context.Context) error {
		outcomes, err = w.cfg.Write(ctx, set.Revision(), docs)
		return err
	}, final)
	return outcomes, err
}
