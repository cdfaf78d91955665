package replay

import (
	"context"
	"fmt"
	"time"

	"github.com/theeye/theeye/shared/retry"

	"github.com/theeye/theeye/processor/jobs"
	"github.com/theeye/theeye/shared/job"
	"github.com/theeye/theeye/shared/stream"
)

// tolerableLag is a lag of live events, in events, that is no reason to wait.
const tolerableLag = 2000

// liveThrottle lets live events go first: it waits while more than twice as many are
// behind as when the replay began. The zero value has not looked yet.
type liveThrottle struct {
	checkedAt time.Time
	limit     uint64
}

func (p *liveThrottle) awaitLag(ctx context.Context, r *run) error {
	if time.Since(p.checkedAt) < r.throttleInterval {
		return nil
	}
	lag, err := r.liveLag(ctx)
	if err != nil {
		return err
	}
	if p.checkedAt.IsZero() {
		p.limit = max(2*lag, tolerableLag)
	}
	for lag > p.limit {
		phase := fmt.Sprintf("letting %d live events go first", lag)
		r.h.Update(func(j *job.Job) { j.Phase = phase })
		if err := retry.Sleep(ctx, pollInterval); err != nil {
			return err
		}
		if lag, err = r.liveLag(ctx); err != nil {
			return err
		}
	}
	p.checkedAt = time.Now()
	return nil
}

// liveLag is how many events wait for a live processor.
func (r *run) liveLag(ctx context.Context) (liveLag uint64, err error) {
	err = jobs.Retry(ctx, natsLimit, func(ctx context.Context) error {
		c, err := r.cfg.JetStream.Consumer(ctx, stream.Name, stream.Consumer)
		if err == nil {
			liveLag = c.CachedInfo().NumPending
		}
		return err
	}, nil)
	return liveLag, err
}
