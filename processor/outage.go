package processor

import (
	"context"
	"log/slog"
	"sync"
	"time"
)

// outage is the time in which the store is away: from the first lane whose
// write fails until none is failing. Meanwhile no lane fetches.
type outage struct {
	s *Service

	mu      sync.Mutex
	failing int
	since   time.Time
	over    chan struct{} // closed while no lane is failing
}

func (o *outage) init(s *Service) {
	o.s = s
	o.over = make(chan struct{})
	close(o.over)
}

// wait returns when no outage is known, or with the end of ctx.
func (o *outage) wait(ctx context.Context) error {
	o.mu.Lock()
	over := o.over
	o.mu.Unlock()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-over:
		return nil
	}
}

// begin notes that a lane's write fails.
func (o *outage) begin(ctx context.Context, err error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.failing++
	if o.failing > 1 {
		return
	}
	o.over, o.since = make(chan struct{}), time.Now()
	o.s.state.set(partStore, err)
	o.s.metrics.storeUp.Set(0)
	o.s.log.LogAttrs(ctx, slog.LevelWarn, "the store is away; nothing is fetched until it is back", slog.Any("error", err))
}

// end notes that the lane's batch is out of its hands: written if back is true.
func (o *outage) end(ctx context.Context, back bool) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.failing--
	if o.failing > 0 {
		return
	}
	close(o.over)
	if !back {
		return
	}
	o.s.state.set(partStore, nil)
	o.s.metrics.storeUp.Set(1)
	o.s.log.LogAttrs(ctx, slog.LevelInfo, "the store is back", slog.Duration("away", time.Since(o.since)))
}

// probed notes whether the store answered when nothing was being written to
// it; a lane's own failure knows better.
func (o *outage) probed(err error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.failing > 0 {
		return
	}
	o.s.state.set(partStore, err)
	o.s.metrics.storeUp.Set(0)
	if err == nil {
		o.s.metrics.storeUp.Set(1)
	}
}
