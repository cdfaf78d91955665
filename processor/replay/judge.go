package replay

import (
	"context"
	"errors"
	"sync"

	"github.com/theeye/theeye/processor/jobs"
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

// held reads what the store holds of documents, however long it is away.
func (r *Replayer) held(ctx context.Context, docs []*store.Document) (held map[string]store.Held, err error) {
	if len(docs) == 0 {
		return nil, nil
	}
	ids := make([]string, len(docs))
	for i, d := range docs {
		ids[i] = d.ID
	}
	err = jobs.Insist(ctx, askLimit, func(ctx context.Context) error {
		held, err = r.cfg.Store.Held(ctx, ids)
		return err
	}, misconfigured)
	return held, err
}

func misconfigured(err error) bool { return errors.Is(err, store.ErrConfiguration) }
