package collector

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/nats-io/nats.go"
	"github.com/prometheus/client_golang/prometheus/testutil"

	"github.com/theeye/theeye/shared/api"
	"github.com/theeye/theeye/shared/stream"
)

// newIdleCommitter is a committer of a world whose own one has stopped, for tests that put
// units in before it runs.
func (w *fixture) newIdleCommitter(limits Limits) *committer {
	w.t.Helper()
	w.stop()
	c := newCommitter(w.conn, limits.withDefaults(), newMetrics())
	w.noError(c.publisher.subscribe())
	w.t.Cleanup(c.publisher.unsubscribe)
	c.queue.startAccepting()
	return c
}

func testMessages(prefix string, n, size int) []*nats.Msg {
	msgs := make([]*nats.Msg, n)
	for i := range msgs {
		m := stream.Message{
			Application: "shop", ReceivedAt: time.Unix(1, 0), Format: "native",
			Payload: fmt.Appendf(nil, "%s-%d%s", prefix, i, strings.Repeat(" ", size)),
		}
		msgs[i] = m.Msg(stream.Unregistered("shop"))
	}
	return msgs
}

// commitTogether commits units that are queued together, and returns their results.
func (c *committer) commitTogether(units ...[]*nats.Msg) []error {
	errs := make([]error, len(units))
	var wg sync.WaitGroup
	for i, msgs := range units {
		before := len(c.queue.requests)
		wg.Go(func() { errs[i] = c.commitMessages(msgs, int64(len(msgs))) })
		for len(c.queue.requests) == before {
			runtime.Gosched() // until it is queued, behind the one before
		}
	}
	done := make(chan struct{})
	go func() { defer close(done); c.run() }()
	wg.Wait()
	c.queue.close()
	<-done
	return errs
}

// Whatever the sizes of requests are, each arrives whole and in order, and the
// batches stay within the server's limit.
func TestCommitsRequestsInGroups(t *testing.T) {
	for _, sizes := range [][]int{
		{1}, {15}, {16}, {999}, {1000}, {1, 1, 1}, {8, 8}, {1000, 1}, {999, 2}, {600, 600, 600}, {1000, 1000}, {1, 1000, 15},
	} {
		t.Run(fmt.Sprint(sizes), func(t *testing.T) {
			w := newFixture(t)
			c := w.newIdleCommitter(Limits{})
			var units [][]*nats.Msg
			var want []string
			for i, n := range sizes {
				msgs := testMessages(fmt.Sprint(i), n, 0)
				units = append(units, msgs)
				for _, m := range msgs {
					want = append(want, string(m.Data))
				}
			}
			for i, err := range c.commitTogether(units...) {
				if err != nil {
					t.Errorf("unit %d: %v", i, err)
				}
			}
			if diff := cmp.Diff(want, w.payloads()); diff != "" {
				t.Errorf("stream (-want +got):\n%.2000s", diff)
			}
			if got := testutil.ToFloat64(c.metrics.fallbacks); got != 0 {
				t.Errorf("the server refused %v batches", got)
			}
			if events, bytes := c.queue.depth(); events != 0 || bytes != 0 {
				t.Errorf("%d events and %d bytes are still held", events, bytes)
			}
		})
	}
}

// Large events fill a batch by their bytes.
func TestLargeEventsFillABatchByBytes(t *testing.T) {
	w := newFixture(t)
	c := w.newIdleCommitter(Limits{})
	errs := c.commitTogether(testMessages("a", 12, 1<<20), testMessages("b", 12, 1<<20))
	if err := errors.Join(errs...); err != nil {
		t.Fatal(err)
	}
	if n := w.messageCount(); n != 24 {
		t.Errorf("%d events are kept, want 24", n)
	}
}

// A message that the server takes in no batch fails its request alone.
func TestPoisonedRequestFailsAlone(t *testing.T) {
	w := newFixture(t)
	c := w.newIdleCommitter(Limits{})
	poisoned := testMessages("bad", 10, 0)
	poisoned[4].Header[nats.ExpectedLastSeqHdr] = []string{"999999"}
	errs := c.commitTogether(testMessages("a", 10, 0), poisoned, testMessages("b", 10, 0))
	if errs[0] != nil || errs[2] != nil {
		t.Errorf("the others failed too: %v", errs)
	}
	if !errors.Is(errs[1], errNotCommitted) {
		t.Errorf("the poisoned one = %v", errs[1])
	}
	if got := testutil.ToFloat64(c.metrics.fallbacks); got != 1 {
		t.Errorf("%v batches fell back, want 1", got)
	}
	kept := strings.Join(w.payloads(), " ") + " "
	for _, want := range []string{"a-0 ", "a-9 ", "b-0 ", "b-9 "} {
		if !strings.Contains(kept, want) {
			t.Errorf("%s is not kept", want)
		}
	}
	for _, m := range w.storedMessages() {
		if m.Header.Get("Nats-Batch-Id") != "" {
			t.Errorf("a single message says it belongs to a batch: %v", m.Header)
		}
	}
}

// A message over max_payload must not get into a batch, whoever set it so low.
func TestRefusesMessageOverMaxPayload(t *testing.T) {
	w := newFixture(t)
	c := w.newIdleCommitter(Limits{})
	msgs := testMessages("x", 1, 2<<20)
	if err := c.commitMessages(msgs, 1); !errors.Is(err, errNotCommitted) {
		t.Errorf("commit = %v", err)
	}
	c.queue.close()
}

func TestStreamFullIsUnavailable(t *testing.T) {
	w := newFixture(t)
	w.noError(stream.Ensure(w.ctx(), w.js, stream.Config{MaxBytes: 100_000}))
	full := func(n int) {
		t.Helper()
		w.waitUntil("the stream is full", func() bool {
			r := w.send(api.PathEvents, clicks("f", n))
			if r.status != http.StatusAccepted {
				r.wantProblem(t, http.StatusServiceUnavailable, api.CodeStreamFull)
				return true
			}
			return false
		})
	}
	full(50) // batches
	full(1)  // singles
	before := w.messageCount()
	w.noError(stream.Ensure(w.ctx(), w.js, stream.Config{MaxBytes: 1 << 20}))
	if r := w.send(api.PathEvents, clicks("again", 100)); r.Accepted != 100 || w.messageCount() != before+100 {
		t.Errorf("with room again: %d %.300s", r.status, r.text)
	}
}

// What the collector says is accepted is in the stream, and the backlog is
// bounded however many send.
func TestQueueIsBounded(t *testing.T) {
	w := newFixture(t)
	c := w.newIdleCommitter(Limits{QueueEvents: 1000, QueueBytes: minQueueBytes, QueueTimeout: time.Minute})
	var wg sync.WaitGroup
	for range 9 {
		wg.Go(func() {
			if err := c.commitMessages(testMessages("q", 100, 0), 1000); err != nil {
				t.Error(err)
			}
		})
	}
	w.waitUntil("900 events wait", func() bool { events, _ := c.queue.depth(); return events == 900 })
	if err := c.commitMessages(testMessages("q", 101, 0), 1000); !errors.Is(err, errOverloaded) {
		t.Errorf("too many events: %v", err)
	}
	if err := c.commitMessages(testMessages("q", 1, 0), minQueueBytes-8999); !errors.Is(err, errOverloaded) {
		t.Errorf("too many bytes: %v", err)
	}
	go c.run()
	wg.Wait()
	if err := c.commitMessages(testMessages("q", 1000, 0), minQueueBytes); err != nil {
		t.Errorf("after the others: %v", err)
	}
	c.queue.close()
	if err := c.commitMessages(testMessages("q", 1, 0), 1); !errors.Is(err, errNotRunning) {
		t.Errorf("after the end: %v", err)
	}
}

// What is queued when the end comes is committed, and only then answered.
func TestShutdownCommitsTheQueue(t *testing.T) {
	w := newFixture(t)
	c := w.newIdleCommitter(Limits{})
	var wg sync.WaitGroup
	for range 5 {
		wg.Go(func() {
			if err := c.commitMessages(testMessages("e", 10, 0), 10); err != nil {
				t.Error(err)
			}
		})
	}
	w.waitUntil("all wait", func() bool { return len(c.queue.requests) == 5 })
	c.queue.close()
	c.run()
	wg.Wait()
	if n := w.messageCount(); n != 50 {
		t.Errorf("%d events are kept, want 50", n)
	}
}

// A unit that waited too long is answered and not published.
func TestDropsRequestsThatWaitTooLong(t *testing.T) {
	w := newFixture(t)
	c := w.newIdleCommitter(Limits{QueueTimeout: time.Nanosecond})
	errs := c.commitTogether(testMessages("late", 20, 0), testMessages("late", 2, 0))
	for _, err := range errs {
		if !errors.Is(err, errQueueTimeout) {
			t.Errorf("result %v", err)
		}
	}
	if n := w.messageCount(); n != 0 {
		t.Errorf("%d events are kept", n)
	}
}

// A server that does not answer costs a request commitTimeout, not more.
func TestSilentServerCostsCommitTimeout(t *testing.T) {
	for _, n := range []int{1, 100} {
		w := newFixture(t)
		c := w.newIdleCommitter(Limits{CommitTimeout: 50 * time.Millisecond})
		w.noError(w.js.DeleteStream(w.ctx(), stream.Name))
		sub, err := w.conn.SubscribeSync(stream.Subjects) // a responder that never responds
		w.noError(err)
		if errs := c.commitTogether(testMessages("s", n, 0)); !errors.Is(errs[0], errNotCommitted) || !errors.Is(errs[0], context.DeadlineExceeded) {
			t.Errorf("%d events: %v", n, errs[0])
		}
		w.noError(sub.Unsubscribe())
	}
}

// A lost connection ends the wait at once: the timeout here is longer than the
// test.
func TestLostConnectionEndsTheWait(t *testing.T) {
	for _, n := range []int{1, 100} {
		w := newFixture(t)
		w.noError(w.js.DeleteStream(w.ctx(), stream.Name))
		asked := make(chan struct{}, 100)
		_, err := w.conn.Subscribe(stream.Subjects, func(m *nats.Msg) {
			if m.Reply != "" {
				asked <- struct{}{}
			}
		})
		w.noError(err)
		w.noError(w.conn.Flush())
		c := w.newIdleCommitter(Limits{CommitTimeout: time.Hour})
		go func() {
			<-asked
			w.nats.Shutdown()
		}()
		if errs := c.commitTogether(testMessages("l", n, 0)); !errors.Is(errs[0], errDisconnected) {
			t.Errorf("%d events: %v", n, errs[0])
		}
	}
}

// Without a stream, or with another service on its subjects, nothing is said
// to be accepted.
func TestAcceptsNothingWithoutStream(t *testing.T) {
	for _, n := range []int{1, 100} {
		w := newFixture(t)
		w.noError(w.js.DeleteStream(w.ctx(), stream.Name))
		w.send(api.PathEvents, clicks("n", n)).wantProblem(t, http.StatusServiceUnavailable, api.CodeCommitFailed)
		sub, err := w.conn.Subscribe(stream.Subjects, func(m *nats.Msg) {
			if m.Reply != "" {
				_ = m.Respond([]byte(`{"stream": "OTHER", "seq": 1}`))
			}
		})
		w.noError(err)
		w.noError(w.conn.Flush())
		w.send(api.PathEvents, clicks("n", n)).wantProblem(t, http.StatusServiceUnavailable, api.CodeCommitFailed)
		w.noError(sub.Unsubscribe())
	}
}

// A client that goes away changes nothing about what it sent, and leaves no
// place taken.
func TestDisconnectedClientLeaksNothing(t *testing.T) {
	w := newFixture(t)
	w.nats.Shutdown() // so that commits take a while
	w.waitUntil("the connection is gone", func() bool { return !w.conn.IsConnected() })
	w.nats.Restart()
	w.waitUntil("the connection is back", w.conn.IsConnected)
	var wg sync.WaitGroup
	for i := range 50 {
		wg.Go(func() {
			ctx, cancel := context.WithCancel(context.Background())
			defer cancel()
			req, err := http.NewRequestWithContext(ctx, http.MethodPost, w.base+api.PathEvents, strings.NewReader(string(click(fmt.Sprint(i)))))
			if err != nil {
				t.Error(err)
				return
			}
			req.Header.Set("X-Write-Key", serverKey)
			time.AfterFunc(time.Duration(i)*100*time.Microsecond, cancel)
			if resp, err := w.client.Do(req); err == nil {
				_ = resp.Body.Close()
			}
		})
	}
	wg.Wait()
	w.waitUntil("nothing is held", func() bool {
		events, bytes := w.service.committer.queue.depth()
		return events == 0 && bytes == 0 && w.service.bodies.budget.used.Load() == 0
	})
}

// What was read is committed though its client is gone before.
func TestCommitOutlivesTheClient(t *testing.T) {
	w := newFixture(t)
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	for _, n := range []int{1, 100} {
		before := w.messageCount()
		req := httptest.NewRequestWithContext(ctx, http.MethodPost, api.PathEvents, bytes.NewReader(clicks("gone", n)))
		req.Header.Set("X-Write-Key", serverKey)
		rec := httptest.NewRecorder()
		w.service.Handler().ServeHTTP(rec, req)
		if got := w.messageCount() - before; rec.Code != http.StatusAccepted || got != uint64(n) {
			t.Errorf("answer %d, %d of %d events are kept", rec.Code, got, n)
		}
	}
}

// The server is stopped and started under load: every event that was answered
// accepted is in the stream.
func TestNATSRestartsLoseNothing(t *testing.T) {
	w := newFixture(t, func(c *Config) { c.Limits.CommitTimeout = 10 * time.Minute })
	var mu sync.Mutex
	var accepted []string
	var refused atomic.Int64
	ctx, stop := context.WithCancel(context.Background())
	var wg sync.WaitGroup
	for i := range 16 {
		wg.Go(func() {
			for n := 0; ctx.Err() == nil; n++ {
				prefix := fmt.Sprintf("r-%d-%d", i, n)
				count := 1 + (i%4)*40
				r, err := w.trySend(api.PathEvents, clicks(prefix, count))
				switch {
				case err != nil:
					t.Error(err)
				case r.status == http.StatusAccepted:
					mu.Lock()
					for j := range count {
						accepted = append(accepted, fmt.Sprintf("%s-%d", prefix, j))
					}
					mu.Unlock()
				case r.status == http.StatusServiceUnavailable && r.header.Get("Retry-After") != "":
					refused.Add(1)
				default:
					t.Errorf("answer %d %s", r.status, r.text)
				}
			}
		})
	}
	answered := func() int { mu.Lock(); defer mu.Unlock(); return len(accepted) }
	for range 4 {
		before := answered()
		w.waitUntil("events are accepted", func() bool { return answered() > before+500 })
		failed := refused.Load()
		w.nats.Shutdown()
		w.waitUntil("requests are put off", func() bool { return refused.Load() > failed })
		w.nats.Restart()
	}
	stop()
	wg.Wait()
	w.waitUntil("the connection is back", w.conn.IsConnected)
	kept := map[string]bool{}
	for _, payload := range w.payloads() {
		_, rest, _ := strings.Cut(payload, `"event_id": "`)
		id, _, _ := strings.Cut(rest, `"`)
		kept[id] = true
	}
	for _, id := range accepted {
		if !kept[id] {
			t.Errorf("%s was accepted and is lost", id)
		}
	}
	t.Logf("%d events accepted, %d requests put off, %d messages kept", len(accepted), refused.Load(), len(kept))
}

// The same event a thousand times at once is accepted each time.
func TestAcceptsSameEventInParallel(t *testing.T) {
	w := newFixture(t)
	var wg sync.WaitGroup
	for range 100 {
		wg.Go(func() {
			body := "[" + strings.Repeat(string(click("same"))+",", 9) + string(click("same")) + "]"
			if r, err := w.trySend(api.PathEvents, []byte(body)); err != nil || r.Accepted != 10 {
				t.Errorf("answer %d %s (%v)", r.status, r.text, err)
			}
		})
	}
	wg.Wait()
	if n := w.messageCount(); n != 1000 {
		t.Errorf("%d messages, want 1000", n)
	}
}
