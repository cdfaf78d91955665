package processor

import (
	"context"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/theeye/theeye/shared/heartbeat"
	"github.com/theeye/theeye/shared/outcome"
	"github.com/theeye/theeye/shared/outcome/outcometest"
	"github.com/theeye/theeye/shared/store"
)

// fakeHeartbeat is a heartbeat that a test controls.
type fakeHeartbeat struct {
	mu          sync.Mutex
	expirations uint64
	silent      bool
	checks      int
}

func (p *fakeHeartbeat) Instance() string { return "held" }

func (p *fakeHeartbeat) Liveness() (uint64, bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.checks++
	return p.expirations, !p.silent
}

// setLiveness sets the number of expirations, and whether the heartbeat is silent.
func (p *fakeHeartbeat) setLiveness(expirations uint64, silent bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.expirations, p.silent = expirations, silent
}

// checkCount returns how often the processor has checked it.
func (p *fakeHeartbeat) checkCount() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.checks
}

func withHeartbeat(h Heartbeat) func(*Config) { return func(c *Config) { c.Heartbeat = h } }

// unknownTypeEvent returns an event of a type that the sample registry does not have.
func unknownTypeEvent(id string) string {
	return outcometest.Event("event_id", `"`+id+`"`, "name", `"new"`)
}

// knownTypeFiles returns declarations of the type.
func knownTypeFiles() map[string]string {
	return map[string]string{"schemas/page=20interaction/new.json": `{"type":"object"}`}
}

// A processor without a live heartbeat validates nothing, and releases its batch when
// it shuts down.
func TestNothingIsValidatedWithoutALiveHeartbeat(t *testing.T) {
	fx := newFixture(t)
	p := &fakeHeartbeat{silent: true}
	r := fx.launchProcessor(withHeartbeat(p))
	fx.publish(unknownTypeEvent("a"))
	lacks := func() (names []string) {
		for _, c := range r.Ready() {
			if c.Err != nil {
				names = append(names, c.Name)
			}
		}
		return names
	}
	fx.poll("only the heartbeat is missing", func() bool { return slices.Equal(lacks(), []string{"heartbeat"}) })
	fx.poll("the batch waits for the heartbeat", func() bool { return fx.consumer().NumAckPending == 1 && p.checkCount() > 5 })
	if r.OldestRevision() != 0 || fx.lookup("demo/a") != nil {
		t.Errorf("validated against revision %d, the document is %+v", r.OldestRevision(), fx.lookup("demo/a"))
	}
	if err := r.stop(); err != nil {
		t.Fatal(err)
	}
	fx.awaitReleased(1)
}

// A batch that was validated before an expiry is validated again, against the registry
// after it, and is never written with the earlier revision, however often that write
// was attempted.
func TestExpiredHeartbeatCausesAnotherValidation(t *testing.T) {
	for _, seen := range []bool{true, false} {
		t.Run(fmt.Sprintf("seen=%v", seen), func(t *testing.T) {
			fx := newFixture(t)
			p, tried := &fakeHeartbeat{}, &writeAttempts{}
			r := fx.startProcessor(withHeartbeat(p), withStore(&hookedStore{Store: fx.store, insert: tried.insert}))
			old := r.worker.validator.rules().Revision()
			tried.setFailing(true)
			fx.publish(unknownTypeEvent("a"))
			fx.poll("a write was attempted", func() bool { return tried.countOf(old) >= 2 })
			if got := r.OldestRevision(); got != old {
				t.Errorf("the batch in flight was validated against %d, the heartbeat says %d", old, got)
			}
			if seen {
				p.setLiveness(0, true)
				p.awaitChecks(fx)
			}
			revision := fx.applyFiles(knownTypeFiles())
			fx.poll("the new revision is known", func() bool { return r.worker.validator.rules().Revision() == revision })
			p.setLiveness(1, false)
			fx.poll("it is validated again", func() bool { return r.sumMetric("judged_again_total") == 1 })
			before := tried.countOf(old)
			tried.setFailing(false)
			fx.awaitSettled()
			if n := tried.countOf(old); n != before {
				t.Errorf("%d writes of the old revision were attempted after the expiry", n-before)
			}
			if d := fx.lookup("demo/a"); d == nil || d.Status != store.Stored || d.Revision != revision {
				t.Errorf("the event became %+v, want it stored at revision %d", d, revision)
			}
			if n := r.sumMetric("judged_again_total"); n != 1 {
				t.Errorf("%v batches were validated again", n)
			}
			fx.poll("no batch is in flight", func() bool { return r.OldestRevision() == 0 })
		})
	}
}

// A batch is not written without a live heartbeat either, although the store is
// available again.
func TestNothingIsWrittenWithoutALiveHeartbeat(t *testing.T) {
	fx := newFixture(t)
	p, tried := &fakeHeartbeat{}, &writeAttempts{}
	r := fx.startProcessor(withHeartbeat(p), withStore(&hookedStore{Store: fx.store, insert: tried.insert}))
	tried.setFailing(true)
	fx.publish(unknownTypeEvent("a"))
	fx.poll("a write was attempted", func() bool { return r.sumMetric("write_retries_total") >= 1 })
	p.setLiveness(0, true)
	p.awaitChecks(fx)
	before := tried.countOf(r.worker.validator.rules().Revision())
	tried.setFailing(false)
	p.awaitChecks(fx)
	if n := tried.countOf(r.worker.validator.rules().Revision()); n != before {
		t.Errorf("%d writes were attempted", n-before)
	}
	// The heartbeat had not expired: the outcomes stand.
	p.setLiveness(0, false)
	fx.awaitSettled()
	if n := r.sumMetric("judged_again_total"); n != 0 || fx.lookup("demo/a") == nil {
		t.Errorf("%v batches were validated again, the event is %+v", n, fx.lookup("demo/a"))
	}
}

// writeAttempts counts the writes by revision, and lets them fail like those to an
// unavailable store.
type writeAttempts struct {
	mu      sync.Mutex
	by      map[uint64]int
	failing bool
}

func (a *writeAttempts) insert(ctx context.Context, docs []*store.Document, next insertFunc) ([]error, error) {
	a.mu.Lock()
	if a.by == nil {
		a.by = map[uint64]int{}
	}
	a.by[docs[0].Revision]++
	failing := a.failing
	a.mu.Unlock()
	if failing {
		return nil, store.ErrUnavailable
	}
	return next(ctx, docs)
}

func (a *writeAttempts) setFailing(failing bool) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.failing = failing
}

func (a *writeAttempts) countOf(revision uint64) int {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.by[revision]
}

func (a *writeAttempts) counts() map[uint64]int {
	a.mu.Lock()
	defer a.mu.Unlock()
	return maps.Clone(a.by)
}

// awaitChecks waits until a worker waits for the heartbeat. Its attempts to write have
// ended then.
func (p *fakeHeartbeat) awaitChecks(fx *fixture) {
	fx.t.Helper()
	seen := p.checkCount()
	fx.poll("a worker waits for the heartbeat", func() bool { return p.checkCount() >= seen+5 })
}

// The heartbeat may expire between the validation and the first write.
func TestHeartbeatThatExpiresBeforeTheFirstWriteIsNoticed(t *testing.T) {
	fx := newFixture(t)
	p, tried := &fakeHeartbeat{}, &writeAttempts{}
	var r *instance
	var once sync.Once
	var revision uint64
	started := make(chan struct{})
	r = fx.launchProcessor(withHeartbeat(p), withStore(&hookedStore{Store: fx.store, insert: tried.insert}), func(s *Service) {
		original := s.worker.validator.rules
		s.worker.validator.rules = func() outcome.Rules {
			<-started
			by := original()
			once.Do(func() { // as if the process were suspended here
				revision = fx.applyFiles(knownTypeFiles())
				fx.poll("the new revision is known", func() bool { return original().Revision() == revision })
				p.setLiveness(1, false)
			})
			return by
		}
	})
	close(started)
	fx.publish(unknownTypeEvent("a"))
	fx.awaitSettled()
	if d := fx.lookup("demo/a"); d == nil || d.Revision != revision || d.Status != store.Stored {
		t.Errorf("the event became %+v, want it stored at revision %d", d, revision)
	}
	if all := tried.counts(); len(all) != 1 || all[revision] != 1 {
		t.Errorf("writes by revision: %v, want one by %d", all, revision)
	}
	if n := r.sumMetric("judged_again_total"); n != 1 {
		t.Errorf("%v batches were validated again", n)
	}
}

// With real heartbeats: a process whose heartbeat has lost its connection writes
// nothing until others see it as live again, and then against the present registry.
func TestSilentProcessorWritesNoOldOutcomes(t *testing.T) {
	t.Parallel()
	fx := newFixture(t)
	tried := &writeAttempts{}
	var r *instance
	h, wire := fx.heartbeatOverWire(func() uint64 { return r.OldestRevision() })
	r = fx.launchProcessor(withStore(&hookedStore{Store: fx.store, insert: tried.insert}), h.configure)
	h.start(t)
	fx.publish(unknownTypeEvent("before"))
	fx.awaitSettled()
	old := r.worker.validator.rules().Revision()

	tried.setFailing(true)
	fx.publish(unknownTypeEvent("a"))
	fx.poll("a write was attempted", func() bool { return tried.countOf(old) >= 2 })
	fx.poll("its heartbeat names the revision", func() bool { return fx.storedBeat().OldestRevision == old })
	wire.setCut(true)
	fx.poll("it knows that it is silent", func() bool { _, fresh := h.Liveness(); return !fresh })
	if fx.storedBeat().Instance == "" {
		t.Error("it expired for others before it knew")
	}
	fx.poll("it is not live for others", func() bool { return fx.storedBeat().Instance == "" })
	revision := fx.applyFiles(knownTypeFiles())
	before := tried.countOf(old)
	tried.setFailing(false)
	fx.publish(unknownTypeEvent("b"))
	fx.poll("the new revision is known", func() bool { return r.worker.validator.rules().Revision() == revision })
	wire.setCut(false)
	fx.awaitSettled()
	if n := tried.countOf(old); n != before {
		t.Errorf("%d writes of the old revision after it counted as gone", n-before)
	}
	for _, id := range []string{"demo/a", "demo/b"} {
		if d := fx.lookup(id); d == nil || d.Status != store.Stored || d.Revision != revision {
			t.Errorf("%s became %+v, want it stored at revision %d", id, d, revision)
		}
	}
	fx.poll("its heartbeat says that no old batch is in flight", func() bool {
		b := fx.storedBeat()
		return b.Revision == revision && b.OldestRevision == 0
	})
}

// runningHeartbeat is a real heartbeat with a connection of its own.
type runningHeartbeat struct {
	*heartbeat.Heartbeat
	cfg heartbeat.Config
}

// heartbeatOverWire returns a heartbeat for the next processor, and the proxy that can
// cut its connection.
func (fx *fixture) heartbeatOverWire(oldest func() uint64) (*runningHeartbeat, *cuttableProxy) {
	fx.t.Helper()
	wire, addr := proxyTo(fx, strings.TrimPrefix(fx.nats.ClientURL(), "nats://"))
	_, js := fx.connectTo("nats://" + addr)
	return &runningHeartbeat{cfg: heartbeat.Config{
		JetStream: js, Service: "processor", Oldest: oldest, Logger: slog.New(slog.DiscardHandler),
	}}, wire
}

// configure gives the heartbeat to a processor.
func (h *runningHeartbeat) configure(c *Config) {
	if h.cfg.JetStream == nil {
		h.cfg.JetStream = c.JetStream
	}
	h.cfg.Revision, h.cfg.Changed, h.cfg.CatchUp = c.Registry.Revision, c.Registry.Changed, CatchUp(c.JetStream, c.Registry)
	h.Heartbeat = heartbeat.New(h.cfg)
	c.Heartbeat = h
}

func (h *runningHeartbeat) start(t testing.TB) {
	ctx, cancel := context.WithCancel(context.WithoutCancel(t.Context()))
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		_ = h.Run(ctx) // always nil
	}()
	t.Cleanup(func() { cancel(); <-ended })
}

// storedBeat returns the processor's heartbeat, the zero Beat if it is not live.
func (fx *fixture) storedBeat() heartbeat.Beat {
	fx.t.Helper()
	beats, err := heartbeat.List(fx.ctx(), fx.js)
	if err != nil {
		fx.t.Fatal(err)
	}
	if len(beats) == 0 {
		return heartbeat.Beat{}
	}
	return beats[0]
}

// A heartbeat that expires while a batch is written causes another write, by the
// registry after it, before the batch is settled: a job may have passed over the
// documents in between. It also reaches documents whose retention is over then.
func TestHeartbeatThatExpiresDuringTheWriteCausesAnotherWrite(t *testing.T) {
	fx := newFixture(t)
	p := &fakeHeartbeat{}
	var r *instance
	var revision uint64
	var once sync.Once
	hooked := &hookedStore{Store: fx.store, insert: func(ctx context.Context, docs []*store.Document, next insertFunc) ([]error, error) {
		errs, err := next(ctx, docs)
		once.Do(func() {
			fx.applyFiles(knownTypeFiles())
			revision = fx.applyFiles(policyOf(`{"types":{"page=20interaction/pageview":"1h"}}`))
			fx.poll("the new policy is known", func() bool { return r.worker.validator.rules().Revision() == revision })
			p.setLiveness(1, false)
		})
		return errs, err
	}}
	fx.publish(unknownTypeEvent("a"), outcometest.Pageview("b")) // one batch
	r = fx.launchProcessor(withHeartbeat(p), withStore(hooked), func(c *Config) { c.Workers = 1 })
	fx.awaitSettled()
	held, err := fx.store.Held(fx.ctx(), []string{"demo/a", "demo/b"})
	if err != nil {
		t.Fatal(err)
	}
	if h := held["demo/a"]; h.Status != store.Stored || h.Revision != revision {
		t.Errorf("the event became %+v, want it stored at revision %d", h, revision)
	}
	// The database may have removed it already.
	if h, ok := held["demo/b"]; ok && (h.ExpiresAt.IsZero() || h.Revision != revision) || fx.lookup("demo/b") != nil {
		t.Errorf("the event whose retention is over is %+v, want it expired at revision %d", h, revision)
	}
}
