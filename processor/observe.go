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

// observeWaiting keeps the gauges of what waits for a processor, until ctx ends. It
// runs before the stream is prepared, so it changes nothing; the readiness has the
// reason why the stream cannot be read.
func (o *observer) observeWaiting(ctx context.Context) {
	tick := time.NewTicker(o.every)
	defer tick.Stop()
	for {
		bounded, cancel := context.WithTimeout(ctx, observeLimit)
		if status, err := o.readStatus(bounded); err == nil {
			_ = o.updateGauges(bounded, status)
		}
		cancel()
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}

func (o *observer) observeOnce(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, observeLimit)
	defer cancel()
	status, err := o.readStatus(ctx)
	switch {
	case err != nil:
		return err
	case status.epoch != o.guard.epoch:
		return ErrReplaced
	case status.live == nil:
		return errNoConsumer
	}
	if err := o.undoChanges(ctx, status); err != nil {
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

// undoChanges makes stream and consumer work again where another client changed
// them by hand.
func (o *observer) undoChanges(ctx context.Context, status *streamStatus) error {
	changed, err := stream.Restore(ctx, o.js, status.stream.CachedInfo(), status.live)
	if err == nil && len(changed) > 0 {
		o.log.LogAttrs(ctx, slog.LevelError, "another client changed the stream or its consumer; the changes are undone. "+
			"theeye audit shows whether events were passed over or lost", slog.Any("settings", changed))
	}
	return err
}

// streamStatus is the state of the stream and its consumers at one moment.
type streamStatus struct {
	stream jetstream.Stream
	epoch  int64
	state  jetstream.StreamState
	max    int64
	// floor is the last sequence up to which every durable consumer has
	// acknowledged everything.
	floor uint64
	// live is the consumer that the processors share, nil if it does not exist.
	live *jetstream.ConsumerInfo
}

func (o *observer) readStatus(ctx context.Context) (*streamStatus, error) {
	str, err := o.js.Stream(ctx, stream.Name)
	if err != nil {
		return nil, fmt.Errorf("look up the stream: %w", err)
	}
	info := str.CachedInfo()
	status := &streamStatus{
		stream: str, epoch: stream.EpochOf(info), state: info.State, max: info.Config.MaxBytes, floor: info.State.LastSeq,
	}
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
	o.lastSeq = info.State.LastSeq
	return status, nil
}

func (o *observer) updateGauges(ctx context.Context, status *streamStatus) error {
	m, live := o.metrics, status.live
	m.streamBytes.Set(float64(status.state.Bytes))
	m.streamMaximum.Set(float64(status.max))
	if live == nil { // everything waits
		live = &jetstream.ConsumerInfo{NumPending: status.state.Msgs}
	}
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
