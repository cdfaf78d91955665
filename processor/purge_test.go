package processor

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/theeye/theeye/shared/outcome/outcometest"
	"github.com/theeye/theeye/shared/store"
	"github.com/theeye/theeye/shared/stream"
)

// streamFull is the server's error code for a full stream.
const streamFull = 10077

// shrinkStream makes the stream so small that about a hundred events fill it.
func (fx *fixture) shrinkStream() {
	fx.t.Helper()
	fx.stream.MaxBytes = 1 << 20
	if err := stream.Ensure(fx.ctx(), fx.js, fx.stream); err != nil {
		fx.t.Fatal(err)
	}
}

// largeEvent returns an event of about 10 KB.
func largeEvent(id string) string {
	return outcometest.Event("event_id", fmt.Sprintf("%q", id), "data", `{"host":"h","path":"`+strings.Repeat("x", 10_000)+`"}`)
}

// tryPublish publishes one event and returns the server's answer.
func (fx *fixture) tryPublish(payload string) error {
	_, err := fx.js.PublishMsg(fx.ctx(), outcometest.Message("demo", payload))
	return err
}

func isFull(err error) bool {
	var api *jetstream.APIError
	return errors.As(err, &api) && api.ErrorCode == streamFull
}

// A publisher that is no faster than the processor never meets a full stream, however
// much it publishes.
func TestSettledEventsNeverFillTheStream(t *testing.T) {
	fx := newFixture(t)
	fx.shrinkStream()
	r := fx.startProcessor()
	const n = 400 // four times what the stream holds
	for i := range n {
		if err := fx.tryPublish(largeEvent(fmt.Sprintf("e%d", i))); err != nil {
			t.Fatalf("event %d: %v", i, err)
		}
		if i%20 == 19 {
			fx.awaitSettled()
			fx.poll("there is room again", func() bool { return fx.streamState().Bytes <= uint64(fx.stream.MaxBytes)*purgeFrom/100 })
		}
	}
	fx.awaitSettled()
	if stored, rejected := fx.counts(); stored != n || rejected != 0 {
		t.Errorf("%d stored, %d rejected, want %d and 0", stored, rejected, n)
	}
	fx.poll("the purge is counted", func() bool { return r.sumMetric("purged_total") == float64(fx.streamState().FirstSeq-1) })
}

// A stream full of unprocessed events refuses more and loses none. It accepts events
// again after they were processed.
func TestStreamFullOfUnprocessedEventsRefusesMore(t *testing.T) {
	fx := newFixture(t)
	fx.shrinkStream()
	release := make(chan struct{})
	r := fx.startProcessor(withStore(&hookedStore{Store: fx.store, insert: func(ctx context.Context, docs []*store.Document, next insertFunc) ([]error, error) {
		<-release
		return next(ctx, docs)
	}}))
	n := 0
	err := fx.tryPublish(largeEvent("e0"))
	for ; err == nil; err = fx.tryPublish(largeEvent(fmt.Sprintf("e%d", n))) {
		n++
	}
	if !isFull(err) {
		t.Errorf("a full stream answers %v", err)
	}
	fx.poll("the observer has run", func() bool { return r.sumMetric("lag_events") == float64(n) })
	if s := fx.streamState(); s.FirstSeq != 1 || s.Msgs != uint64(n) {
		t.Errorf("%d of %d messages are left, the first is %d", s.Msgs, n, s.FirstSeq)
	}
	close(release)
	fx.poll("the stream takes more", func() bool { return fx.tryPublish(largeEvent("more")) == nil })
	fx.awaitSettled()
	if stored, _ := fx.counts(); stored != n+1 {
		t.Errorf("%d stored, want %d", stored, n+1)
	}
}

// Only the settled events of a full stream are purged.
func TestPurgeStopsAtTheFloor(t *testing.T) {
	fx := newFixture(t)
	fx.shrinkStream()
	release := make(chan struct{})
	free := sync.OnceFunc(func() { close(release) })
	seen := 0
	fx.startProcessor(withStore(&hookedStore{Store: fx.store, insert: func(ctx context.Context, docs []*store.Document, next insertFunc) ([]error, error) {
		if seen += len(docs); seen > 5 {
			<-release
		}
		return next(ctx, docs)
	}}), func(c *Config) { c.BatchEvents, c.Workers = 5, 1 })
	t.Cleanup(free)
	n := 0
	for ; n < 5; n++ {
		if err := fx.tryPublish(largeEvent(fmt.Sprintf("e%d", n))); err != nil {
			t.Fatal(err)
		}
	}
	fx.awaitSettled()
	for fx.tryPublish(largeEvent(fmt.Sprintf("e%d", n))) == nil {
		n++
	}
	fx.poll("the settled events are purged", func() bool { return fx.streamState().FirstSeq > 1 })
	floor := fx.consumer().AckFloor.Stream
	fx.poll("the stream is full again", func() bool { return fx.tryPublish(largeEvent("probe")) != nil })
	if first := fx.streamState().FirstSeq; first > floor+1 {
		t.Errorf("purged below %d, acknowledged up to %d", first, floor)
	}
	free()
	fx.awaitSettled()
	if stored, _ := fx.counts(); stored < n {
		t.Errorf("%d stored, want %d", stored, n)
	}
}

// observeOnce runs the observer once.
func (r *instance) observeOnce(t *testing.T) {
	t.Helper()
	if err := r.observer.observeOnce(r.fx.ctx()); err != nil {
		t.Fatal(err)
	}
}

// startIdle starts a processor whose observer runs only when the test calls it, with
// the clock of the test.
func (fx *fixture) startIdle(now func() time.Time) *instance {
	return fx.startProcessor(func(c *Config) { c.ObserveEvery, c.Now = time.Hour, now })
}

func TestOnlyEventsOlderThanTheRetentionArePurged(t *testing.T) {
	fx := newFixture(t)
	var clock atomic.Pointer[time.Time]
	set := func(now time.Time) { clock.Store(&now) }
	set(time.Now())
	fx.publishAll(pageviews("old", 100))
	between := fx.streamState().LastTime
	r := fx.startIdle(func() time.Time { return *clock.Load() })
	fx.awaitSettled()
	fx.poll("time has passed", func() bool { return time.Since(between) > 50*time.Millisecond })
	fx.publishAll(pageviews("young", 100))
	fx.awaitSettled()

	r.observeOnce(t)
	if s := fx.streamState(); s.FirstSeq != 1 {
		t.Errorf("the first is %d before the retention is over", s.FirstSeq)
	}
	r.observer.config.Retention = time.Second // a hundredth is 10 ms
	set(between.Add(time.Second + 20*time.Millisecond))
	r.observeOnce(t)
	if s := fx.streamState(); s.FirstSeq != 101 || s.Msgs != 100 {
		t.Errorf("%d messages are left, the first is %d, want 101", s.Msgs, s.FirstSeq)
	}
	set(between.Add(time.Hour))
	r.observeOnce(t)
	if s := fx.streamState(); s.Msgs != 0 || s.LastSeq != 200 {
		t.Errorf("%d messages are left of %d", s.Msgs, s.LastSeq)
	}
	r.observeOnce(t) // of an empty stream
}

// Messages that a durable consumer still needs are not purged: those of a replay that
// has not begun, that is in the middle, or that reads few subjects.
func TestPurgeStopsAtTheFloorOfEveryReplay(t *testing.T) {
	fx := newFixture(t)
	clock := func() time.Time { return time.Now().Add(1000 * time.Hour) }
	r := fx.startIdle(clock)
	fx.publishAll(pageviews("a", 50))
	fx.publishMsg(outcometest.Message("other", outcometest.Pageview("other")))
	fx.publishAll(pageviews("b", 49))
	fx.awaitSettled()

	replay := func(name, filter string) jetstream.Consumer {
		c, err := fx.js.CreateOrUpdateConsumer(fx.ctx(), stream.Name, jetstream.ConsumerConfig{
			Durable: name, AckPolicy: jetstream.AckExplicitPolicy, FilterSubject: filter,
		})
		if err != nil {
			t.Fatal(err)
		}
		return c
	}
	first := func() uint64 {
		r.observeOnce(t)
		r.observeOnce(t) // a consumer counts as done at the second observation
		return fx.streamState().FirstSeq
	}
	all, few := replay("replay-all", stream.Subjects), replay("replay-few", stream.ApplicationSubjects("other"))
	if got := first(); got != 1 {
		t.Errorf("purged below %d under replays that have not begun", got)
	}
	ackNext(t, all, 30)
	if got := first(); got != 1 {
		t.Errorf("purged below %d under a replay that needs message 51", got)
	}
	ackNext(t, few, 1)
	if got := first(); got != 31 {
		t.Errorf("the first is %d, and a replay is at 31", got)
	}
	ackNext(t, all, 70)
	if got := fx.streamState().LastSeq; first() != got+1 {
		t.Errorf("the first is %d of %d, and every consumer is done", first(), got)
	}
}

func ackNext(t *testing.T, c jetstream.Consumer, n int) {
	t.Helper()
	batch, err := c.Fetch(n)
	if err != nil {
		t.Fatal(err)
	}
	for m := range batch.Messages() {
		if err := m.DoubleAck(t.Context()); err != nil {
			t.Fatal(err)
		}
		n--
	}
	if n != 0 {
		t.Fatalf("%d messages are missing", n)
	}
}

// A purge for space begins at 80 % of the bound and ends at 70 %.
func TestPurgeForSpaceEndsAtItsTarget(t *testing.T) {
	look := func(bytes uint64) *streamStatus {
		return &streamStatus{max: 1000_000, state: jetstream.StreamState{FirstSeq: 501, Msgs: 1000, Bytes: bytes}}
	}
	for bytes, keep := range map[uint64]uint64{0: 0, 500_000: 0, 800_000: 0, 810_000: 501 + 135 + 1, 1_000_000: 501 + 300 + 1} {
		if got := keepForSpace(look(bytes)); got != keep {
			t.Errorf("of %d bytes the first to keep is %d, want %d", bytes, got, keep)
		}
	}
	unbounded := look(1 << 40)
	unbounded.max = -1
	if got := keepForSpace(unbounded); got != 0 {
		t.Errorf("a stream without a bound is purged below %d", got)
	}
}

func TestEventsWaitingForHalfOfTheRetentionRaiseAnAlarm(t *testing.T) {
	fx := newFixture(t)
	release := make(chan struct{})
	waiting := &hookedStore{Store: fx.store, insert: func(ctx context.Context, docs []*store.Document, next insertFunc) ([]error, error) {
		<-release
		return next(ctx, docs)
	}}
	var late atomic.Int64
	r := fx.startProcessor(withStore(waiting), func(c *Config) {
		c.ObserveEvery, c.BatchEvents, c.Workers = time.Hour, 1, 1
		c.Now = func() time.Time { return time.Now().Add(time.Duration(late.Load())) }
	})
	fx.publishAll(pageviews("e", 10))
	fx.poll("an event is in flight", func() bool { return fx.consumer().NumAckPending == 1 })
	r.observeOnce(t)
	if r.sumMetric("ack_floor_alarm") != 0 || r.sumMetric("lag_events") != 10 || r.sumMetric("in_work_events") != 1 {
		t.Errorf("alarm %v, lag %v, in flight %v", r.sumMetric("ack_floor_alarm"), r.sumMetric("lag_events"), r.sumMetric("in_work_events"))
	}
	much := fx.stream.Retention/2 + time.Minute
	late.Store(int64(much))
	r.observeOnce(t)
	if r.sumMetric("ack_floor_alarm") != 1 || r.sumMetric("ack_floor_age_seconds") < much.Seconds() || r.sumMetric("lag_seconds") < much.Seconds() {
		t.Errorf("alarm %v, age %v", r.sumMetric("ack_floor_alarm"), r.sumMetric("ack_floor_age_seconds"))
	}
	close(release)
	fx.awaitSettled()
	r.observeOnce(t)
	if r.sumMetric("ack_floor_alarm") != 0 || r.sumMetric("lag_seconds") != 0 || r.sumMetric("lag_events") != 0 {
		t.Errorf("alarm %v, lag %v after the end", r.sumMetric("ack_floor_alarm"), r.sumMetric("lag_seconds"))
	}
}
