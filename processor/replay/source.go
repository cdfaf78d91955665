package replay

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"strings"
	"sync/atomic"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/theeye/theeye/processor/jobs"
	"github.com/theeye/theeye/shared/stream"
)

const (
	// portionEvents and portionBytes bound a portion; an event larger than
	// portionBytes is a portion of its own.
	portionEvents = parallelParts * 1000
	portionBytes  = 2 << 20
	// fetchWait is how long a fetch waits for a full portion.
	fetchWait = time.Second
	// ackWait is how long a portion may be in flight before the server redelivers
	// it. Redelivered messages are skipped.
	ackWait = 2 * time.Minute
	// consumerInactivity is how long a consumer outlives its runner.
	consumerInactivity = time.Hour
	// deleteLimit bounds the deletion of the consumers.
	deleteLimit = 5 * time.Second
)

// source reads the range through a durable consumer of its own, whose floor
// protects the rest of the range from being purged.
//
// After any failure it continues with a new consumer at the checkpoint: messages
// that were on their way when a connection broke would be redelivered only after
// ackWait, behind later messages. The consumer's own sequence, which counts
// deliveries, shows whether a message is missing.
//
// It may read ahead of the written part: nextPortion continues after its last portion,
// a new consumer begins where the written part ends. One goroutine calls nextPortion.
type source struct {
	r *run
	// size is the maximum number of events of a portion.
	size int
	// next is the sequence after the last portion, written the first one that is not
	// written yet; another goroutine may raise it.
	next     uint64
	written  atomic.Uint64
	consumer jetstream.Consumer
	name     string
	// consumersMade is the number of consumers that this run has created.
	consumersMade int
	// delivered is the consumer's sequence of the last message.
	delivered uint64
	// exhausted says that no message of the range follows.
	exhausted bool
}

// newSource returns a source that begins at the checkpoint.
func (r *run) newSource(size int) *source {
	s := &source{r: r, size: size, next: r.checkpoint.Next}
	s.written.Store(r.checkpoint.Next)
	return s
}

// portion is consecutive messages of the selection.
type portion struct {
	messages []stream.Raw
	// last acknowledges everything up to the end of the portion.
	last jetstream.Msg
}

// end is the sequence after the portion.
func (p portion) end() uint64 { return p.messages[len(p.messages)-1].Seq + 1 }

// portions yields the portions up to the last message that the selection can match.
func (s *source) portions(ctx context.Context) iter.Seq2[portion, error] {
	return func(yield func(portion, error) bool) {
		for {
			p, err := s.nextPortion(ctx)
			if err == nil && len(p.messages) == 0 || !yield(p, err) || err != nil {
				return
			}
		}
	}
}

// nextPortion returns the next portion, an empty one after the last message that
// the selection can match. While NATS is unavailable it retries.
func (s *source) nextPortion(ctx context.Context) (p portion, err error) {
	if s.next > s.r.checkpoint.Last {
		return p, nil
	}
	err = jobs.Retry(ctx, storeLimit, func(ctx context.Context) error {
		if err := s.openConsumer(ctx); err != nil {
			return err
		}
		p, err = s.fetchPortion(ctx)
		if err != nil {
			s.consumer = nil
		}
		return err
	}, nil)
	if err == nil && len(p.messages) > 0 {
		s.next = p.end()
	}
	return p, err
}

// errBroken means that a fetch did not bring the next message of the consumer.
var errBroken = errors.New("a message of the consumer is missing")

// fetchPortion fetches until it has a message, or until it is certain that none
// follows.
func (s *source) fetchPortion(ctx context.Context) (portion, error) {
	bounds := []jetstream.FetchOpt{jetstream.FetchMaxWait(fetchWait), jetstream.FetchMaxBytes(portionBytes)}
	for size := s.size; !s.exhausted; size, bounds = 1, bounds[:1] {
		batch, err := s.consumer.Fetch(size, bounds...)
		if err != nil {
			return portion{}, fmt.Errorf("fetch from consumer %s: %w", s.name, err)
		}
		p, err := s.collectPortion(batch)
		if err != nil || len(p.messages) > 0 {
			return p, err
		}
		info, err := s.consumer.Info(ctx)
		switch {
		case err != nil:
			return portion{}, fmt.Errorf("look up consumer %s: %w", s.name, err)
		case info.Delivered.Consumer != s.delivered:
			return portion{}, errBroken
		case info.NumPending == 0:
			s.exhausted = true
		}
		// A pending message may have just arrived, or be larger than portionBytes.
	}
	return portion{}, nil
}

// collectPortion returns the messages of a fetch that belong to the range. It skips
// messages that it has returned before.
func (s *source) collectPortion(batch jetstream.MessageBatch) (p portion, err error) {
	for m := range batch.Messages() {
		meta, err := m.Metadata()
		if err != nil || meta.Sequence.Consumer != s.delivered+1 {
			return portion{}, errBroken
		}
		s.delivered = meta.Sequence.Consumer
		seq := meta.Sequence.Stream
		s.exhausted = seq >= s.r.checkpoint.Last
		if seq >= s.next && seq <= s.r.checkpoint.Last {
			p.messages = append(p.messages, stream.Raw{Header: m.Headers(), Payload: m.Data(), Seq: seq, Time: meta.Timestamp})
			p.last = m
		}
		if s.exhausted {
			return p, nil
		}
	}
	if err := batch.Error(); err != nil && len(p.messages) == 0 {
		return portion{}, fmt.Errorf("fetch from consumer %s: %w", s.name, err)
	}
	return p, nil
}

// openConsumer creates a consumer where the written part ends, and only then deletes the
// previous one: otherwise the stream could be purged in between.
func (s *source) openConsumer(ctx context.Context) error {
	if s.consumer != nil {
		return nil
	}
	name := fmt.Sprintf("%s-%d-%d", consumerPrefix(s.r.job.ID), s.r.job.Runs, s.consumersMade)
	c, err := s.r.cfg.JetStream.CreateConsumer(ctx, stream.Name, jetstream.ConsumerConfig{
		Durable:           name,
		Description:       "replay " + s.r.job.ID,
		DeliverPolicy:     jetstream.DeliverByStartSequencePolicy,
		OptStartSeq:       max(s.written.Load(), 1),
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
	s.consumer, s.name, s.delivered, s.exhausted = c, name, 0, false
	return nil
}

// ackPortion acknowledges everything up to the end of the portion, which is written.
// A lost acknowledgement is harmless: the floor follows with the next one.
func (s *source) ackPortion(p portion) {
	s.written.Store(p.end())
	_ = p.last.Ack()
}

// consumerPrefix is the prefix of the names of a replay's consumers. There is one
// for each run, and one more after each failure.
func consumerPrefix(id string) string { return "replay-" + id }

// deleteConsumersExcept deletes the consumers of all runs of this replay but one.
func (r *run) deleteConsumersExcept(ctx context.Context, kept string) error {
	events, err := r.cfg.JetStream.Stream(ctx, stream.Name)
	if err != nil {
		return fmt.Errorf("look up stream %s: %w", stream.Name, err)
	}
	names := events.ConsumerNames(ctx)
	for name := range names.Name() {
		if name == kept || !strings.HasPrefix(name, consumerPrefix(r.job.ID)+"-") {
			continue
		}
		if err := events.DeleteConsumer(ctx, name); err != nil && !errors.Is(err, jetstream.ErrConsumerNotFound) {
			return fmt.Errorf("delete consumer %s: %w", name, err)
		}
	}
	return names.Err()
}

// deleteConsumers deletes the consumers at the end of the replay. If another runner
// is to continue the replay they stay: they are the floor of the purge.
func (r *run) deleteConsumers(ctx context.Context) {
	if ctx.Err() != nil && !errors.Is(context.Cause(ctx), jobs.ErrCancelled) {
		return
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), deleteLimit)
	defer cancel()
	_ = r.deleteConsumersExcept(ctx, "") // after a failure the server deletes inactive ones
}
