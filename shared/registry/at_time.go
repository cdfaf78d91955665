package registry

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/nats-io/nats.go/jetstream"
	"github.com/synadia-io/orbit.go/jetstreamext"

	"github.com/theeye/theeye/shared/stream"
)

// RevisionAt returns the registry revision that was the newest one at a time by
// the clock of NATS, 0 before the first. Services follow within a second, so
// whoever judged at that time may still have judged by the one before. Errors
// are those of NATS.
func RevisionAt(ctx context.Context, js jetstream.JetStream, t time.Time) (uint64, error) {
	ctx, cancel := context.WithTimeout(ctx, readTimeout)
	defer cancel()
	name := streamOf(stream.BucketSchemas)
	fail := func(err error) (uint64, error) {
		return 0, fmt.Errorf("find the revision at %s in %s: %w", t.Format(time.RFC3339Nano), name, err)
	}
	// The last one is read first: a version that comes meanwhile is later.
	bucket, err := js.Stream(ctx, name)
	if err != nil {
		return fail(err)
	}
	later, err := jetstreamext.GetBatch(ctx, js, name, 1, jetstreamext.GetBatchStartTime(t.Add(time.Nanosecond)))
	if err != nil {
		return fail(err)
	}
	for m, err := range later {
		if errors.Is(err, jetstreamext.ErrNoMessages) {
			return bucket.CachedInfo().State.LastSeq, nil
		}
		if err != nil {
			return fail(err)
		}
		return m.Sequence - 1, nil
	}
	return fail(errBroken)
}
