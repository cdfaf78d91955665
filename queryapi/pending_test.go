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
func (fx *fixture) fillStream(application string, n int) {
	fx.t.Helper()
	for i := range n {
		m := stream.Message{Application: application, ReceivedAt: time.Now(), Format: "native", Payload: fmt.Appendf(nil, `{"event_id":"f%d"}`, i)}
		if _, err := fx.js.PublishMsgAsync(m.Msg(stream.Unregistered(application))); err != nil {
			fx.t.Fatal(err)
		}
		if i%1000 == 999 || i == n-1 { // the client bounds the unacknowledged messages
			select {
			case <-fx.js.PublishAsyncComplete():
			case <-time.After(time.Minute):
				fx.t.Fatal("the stream does not fill")
			}
		}
	}
}

// settleMessages acknowledges the first n messages, as processors do after the
// write, and waits until the ack floor is there.
func (fx *fixture) settleMessages(n int) {
	fx.t.Helper()
	consumer, err := fx.js.Consumer(fx.ctx(), stream.Name, stream.Consumer)
	if err != nil {
		fx.t.Fatal(err)
	}
	for left := n; left > 0; {
		batch, err := consumer.Fetch(min(left, 500), jetstream.FetchMaxWait(10*time.Second))
		if err != nil {
			fx.t.Fatal(err)
		}
		for msg := range batch.Messages() {
			left--
			if left > 0 {
				err = msg.Ack()
			} else {
				err = msg.DoubleAck(fx.ctx())
			}
			if err != nil {
				fx.t.Fatal(err)
			}
		}
	}
	for ctx := fx.ctx(); ; {
		info, err := consumer.Info(ctx)
		if err != nil {
			fx.t.Fatal(err)
		}
		if info.AckFloor.Stream >= uint64(n) {
			return
		}
	}
}

// The search is bounded: a backlog that is too long is reported, and its events
// are not taken for unknown ones.
func TestLongBacklogIsReported(t *testing.T) {
	fx := newFixture(t)
	fx.fillStream("blog", 4999)
	if status, got := fx.get(operator, "/v1/events/unknown"); status != http.StatusNotFound {
		t.Errorf("%d %s", status, got.raw)
	}
	fx.fillStream("blog", 1)
	fx.publish("shop", time.Now(), anEvent("last", aSession, "c", "n", "2026-01-01T00:00:00Z"))
	for target, want := range map[string]int{
		"/v1/events/unknown":                  http.StatusServiceUnavailable,
		"/v1/events/last":                     http.StatusServiceUnavailable,
		"/v1/events/last?application=shop":    http.StatusOK, // the others do not count
		"/v1/events/unknown?application=shop": http.StatusNotFound,
		"/v1/events/f1?application=blog":      http.StatusOK,
	} {
		status, got := fx.get(operator, target)
		if status != want || status == http.StatusServiceUnavailable && got.Code != "backlog_too_long" {
			t.Errorf("%s: %d %s, want %d", target, status, got.raw, want)
		}
	}
	// Settled messages are not read again.
	fx.settleMessages(10)
	if status, got := fx.get(operator, "/v1/events/last"); status != http.StatusOK || got.item.Status != "pending" {
		t.Errorf("%d %s", status, got.raw)
	}
	if status, got := fx.get(operator, "/v1/events/f1"); status != http.StatusNotFound {
		t.Errorf("a settled event that the store does not have: %d %s", status, got.raw)
	}
}

func TestLargeBacklogIsReported(t *testing.T) {
	fx := newFixture(t)
	for i := range 9 {
		fx.publish("shop", time.Now(), fmt.Sprintf(`{"event_id":"%d","x":%q}`, i, strings.Repeat("x", 1_000_000)))
	}
	fx.publish("blog", time.Now(), `{"event_id":"light"}`)
	for target, want := range map[string]int{
		"/v1/events/light":                  http.StatusServiceUnavailable,
		"/v1/events/light?application=blog": http.StatusOK,
	} {
		if status, got := fx.get(operator, target); status != want {
			t.Errorf("%s: %d %s, want %d", target, status, got.raw, want)
		}
	}
}

// settling is a store in which the event appears right after the first lookup, as
// when a processor settles it in between.
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

// The store is asked last: an event that is settled between the first lookup and
// the search of the stream is neither pending nor unknown.
func TestFindsEventSettledDuringTheSearch(t *testing.T) {
	raw := anEvent("x", aSession, "c", "n", "2026-01-01T00:00:00Z")
	for name, acked := range map[string]bool{"and acknowledged": true, "not yet acknowledged": false} {
		t.Run(name, func(t *testing.T) {
			var s settling
			fx := newFixture(t, func(c *queryapi.Config) { s.Store = c.Store; c.Store = &s })
			fx.publish("shop", time.Now(), raw)
			s.settle = func() {
				fx.putEvents("shop", time.Now(), raw)
				if acked {
					fx.settleMessages(1)
				}
			}
			if status, got := fx.get(operator, "/v1/events/x"); status != http.StatusOK || got.item.Status != "stored" {
				t.Errorf("%d %s", status, got.raw)
			}
		})
	}
}

// Without NATS every question is answered except for an event that is not stored.
func TestOnlyPendingEventsNeedTheStream(t *testing.T) {
	check := func(t *testing.T, fx *fixture) {
		t.Helper()
		for target, want := range map[string]int{
			"/v1/events":               http.StatusOK,
			"/v1/events/x":             http.StatusOK,
			"/v1/sessions/" + aSession: http.StatusOK,
			"/v1/rejected":             http.StatusOK,
			"/v1/rejected/summary":     http.StatusOK,
			"/v1/events/unknown":       http.StatusServiceUnavailable,
		} {
			status, got := fx.get(operator, target)
			if status != want || status == http.StatusServiceUnavailable && got.Code != "stream_unavailable" {
				t.Errorf("%s: %d %s, want %d", target, status, got.raw, want)
			}
		}
	}
	t.Run("gone", func(t *testing.T) {
		fx := newFixture(t)
		fx.putEvents("shop", time.Now(), anEvent("x", aSession, "c", "n", "2026-01-01T00:00:00Z"))
		fx.nats.Shutdown()
		check(t, fx)
	})
	t.Run("not configured", func(t *testing.T) {
		fx := newFixture(t, func(c *queryapi.Config) { c.JetStream = nil })
		fx.putEvents("shop", time.Now(), anEvent("x", aSession, "c", "n", "2026-01-01T00:00:00Z"))
		check(t, fx)
	})
	t.Run("without its consumer", func(t *testing.T) {
		fx := newFixture(t)
		fx.putEvents("shop", time.Now(), anEvent("x", aSession, "c", "n", "2026-01-01T00:00:00Z"))
		if err := fx.js.DeleteConsumer(fx.ctx(), stream.Name, stream.Consumer); err != nil {
			t.Fatal(err)
		}
		check(t, fx)
	})
}
