package audit

import (
	"context"

	"github.com/theeye/theeye/processor/jobs"
	"github.com/theeye/theeye/shared/judge"
	"github.com/theeye/theeye/shared/store"
)

// mend writes what is missing, judged by the newest revision, and looks whether
// it is there then. It returns what is still missing.
func (w *walk) mend(ctx context.Context, items []*item) ([]*item, error) {
	set := w.cfg.Registry.Snapshot().Schemas
	docs := make([]*store.Document, len(items))
	for i, it := range items {
		docs[i], _ = judge.Message(it.msg, set, w.epoch)
	}
	var outcomes []store.Outcome
	err := jobs.Insist(ctx, writeLimit, func(ctx context.Context) (err error) {
		outcomes, err = w.cfg.Write(ctx, set.Revision(), docs)
		return err
	}, final)
	if err != nil {
		return nil, err
	}
	written := make(map[*item]bool, len(items))
	for i, it := range items {
		switch outcomes[i] {
		case store.Expired: // by the newest policy, nothing is missing
			it.verdict = expired
		case store.Inserted, store.Replaced, store.Conflict, store.Unstorable:
			written[it] = true
		case store.Unchanged: // somebody else wrote it meanwhile
		}
	}
	var todo []*item
	for _, it := range items {
		if it.verdict == open {
			todo = append(todo, it)
		}
	}
	left, err := w.lookUpLeft(ctx, todo)
	if err != nil {
		return nil, err
	}
	for it := range written {
		if it.verdict != open {
			w.ledger.Repaired++
		}
	}
	return left, nil
}
