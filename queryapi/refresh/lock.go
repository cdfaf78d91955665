package refresh

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"time"

	"github.com/theeye/theeye/shared/folderlock"
)

// awaitLock makes the folder and locks it; it waits while another process uses it, or
// while it cannot be made. It returns nil if ctx ends before.
func (r *Refresher) awaitLock(ctx context.Context) *folderlock.Lock {
	for {
		lock, err := lockFolder(r.cfg.Dir)
		r.mu.Lock()
		if err != nil && r.lockFailed == nil {
			r.log.Error("the folder of columns cannot be used; waiting for it", slog.Any("error", err))
		}
		r.lockFailed = err
		r.wakeQuestions()
		r.mu.Unlock()
		if err == nil {
			return lock
		}
		select {
		case <-ctx.Done():
			return nil
		case <-time.After(lockEvery):
		}
	}
}

func lockFolder(dir string) (*folderlock.Lock, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil { //nolint:gosec // the settings name the folder
		return nil, fmt.Errorf("make the folder of columns: %w", err)
	}
	return folderlock.Acquire("folder of columns", dir)
}
