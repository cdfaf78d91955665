package stream

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/nats-io/nats.go/jetstream"
)

// TimeFrom returns when the stream took the first message from seq on, and the
// sequence of that message; zeros if there is none. Errors are those of NATS.
func TimeFrom(ctx context.Context, s jetstream.Stream, seq uint64) (time.Time, uint64, error) {
	m, err := s.GetMsg(ctx, seq, jetstream.WithGetMsgSubject(">"))
	if errors.Is(err, jetstream.ErrMsgNotFound) {
		return time.Time{}, 0, nil
	}
	if err != nil {
		return time.Time{}, 0, fmt.Errorf("read message %d of the stream: %w", seq, err)
	}
	return m.Time, m.Sequence, nil
}
