package processor

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/theeye/theeye/processor/audit"
	"github.com/theeye/theeye/shared/stream"
)

const (
	// observeLimit bounds one look at the stream, probeLimit one at the store.
	observeLimit = 10 * time.Second
	probeLimit   = 3 * time.Second
)

// look is what one look at the stream saw.
type look struct {
	stream jetstream.Stream
	state  jetstream.StreamState
	max    int64
	// floor is the last sequence up to which every durable consumer is done.
	floor uint64
	// live is the shared consumer.
	live *jetstream.ConsumerInfo
}

// observe keeps the gauges and purges, until ctx ends.
func (s *Service) observe(ctx context.Context) error {
	tick := time.NewTicker(s.cfg.Observe)
	defer tick.Stop()
	purge := purger{s: s}
	failing := false
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		case <-s.kick:
		}
		s.probe(ctx)
		err := s.observeOnce(ctx, &purge)
		switch {
		case ctx.Err() != nil:
			return nil
		case errors.Is(err, ErrReplaced):
			return err
		case err != nil && !failing:
			s.log.LogAttrs(ctx, slog.LevelWarn, "cannot look at the stream", slog.Any("error", err))
		}
		failing = err != nil
	}
}

// probe asks the store whether it is there: without events nobody else would
// notice that it is not.
func (s *Service) probe(ctx context.Context) {
	bounded, cancel := context.WithTimeout(ctx, probeLimit)
	defer cancel()
	if err := s.cfg.Store.Ready(bounded); ctx.Err() == nil {
		s.outage.probed(err)
	}
}

func (s *Service) observeOnce(ctx context.Context, purge *purger) error {
	ctx, cancel := context.WithTimeout(ctx, observeLimit)
	defer cancel()
	l, err := s.look(ctx)
	if err != nil {
		return err
	}
	if err := s.gauge(ctx, l); err != nil {
		return err
	}
	// In this order: what is purged is no longer told from what was lost.
	return errors.Join(s.seen(ctx, l), purge.run(ctx, l))
}

// seen notes how far the stream reaches, for the audit.
func (s *Service) seen(ctx context.Context, l *look) error {
	err := s.marks.Seen(ctx, l.state.LastSeq)
	if errors.Is(err, audit.ErrStream) {
		return ErrReplaced
	}
	return err
}

// look asks for the stream and for what its consumers still need.
func (s *Service) look(ctx context.Context) (*look, error) {
	str, err := s.cfg.JetStream.Stream(ctx, stream.Name)
	if err != nil {
		return nil, fmt.Errorf("look at the stream: %w", err)
	}
	info := str.CachedInfo()
	if info.Created.UnixMicro() != s.epoch {
		return nil, ErrReplaced
	}
	l := &look{stream: str, state: info.State, max: info.Config.MaxBytes, floor: info.State.LastSeq}
	consumers := str.ListConsumers(ctx)
	for c := range consumers.Info() {
		if c.Config.Durable == "" {
			continue
		}
		done := c.AckFloor.Stream
		if c.Name == stream.Consumer {
			l.live = c
		} else if c.NumPending == 0 && c.NumAckPending == 0 {
			// Nothing is left of what it wants. Its floor stays behind, at the
			// last message that its filter matched. It hears of a new message
			// a moment later than the stream, hence the look before.
			done = max(done, s.lastSeq)
		}
		l.floor = min(l.floor, done)
	}
	if err := consumers.Err(); err != nil {
		return nil, fmt.Errorf("look at the consumers: %w", err)
	}
	if l.live == nil {
		return nil, errNoConsumer
	}
	s.lastSeq = info.State.LastSeq
	return l, nil
}

// gauge sets the gauges, and says once when the floor falls behind.
func (s *Service) gauge(ctx context.Context, l *look) error {
	m := s.metrics
	m.streamBytes.Set(float64(l.state.Bytes))
	m.streamMaximum.Set(float64(l.max))
	m.inWork.Set(float64(l.live.NumAckPending))
	m.lagEvents.Set(float64(l.live.NumPending) + float64(l.live.NumAckPending))
	var lag, floor time.Duration
	var err error
	if l.live.NumPending > 0 {
		if lag, err = s.age(ctx, l, l.live.Delivered.Stream+1); err != nil {
			return err
		}
	}
	if l.live.NumPending > 0 || l.live.NumAckPending > 0 {
		if floor, err = s.age(ctx, l, l.live.AckFloor.Stream+1); err != nil {
			return err
		}
	}
	m.lagSeconds.Set(lag.Seconds())
	m.floorAge.Set(floor.Seconds())
	s.alarm(ctx, floor)
	return nil
}

// alarm tells when events wait for so long that, with half as much again, the
// stream's retention would be over.
func (s *Service) alarm(ctx context.Context, age time.Duration) {
	late := age > s.cfg.Stream.Retention/2
	if late && !s.late {
		s.metrics.floorAlarm.Set(1)
		s.log.LogAttrs(ctx, slog.LevelError, "events wait for more than half of the stream's retention",
			slog.Duration("age", age), slog.Duration("retention", s.cfg.Stream.Retention))
	}
	if !late && s.late {
		s.metrics.floorAlarm.Set(0)
	}
	s.late = late
}

// age returns how long ago the stream took the first message from seq on, 0 if
// there is none.
func (s *Service) age(ctx context.Context, l *look, seq uint64) (time.Duration, error) {
	t, _, err := stream.TimeFrom(ctx, l.stream, seq)
	if err != nil || t.IsZero() {
		return 0, err
	}
	return max(0, s.cfg.Now().Sub(t)), nil
}

// settledABit makes the observer look before its time when much was settled
// since the last time: a small stream can be full within a tick.
func (s *Service) settledABit(bytes int) {
	if s.settledBytes.Add(int64(bytes)) < s.cfg.Stream.MaxBytes/20 {
		return
	}
	s.settledBytes.Store(0)
	select {
	case s.kick <- struct{}{}:
	default: // it is on its way
	}
}
