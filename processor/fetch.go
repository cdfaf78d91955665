package processor

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"github.com/nats-io/nats.go"

	"github.com/theeye/theeye/shared/outcome"
	"github.com/theeye/theeye/shared/store"
	"github.com/theeye/theeye/shared/stream"
)

// again is how long a lane waits after a request that was turned down.
const again = 20 * time.Millisecond

// fetch returns the next batch; it may be empty. It waits for the lane's turn
// and, while the store is away, for its return. With an error, or after the end
// of ctx, it may return messages, too: they must be handed back.
func (s *Service) fetch(ctx context.Context) ([]delivery, error) {
	select {
	case <-ctx.Done():
		return nil, nil
	case <-s.turn:
	}
	defer func() { s.turn <- struct{}{} }()
	// Checked with the turn in hand: the lane before may have met the outage
	// in the meantime.
	if err := s.outage.wait(ctx); err != nil {
		return nil, nil
	}
	if err := s.sameStream(ctx); err != nil {
		return nil, err
	}
	begin := time.Now()
	msgs, err := s.puller.pull(ctx)
	batch := s.deliveries(ctx, msgs)
	took := time.Since(begin)
	if len(batch) > 0 {
		s.metrics.fetched(batch, took)
	}
	s.state.set(partNATS, err)
	if len(batch) == 0 && err == nil && took < again {
		err = sleep(ctx, again) // turned down at once: do not ask in a circle
	}
	switch {
	case ctx.Err() != nil:
		return batch, nil
	case errors.Is(err, errNoConsumer):
		if len(batch) > 0 {
			return batch, nil // the next request will tell again
		}
		return nil, s.restoreConsumer(ctx, err)
	default:
		return batch, err
	}
}

// deliveries reads the metadata of messages. A message that did not come from
// a consumer cannot be settled, so nobody waits for it.
func (s *Service) deliveries(ctx context.Context, msgs []*nats.Msg) []delivery {
	if len(msgs) == 0 {
		return nil
	}
	batch := make([]delivery, 0, len(msgs))
	for _, m := range msgs {
		d, err := asDelivery(m)
		if err != nil {
			s.log.LogAttrs(ctx, slog.LevelWarn, "ignored a message that is not of the consumer", slog.Any("error", err))
			continue
		}
		batch = append(batch, d)
	}
	return batch
}

// judgeAll judges a batch by one registry revision.
func (s *Service) judgeAll(ctx context.Context, batch []delivery, rules outcome.Rules) []*store.Document {
	docs := make([]*store.Document, len(batch))
	for i := range batch {
		docs[i] = s.judgeOne(ctx, batch[i].Raw, rules)
	}
	return docs
}

// judgeOne returns the outcome of a message. A validator that panics on it is
// logged, and decides about nothing else.
func (s *Service) judgeOne(ctx context.Context, m stream.Raw, rules outcome.Rules) *store.Document {
	d, failed := outcome.Evaluate(m, rules, s.epoch)
	if failed != nil {
		s.metrics.panics.Inc()
		s.log.LogAttrs(ctx, slog.LevelError, "the validator panicked on a message",
			slog.Uint64("seq", m.Seq), slog.String("stack", string(failed.Stack)))
	}
	return d
}
