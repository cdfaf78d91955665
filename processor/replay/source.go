package replay

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/theeye/theeye/processor/jobs"
	"github.com/theeye/theeye/shared/stream"
)

const (
	// portionBytes bounds a portion: the largest event fits, and no more than
	// some 8,000 of the smallest.
	portionBytes = 2 << 20
	// portionEvents is about how many events of a usual size that are.
	portionEvents = 1000
	// fetchWait is how long a portion waits to become full.
	fetchWait = time.Second
	// ackWait is how long a portion may be in work before the server delivers
	// it again, which nobody would notice.
	ackWait = 2 * time.Minute
	// inactive is how long a consumer outlives its runner.
	inactive = time.Hour
	// forgetLimit bounds the removal of a consumer.
	forgetLimit = 5 * time.Second
)

// source reads the range by a durable consumer of the replay's own, whose floor
// keeps the stream from being purged under it.
//
// After any disturbance it goes on with a new consumer at the checkpoint: what
// was on its way when a connection broke would come back only after ackWait,
// behind what follows it. That nothing is missing is seen by the consumer's own
// sequence, which counts deliveries.
type source struct {
	r        *run
	consumer jetstream.Consumer
	name     string
	// made counts the consumers of this run.
	made int
	// delivered is the consumer's sequence of the last message.
	delivered uint64
	// last is the last message of the portion in work.
	last jetstream.Msg
}

// next returns the next portion, nothing at the end of what the selection can
// match. NATS being away is waited out.
func (s *source) next(ctx context.Context) (portion []stream.Raw, err error) {
	err = jobs.Insist(ctx, askLimit, func(ctx context.Context) error {
		if err := s.open(ctx); err != nil {
			return err
		}
		portion, err = s.fetch(ctx)
		if err != nil {
			s.consumer = nil
		}
		return err
	}, never)
	return portion, err
}

// errBroken says that a fetch did not bring what follows.
var errBroken = errors.New("the consumer's messages broke off")

func (s *source) fetch(ctx context.Context) ([]stream.Raw, error) {
	batch, err := s.consumer.FetchBytes(portionBytes, jetstream.FetchMaxWait(fetchWait))
	if err != nil {
		return nil, fmt.Errorf("fetch from consumer %s: %w", s.name, err)
	}
	var portion []stream.Raw
	for m := range batch.Messages() {
		meta, err := m.Metadata()
		if err != nil || meta.Sequence.Consumer != s.delivered+1 {
			return nil, errBroken
		}
		s.delivered = meta.Sequence.Consumer
		switch seq := meta.Sequence.Stream; {
		case seq > s.r.at.Last:
			return portion, nil
		case seq >= s.r.at.Next:
			portion = append(portion, stream.Raw{Header: m.Headers(), Payload: m.Data(), Seq: seq, Time: meta.Timestamp})
			s.last = m
		}
	}
	if len(portion) > 0 {
		return portion, nil
	}
	if err := batch.Error(); err != nil {
		return nil, fmt.Errorf("fetch from consumer %s: %w", s.name, err)
	}
	info, err := s.consumer.Info(ctx)
	if err == nil && (info.NumPending > 0 || info.NumAckPending > 0) {
		err = errBroken
	}
	return nil, err
}

// open makes a consumer at the checkpoint, and only then removes the one before
// it: in between the stream could be purged.
func (s *source) open(ctx context.Context) error {
	if s.consumer != nil {
		return nil
	}
	js := s.r.cfg.JetStream
	name := fmt.Sprintf("%s-%d-%d", consumerPrefix+s.r.job.ID, s.r.job.Runs, s.made)
	c, err := js.CreateConsumer(ctx, stream.Name, jetstream.ConsumerConfig{
		Durable:           name,
		Description:       "replay " + s.r.job.ID,
		DeliverPolicy:     jetstream.DeliverByStartSequencePolicy,
		OptStartSeq:       max(s.r.at.Next, 1),
		FilterSubjects:    s.r.rng.Subjects,
		AckPolicy:         jetstream.AckAllPolicy,
		AckWait:           ackWait,
		MaxAckPending:     20 * portionEvents,
		MaxDeliver:        -1,
		InactiveThreshold: inactive,
	})
	if err != nil {
		return fmt.Errorf("create consumer %s: %w", name, err)
	}
	s.made++
	if err := s.r.removeConsumers(ctx, name); err != nil {
		return err
	}
	s.consumer, s.name, s.delivered, s.last = c, name, 0, nil
	return nil
}

// ack says that everything up to the end of the portion is written. One that is
// lost costs nothing: the floor follows with the next.
func (s *source) ack() { _ = s.last.Ack() }

// consumerPrefix is what the names of replays' consumers begin with.
const consumerPrefix = "replay-"

// removeConsumers removes the consumers of all runs of this replay but one.
func (r *run) removeConsumers(ctx context.Context, but string) error {
	events, err := r.cfg.JetStream.Stream(ctx, stream.Name)
	if err != nil {
		return fmt.Errorf("look up stream %s: %w", stream.Name, err)
	}
	names := events.ConsumerNames(ctx)
	for name := range names.Name() {
		if name == but || !ofReplay(name, r.job.ID) {
			continue
		}
		if err := events.DeleteConsumer(ctx, name); err != nil && !errors.Is(err, jetstream.ErrConsumerNotFound) {
			return fmt.Errorf("remove consumer %s: %w", name, err)
		}
	}
	return names.Err()
}

func ofReplay(consumer, id string) bool {
	prefix := consumerPrefix + id + "-"
	return len(consumer) > len(prefix) && consumer[:len(prefix)] == prefix
}

// forget removes the consumer once nobody needs it any more. One that is left
// to another runner stays: it is the floor of the purge.
func (r *run) forget(ctx context.Context) {
	if ctx.Err() != nil && !errors.Is(context.Cause(ctx), jobs.ErrCancelled) {
		return
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), forgetLimit)
	defer cancel()
	_ = r.removeConsumers(ctx, "") // one that stays ends by itself when nobody uses it
}
