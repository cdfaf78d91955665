package processor

import (
	"context"
	"log/slog"
	"sync"
	"time"
)

const (
	// overrunTime is many times what a batch may take by its allowance.
	overrunTime = 2 * time.Second
	// overrunLogEvery bounds how often overruns are logged.
	overrunLogEvery = time.Minute
)

// overruns reports validations that take much longer than estimated: a weight of
// package schema is wrong, or the machine is overloaded. It decides nothing.
type overruns struct {
	metrics *metrics
	log     *slog.Logger

	mu     sync.Mutex
	logged time.Time // guarded by mu
}

func newOverruns(m *metrics, log *slog.Logger) *overruns { return &overruns{metrics: m, log: log} }

// observe reports a batch that took too long.
func (o *overruns) observe(ctx context.Context, messages []delivery, took time.Duration) {
	if took < overrunTime || len(messages) == 0 {
		return
	}
	o.metrics.overruns.Inc()
	o.mu.Lock()
	defer o.mu.Unlock()
	if now := time.Now(); now.Sub(o.logged) >= overrunLogEvery {
		o.logged = now
		o.log.LogAttrs(ctx, slog.LevelWarn, "the validation of a batch took longer than its estimate allows",
			slog.Duration("took", took), slog.Int("events", len(messages)),
			slog.Uint64("first", messages[0].Seq), slog.Uint64("last", messages[len(messages)-1].Seq))
	}
}
