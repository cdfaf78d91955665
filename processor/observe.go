package processor

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync/atomic"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/theeye/theeye/processor/audit"
	"github.com/theeye/theeye/shared/store"
	"github.com/theeye/theeye/shared/stream"
)

const (
	// observeLimit bounds one check of the stream, probeLimit one of the store.
	observeLimit = 10 * time.Second
	probeLimit   = 3 * time.Second
)

// observer keeps the gauges, probes the store and purges the stream.
type observer struct {
	js      jetstream.JetStream
	store   store.Store
	config  stream.Config
	every   time.Duration
	now     func() time.Time
	guard   *streamGuard
	outage  *outage
	marks   *audit.Marks
	metrics *metrics
	log     *slog.Logger

	// wake asks for an observation before the next tick.
	wake chan struct{}
	// settledBytes counts towards the next wake-up.
	settledBytes atomic.Int64

	// The goroutine of observeUntil uses the rest. late says that the floor was
	// behind at the last observation; lastSeq was the end of the stream then.
	late    bool
	lastSeq uint64
	purger  purger
}

func newObserver(cfg Config, guard *streamGuard, marks *audit.Marks, outage *outage, m *metrics) *observer {
	return &observer{
		js: cfg.JetStream, store: cfg.Store, config: cfg.Stream, every: cfg.ObserveEvery, now: cfg.Now,
		guard: guard, outage: outage, marks: marks, metrics: m, log: cfg.Logger,
		wake: make(chan struct{}, 1),
	}
}

// observeUntil observes at every interval and on request, until ctx ends.
func (o *observer) observeUntil(ctx context.Context) error {
	tick := time.NewTicker(o.every)
	defer tick.Stop()
	failing := false
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		case <-o.wake:
		}
		o.probeStore(ctx)
		err := o.observeOnce(ctx)
		switch {
		case ctx.Err() != nil:
			return nil
		case errors.Is(err, ErrReplaced):
			return err
		case err != nil && !failing:
			o.log.LogAttrs(ctx, slog.LevelWarn, "cannot read the status of the stream", slog.Any("error", err))
		}
		failing = err != nil
	}
}

// requestPurge wakes the observer when many bytes have been settled since the
// last wake-up: a small stream can fill up within one interval.
func (o *observer) requestPurge(bytes int) {
	if o.settledBytes.Add(int64(bytes)) < o.config.MaxBytes/20 {
		return
	}
	o.settledBytes.Store(0)
	select {
	case o.wake <- struct{}{}:
	default: // a request is pending already
	}
}

// probeStore checks whether the store answers: without events, no write would
// show that it does not.
func (o *observer) probeStore(ctx context.Context) {
	bounded, cancel := context.WithTimeout(ctx, probeLimit)
	defer cancel()
	if err := o.store.Ready(bounded); ctx.Err() == nil {
		o.outage.recordProbe(err)
	}
}

func (o *observer) observeOnce(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, observeLimit)
	defer cancel()
	status, err := o.readStatus(ctx)
	if err != nil {
		return err
	}
	if err := o.updateGauges(ctx, status); err != nil {
		return err
	}
	// In this order: after a purge, purged messages cannot be distinguished from
	// lost ones.
	reached := asReplaced(o.marks.Advance(ctx, status.state.LastSeq))
	return errors.Join(reached, o.purge(ctx, status))
}

// streamStatus is the state of the stream and its consumers at one moment.
type streamStatus struct {
	stream jetstream.Stream
	state  jetstream.StreamState
	max    int64
	// floor is the last sequence up to which every durable consumer has
	// acknowledged everything.
	floor uint64
	// live is the consumer that the processors share.
	live *jetstream.ConsumerInfo
}

func (o *observer) readStatus(ctx context.Context) (*streamStatus, error) {
	str, err := o.js.Stream(ctx, stream.Name)
	if err != nil {
		return nil, fmt.Errorf("look up the stream: %w", err)
	}
	info := str.CachedInfo()
	if info.Created.UnixMicro() != o.guard.epoch {
		return nil, ErrReplaced
	}
	status := &streamStatus{stream: str, state: info.State, max: info.Config.MaxBytes, floor: info.State.LastSeq}
	consumers := str.ListConsumers(ctx)
	for c := range consumers.Info() {
		if c.Config.Durable == "" {
			continue
		}
		acked := c.AckFloor.Stream
		if c.Name == stream.Consumer {
			status.live = c
		} else if c.NumPending == 0 && c.NumAckPending == 0 {
			// The consumer has no messages left. Its floor stays at the last
			// message that its filter matched. It learns of a new message a
			// moment later than the stream, hence the end of the stream at the
			// previous observation.
			acked = max(acked, o.lastSeq)
		}
		status.floor = min(status.floor, acked)
	}
	if err := consumers.Err(); err != nil {
		return nil, fmt.Errorf("list the consumers: %w", err)
	}
	if status.live == nil {
		return nil, errNoConsumer
	}
	o.lastSeq = info.State.LastSeq
	return status, nil
}

func (o *observer) updateGauges(ctx context.Context, status *streamStatus) error {
	m, live := o.metrics, status.live
	m.streamBytes.Set(float64(status.state.Bytes))
	m.streamMaximum.Set(float64(status.max))
	m.inWork.Set(float64(live.NumAckPending))
	m.lagEvents.Set(float64(live.NumPending) + float64(live.NumAckPending))
	var lag, floorAge time.Duration
	var err error
	if live.NumPending > 0 {
		if lag, err = o.messageAge(ctx, status, live.Delivered.Stream+1); err != nil {
			return err
		}
	}
	if live.NumPending > 0 || live.NumAckPending > 0 {
		if floorAge, err = o.messageAge(ctx, status, live.AckFloor.Stream+1); err != nil {
			return err
		}
	}
	m.lagSeconds.Set(lag.Seconds())
	m.floorAge.Set(floorAge.Seconds())
	o.updateFloorAlarm(ctx, floorAge)
	return nil
}

// updateFloorAlarm raises an alarm once when events have been waiting for more
// than half of the stream's retention.
func (o *observer) updateFloorAlarm(ctx context.Context, age time.Duration) {
	late := age > o.config.Retention/2
	if late && !o.late {
		o.metrics.floorAlarm.Set(1)
		o.log.LogAttrs(ctx, slog.LevelError, "events wait for more than half of the stream's retention",
			slog.Duration("age", age), slog.Duration("retention", o.config.Retention))
	}
	if !late && o.late {
		o.metrics.floorAlarm.Set(0)
	}
	o.late = late
}

// messageAge returns how long ago the stream received the first message from seq
// on, 0 without such a message.
func (o *observer) messageAge(ctx context.Context, status *streamStatus, seq uint64) (time.Duration, error) {
	t, _, err := stream.FirstFrom(ctx, status.stream, seq)
	if err != nil || t.IsZero() {
		return 0, err
	}
	return max(0, o.now().Sub(t)), nil
}
