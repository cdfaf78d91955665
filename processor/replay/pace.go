package replay

import (
	"context"
	"fmt"
	"time"

	"github.com/theeye/theeye/processor/jobs"
	"github.com/theeye/theeye/shared/job"
	"github.com/theeye/theeye/shared/stream"
)

// leastLag is a lag of live events, in events, that is no reason to wait.
const leastLag = 2000

// pace lets live events go first: it waits while more than twice as many are
// behind as when the replay began. The zero value has not looked yet.
type pace struct {
	looked time.Time
	most   uint64
}

func (p *pace) wait(ctx context.Context, r *run) error {
	if time.Since(p.looked) < r.paceEvery {
		return nil
	}
	lag, err := r.lag(ctx)
	if err != nil {
		return err
	}
	if p.looked.IsZero() {
		p.most = max(2*lag, leastLag)
	}
	for lag > p.most {
		phase := fmt.Sprintf("letting %d live events go first", lag)
		r.h.Update(func(j *job.Job) { j.Phase = phase })
		if err := jobs.Pause(ctx, lookEvery); err != nil {
			return err
		}
		if lag, err = r.lag(ctx); err != nil {
			return err
		}
	}
	p.looked = time.Now()
	return nil
}

// lag is how many events wait for a live processor.
func (r *run) lag(ctx context.Context) (lag uint64, err error) {
	err = jobs.Insist(ctx, natsLimit, func(ctx context.Context) error {
		c, err := r.cfg.JetStream.Consumer(ctx, stream.Name, stream.Consumer)
		if err == nil {
			lag = c.CachedInfo().NumPending
		}
		return err
	}, nil)
	return lag, err
}
