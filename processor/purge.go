package processor

import (
	"context"
	"fmt"
	"log/slog"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/theeye/theeye/shared/stream"
)

// A purge for space begins when the stream holds more than purgeFrom and ends at
// purgeTo, both in hundredths of its MaxBytes.
const (
	purgeFrom = 80
	purgeTo   = 70
)

// purger remembers the time of the stream's first message, so that it is read
// again only after the sequence of that message has changed.
type purger struct {
	oldest time.Time
	first  uint64
}

// purge removes messages that the stream need not keep: those older than the
// retention, and the oldest ones when the stream is filling up, but only messages
// that every durable consumer has acknowledged.
func (o *observer) purge(ctx context.Context, status *streamStatus) error {
	first := status.state.FirstSeq
	if status.state.Msgs == 0 || status.floor < first {
		return nil
	}
	// keep is the first sequence that stays.
	keep, err := o.keepForRetention(ctx, status)
	if err != nil {
		return err
	}
	keep = max(keep, keepForSpace(status))
	// Nothing above the floor is ever purged: this line keeps the promise.
	keep = min(keep, status.floor+1)
	if keep <= first {
		return nil
	}
	// Messages that are gone without a mark count as lost.
	if err := o.marks.MarkPurged(ctx, keep); err != nil {
		return err
	}
	if err := status.stream.Purge(ctx, jetstream.WithPurgeSequence(keep)); err != nil {
		return fmt.Errorf("purge the stream below %d: %w", keep, err)
	}
	n := keep - first
	o.metrics.purged.Add(float64(n))
	o.log.LogAttrs(ctx, slog.LevelDebug, "purged settled messages",
		slog.Uint64("below", keep), slog.Uint64("messages", n))
	return nil
}

// keepForSpace returns the first sequence to keep so that the stream is filled to
// purgeTo, 0 while it is filled to purgeFrom at most. It calculates with the
// average size of a message; the next observation corrects the result.
func keepForSpace(status *streamStatus) uint64 {
	limit := uint64(max(status.max, 0))
	if limit == 0 || status.state.Bytes/purgeFrom <= limit/100 {
		return 0
	}
	surplus := status.state.Bytes - limit/100*purgeTo
	average := max(1, status.state.Bytes/status.state.Msgs)
	return status.state.FirstSeq + surplus/average + 1
}

// keepForRetention returns the first sequence that is younger than the
// retention, by bisection between the first one and the floor. Times grow with
// sequences.
func (o *observer) keepForRetention(ctx context.Context, status *streamStatus) (uint64, error) {
	horizon := o.now().Add(-o.config.Retention)
	if o.purger.first != status.state.FirstSeq {
		t, seq, err := stream.FirstFrom(ctx, status.stream, status.state.FirstSeq)
		if err != nil {
			return 0, err
		}
		o.purger.oldest, o.purger.first = t, seq
	}
	// A hundredth of the retention late, so that not every message causes a purge.
	if !o.purger.oldest.Before(horizon.Add(-o.config.Retention / 100)) {
		return 0, nil
	}
	old, young := status.state.FirstSeq, status.floor+1
	for young-old > 1 {
		middle := old + (young-old)/2
		t, _, err := stream.FirstFrom(ctx, status.stream, middle)
		if err != nil {
			return 0, err
		}
		if !t.IsZero() && t.Before(horizon) {
			old = middle
		} else {
			young = middle
		}
	}
	return young, nil
}
