package jobs

import (
	"context"
	"time"
)

// retryAfter is the pause before what failed is tried again.
const retryAfter = 500 * time.Millisecond

// Pause waits for d, or returns the cause of ctx's end.
func Pause(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
		return context.Cause(ctx)
	case <-t.C:
		return nil
	}
}

// Insist does something, each attempt within limit, until it succeeds, fails
// for good as final says, or ctx ends, whose cause it then returns: so a task
// waits out NATS or the store being away. A nil final is never.
func Insist(ctx context.Context, limit time.Duration, do func(context.Context) error, final func(error) bool) error {
	for {
		bounded, cancel := context.WithTimeout(ctx, limit)
		err := do(bounded)
		cancel()
		switch {
		case err == nil:
			return nil
		case ctx.Err() != nil:
			return context.Cause(ctx)
		case final != nil && final(err):
			return err
		}
		if err := Pause(ctx, retryAfter); err != nil {
			return err
		}
	}
}
