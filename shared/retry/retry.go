package retry

import (
	"context"
	"math/rand/v2"
	"time"
)

// Sleep waits for d, or until ctx ends. It returns nil after d, and
// context.Cause(ctx) if ctx has ended by then.
func Sleep(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
	case <-ctx.Done():
	}
	return context.Cause(ctx)
}

// SleepJitter is Sleep for Jitter(d): processes that failed together do not try
// again together.
func SleepJitter(ctx context.Context, d time.Duration) error {
	return Sleep(ctx, Jitter(d))
}

// Jitter returns a random duration from d/2 to 3d/2, which is d on average, and 0
// where d is not positive.
func Jitter(d time.Duration) time.Duration {
	if d <= 0 {
		return 0
	}
	return d/2 + rand.N(d) //nolint:gosec // spreads retries, no secret
}

// Policy says how Until tries again.
type Policy struct {
	// First is the wait after the first failure. Each following wait is twice
	// the one before and at most Most; where Most is less than First, all are First.
	First, Most time.Duration
	// Jitter spreads each wait as function Jitter does.
	Jitter bool
	// AttemptTimeout bounds each attempt by a context of its own; 0 is no
	// bound.
	AttemptTimeout time.Duration
	// Permanent reports whether an error is one that no further attempt can
	// change. A nil Permanent is false for all errors.
	Permanent func(error) bool
}

// Until calls do until it succeeds, and then returns nil. It gives up on a
// permanent error, which it returns, and at the end of ctx, whose cause it
// returns. A caller that logs failures does so in do.
func Until(ctx context.Context, p Policy, do func(context.Context) error) error {
	most := max(p.First, p.Most)
	for wait := p.First; ; wait = min(2*wait, most) {
		err := p.attempt(ctx, do)
		switch {
		case err == nil:
			return nil
		case ctx.Err() != nil:
			return context.Cause(ctx)
		case p.Permanent != nil && p.Permanent(err):
			return err
		}
		pause := wait
		if p.Jitter {
			pause = Jitter(wait)
		}
		if err := Sleep(ctx, pause); err != nil {
			return err
		}
	}
}

// attempt calls do once, within AttemptTimeout.
func (p Policy) attempt(ctx context.Context, do func(context.Context) error) error {
	if p.AttemptTimeout > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, p.AttemptTimeout)
		defer cancel()
	}
	return do(ctx)
}
