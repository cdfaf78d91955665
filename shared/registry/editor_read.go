package registry

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/nats-io/nats.go/jetstream"
	"github.com/synadia-io/orbit.go/jetstreamext"
)

const (
	// readTimeout bounds one request that may have several answers.
	readTimeout = 5 * time.Second
	// listTimeout bounds the reading of a whole bucket.
	listTimeout = 30 * time.Second
	// DefaultPage is how many versions or changes come when no limit is given.
	DefaultPage = 100
	// MaxPage is the most of them that ever come.
	MaxPage = 1001
)

// errBroken says that an answer ended before it was whole.
var errBroken = errors.New("the answer of NATS broke off")

// page is a limit within its bounds.
func page(limit int) int {
	if limit <= 0 {
		return DefaultPage
	}
	return min(limit, MaxPage)
}

// lastBelow returns the newest message of one subject below a sequence, 0 for
// the newest of all; nil where there is none.
func (e *Editor) lastBelow(ctx context.Context, name, subject string, below uint64) (*jetstream.RawStreamMsg, error) {
	var options []jetstreamext.GetLastForOpt
	switch below {
	case 0:
	case 1:
		return nil, nil //nolint:nilnil // there is no sequence below
	default:
		options = append(options, jetstreamext.GetLastMsgsUpToSeq(below-1))
	}
	ctx, cancel := context.WithTimeout(ctx, readTimeout)
	defer cancel()
	messages, err := jetstreamext.GetLastMsgsFor(ctx, e.js, name, []string{subject}, options...)
	if err != nil {
		return nil, fmt.Errorf("read stream %s: %w", name, err)
	}
	for m, err := range messages {
		if errors.Is(err, jetstreamext.ErrNoMessages) {
			return nil, nil //nolint:nilnil // as promised
		}
		if err != nil {
			return nil, fmt.Errorf("read stream %s: %w", name, err)
		}
		return m, nil
	}
	return nil, fmt.Errorf("read stream %s: %w", name, errBroken)
}

// history returns the versions of a key below a revision, 0 for all, the newest
// first and at most so many. It reads them one by one: a schema may have had
// thousands of versions of 64 KiB.
func (e *Editor) history(ctx context.Context, p place, before uint64, limit int) ([]Version, error) {
	versions := []Version{}
	for len(versions) < page(limit) {
		m, err := e.lastBelow(ctx, streamOf(p.bucket), p.subject(), before)
		if err != nil {
			return nil, err
		}
		if m == nil {
			break
		}
		versions = append(versions, newState(m).version())
		before = m.Sequence
	}
	if len(versions) == 0 && before == 0 {
		return nil, fmt.Errorf("%s: %w", p, ErrNotFound)
	}
	return versions, nil
}

// batch reads some messages from a sequence on that have the subject, none when
// there are no more. It may read some behind the end where others lie between.
func (e *Editor) batch(ctx context.Context, name, subject string, from, end uint64) ([]*jetstream.RawStreamMsg, error) {
	ctx, cancel := context.WithTimeout(ctx, readTimeout)
	defer cancel()
	fail := func(err error) error { return fmt.Errorf("read stream %s: %w", name, err) }
	answers, err := jetstreamext.GetBatch(ctx, e.js, name, int(min(end-from, maxBatch)),
		jetstreamext.GetBatchSeq(from), jetstreamext.GetBatchSubject(subject), jetstreamext.GetBatchMaxBytes(maxBatchBytes))
	if err != nil {
		return nil, fail(err)
	}
	var batch []*jetstream.RawStreamMsg
	for m, err := range answers {
		if errors.Is(err, jetstreamext.ErrNoMessages) {
			return batch, nil
		}
		if err != nil {
			return nil, fail(err)
		}
		batch = append(batch, m)
	}
	if len(batch) == 0 {
		return nil, fail(errBroken)
	}
	return batch, nil
}

// Bounds of one batch, in messages and in bytes.
const (
	maxBatch      = 256
	maxBatchBytes = 4 << 20
)

// each reads the newest entry of every key of a bucket that has the pattern.
func (e *Editor) each(ctx context.Context, bucket, pattern string, use func(key string, n state)) error {
	ctx, cancel := context.WithTimeout(ctx, listTimeout)
	defer cancel()
	kv, err := e.js.KeyValue(ctx, bucket)
	if err != nil {
		return fmt.Errorf("open bucket %s: %w", bucket, err)
	}
	watcher, err := kv.Watch(ctx, pattern)
	if err != nil {
		return fmt.Errorf("read bucket %s: %w", bucket, err)
	}
	defer endWatch(watcher)
	for {
		select {
		case <-ctx.Done():
			return fmt.Errorf("read bucket %s: %w", bucket, context.Cause(ctx))
		case k, ok := <-watcher.Updates():
			if !ok {
				return fmt.Errorf("read bucket %s: %w", bucket, errBroken)
			}
			if k == nil {
				return nil
			}
			use(k.Key(), state{k.Revision(), k.Operation() != jetstream.KeyValuePut, k.Value(), k.Created()})
		}
	}
}
