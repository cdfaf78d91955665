package registry

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/theeye/theeye/shared/kv"
	"github.com/theeye/theeye/shared/schema"
	"github.com/theeye/theeye/shared/stream"
)

// ErrNoRevision is returned for a revision that the registry has not reached.
var ErrNoRevision = errors.New("the registry has no such revision")

// At returns the Set as it was at a registry revision: what a Registry's
// snapshot of that revision holds, rebuilt from the versions in the bucket. It
// is exact as long as no version was purged. At reads the bucket from its
// start, which takes a fraction of a second for 10,000 versions; ctx bounds it and
// should have a deadline, as At waits while NATS is disconnected. The error is
// ErrNoRevision above the newest revision, and jetstream.ErrBucketNotFound
// before the bucket is created.
func At(ctx context.Context, js jetstream.JetStream, revision uint64) (*schema.Set, error) {
	// The watch is stopped by context, too, so that nothing stays when ctx ends
	// early.
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	t := newSchemaTable(slog.New(slog.DiscardHandler))
	b, err := watchBucket(ctx, js, t)
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
	t.revision = revision
	return t.buildSet(ctx, b.bucket)
}

// readUpTo applies the entries of a bucket up to a revision. It returns the
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
			if newest = e.Revision; newest > revision {
				return newest, nil
			}
			if err := b.table.applyEntry(ctx, b.bucket, e); err != nil {
				return newest, err
			}
		}
	}
	return newest, nil
}

// RevisionAt returns the registry revision that was the newest one at a time by
// the clock of NATS, 0 before the first. Services follow within a second, so
// one that validated an event at that time may have used the revision before.
// Errors are those of NATS.
func RevisionAt(ctx context.Context, js jetstream.JetStream, t time.Time) (uint64, error) {
	fail := func(err error) (uint64, error) {
		return 0, fmt.Errorf("find the registry revision at %s: %w", t.Format(time.RFC3339Nano), err)
	}
	ctx, cancel := context.WithTimeout(ctx, openTimeout)
	defer cancel()
	// The newest one is read first: a version that is made between the two reads
	// is later than t.
	newest, err := stream.NewestRevision(ctx, js, stream.BucketSchemas)
	if err != nil {
		return fail(err)
	}
	first, err := kv.MessagesOf(js, stream.BucketStream(stream.BucketSchemas)).FirstAfter(ctx, t)
	if err != nil {
		return fail(err)
	}
	if first == 0 {
		return newest, nil
	}
	return first - 1, nil
}
