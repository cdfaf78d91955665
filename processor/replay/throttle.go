package replay

import (
	"context"
	"fmt"
	"time"

	"github.com/theeye/theeye/processor/jobs"
	"github.com/theeye/theeye/shared/job"
	"github.com/theeye/theeye/shared/retry"
	"github.com/theeye/theeye/shared/stream"
)

// tolerableLag is a lag of live events, in events, for which a replay does not
// wait.
const tolerableLag = 2000

// awaitLag waits until the lag of live events is within the limit. It checks the
// lag once within throttleInterval.
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
		phase := fmt.Sprintf("yielding to %d live events", lag)
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

// liveLag is the number of events that wait for a processor.
func (r *run) liveLag(ctx context.Context) (lag uint64, err error) {
	err = jobs.Retry(ctx, natsLimit, func(ctx context.Context) error {
		c, err := r.cfg.JetStream.Consumer(ctx, stream.Name, stream.Consumer)
		if err == nil {
			lag = c.CachedInfo().NumPending
		}
		return err
	}, nil)
	return lag, err
}

// limitRate waits so that the replay keeps to its maximum rate.
func (r *run) limitRate(ctx context.Context, events int) error {
	if r.limit == nil {
		return nil
	}
	for events > 0 {
		n := min(events, r.limit.Burst())
		if err := r.limit.WaitN(ctx, n); err != nil {
			return causeOr(ctx, err)
		}
		events -= n
	}
	return nil
}

// causeOr returns the cause of the end of ctx, or err if ctx has not ended.
func causeOr(ctx context.Context, err error) error {
	if cause := context.Cause(ctx); cause != nil {
		return cause
	}
	return err
}
