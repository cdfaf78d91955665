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

func TestPrepareCreatesEverything(t *testing.T) {
	fx := newFixture(t)
	for _, name := range []string{stream.Name, stream.BucketStream(stream.BucketSchemas), stream.BucketStream(stream.BucketApplications), stream.BucketStream(stream.BucketTokens)} {
		if err := fx.js.DeleteStream(fx.ctx(), name); err != nil {
			t.Fatal(err)
		}
	}
	if err := fx.store.Ready(fx.ctx()); err == nil {
		t.Error("the store is ready before it was prepared")
	}
	fx.startProcessor()
	if err := fx.store.Ready(fx.ctx()); err != nil {
		t.Errorf("the store is not ready: %v", err)
	}
	// No type is registered, so every event is of an unknown type.
	fx.publish(outcometest.Pageview("a"))
	fx.awaitSettled()
	if stored, rejected := fx.counts(); stored != 0 || rejected != 1 {
		t.Errorf("%d stored, %d rejected", stored, rejected)
	}
}

// A store that holds a later revision than the registry stands beside a wiped NATS.
func TestStoreOfALaterRevisionIsRefused(t *testing.T) {
	fx := newFixture(t)
	if err := fx.store.Prepare(fx.ctx()); err != nil {
		t.Fatal(err)
	}
	revision := fx.applyFiles(map[string]string{"policy.json": `{"future_skew":"1m"}`})
	if err := fx.store.RaiseRevision(fx.ctx(), revision); err != nil {
		t.Fatal(err)
	}
	fx.publish(outcometest.Pageview("a"))
	r := fx.startProcessor() // the same revision is accepted
	fx.awaitSettled()
	if err := r.stop(); err != nil {
		t.Errorf("Run: %v", err)
	}
	if err := fx.store.RaiseRevision(fx.ctx(), revision+1); err != nil {
		t.Fatal(err)
	}
	fx.publish(outcometest.Pageview("b"))
	if err := fx.launchProcessor().awaitEnd(); !errors.Is(err, ErrRevision) {
		t.Errorf("Run beside a store of a later revision: %v", err)
	}
	if c := fx.consumer(); c.Delivered.Consumer != 1 {
		t.Errorf("%d messages were fetched", c.Delivered.Consumer)
	}
}

// idleRegistry returns a registry that does not run.
func idleRegistry(js jetstream.JetStream) *registry.Registry {
	return registry.New(registry.Config{JetStream: js})
}

func TestNothingIsFetchedBeforeTheFirstSnapshot(t *testing.T) {
	fx := newFixture(t)
	fx.publish(outcometest.Pageview("a"))
	r := fx.launchProcessor(func(c *Config) { c.Registry = idleRegistry(c.JetStream) })
	fx.poll("it waits for the registry", func() bool { return errors.Is(r.health.lastResult(conditionRegistry), errNoSnapshot) })
	if c := fx.consumer(); c.Delivered.Consumer != 0 {
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

func TestProcessorOutlastsARestartOfNATS(t *testing.T) {
	t.Parallel()
	fx := newFixture(t)
	r := fx.startProcessor()
	fx.publishAll(pageviews("before", 100))
	fx.awaitSettled()
	fx.nats.Shutdown()
	fx.poll("it reports that NATS is disconnected", func() bool {
		for _, c := range r.Ready() {
			if c.Name == string(conditionNATS) {
				return errors.Is(c.Err, errDisconnected)
			}
		}
		return false
	})
	fx.nats.Restart()
	fx.poll("the test is connected again", fx.nc.IsConnected)
	fx.publishAll(pageviews("after", 100))
	fx.awaitSettled()
	if stored, rejected := fx.counts(); stored != 200 || rejected != 0 {
		t.Errorf("%d stored, %d rejected, want 200 and 0", stored, rejected)
	}
}

func TestDeletedConsumerIsRecreated(t *testing.T) {
	fx := newFixture(t)
	fx.startProcessor()
	fx.publishAll(pageviews("before", 10))
	fx.awaitSettled()
	if err := fx.js.DeleteConsumer(fx.ctx(), stream.Name, stream.Consumer); err != nil {
		t.Fatal(err)
	}
	fx.publishAll(pageviews("after", 10))
	fx.poll("the consumer is there again", func() bool {
		_, err := fx.js.Consumer(fx.ctx(), stream.Name, stream.Consumer)
		return err == nil
	})
	fx.awaitSettled()
	if stored, rejected := fx.counts(); stored != 20 || rejected != 0 {
		t.Errorf("%d stored, %d rejected, want 20 and 0", stored, rejected)
	}
}

// The sequences of a recreated stream do not compare with those of the old one, so the
// processor stops.
func TestRecreatedStreamStopsTheProcessor(t *testing.T) {
	for name, replace := range map[string]func(*fixture) error{
		"deleted": func(fx *fixture) error { return fx.js.DeleteStream(fx.ctx(), stream.Name) },
		"recreated": func(fx *fixture) error {
			return errors.Join(fx.js.DeleteStream(fx.ctx(), stream.Name), stream.Ensure(fx.ctx(), fx.js, fx.stream))
		},
	} {
		t.Run(name, func(t *testing.T) {
			fx := newFixture(t)
			r := fx.startProcessor(func(c *Config) { c.ObserveEvery = time.Hour })
			fx.publish(outcometest.Pageview("a"))
			fx.awaitSettled()
			if err := replace(fx); err != nil {
				t.Fatal(err)
			}
			if err := r.awaitEnd(); !errors.Is(err, ErrReplaced) {
				t.Errorf("Run: %v", err)
			}
			// The next processor starts at the beginning.
			fx.startProcessor()
			fx.publish(outcometest.Pageview("a"), outcometest.Pageview("b"))
			fx.awaitSettled()
			// The origin in the old stream is the earlier one.
			if d := fx.lookup("demo/a"); d.Origin.Epoch != r.stream.epoch {
				t.Errorf("the event's origin is %+v", d.Origin)
			}
			if d := fx.lookup("demo/b"); d.Origin.Epoch <= r.stream.epoch {
				t.Errorf("the new event's origin is %+v", d.Origin)
			}
			if stored, _ := fx.counts(); stored != 2 {
				t.Errorf("%d stored, want 2", stored)
			}
		})
	}
}

// The observer compares the stream's creation time, too: without a reconnect, fetching
// does not notice a recreated stream.
func TestObserverDetectsARecreatedStream(t *testing.T) {
	fx := newFixture(t)
	r := fx.startProcessor()
	if err := r.stop(); err != nil {
		t.Errorf("Run: %v", err)
	}
	if err := r.observer.observeOnce(fx.ctx()); err != nil {
		t.Errorf("the same stream: %v", err)
	}
	r.stream.epoch--
	if err := r.observer.observeOnce(fx.ctx()); !errors.Is(err, ErrReplaced) {
		t.Errorf("another stream: %v", err)
	}
}
