package kv

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/theeye/theeye/shared/retry"
)

const (
	// MaxAttempts bounds how often Update tries to write a key that other
	// writers change at the same time.
	MaxAttempts = 20
	// maxWait is the longest wait before the second attempt; before the nth it
	// is n-1 times as long.
	maxWait = 2 * time.Millisecond
)

// ErrUnchanged is what a function returns to Update to leave a key as it is.
var ErrUnchanged = errors.New("the key has the value already")

// Update writes what change makes of the newest entry of a key, as the successor
// of that entry or not at all, and returns the new revision. When another writer
// came between, it reads the key and calls change again. An error of change ends
// the update and is returned as it is; ErrConflict is returned when MaxAttempts
// attempts came too late.
func (b *Bucket) Update(ctx context.Context, key string, change func(now Entry) (Write, error)) (revision uint64, err error) {
	for attempt := range MaxAttempts {
		if attempt > 0 {
			// Random, so that writers that met once do not meet again, and so that
			// a replica that lags behind its leader can catch up.
			wait := rand.N(time.Duration(attempt) * maxWait) //nolint:gosec // no secret
			if err := retry.Sleep(ctx, wait); err != nil {
				return 0, fmt.Errorf("update %s/%s: %w", b.name, key, err)
			}
		}
		now, err := b.Get(ctx, key)
		if err != nil {
			return 0, err
		}
		w, err := change(now)
		if err != nil {
			return 0, err
		}
		if revision, err = b.publish(ctx, key, w, now.Revision); !errors.Is(err, ErrConflict) {
			return revision, err
		}
	}
	return 0, fmt.Errorf("update %s/%s: %d attempts failed: %w", b.name, key, MaxAttempts, ErrConflict)
}
