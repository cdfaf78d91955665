package sqlite

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/theeye/theeye/shared/store"
)

// sweepAtOnce bounds the documents removed in one transaction, so that writers
// never wait long for the lock.
const sweepAtOnce = 500

// Sweep removes the documents that are past their expires_at and returns their
// number. It may run at any time.
func (s *Store) Sweep(ctx context.Context) (int64, error) {
	var total int64
	for {
		var n int64
		err := s.writer.inTransaction(ctx, func(w *writer) (err error) {
			n, err = w.runPrepared(`DELETE FROM events WHERE id IN
				(SELECT id FROM events INDEXED BY expiry_v1 WHERE expires_at <= ?1 LIMIT ?2)`,
				[]any{s.now().UnixMilli(), sweepAtOnce})
			return err
		})
		if err != nil {
			return total, fmt.Errorf("remove expired documents: %w", err)
		}
		total += n
		if n < sweepAtOnce {
			return total, nil
		}
	}
}

// sweepEvery removes expired documents periodically, until ctx ends.
func (s *Store) sweepEvery(ctx context.Context, pause time.Duration) {
	tick := time.NewTicker(pause)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		if s.Ready(ctx) != nil {
			continue // not prepared yet, or unavailable, which readiness reports
		}
		n, err := s.Sweep(ctx)
		switch {
		case err != nil && !errors.Is(err, store.ErrUnavailable):
			s.logger.Error("removing expired documents failed", slog.Any("error", err))
		case err != nil && ctx.Err() == nil:
			s.logger.Warn("removing expired documents failed", slog.Any("error", err))
		case n > 0:
			s.logger.Debug("removed expired documents", slog.Int64("documents", n))
		}
	}
}
