package kv

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/nats-io/nats.go/jetstream"
	"github.com/synadia-io/orbit.go/jetstreamext"
)

// readTimeout bounds one request that may have several answers.
const readTimeout = 5 * time.Second

// Bounds of one batch, in messages and in bytes.
const (
	maxBatch      = 256
	maxBatchBytes = 4 << 20
)

// Messages reads versions from a stream: that of a bucket, or one that holds
// copies of buckets.
type Messages struct {
	js     jetstream.JetStream
	stream string
}

// MessagesOf returns the reader of a stream.
func MessagesOf(js jetstream.JetStream, stream string) Messages { return Messages{js, stream} }

// Messages returns the reader of the bucket's own stream.
func (b *Bucket) Messages() Messages { return Messages{b.js, StreamOf(b.name)} }

// LastBelow returns the newest message of one subject below a sequence, 0 for
// the newest of all; nil if it does not exist.
func (m Messages) LastBelow(ctx context.Context, subject string, below uint64) (*jetstream.RawStreamMsg, error) {
	var options []jetstreamext.GetLastForOpt
	switch below {
	case 0:
	case 1:
		return nil, nil //nolint:nilnil // no sequence is below 1
	default:
		options = append(options, jetstreamext.GetLastMsgsUpToSeq(below-1))
	}
	ctx, cancel := context.WithTimeout(ctx, readTimeout)
	defer cancel()
	messages, err := jetstreamext.GetLastMsgsFor(ctx, m.js, m.stream, []string{subject}, options...)
	if err != nil {
		return nil, m.fail(err)
	}
	for msg, err := range messages {
		if errors.Is(err, jetstreamext.ErrNoMessages) {
			return nil, nil //nolint:nilnil // as promised
		}
		if err != nil {
			return nil, m.fail(err)
		}
		return msg, nil
	}
	return nil, m.fail(errTruncated)
}

// Range returns some messages from a sequence on whose subject matches, by
// sequence; no message says that no more follow. The last ones may lie at or behind
// end, where messages of other subjects lie between.
func (m Messages) Range(ctx context.Context, subject string, from, end uint64) ([]*jetstream.RawStreamMsg, error) {
	ctx, cancel := context.WithTimeout(ctx, readTimeout)
	defer cancel()
	answers, err := jetstreamext.GetBatch(ctx, m.js, m.stream, int(min(end-from, maxBatch)),
		jetstreamext.GetBatchSeq(from), jetstreamext.GetBatchSubject(subject), jetstreamext.GetBatchMaxBytes(maxBatchBytes))
	if err != nil {
		return nil, m.fail(err)
	}
	var batch []*jetstream.RawStreamMsg
	for msg, err := range answers {
		if errors.Is(err, jetstreamext.ErrNoMessages) {
			return batch, nil
		}
		if err != nil {
			return nil, m.fail(err)
		}
		batch = append(batch, msg)
	}
	if len(batch) == 0 {
		return nil, m.fail(errTruncated)
	}
	return batch, nil
}

// FirstAfter returns the sequence of the first message that the stream took after
// t, 0 if it has taken no message since.
func (m Messages) FirstAfter(ctx context.Context, t time.Time) (uint64, error) {
	ctx, cancel := context.WithTimeout(ctx, readTimeout)
	defer cancel()
	later, err := jetstreamext.GetBatch(ctx, m.js, m.stream, 1, jetstreamext.GetBatchStartTime(t.Add(time.Nanosecond)))
	if err != nil {
		return 0, m.fail(err)
	}
	for msg, err := range later {
		if errors.Is(err, jetstreamext.ErrNoMessages) {
			return 0, nil
		}
		if err != nil {
			return 0, m.fail(err)
		}
		return msg.Sequence, nil
	}
	return 0, m.fail(errTruncated)
}

func (m Messages) fail(err error) error { return fmt.Errorf("read stream %s: %w", m.stream, err) }
