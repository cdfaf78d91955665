package audit

import (
	"context"
	"time"

	"github.com/theeye/theeye/processor/jobs"
	"github.com/theeye/theeye/shared/outcome"
	"github.com/theeye/theeye/shared/schema"
)

// expire gives those items their verdict that may be gone because a retention
// is over, and returns the others.
func (w *walk) expire(ctx context.Context, items []*item) (left []*item, err error) {
	if len(items) == 0 {
		return nil, nil
	}
	err = jobs.Insist(ctx, askLimit, func(ctx context.Context) error {
		return w.eras.load(ctx, w.cfg.Registry.Revision())
	}, nil)
	if err != nil {
		return nil, err
	}
	now := w.cfg.Now()
	for _, it := range items {
		over, err := w.mayBeGone(ctx, it, now)
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

// mayBeGone reports whether some processor may have judged the event so that its
// retention is over now. The newest policies come first: they say it most often.
func (w *walk) mayBeGone(ctx context.Context, it *item, now time.Time) (bool, error) {
	t := schema.Type{Category: it.doc.Category, Name: it.doc.Name}
	over := func(retention time.Duration) bool {
		return retention > 0 && !it.doc.ReceivedAt.Add(retention).After(now)
	}
	for _, e := range w.eras.since(it.doc.ReceivedAt) {
		asStored, asRejected := over(e.policy.Retention.Of(t, false)), over(e.policy.Retention.Of(t, true))
		switch {
		case it.foreign && asRejected, asStored && asRejected:
			return true, nil
		case it.foreign || asStored == asRejected:
			continue
		}
		// It depends on the outcome, and that on the schema of the day.
		gone, err := w.goneBySchemas(ctx, it, t, e, now)
		if gone || err != nil {
			return gone, err
		}
	}
	return false, nil
}

// goneBySchemas judges the event by every revision of an era that can have
// decided its outcome.
func (w *walk) goneBySchemas(ctx context.Context, it *item, t schema.Type, e era, now time.Time) (gone bool, err error) {
	err = jobs.Insist(ctx, askLimit, func(ctx context.Context) error {
		revisions, err := w.eras.revisions(ctx, e, t, it.doc.ReceivedAt)
		if err != nil {
			return err
		}
		for _, revision := range revisions {
			set, err := w.eras.at(ctx, revision)
			if err != nil {
				return err
			}
			d, _ := outcome.Evaluate(it.msg, set, w.epoch)
			if gone = !d.ExpiresAt.IsZero() && !d.ExpiresAt.After(now); gone {
				return nil
			}
		}
		return nil
	}, nil)
	return gone, err
}
