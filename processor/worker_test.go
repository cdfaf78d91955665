package processor

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/nats-io/nats.go"

	"github.com/theeye/theeye/shared/event"
	"github.com/theeye/theeye/shared/outcome"
	"github.com/theeye/theeye/shared/outcome/outcometest"
	"github.com/theeye/theeye/shared/store"
	"github.com/theeye/theeye/shared/stream"
)

// Every kind of message gets its outcome, whatever the other messages of its batch.
func TestEveryKindOfMessageGetsItsOutcome(t *testing.T) {
	fx := newFixture(t)
	foreign := &nats.Msg{Subject: "events.anything", Data: []byte("foreign")}
	huge := outcometest.Message("demo", outcometest.Event("event_id", `"huge"`, "data", `{"host":"h","path":"`+strings.Repeat("x", 5<<20)+`"}`))
	fx.publish(outcometest.Pageview("a"), outcometest.Event("event_id", `"bad"`, "data", `{"host":7}`), outcometest.Event("event_id", `"new"`, "name", `"new"`),
		outcometest.Pageview("a"), outcometest.Event("event_id", `"a"`, "data", `{"host":"other","path":"/"}`), "not an event")
	fx.publishMsg(outcometest.Message("other", outcometest.Pageview("a")), huge, foreign, foreign)
	r := fx.startProcessor()
	fx.awaitSettled()

	for id, codes := range map[string]string{"demo/a": "", "other/a": "", "demo/bad": "schema_violation", "demo/new": "unknown_type"} {
		d := fx.lookup(id)
		if d == nil {
			t.Errorf("%s is missing", id)
			continue
		}
		if (d.Status == store.Stored) != (codes == "") || codes != "" && d.Errors[0].Code != codes {
			t.Errorf("%s is %s %v, want %q", id, d.Status, d.Errors, codes)
		}
	}
	for outcome, want := range map[string]float64{
		"outcome=stored": 2, "outcome=duplicate": 2, "outcome=rejected": 6, "code=" + event.CodeIDConflict: 1,
		"code=" + event.CodeTooLarge: 1, "code=" + event.CodeInvalidMessage: 1, "code=" + event.CodeInvalidJSON: 1,
		"code=" + event.CodeSchemaViolation: 1, "code=" + event.CodeUnknownType: 1,
	} {
		if got := r.sumMetric("events_total", outcome); got != want {
			t.Errorf("%v events with %s, want %v", got, outcome, want)
		}
	}
	if stored, rejected := fx.counts(); stored != 2 || rejected != 6 {
		t.Errorf("%d stored and %d rejected documents, want 2 and 6", stored, rejected)
	}
}

// The same event arrives many times in one batch, and again later.
func TestCopiesAreStoredOnce(t *testing.T) {
	fx := newFixture(t)
	fx.publishAll(slices.Repeat([]string{outcometest.Pageview("a")}, 1000))
	fx.startProcessor()
	fx.awaitSettled()
	fx.publishAll(slices.Repeat([]string{outcometest.Pageview("a")}, 100))
	fx.awaitSettled()
	if stored, rejected := fx.counts(); stored != 1 || rejected != 0 {
		t.Errorf("%d stored, %d rejected", stored, rejected)
	}
	if d := fx.lookup("demo/a"); d.Origin.Seq != 1 {
		t.Errorf("its origin is %d, and that of the first copy 1", d.Origin.Seq)
	}
}

// Several processors share a stream with copies and conflicts.
func TestProcessorsSideBySideStoreEachEventOnce(t *testing.T) {
	fx := newFixture(t)
	const n = 1500
	events := pageviews("e", n)
	other := outcometest.Event("event_id", `"e0007"`, "data", `{"host":"other","path":"/"}`)
	fx.publishAll(slices.Concat(events, []string{other}, events))
	small := func(c *Config) { c.BatchEvents = 50 }
	first, second := fx.launchProcessor(small), fx.launchProcessor(small)
	fx.awaitSettled()
	if stored, rejected := fx.counts(); stored != n || rejected != 1 {
		t.Errorf("%d stored, %d rejected, want %d and 1", stored, rejected, n)
	}
	for _, r := range []*instance{first, second} {
		if err := r.stop(); err != nil {
			t.Errorf("Run: %v", err)
		}
	}
	if c := fx.consumer(); c.NumRedelivered != 0 {
		t.Errorf("%d messages are delivered again", c.NumRedelivered)
	}
}

// A processor dies between the write and the acknowledgement. The next one completes
// its work, and stores each event once.
func TestCrashBeforeAckLosesAndDoublesNothing(t *testing.T) {
	fx := newFixture(t)
	const n = 300
	fx.publishAll(pageviews("e", n))
	var r *instance
	var dead sync.Once
	crashing := &hookedStore{Store: fx.store, insert: func(ctx context.Context, docs []*store.Document, next insertFunc) ([]error, error) {
		errs, err := next(ctx, docs)
		dead.Do(func() { r.nc.Close() })
		return errs, err
	}}
	started := make(chan struct{})
	r = fx.launchProcessor(withStore(crashing), func(c *Config) { c.BatchEvents = 100 }, func(s *Service) {
		original := s.worker.validator.rules
		s.worker.validator.rules = func() outcome.Rules { <-started; return original() } // until r is set
	})
	close(started)
	if err := r.awaitEnd(); !errors.Is(err, nats.ErrConnectionClosed) {
		t.Errorf("Run without a connection: %v", err)
	}
	if c := fx.consumer(); c.AckFloor.Stream != 0 || c.NumAckPending == 0 {
		t.Fatalf("acknowledged up to %d, %d in work: this is no crash", c.AckFloor.Stream, c.NumAckPending)
	}
	// The server forgets the deliveries, as if AckWait were over.
	if err := fx.js.DeleteConsumer(fx.ctx(), stream.Name, stream.Consumer); err != nil {
		t.Fatal(err)
	}
	next := fx.startProcessor()
	fx.awaitSettled()
	if stored, rejected := fx.counts(); stored != n || rejected != 0 {
		t.Errorf("%d stored, %d rejected, want %d and 0", stored, rejected, n)
	}
	if again := next.sumMetric("events_total", "outcome=duplicate"); again < 100 {
		t.Errorf("%v events were written before the crash", again)
	}
}

func TestMessageThatPanicsTheValidatorIsRejectedAlone(t *testing.T) {
	fx := newFixture(t)
	events := pageviews("e", 99)
	events = slices.Insert(events, 50, outcometest.Event("event_id", `"poison"`, "data", `{"host":"POISON","path":"/"}`))
	fx.publishAll(events)
	r := fx.startProcessor(func(s *Service) {
		original := s.worker.validator.rules
		s.worker.validator.rules = func() outcome.Rules { return outcometest.Panicking{Rules: original(), Mark: "POISON"} }
	})
	fx.awaitSettled()
	if stored, rejected := fx.counts(); stored != 99 || rejected != 1 {
		t.Errorf("%d stored, %d rejected, want 99 and 1", stored, rejected)
	}
	if d := fx.lookup("demo/poison"); d == nil || d.Errors[0].Code != event.CodeValidatorFailed {
		t.Errorf("the poisoned event became %+v", d)
	}
	if r.sumMetric("panics_total") != 1 {
		t.Errorf("%v panics are counted", r.sumMetric("panics_total"))
	}
}

// changingRules are rules of a given revision.
type changingRules struct {
	outcome.Rules
	revision uint64
}

func (c changingRules) Revision() uint64 { return c.revision }

// One batch is validated against one revision while the registry changes all the time,
// and its revision is recorded before the first document is written.
func TestBatchIsValidatedAgainstOneRevision(t *testing.T) {
	fx := newFixture(t)
	var mu sync.Mutex
	var recorded uint64
	seen := map[uint64]bool{}
	watching := &hookedStore{
		Store: fx.store,
		raised: func(revision uint64) {
			mu.Lock()
			defer mu.Unlock()
			recorded = max(recorded, revision)
		},
		insert: func(ctx context.Context, docs []*store.Document, next insertFunc) ([]error, error) {
			mu.Lock()
			for _, d := range docs {
				seen[d.Revision] = true
				if d.Revision != docs[0].Revision {
					t.Errorf("revisions %d and %d in one batch", docs[0].Revision, d.Revision)
				}
				if d.Revision > recorded {
					t.Errorf("a document of revision %d, and %d is recorded", d.Revision, recorded)
				}
			}
			mu.Unlock()
			return next(ctx, docs)
		},
	}
	var asked atomic.Uint64
	fx.startProcessor(withStore(watching), func(c *Config) { c.BatchEvents = 20 }, func(s *Service) {
		original := s.worker.validator.rules
		s.worker.validator.rules = func() outcome.Rules { return changingRules{original(), 100 + asked.Add(1)} }
	})
	fx.publishAll(pageviews("e", 300))
	fx.awaitSettled()
	if len(seen) < 2 {
		t.Errorf("only the revisions %v were used", seen)
	}
	if got, err := fx.store.HighestRevision(fx.ctx()); err != nil || got != 100+asked.Load() {
		t.Errorf("the store has seen revision %d (%v), the last one was %d", got, err, 100+asked.Load())
	}
}

// A type that is registered later is known from then on. Events that were rejected
// before stay rejected until a replay.
func TestTypeRegisteredLaterAppliesToLaterEvents(t *testing.T) {
	fx := newFixture(t)
	r := fx.startProcessor()
	fx.publish(outcometest.Event("event_id", `"before"`, "name", `"new"`))
	fx.awaitSettled()
	revision := fx.applyFiles(map[string]string{"schemas/page=20interaction/new.json": `{"type":"object"}`})
	fx.poll("the new revision is known", func() bool { return r.worker.validator.rules().Revision() == revision })
	fx.publish(outcometest.Event("event_id", `"after"`, "name", `"new"`))
	fx.awaitSettled()
	before, after := fx.lookup("demo/before"), fx.lookup("demo/after")
	if before.Status != store.Rejected || after.Status != store.Stored {
		t.Errorf("before is %s, after is %s", before.Status, after.Status)
	}
	if after.Revision != revision || before.Revision >= revision || after.SchemaVersion != int64(revision) {
		t.Errorf("validated against revisions %d and %d, the registry's is %d", before.Revision, after.Revision, revision)
	}
}

// Batches are bounded in bytes and messages. An event over the bound is a batch of its
// own.
func TestBatchesAreBounded(t *testing.T) {
	fx := newFixture(t)
	var largest, most atomic.Int64
	watching := &hookedStore{Store: fx.store, insert: func(ctx context.Context, docs []*store.Document, next insertFunc) ([]error, error) {
		size := 0
		for _, d := range docs {
			size += len(d.Original)
		}
		if len(docs) > 1 {
			largest.Store(max(largest.Load(), int64(size)))
		}
		most.Store(max(most.Load(), int64(len(docs))))
		return next(ctx, docs)
	}}
	padding := strings.Repeat("x", 5000)
	for i := range 60 {
		fx.publish(outcometest.Event("event_id", fmt.Sprintf(`"e%d"`, i), "data", `{"host":"h","path":"`+padding+`"}`))
	}
	fx.publish(outcometest.Event("event_id", `"large"`, "data", `{"host":"h","path":"`+strings.Repeat(padding, 20)+`"}`))
	fx.publishAll(pageviews("small", 60))
	fx.startProcessor(withStore(watching), func(c *Config) { c.BatchEvents, c.BatchBytes, c.Workers = 25, 50_000, 1 })
	fx.awaitSettled()
	if stored, _ := fx.counts(); stored != 121 {
		t.Errorf("%d stored, want 121", stored)
	}
	if largest.Load() > 50_000 || most.Load() != 25 {
		t.Errorf("batches of %d bytes and %d events, want at most 50,000 and 25", largest.Load(), most.Load())
	}
}

func TestNewReportsEveryMissingField(t *testing.T) {
	_, err := New(Config{})
	for _, part := range []string{"JetStream", "Conn", "Registry", "Store"} {
		if err == nil || !strings.Contains(err.Error(), part) {
			t.Errorf("New without %s: %v", part, err)
		}
	}
}
