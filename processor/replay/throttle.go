package replay

import (
	"context"
)

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
