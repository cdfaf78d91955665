package e2e

import (
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"testing"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/theeye/theeye/shared/stream"
	"github.com/theeye/theeye/test/faultproxy"
)

// outageEvents is the least number of events accepted while the database is
// unavailable.
const outageEvents = 2000

// TestDatabaseAway starts the services before anything they need, then lets
// the database come late, go away under load, and come back.
func TestDatabaseAway(t *testing.T) {
	t.Parallel()
	w := shapes[1].prepare(t)
	proxy := throughProxy(t, w)
	proxy.Cut()
	c := w.caller(t)
	nats := w.FindProcesses("nats-server")[0]
	services := append(w.FindProcesses("processor"), append(w.FindProcesses("collector"), w.FindProcesses("query API")...)...)

	// Nothing is there: everyone waits, and says for what.
	for _, proc := range services {
		if err := proc.Launch(); err != nil {
			t.Fatal(err)
		}
	}
	for _, proc := range services {
		lacks(t, proc, "nats", "registry")
	}
	if r := c.post("/v1/events", []byte(native(newID()))); r.status != http.StatusServiceUnavailable || r.header.Get("Retry-After") == "" {
		t.Errorf("without NATS the door answers %s", r)
	}
	if r, err := c.ask("/v1/events", nil); err != nil || r.status != http.StatusServiceUnavailable {
		t.Errorf("without anything the query API answers %s, %v", r, err)
	}

	// The collector needs NATS alone; the database was never there.
	if err := nats.Start(waiting(t)); err != nil {
		t.Fatal(err)
	}
	for _, proc := range w.FindProcesses("collector") {
		if err := proc.AwaitReady(waiting(t)); err != nil {
			t.Fatal(err)
		}
	}
	for _, proc := range append(w.FindProcesses("processor"), w.FindProcesses("query API")...) {
		lacks(t, proc, "store")
	}
	c.answers(siteServerKey, http.StatusAccepted) // once it is declared
	early := startLoad(t, w, endless)
	early.await(t, 100)
	early.end()
	if r, err := c.ask("/v1/events", nil); err != nil || r.status != http.StatusServiceUnavailable {
		t.Errorf("without a database the query API answers %s, %v", r, err)
	}

	proxy.Restore()
	if err := w.AwaitReady(waiting(t)); err != nil {
		t.Fatal(err)
	}
	early.check(t)
	testOutage(t, w, proxy)
}

// testOutage cuts the database off under load. The door never notices; later
// everything is there, and nothing was delivered twice.
func testOutage(t *testing.T, w *fixture, proxy *faultproxy.Proxy) {
	consumer := sharedConsumer(t, w)
	l := startLoad(t, w, endless)
	l.await(t, 300)
	before := l.count()
	proxy.Cut()
	began := time.Now()
	for _, proc := range append(w.FindProcesses("processor"), w.FindProcesses("query API")...) {
		lacks(t, proc, "store")
	}
	l.await(t, before+outageEvents)
	l.end()
	eventually(t, func() error { // and a few more, all the while
		l.send()
		if left := outage(t) - time.Since(began); left > 0 {
			return fmt.Errorf("%w: %s to go", errOutage, left)
		}
		return nil
	})
	inWork := deliveries(t, consumer).pending
	for _, proc := range w.FindProcesses("collector") {
		if err := proc.AwaitReady(waiting(t)); err != nil {
			t.Errorf("the collector noticed: %v", err)
		}
	}
	after := l.count()
	proxy.Restore()
	if l.refused > 0 {
		t.Errorf("the door answered %d times 503", l.refused)
	}
	l.check(t)
	if err := w.AwaitReady(waiting(t)); err != nil {
		t.Error(err)
	}
	d := deliveries(t, consumer)
	t.Logf("%d accepted in the outage; %d deliveries of %d messages, %d in work at its end",
		after-before, d.all, d.messages, inWork)
	if d.all != d.messages {
		t.Errorf("%d messages were delivered again", d.all-d.messages)
	}
}

var errOutage = errors.New("the outage goes on")

// outage is the least duration of the database outage: longer than the ack wait,
// after which the server redelivers a message.
func outage(t *testing.T) time.Duration {
	t.Helper()
	set := os.Getenv("EYE_E2E_OUTAGE")
	if set == "" {
		return stream.AckWait * 3 / 2
	}
	long, err := time.ParseDuration(set)
	if err != nil || long >= patience {
		t.Fatalf("EYE_E2E_OUTAGE is %q, wants a duration under %s", set, patience)
	}
	return long
}

// throughProxy leads the services to the database by a proxy.
func throughProxy(t *testing.T, w *fixture) *faultproxy.Proxy {
	t.Helper()
	uri, err := url.Parse(os.Getenv("EYE_TEST_MONGO_URI"))
	if err != nil {
		t.Fatal(err)
	}
	proxy, err := faultproxy.New(uri.Host)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = proxy.Close() })
	query := uri.Query()
	query.Set("directConnection", "true") // or the driver goes where the server says it is
	uri.Host, uri.RawQuery = proxy.Addr(), query.Encode()
	w.Setenv("EYE_MONGO_URI", uri.String())
	return proxy
}

func sharedConsumer(t *testing.T, w *fixture) jetstream.Consumer {
	t.Helper()
	nc, err := w.NATS.Connect("processor")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(nc.Close)
	js, err := jetstream.New(nc)
	if err != nil {
		t.Fatal(err)
	}
	consumer, err := js.Consumer(t.Context(), stream.Name, stream.Consumer)
	if err != nil {
		t.Fatal(err)
	}
	return consumer
}

// delivered is what the shared consumer counted.
type delivered struct {
	all, messages uint64
	pending       int
}

func deliveries(t *testing.T, consumer jetstream.Consumer) delivered {
	t.Helper()
	info, err := consumer.Info(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return delivered{info.Delivered.Consumer, info.Delivered.Stream, info.NumAckPending}
}
