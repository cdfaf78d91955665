package refresh

import (
	"context"
	"iter"

	"github.com/theeye/theeye/shared/store"
)

// maxScans bounds the scans of the store at a time that questions cause.
const maxScans = 2

// scanForQuestion reads documents for a field that parts do not hold, in a slot for as
// long as the context lasts.
func (r *Refresher) scanForQuestion(ctx context.Context, application string, from, to int64) iter.Seq2[*store.Document, error] {
	return func(yield func(*store.Document, error) bool) {
		select {
		case r.scans <- struct{}{}:
			defer func() { <-r.scans }()
		case <-ctx.Done():
			yield(nil, ctx.Err())
			return
		}
		for d, err := range r.cfg.Store.Scan(ctx, application, from, to) {
			if !yield(d, err) {
				return
			}
		}
	}
}
