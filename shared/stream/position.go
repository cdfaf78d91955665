package stream

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/nats-io/nats.go/jetstream"
	"github.com/synadia-io/orbit.go/jetstreamext"
)

// metadataEpoch is the key of the epoch in the metadata of the stream. A stream that
// is restored from a backup has another creation time, and its metadata.
const metadataEpoch = "eye-epoch"

// EpochOf returns the epoch of store.Origin: the creation time of the stream in
// microseconds since 1970, also after it was restored from a backup.
func EpochOf(info *jetstream.StreamInfo) int64 {
	if epoch, err := strconv.ParseInt(info.Config.Metadata[metadataEpoch], 10, 64); err == nil && epoch > 0 {
		return epoch
	}
	return info.Created.UnixMicro()
}

// Epoch returns EpochOf the stream.
func Epoch(ctx context.Context, js jetstream.JetStream) (int64, error) {
	s, err := js.Stream(ctx, Name)
	if err != nil {
		return 0, fmt.Errorf("look up stream %s: %w", Name, err)
	}
	return EpochOf(s.CachedInfo()), nil
}

// NewestRevision returns the newest revision of a bucket: that of its last
// change, removals included, 0 for a bucket that has never had a key.
func NewestRevision(ctx context.Context, js jetstream.JetStream, bucket string) (uint64, error) {
	s, err := js.Stream(ctx, BucketStream(bucket))
	if err != nil {
		return 0, fmt.Errorf("look up bucket %s: %w", bucket, err)
	}
	return s.CachedInfo().State.LastSeq, nil
}

// SeqAt returns the sequence of the first message that the stream took at t or
// later, or the sequence after the last message if all are earlier. Errors are
// those of NATS.
func SeqAt(ctx context.Context, js jetstream.JetStream, t time.Time) (uint64, error) {
	events, err := js.Stream(ctx, Name)
	if err != nil {
		return 0, fmt.Errorf("look up stream %s: %w", Name, err)
	}
	// The server has times from 1678 to 2262, and takes another one for one of these.
	switch state := events.CachedInfo().State; {
	case state.Msgs == 0 || t.After(state.LastTime):
		return state.LastSeq + 1, nil
	case !t.After(state.FirstTime):
		return state.FirstSeq, nil
	}
	batch, err := jetstreamext.GetBatch(ctx, js, Name, 1, jetstreamext.GetBatchStartTime(t))
	if err != nil {
		return 0, fmt.Errorf("find %s in the stream: %w", t, err)
	}
	for msg, err := range batch {
		if errors.Is(err, jetstreamext.ErrNoMessages) {
			break
		}
		if err != nil {
			return 0, fmt.Errorf("find %s in the stream: %w", t, err)
		}
		return msg.Sequence, nil
	}
	s, err := js.Stream(ctx, Name)
	if err != nil {
		return 0, fmt.Errorf("look up stream %s: %w", Name, err)
	}
	return s.CachedInfo().State.LastSeq + 1, nil
}

// FirstFrom returns the time and the sequence of the first message of the stream
// from seq on, zeros if no message follows. Errors are those of NATS.
func FirstFrom(ctx context.Context, s jetstream.Stream, seq uint64) (time.Time, uint64, error) {
	m, err := s.GetMsg(ctx, seq, jetstream.WithGetMsgSubject(">"))
	if errors.Is(err, jetstream.ErrMsgNotFound) {
		return time.Time{}, 0, nil
	}
	if err != nil {
		return time.Time{}, 0, fmt.Errorf("read message %d of the stream: %w", seq, err)
	}
	return m.Time, m.Sequence, nil
}
