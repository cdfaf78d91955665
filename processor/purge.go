package processor

import (
	"context"
	"fmt"
	"log/slog"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/theeye/theeye/shared/stream"
)

// The stream is brought from over purgeFrom to purgeTo, both in hundredths of
// its MaxBytes.
const (
	purgeFrom = 80
	purgeTo   = 70
)

// purger removes what the stream need not keep: messages older than the
// retention, and the oldest ones when the stream is filling, but only what
// every durable consumer is done with.
type purger struct {
	s *Service
	// oldest is the time of the stream's first message, so that it is read
	// again only when it has changed.
	oldest time.Time
	first  uint64
}

func (p *purger) run(ctx context.Context, l *look) error {
	if l.state.Msgs == 0 || l.floor < l.state.FirstSeq {
		return nil
	}
	// keep is the first sequence that stays.
	keep, err := p.expired(ctx, l)
	if err != nil {
		return err
	}
	keep = max(keep, overfull(l))
	// Nothing above the floor is ever purged: this line keeps the promise.
	keep = min(keep, l.floor+1)
	if keep <= l.state.FirstSeq {
		return nil
	}
	// What is gone and nobody told of before counts as lost.
	if err := p.s.marks.Kept(ctx, keep); err != nil {
		return err
	}
	if err := l.stream.Purge(ctx, jetstream.WithPurgeSequence(keep)); err != nil {
		return fmt.Errorf("purge the stream below %d: %w", keep, err)
	}
	n := keep - l.state.FirstSeq
	p.s.metrics.purged.Add(float64(n))
	p.s.log.LogAttrs(ctx, slog.LevelDebug, "purged settled messages",
		slog.Uint64("below", keep), slog.Uint64("messages", n))
	return nil
}

// overfull returns the first sequence to keep so that the stream is filled to
// purgeTo, 0 while it is filled to purgeFrom at most. It goes by the average
// size of a message; the next look corrects it.
func overfull(l *look) uint64 {
	limit := uint64(max(l.max, 0))
	if limit == 0 || l.state.Bytes/purgeFrom <= limit/100 {
		return 0
	}
	surplus := l.state.Bytes - limit/100*purgeTo
	average := max(1, l.state.Bytes/l.state.Msgs)
	return l.state.FirstSeq + surplus/average + 1
}

// expired returns the first sequence that is younger than the retention, by
// bisection between the first one and the floor. Times grow with sequences.
func (p *purger) expired(ctx context.Context, l *look) (uint64, error) {
	horizon := p.s.cfg.Now().Add(-p.s.cfg.Stream.Retention)
	if p.first != l.state.FirstSeq {
		t, seq, err := stream.TimeFrom(ctx, l.stream, l.state.FirstSeq)
		if err != nil {
			return 0, err
		}
		p.oldest, p.first = t, seq
	}
	// A hundredth of the retention late: not one purge for every message.
	if !p.oldest.Before(horizon.Add(-p.s.cfg.Stream.Retention / 100)) {
		return 0, nil
	}
	old, young := l.state.FirstSeq, l.floor+1
	for young-old > 1 {
		middle := old + (young-old)/2
		t, _, err := stream.TimeFrom(ctx, l.stream, middle)
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
