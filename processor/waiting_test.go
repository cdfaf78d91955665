package processor

import (
	"bytes"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/theeye/theeye/shared/daemon"
	"github.com/theeye/theeye/shared/outcome/outcometest"
	"github.com/theeye/theeye/shared/stream"
)

// A processor that cannot start says what waits, and why: the lag is a number or
// absent.
func TestWaitingProcessorShowsWhatWaits(t *testing.T) {
	fx := newFixture(t)
	fx.publishAll(pageviews("e", 30))
	r := fx.launchProcessor(func(c *Config) { c.Registry = idleRegistry(c.JetStream) })
	fx.poll("what waits is in the metrics, and for how long", func() bool {
		return r.sumMetric("lag_events") == 30 && r.sumMetric("lag_seconds") > 0
	})
	fx.poll("it waits for the registry", func() bool { return strings.HasPrefix(r.Waiting(), "registry: ") })
	if r.sumMetric("taking_events") != 0 {
		t.Errorf("taking_events %v", r.sumMetric("taking_events"))
	}
	if err := r.stop(); err != nil {
		t.Errorf("Run: %v", err)
	}
	// Without the consumer, everything in the stream waits.
	if err := fx.js.DeleteConsumer(fx.ctx(), stream.Name, stream.Consumer); err != nil {
		t.Fatal(err)
	}
	status, err := r.observer.readStatus(fx.ctx())
	if err != nil {
		t.Fatal(err)
	}
	r.Service.metrics.lagEvents.Set(0)
	if err := r.observer.updateGauges(fx.ctx(), status); err != nil || r.sumMetric("lag_events") != 30 {
		t.Errorf("without a consumer the lag is %v, %v", r.sumMetric("lag_events"), err)
	}

	r = fx.startProcessor()
	fx.awaitSettled()
	fx.poll("nothing waits", func() bool { return r.sumMetric("lag_events") == 0 && r.sumMetric("taking_events") == 1 })
	if why := r.Waiting(); why != "" {
		t.Errorf("a working processor waits for %q", why)
	}
}

// Before the lag is known, it has no sample.
func TestUnknownLagIsAbsent(t *testing.T) {
	fx := newFixture(t)
	if err := fx.js.DeleteStream(fx.ctx(), stream.Name); err != nil {
		t.Fatal(err)
	}
	// Ensure fails, so the stream stays unknown.
	if _, err := fx.js.CreateStream(fx.ctx(), jetstream.StreamConfig{Name: "OTHER", Subjects: []string{stream.Subjects}}); err != nil {
		t.Fatal(err)
	}
	r := fx.launchProcessor()
	if err := r.awaitEnd(); !errors.Is(err, stream.ErrRefused) {
		t.Errorf("Run: %v", err)
	}
	families, err := r.metrics.Gather()
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range families {
		if name := f.GetName(); name == prefix+"lag_events" || name == prefix+"lag_seconds" {
			t.Errorf("%s has the value %v", name, f.GetMetric())
		}
	}
	if r.sumMetric("taking_events") != 0 {
		t.Error("it takes events without a stream")
	}
}

// What NATS refuses ends the processor, with exit code 2 and the cure: it never
// waits in silence.
func TestRefusedStreamEndsTheProcessor(t *testing.T) {
	fx := newFixture(t)
	fx.publish(outcometest.Pageview("a"))
	err := fx.launchProcessor(func(c *Config) { c.Stream.Replicas = 3 }).awaitEnd()
	if !errors.Is(err, stream.ErrRefused) || !IsMisconfigured(err) || !strings.Contains(err.Error(), "EYE_STREAM_REPLICAS") {
		t.Errorf("Run: %v", err)
	}
	if code := daemon.ExitCode(errors.Join(daemon.ErrUsage, err)); code != daemon.ExitUsage {
		t.Errorf("exit code %d", code)
	}
	fx.startProcessor()
	fx.awaitSettled()
}

// logBuffer collects log lines.
type logBuffer struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (l *logBuffer) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(p)
}

func (l *logBuffer) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}

// A limit below what the stream holds is in force, and said: settled events are
// removed, unsettled ones are processed first.
func TestLowerLimitIsAppliedAndSaid(t *testing.T) {
	t.Parallel()
	fx := newFixture(t)
	const n = 500 // over 4 MiB
	large := make([]string, n)
	for i := range large {
		large[i] = largeEvent(fmt.Sprint("e", i))
	}
	fx.publishAll(large)
	log := &logBuffer{}
	fx.stream.MaxBytes = 4 << 20
	r := fx.startProcessor(func(c *Config) { c.Logger = slog.New(slog.NewTextHandler(log, nil)) })
	fx.awaitSettled()
	fx.poll("the stream fits its limit", func() bool { return fx.streamState().Bytes <= 4<<20/100*purgeFrom })
	if stored, rejected := fx.counts(); stored != n || rejected != 0 {
		t.Errorf("%d stored, %d rejected of %d", stored, rejected, n)
	}
	if text := log.String(); !strings.Contains(text, "level=WARN msg=\"the stream is resized and holds more than it should") {
		t.Errorf("the log is %s", text)
	}
	fx.publish(outcometest.Pageview("after"))
	fx.awaitSettled()
	if err := r.stop(); err != nil {
		t.Errorf("Run: %v", err)
	}
}

// A pause of the consumer and a maximum age of the stream are undone while the
// processor runs, and said.
func TestChangesByHandDoNotStopProcessing(t *testing.T) {
	fx := newFixture(t)
	log := &logBuffer{}
	fx.startProcessor(func(c *Config) { c.Logger = slog.New(slog.NewTextHandler(log, nil)) })
	if _, err := fx.js.PauseConsumer(fx.ctx(), stream.Name, stream.Consumer, time.Now().Add(time.Hour)); err != nil {
		t.Fatal(err)
	}
	s, err := fx.js.Stream(fx.ctx(), stream.Name)
	if err != nil {
		t.Fatal(err)
	}
	changed := s.CachedInfo().Config
	changed.MaxAge, changed.Discard = time.Hour, jetstream.DiscardOld
	if _, err := fx.js.UpdateStream(fx.ctx(), changed); err != nil {
		t.Fatal(err)
	}
	fx.publishAll(pageviews("e", 20))
	fx.awaitSettled()
	fx.poll("the changes are undone", func() bool {
		info, err := s.Info(fx.ctx())
		return err == nil && info.Config.MaxAge == 0 && info.Config.Discard == jetstream.DiscardNew
	})
	fx.poll("the log says so", func() bool { return strings.Contains(log.String(), "another client changed the stream") })
}

// An empty store beside a stream with settled events is another one: it is used, and
// the missing events are named.
func TestEmptyStoreBesideSettledEventsIsSaid(t *testing.T) {
	fx := newFixture(t)
	const text = "the store is empty"
	run := func() string {
		log := &logBuffer{}
		r := fx.startProcessor(func(c *Config) { c.Logger, c.Store = slog.New(slog.NewTextHandler(log, nil)), fx.store })
		fx.awaitSettled()
		if err := r.stop(); err != nil {
			t.Errorf("Run: %v", err)
		}
		return log.String()
	}
	if log := run(); strings.Contains(log, text) {
		t.Errorf("a new store beside a new stream: %s", log)
	}
	fx.publishAll(pageviews("a", 5))
	for range 2 {
		if log := run(); strings.Contains(log, text) {
			t.Errorf("the same store: %s", log)
		}
	}
	fx.dropDatabase()
	fx.store = fx.openStore(fx.uri)
	fx.publishAll(pageviews("b", 5))
	if log := run(); !strings.Contains(log, text) || !strings.Contains(log, "sequence=5") {
		t.Errorf("another store: %s", log)
	}
}
