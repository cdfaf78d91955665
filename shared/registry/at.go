package registry

import (
	"context"
	"errors"
	"fmt"
	"log/slog"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/theeye/theeye/shared/schema"
)

// ErrNoRevision is returned for a revision that the registry has not reached.
var ErrNoRevision = errors.New("the registry has no such revision")

// At returns the Set as it was at a registry revision: what a Registry's
// snapshot of that revision holds, rebuilt from the versions in the bucket. It
// is exact as long as nobody purged versions. At reads the bucket from its
// start, which takes a fraction of a second for 10,000 versions; ctx bounds it and
// should have a deadline, as it waits while NATS is away. The error is
// ErrNoRevision above the newest revision, and jetstream.ErrBucketNotFound
// before the registry is made.
func At(ctx context.Context, js jetstream.JetStream, revision uint64) (*schema.Set, error) {
	// Stopping is by context, too, so that nothing stays when ctx ends early.
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	v := newVersions(slog.New(slog.DiscardHandler))
	b, err := watchBucket(ctx, js, v)
	if err != nil {
		return nil, err
	}
	defer b.stop()
	newest, err := b.readUpTo(ctx, revision)
	if err != nil {
		return nil, fmt.Errorf("read the registry up to revision %d: %w", revision, err)
	}
	if newest < revision {
		return nil, fmt.Errorf("%w: %d is above the newest, %d", ErrNoRevision, revision, newest)
	}
	v.revision = revision
	return v.set(ctx, b.kv)
}

// readUpTo applies the entries of a bucket up to a revision and returns the
// newest revision that it saw, which may be a later one.
func (b *bucketWatch) readUpTo(ctx context.Context, revision uint64) (newest uint64, err error) {
	for newest < revision {
		select {
		case <-ctx.Done():
			return newest, context.Cause(ctx)
		case e, ok := <-b.watcher.Updates():
			switch {
			case !ok:
				return newest, errWatchEnded
			case e == nil:
				return newest, nil
			}
			if newest = e.Revision(); newest > revision {
				return newest, nil
			}
			if err := b.rows.apply(ctx, b.kv, e); err != nil {
				return newest, err
			}
		}
	}
	return newest, nil
}
