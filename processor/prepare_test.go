package processor

import (
	"errors"
	"testing"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/theeye/theeye/shared/outcome/outcometest"
	"github.com/theeye/theeye/shared/registry"
	"github.com/theeye/theeye/shared/stream"
)

// A processor that finds nothing makes everything.
func TestPrepareFromNothing(t *testing.T) {
	w := newFixture(t)
	for _, name := range []string{stream.Name, stream.BucketStream(stream.BucketSchemas), stream.BucketStream(stream.BucketApplications), stream.BucketStream(stream.BucketTokens)} {
		if err := w.js.DeleteStream(w.ctx(), name); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.store.Ready(w.ctx()); err == nil {
		t.Error("the store is ready before anybody prepared it")
	}
	w.startProcessor()
	if err := w.store.Ready(w.ctx()); err != nil {
		t.Errorf("the store is not ready: %v", err)
	}
	// Nothing is registered, so nothing is known.
	w.publish(outcometest.Pageview("a"))
	w.awaitSettled()
	if stored, rejected := w.counts(); stored != 0 || rejected != 1 {
		t.Errorf("%d stored, %d rejected", stored, rejected)
	}
}

// A store that has seen a later revision than the registry is beside a NATS
// that was wiped.
func TestRevisionGuard(t *testing.T) {
	w := newFixture(t)
	if err := w.store.Prepare(w.ctx()); err != nil {
		t.Fatal(err)
	}
	revision := w.applyFiles(map[string]string{"policy.json": `{"future_skew":"1m"}`})
	if err := w.store.RaiseRevision(w.ctx(), revision); err != nil {
		t.Fatal(err)
	}
	w.publish(outcometest.Pageview("a"))
	r := w.startProcessor() // the same revision is no reason
	w.awaitSettled()
	if err := r.stop(); err != nil {
		t.Errorf("Run: %v", err)
	}
	if err := w.store.RaiseRevision(w.ctx(), revision+1); err != nil {
		t.Fatal(err)
	}
	w.publish(outcometest.Pageview("b"))
	if err := w.launchProcessor().awaitEnd(); !errors.Is(err, ErrRevision) {
		t.Errorf("Run beside a store of a later revision: %v", err)
	}
	if c := w.consumer(); c.Delivered.Consumer != 1 {
		t.Errorf("%d messages were fetched", c.Delivered.Consumer)
	}
}

// idleRegistry is a registry that nobody runs.
func idleRegistry(js jetstream.JetStream) *registry.Registry {
	return registry.New(registry.Config{JetStream: js})
}

// Nothing is judged before there is a complete snapshot of the registry.
func TestNoSnapshotNoFetch(t *testing.T) {
	w := newFixture(t)
	w.publish(outcometest.Pageview("a"))
	r := w.launchProcessor(func(c *Config) { c.Registry = idleRegistry(c.JetStream) })
	w.poll("it waits for the registry", func() bool { return errors.Is(r.health.lastResult(conditionRegistry), errNoSnapshot) })
	if c := w.consumer(); c.Delivered.Consumer != 0 {
		t.Errorf("%d messages were fetched", c.Delivered.Consumer)
	}
	names := map[string]bool{}
	for _, c := range r.Ready() {
		names[c.Name] = c.Err == nil
	}
	if len(names) != len(conditions) || !names["nats"] || names["registry"] || names["store"] || names["start"] {
		t.Errorf("ready says %v", names)
	}
	if err := r.stop(); err != nil {
		t.Errorf("Run: %v", err)
	}
}

// The server restarts under a processor, which goes on.
func TestNATSRestarts(t *testing.T) {
	w := newFixture(t)
	r := w.startProcessor()
	w.publishAll(pageviews("before", 100))
	w.awaitSettled()
	w.nats.Shutdown()
	w.poll("it says that NATS is away", func() bool {
		for _, c := range r.Ready() {
			if c.Name == string(conditionNATS) {
				return errors.Is(c.Err, errDisconnected)
			}
		}
		return false
	})
	w.nats.Restart()
	w.poll("the test is connected again", w.nc.IsConnected)
	w.publishAll(pageviews("after", 100))
	w.awaitSettled()
	if stored, rejected := w.counts(); stored != 200 || rejected != 0 {
		t.Errorf("%d stored, %d rejected, want 200 and 0", stored, rejected)
	}
}

// A consumer that somebody deleted is made again.
func TestConsumerDeleted(t *testing.T) {
	w := newFixture(t)
	w.startProcessor()
	w.publishAll(pageviews("before", 10))
	w.awaitSettled()
	if err := w.js.DeleteConsumer(w.ctx(), stream.Name, stream.Consumer); err != nil {
		t.Fatal(err)
	}
	w.publishAll(pageviews("after", 10))
	w.poll("the consumer is there again", func() bool {
		_, err := w.js.Consumer(w.ctx(), stream.Name, stream.Consumer)
		return err == nil
	})
	w.awaitSettled()
	if stored, rejected := w.counts(); stored != 20 || rejected != 0 {
		t.Errorf("%d stored, %d rejected, want 20 and 0", stored, rejected)
	}
}

// A stream that was made anew has other places: the processor ends.
func TestStreamReplaced(t *testing.T) {
	for name, replace := range map[string]func(*fixture) error{
		"deleted": func(w *fixture) error { return w.js.DeleteStream(w.ctx(), stream.Name) },
		"made anew": func(w *fixture) error {
			return errors.Join(w.js.DeleteStream(w.ctx(), stream.Name), stream.Ensure(w.ctx(), w.js, w.stream))
		},
	} {
		t.Run(name, func(t *testing.T) {
			w := newFixture(t)
			r := w.startProcessor(func(c *Config) { c.ObserveEvery = time.Hour })
			w.publish(outcometest.Pageview("a"))
			w.awaitSettled()
			if err := replace(w); err != nil {
				t.Fatal(err)
			}
			if err := r.awaitEnd(); !errors.Is(err, ErrReplaced) {
				t.Errorf("Run: %v", err)
			}
			// The next one starts from the beginning.
			w.startProcessor()
			w.publish(outcometest.Pageview("a"), outcometest.Pageview("b"))
			w.awaitSettled()
			// The place in the old stream is the earlier one.
			if d := w.lookup("demo/a"); d.Origin.Epoch != r.stream.epoch {
				t.Errorf("the event's place is %+v", d.Origin)
			}
			if d := w.lookup("demo/b"); d.Origin.Epoch <= r.stream.epoch {
				t.Errorf("the new event's place is %+v", d.Origin)
			}
			if stored, _ := w.counts(); stored != 2 {
				t.Errorf("%d stored, want 2", stored)
			}
		})
	}
}

// The observer compares the stream's creation as well: nothing may be fetched
// that would tell.
func TestObserverKnowsTheStream(t *testing.T) {
	w := newFixture(t)
	r := w.startProcessor()
	if err := r.stop(); err != nil {
		t.Errorf("Run: %v", err)
	}
	if err := r.observer.observeOnce(w.ctx()); err != nil {
		t.Errorf("the same stream: %v", err)
	}
	r.stream.epoch--
	if err := r.observer.observeOnce(w.ctx()); !errors.Is(err, ErrReplaced) {
		t.Errorf("another stream: %v", err)
	}
}
