package replay

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/theeye/theeye/processor/jobs"
	"github.com/theeye/theeye/shared/stream"
)

const (
	// portionEvents and portionBytes bound a portion; an event that is larger
	// than portionBytes is one alone.
	portionEvents = parallelParts * 1000
	portionBytes  = 2 << 20
	// fetchWait is how long a portion waits to become full.
	fetchWait = time.Second
	// ackWait is how long a portion may be in work before the server delivers
	// it again, which is passed over.
	ackWait = 2 * time.Minute
	// consumerInactivity is how long a consumer outlives its runner.
	consumerInactivity = time.Hour
	// deleteLimit bounds the removal of a consumer.
	deleteLimit = 5 * time.Second
)

// source reads the range by a durable consumer of the replay's own, whose floor
// keeps the stream from being purged under it.
//
// After any disturbance it goes on with a new consumer at the checkpoint: what
// was on its way when a connection broke would come back only after ackWait,
// behind what follows it. That nothing is missing is seen by the consumer's own
// sequence, which counts deliveries.
type source struct {
	r *run
	// size is how many events a portion has at most.
	size     int
	consumer jetstream.Consumer
	name     string
	// consumersMade counts the consumers of this run.
	consumersMade int
	// delivered is the consumer's sequence of the last message.
	delivered uint64
	// last is the last message of the portion in work.
	last jetstream.Msg
	// exhausted says that nothing of the range follows.
	exhausted bool
}

// nextPortion returns the next portion, nothing at the end of what the selection can
// match. NATS being away is waited out.
func (s *source) nextPortion(ctx context.Context) (portion []stream.Raw, err error) {
	err = jobs.Retry(ctx, storeLimit, func(ctx context.Context) error {
		if err := s.openConsumer(ctx); err != nil {
			return err
		}
		portion, err = s.fetchPortion(ctx)
		if err != nil {
			s.consumer = nil
		}
		return err
	}, nil)
	return portion, err
}

// errBroken says that a fetch did not bring what follows.
var errBroken = errors.New("the consumer's messages broke off")

// fetchPortion asks until there is something, or certainly nothing.
func (s *source) fetchPortion(ctx context.Context) ([]stream.Raw, error) {
	bounds := []jetstream.FetchOpt{jetstream.FetchMaxWait(fetchWait), jetstream.FetchMaxBytes(portionBytes)}
	for size := s.size; !s.exhausted; size, bounds = 1, bounds[:1] {
		batch, err := s.consumer.Fetch(size, bounds...)
		if err != nil {
			return nil, fmt.Errorf("fetch from consumer %s: %w", s.name, err)
		}
		portion, err := s.collectPortion(batch)
		if err != nil || len(portion) > 0 {
			return portion, err
		}
		info, err := s.consumer.Info(ctx)
		switch {
		case err != nil:
			return nil, fmt.Errorf("look at consumer %s: %w", s.name, err)
		case info.Delivered.Consumer != s.delivered:
			return nil, errBroken
		case info.NumPending == 0:
			s.exhausted = true
		}
		// What is pending may have come this moment, or be over portionBytes.
	}
	return nil, nil
}

// collectPortion collects what a fetch brings of the range. What comes a second time is
// passed over.
func (s *source) collectPortion(batch jetstream.MessageBatch) (portion []stream.Raw, err error) {
	for m := range batch.Messages() {
		meta, err := m.Metadata()
		if err != nil || meta.Sequence.Consumer != s.delivered+1 {
			return nil, errBroken
		}
		s.delivered = meta.Sequence.Consumer
		seq := meta.Sequence.Stream
		s.exhausted = seq >= s.r.checkpoint.Last
		if seq >= s.r.checkpoint.Next && seq <= s.r.checkpoint.Last {
			portion = append(portion, stream.Raw{Header: m.Headers(), Payload: m.Data(), Seq: seq, Time: meta.Timestamp})
			s.last = m
		}
		if s.exhausted {
			return portion, nil
		}
	}
	if err := batch.Error(); err != nil && len(portion) == 0 {
		return nil, fmt.Errorf("fetch from consumer %s: %w", s.name, err)
	}
	return portion, nil
}

// openConsumer makes a consumer at the checkpoint, and only then removes the one before
// it: in between the stream could be purged.
func (s *source) openConsumer(ctx context.Context) error {
	if s.consumer != nil {
		return nil
	}
	name := fmt.Sprintf("%s-%d-%d", consumerPrefix(s.r.job.ID), s.r.job.Runs, s.consumersMade)
	c, err := s.r.cfg.JetStream.CreateConsumer(ctx, stream.Name, jetstream.ConsumerConfig{
		Durable:           name,
		Description:       "replay " + s.r.job.ID,
		DeliverPolicy:     jetstream.DeliverByStartSequencePolicy,
		OptStartSeq:       max(s.r.checkpoint.Next, 1),
		FilterSubjects:    s.r.span.Subjects,
		AckPolicy:         jetstream.AckAllPolicy,
		AckWait:           ackWait,
		MaxAckPending:     10 * portionEvents,
		MaxDeliver:        -1,
		InactiveThreshold: consumerInactivity,
	})
	if err != nil {
		return fmt.Errorf("create consumer %s: %w", name, err)
	}
	s.consumersMade++
	if err := s.r.deleteConsumersExcept(ctx, name); err != nil {
		return err
	}
	s.consumer, s.name, s.delivered, s.last, s.exhausted = c, name, 0, nil, false
	return nil
}

// ackPortion says that everything up to the end of the portion is written. One that is
// lost costs nothing: the floor follows with the next.
func (s *source) ackPortion() { _ = s.last.Ack() }

// consumerPrefix is what the names of a replay's consumers begin with, one for
// each run and disturbance.
func consumerPrefix(id string) string { return "replay-" + id }

// deleteConsumersExcept removes the consumers of all runs of this replay but one.
func (r *run) deleteConsumersExcept(ctx context.Context, but string) error {
	events, err := r.cfg.JetStream.Stream(ctx, stream.Name)
	if err != nil {
		return fmt.Errorf("look up stream %s: %w", stream.Name, err)
	}
	names := events.ConsumerNames(ctx)
	for name := range names.Name() {
		if name == but || !strings.HasPrefix(name, consumerPrefix(r.job.ID)+"-") {
			continue
		}
		if err := events.DeleteConsumer(ctx, name); err != nil && !errors.Is(err, jetstream.ErrConsumerNotFound) {
			return fmt.Errorf("remove consumer %s: %w", name, err)
		}
	}
	return names.Err()
}

// deleteConsumers removes the consumer once nobody needs it any more. One that is left
// to another runner stays: it is the floor of the purge.
func (r *run) deleteConsumers(ctx context.Context) {
	if ctx.Err() != nil && !errors.Is(context.Cause(ctx), jobs.ErrCancelled) {
		return
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), deleteLimit)
	defer cancel()
	_ = r.deleteConsumersExcept(ctx, "") // one that stays ends by itself when nobody uses it
}
