package queryapi_test

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/theeye/theeye/queryapi"
	"github.com/theeye/theeye/shared/store"
	"github.com/theeye/theeye/shared/stream"
)

// fillStream puts n small events of an application into the stream.
func (w *world) fillStream(application string, n int) {
	w.t.Helper()
	for i := range n {
		m := stream.Message{Application: application, ReceivedAt: time.Now(), Format: "native", Payload: fmt.Appendf(nil, `{"event_id":"f%d"}`, i)}
		if _, err := w.js.PublishMsgAsync(m.Msg(stream.Unregistered(application))); err != nil {
			w.t.Fatal(err)
		}
	}
	select {
	case <-w.js.PublishAsyncComplete():
	case <-time.After(time.Minute):
		w.t.Fatal("the stream does not fill")
	}
}

// settle acknowledges the first n messages, as processors do once they are
// stored, and waits until the floor is there.
func (w *world) settle(n int) {
	w.t.Helper()
	consumer, err := w.js.Consumer(w.ctx(), stream.Name, stream.Consumer)
	if err != nil {
		w.t.Fatal(err)
	}
	for left := n; left > 0; {
		batch, err := consumer.Fetch(min(left, 500), jetstream.FetchMaxWait(10*time.Second))
		if err != nil {
			w.t.Fatal(err)
		}
		for msg := range batch.Messages() {
			left--
			if left > 0 {
				err = msg.Ack()
			} else {
				err = msg.DoubleAck(w.ctx())
			}
			if err != nil {
				w.t.Fatal(err)
			}
		}
	}
	for ctx := w.ctx(); ; {
		info, err := consumer.Info(ctx)
		if err != nil {
			w.t.Fatal(err)
		}
		if info.AckFloor.Stream >= uint64(n) {
			return
		}
	}
}

// The look is bounded: a backlog that cannot be read is said to be too long,
// and never taken for an event that does not exist.
func TestBacklogTooLong(t *testing.T) {
	w := newWorld(t)
	w.fillStream("blog", 4999)
	if status, got := w.get(operator, "/v1/events/unknown"); status != http.StatusNotFound {
		t.Errorf("%d %s", status, got.raw)
	}
	w.fillStream("blog", 1)
	w.publish("shop", time.Now(), anEvent("last", aSession, "c", "n", "2026-01-01T00:00:00Z"))
	for target, want := range map[string]int{
		"/v1/events/unknown":                  http.StatusServiceUnavailable,
		"/v1/events/last":                     http.StatusServiceUnavailable,
		"/v1/events/last?application=shop":    http.StatusOK, // the others do not count
		"/v1/events/unknown?application=shop": http.StatusNotFound,
		"/v1/events/f1?application=blog":      http.StatusOK,
	} {
		status, got := w.get(operator, target)
		if status != want || status == http.StatusServiceUnavailable && got.Code != "backlog_too_long" {
			t.Errorf("%s: %d %s, want %d", target, status, got.raw, want)
		}
	}
	// What is settled is not read again.
	w.settle(10)
	if status, got := w.get(operator, "/v1/events/last"); status != http.StatusOK || got.item.Status != "pending" {
		t.Errorf("%d %s", status, got.raw)
	}
	if status, got := w.get(operator, "/v1/events/f1"); status != http.StatusNotFound {
		t.Errorf("a settled event that the store does not have: %d %s", status, got.raw)
	}
}

func TestBacklogTooHeavy(t *testing.T) {
	w := newWorld(t)
	for i := range 9 {
		w.publish("shop", time.Now(), fmt.Sprintf(`{"event_id":"%d","x":%q}`, i, strings.Repeat("x", 1_000_000)))
	}
	w.publish("blog", time.Now(), `{"event_id":"light"}`)
	for target, want := range map[string]int{
		"/v1/events/light":                  http.StatusServiceUnavailable,
		"/v1/events/light?application=blog": http.StatusOK,
	} {
		if status, got := w.get(operator, target); status != want {
			t.Errorf("%s: %d %s, want %d", target, status, got.raw, want)
		}
	}
}

// settling is a store in which the event appears right after the first look,
// as when a processor settles it meanwhile.
type settling struct {
	queryapi.Store
	lookups atomic.Int32
	settle  func()
}

func (s *settling) Lookup(ctx context.Context, ids []string) ([]*store.Document, error) {
	docs, err := s.Store.Lookup(ctx, ids)
	if s.lookups.Add(1) == 1 {
		s.settle()
	}
	return docs, err
}

// The store has the last word: an event that is settled between the first look
// and the one into the stream is neither pending nor unknown.
func TestEventSettledMeanwhile(t *testing.T) {
	raw := anEvent("x", aSession, "c", "n", "2026-01-01T00:00:00Z")
	for name, acked := range map[string]bool{"and acknowledged": true, "not yet acknowledged": false} {
		t.Run(name, func(t *testing.T) {
			var s settling
			w := newWorld(t, func(c *queryapi.Config) { s.Store = c.Store; c.Store = &s })
			w.publish("shop", time.Now(), raw)
			s.settle = func() {
				w.put("shop", time.Now(), raw)
				if acked {
					w.settle(1)
				}
			}
			if status, got := w.get(operator, "/v1/events/x"); status != http.StatusOK || got.item.Status != "stored" {
				t.Errorf("%d %s", status, got.raw)
			}
		})
	}
}

// Without NATS everything is answered but the question for an event that is
// not stored.
func TestStreamAway(t *testing.T) {
	check := func(t *testing.T, w *world) {
		t.Helper()
		for target, want := range map[string]int{
			"/v1/events":               http.StatusOK,
			"/v1/events/x":             http.StatusOK,
			"/v1/sessions/" + aSession: http.StatusOK,
			"/v1/rejected":             http.StatusOK,
			"/v1/rejected/summary":     http.StatusOK,
			"/v1/events/unknown":       http.StatusServiceUnavailable,
		} {
			status, got := w.get(operator, target)
			if status != want || status == http.StatusServiceUnavailable && got.Code != "stream_unavailable" {
				t.Errorf("%s: %d %s, want %d", target, status, got.raw, want)
			}
		}
	}
	t.Run("gone", func(t *testing.T) {
		w := newWorld(t)
		w.put("shop", time.Now(), anEvent("x", aSession, "c", "n", "2026-01-01T00:00:00Z"))
		w.nats.Shutdown()
		check(t, w)
	})
	t.Run("not configured", func(t *testing.T) {
		w := newWorld(t, func(c *queryapi.Config) { c.JetStream = nil })
		w.put("shop", time.Now(), anEvent("x", aSession, "c", "n", "2026-01-01T00:00:00Z"))
		check(t, w)
	})
	t.Run("without its consumer", func(t *testing.T) {
		w := newWorld(t)
		w.put("shop", time.Now(), anEvent("x", aSession, "c", "n", "2026-01-01T00:00:00Z"))
		if err := w.js.DeleteConsumer(w.ctx(), stream.Name, stream.Consumer); err != nil {
			t.Fatal(err)
		}
		check(t, w)
	})
}
