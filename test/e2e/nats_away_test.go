package e2e

import (
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"syscall"
	"testing"
)

var errStillAccepted = errors.New("the door still answers 202")

// TestNATSAway restarts NATS under the services: no accepted event is lost,
// queries go on, no service has to be restarted, and declarations changed during
// the outage take effect.
func TestNATSAway(t *testing.T) {
	t.Parallel()
	w := shapes[1].start(t)
	c := w.caller(t)
	l := startLoad(t, w, endless)
	l.await(t, 200)
	nats := w.FindProcesses("nats-server")[0]
	if err := nats.Signal(os.Signal(syscall.SIGTERM)); err != nil {
		t.Fatal(err)
	}
	if _, err := nats.Wait(waiting(t)); err != nil {
		t.Fatal(err)
	}
	eventually(t, func() error {
		r, err := c.try("/v1/events", []byte(native(newID())))
		if err == nil && r.status != http.StatusServiceUnavailable {
			err = fmt.Errorf("%w: %s", errStillAccepted, r)
		}
		return err
	})
	for _, proc := range append(w.FindProcesses("collector"), w.FindProcesses("processor")...) {
		lacks(t, proc, "nats")
	}
	if _, err := c.all("/v1/events", url.Values{"session_id": {l.session}}); err != nil {
		t.Errorf("queries without NATS: %v", err)
	}
	w.declare(t, liveSchema, `{"type": "object", "required": ["a"]}`)
	revoke(t, w, siteBrowserKey)

	if err := nats.Start(waiting(t)); err != nil {
		t.Fatal(err)
	}
	if err := w.AwaitReady(waiting(t)); err != nil {
		t.Fatal(err)
	}
	// The declarations come in force by themselves, now and later.
	c.becomes(liveEvent, `{"a":1}`, "stored")
	c.answers(siteBrowserKey, http.StatusUnauthorized)
	w.declare(t, liveSchema, `{"type": "object", "required": ["b"]}`)
	c.becomes(liveEvent, `{"a":1}`, "rejected")
	l.end()
	l.check(t)
}
