package collector

import (
	"errors"
	"fmt"
	"net/http"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/nats-io/nats.go"
	"github.com/prometheus/client_golang/prometheus/testutil"

	"github.com/theeye/theeye/shared/api"
	"github.com/theeye/theeye/shared/stream"
)

// newIdleCommitter stops the fixture's committer and returns another one that
// does not run yet, so that tests can queue requests before it does.
func (f *fixture) newIdleCommitter(limits Limits) *committer {
	f.t.Helper()
	f.stop()
	c := newCommitter(f.conn, limits.withDefaults(), newMetrics())
	f.noError(c.publisher.subscribe())
	f.t.Cleanup(c.publisher.unsubscribe)
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

// commitTogether queues requests, then runs the committer and returns their
// results.
func (c *committer) commitTogether(requests ...[]*nats.Msg) []error {
	errs := make([]error, len(requests))
	var wg sync.WaitGroup
	for i, msgs := range requests {
		before := len(c.queue.requests)
		wg.Go(func() { errs[i] = c.commitMessages("key", msgs, int64(len(msgs))) })
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

// Requests of any size arrive whole and in order, and the batches stay within the
// server's limit.
func TestCommitsRequestsInGroups(t *testing.T) {
	for _, sizes := range [][]int{
		{1}, {15}, {16}, {999}, {1000}, {1, 1, 1}, {8, 8}, {1000, 1}, {999, 2}, {600, 600, 600}, {1000, 1000}, {1, 1000, 15},
	} {
		t.Run(fmt.Sprint(sizes), func(t *testing.T) {
			f := newFixture(t)
			c := f.newIdleCommitter(Limits{})
			var requests [][]*nats.Msg
			var want []string
			for i, n := range sizes {
				msgs := testMessages(fmt.Sprint(i), n, 0)
				requests = append(requests, msgs)
				for _, m := range msgs {
					want = append(want, string(m.Data))
				}
			}
			for i, err := range c.commitTogether(requests...) {
				if err != nil {
					t.Errorf("request %d: %v", i, err)
				}
			}
			if diff := cmp.Diff(want, f.payloads()); diff != "" {
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

// Requests that arrive while a batch is being sent join it, each message once.
func TestRequestsJoinABatchThatIsBeingSent(t *testing.T) {
	f := newFixture(t)
	c := f.newIdleCommitter(Limits{})
	b := new(batch)
	var requests []*commitRequest
	var want []string
	for i, n := range []int{2, 1, 3} {
		msgs := testMessages(fmt.Sprint(i), n, 0)
		r := newCommitRequest("key", msgs, 0)
		c.addRequest(b, r, 0)
		if i == 0 {
			c.publisher.openAtomic(b)
		}
		requests = append(requests, r)
		for _, m := range msgs {
			want = append(want, string(m.Data))
		}
	}
	for _, r := range requests {
		if len(r.result) != 0 {
			t.Error("a request has a result before the commit")
		}
	}
	if !c.publisher.publishBatch(f.ctx(), b) {
		t.Error("the server did not take the batch")
	}
	for i, r := range requests {
		select {
		case err := <-r.result:
			f.noError(err)
		default:
			t.Errorf("request %d has no result", i)
		}
	}
	if diff := cmp.Diff(want, f.payloads()); diff != "" {
		t.Errorf("stream (-want +got):\n%s", diff)
	}
}

// An acknowledgement of fewer messages than the batch has accepts none of them.
func TestAcknowledgementCountsEveryMessage(t *testing.T) {
	f := newFixture(t)
	c := f.newIdleCommitter(Limits{})
	b, r := new(batch), newCommitRequest("key", testMessages("a", 3, 0), 0)
	c.addRequest(b, r, 0)
	c.publisher.openAtomic(b)
	b.count++ // one that was never sent
	c.publisher.publishBatch(f.ctx(), b)
	if err := <-r.result; !errors.Is(err, errAckMismatch) {
		t.Errorf("result %v", err)
	}
}

// Large events fill a batch by their bytes.
func TestLargeEventsFillABatchByBytes(t *testing.T) {
	f := newFixture(t)
	c := f.newIdleCommitter(Limits{})
	errs := c.commitTogether(testMessages("a", 12, 1<<20), testMessages("b", 12, 1<<20))
	if err := errors.Join(errs...); err != nil {
		t.Fatal(err)
	}
	if n := f.messageCount(); n != 24 {
		t.Errorf("%d events are stored, want 24", n)
	}
}

// A message that the server refuses in a batch fails its own request only.
func TestPoisonedRequestFailsAlone(t *testing.T) {
	f := newFixture(t)
	c := f.newIdleCommitter(Limits{})
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
	stored := strings.Join(f.payloads(), " ") + " "
	for _, want := range []string{"a-0 ", "a-9 ", "b-0 ", "b-9 "} {
		if !strings.Contains(stored, want) {
			t.Errorf("%s is not stored", want)
		}
	}
	for _, m := range f.storedMessages() {
		if m.Header.Get("Nats-Batch-Id") != "" {
			t.Errorf("a single message says it belongs to a batch: %v", m.Header)
		}
	}
}

// A message over max_payload must not get into a batch.
func TestRefusesMessageOverMaxPayload(t *testing.T) {
	f := newFixture(t)
	c := f.newIdleCommitter(Limits{})
	msgs := testMessages("x", 1, 2<<20)
	if err := c.commitMessages("key", msgs, 1); !errors.Is(err, errNotCommitted) {
		t.Errorf("commit = %v", err)
	}
	c.queue.close()
}

func TestStreamFullIsUnavailable(t *testing.T) {
	f := newFixture(t)
	f.noError(stream.Ensure(f.ctx(), f.js, stream.Config{MaxBytes: 100_000}))
	full := func(n int) {
		t.Helper()
		f.waitUntil("the stream is full", func() bool {
			r := f.send(api.PathEvents, clicks("f", n))
			if r.status != http.StatusAccepted {
				r.wantProblem(t, http.StatusServiceUnavailable, api.CodeStreamFull)
				return true
			}
			return false
		})
	}
	full(50) // batches
	full(1)  // single publishes
	before := f.messageCount()
	f.noError(stream.Ensure(f.ctx(), f.js, stream.Config{MaxBytes: 1 << 20}))
	if r := f.send(api.PathEvents, clicks("again", 100)); r.Accepted != 100 || f.messageCount() != before+100 {
		t.Errorf("with room again: %d %.300s", r.status, r.text)
	}
}

// The queue is bounded in events and bytes, for any number of clients.
func TestQueueIsBounded(t *testing.T) {
	f := newFixture(t)
	c := f.newIdleCommitter(Limits{QueueEvents: 1000, QueueBytes: minQueueBytes, QueueTimeout: time.Minute})
	var wg sync.WaitGroup
	for i := range 9 {
		wg.Go(func() {
			if err := c.commitMessages(fmt.Sprint("key ", i), testMessages("q", 100, 0), 1000); err != nil {
				t.Error(err)
			}
		})
	}
	f.waitUntil("900 events wait", func() bool { events, _ := c.queue.depth(); return events == 900 })
	if err := c.commitMessages("key", testMessages("q", 101, 0), 1000); !errors.Is(err, errOverloaded) {
		t.Errorf("too many events: %v", err)
	}
	if err := c.commitMessages("key", testMessages("q", 1, 0), minQueueBytes-8999); !errors.Is(err, errOverloaded) {
		t.Errorf("too many bytes: %v", err)
	}
	go c.run()
	wg.Wait()
	if err := c.commitMessages("key", testMessages("q", 1000, 0), minQueueBytes); err != nil {
		t.Errorf("after the others: %v", err)
	}
	c.queue.close()
	if err := c.commitMessages("key", testMessages("q", 1, 0), 1); !errors.Is(err, errNotRunning) {
		t.Errorf("after the close: %v", err)
	}
}

// A key that fills the queue with all that it may hold leaves room for others, and
// holds nothing once its requests are committed.
func TestNoKeyFillsTheQueue(t *testing.T) {
	f := newFixture(t)
	c := f.newIdleCommitter(Limits{QueueEvents: 1000, QueueBytes: minQueueBytes, QueueTimeout: time.Minute})
	var wg sync.WaitGroup
	waiting := 0
	fill := func(key string, requests int) {
		t.Helper()
		for range requests {
			wg.Go(func() {
				if err := c.commitMessages(key, testMessages("q", 50, 0), 1000); err != nil {
					t.Errorf("%s: %v", key, err)
				}
			})
			waiting += 50
			f.waitUntil("they wait", func() bool { events, _ := c.queue.depth(); return events == waiting })
		}
		if err := c.commitMessages(key, testMessages("q", 50, 0), 1000); !errors.Is(err, errOverloaded) {
			t.Errorf("%s has more than its share: %v", key, err)
		}
	}
	fill("greedy", 10) // half
	fill("second", 5)
	if err := c.commitMessages("large", testMessages("q", 1, 0), minQueueBytes-14_000); !errors.Is(err, errOverloaded) {
		t.Errorf("more bytes than are free: %v", err)
	}
	go c.run()
	wg.Wait()
	if events, bytes := c.queue.depth(); events != 0 || bytes != 0 || len(c.queue.held) != 0 {
		t.Errorf("%d events, %d bytes and %d keys are held at the end", events, bytes, len(c.queue.held))
	}
	if err := c.commitMessages("greedy", testMessages("q", 500, 0), 1000); err != nil {
		t.Errorf("after its requests: %v", err)
	}
	c.queue.close()
}

// Requests queued at shutdown are committed and then answered.
func TestShutdownCommitsTheQueue(t *testing.T) {
	f := newFixture(t)
	c := f.newIdleCommitter(Limits{})
	var wg sync.WaitGroup
	for range 5 {
		wg.Go(func() {
			if err := c.commitMessages("key", testMessages("e", 10, 0), 10); err != nil {
				t.Error(err)
			}
		})
	}
	f.waitUntil("all wait", func() bool { return len(c.queue.requests) == 5 })
	c.queue.close()
	c.run()
	wg.Wait()
	if n := f.messageCount(); n != 50 {
		t.Errorf("%d events are stored, want 50", n)
	}
}

// A request that waited too long is answered and not published.
func TestDropsRequestsThatWaitTooLong(t *testing.T) {
	f := newFixture(t)
	c := f.newIdleCommitter(Limits{QueueTimeout: time.Nanosecond})
	errs := c.commitTogether(testMessages("late", 20, 0), testMessages("late", 2, 0))
	for _, err := range errs {
		if !errors.Is(err, errQueueTimeout) {
			t.Errorf("result %v", err)
		}
	}
	if n := f.messageCount(); n != 0 {
		t.Errorf("%d events are stored", n)
	}
}

// The queue notes when as many events had come as were asked for.
func TestQueueWatchesArrivals(t *testing.T) {
	q := newQueue(100, 1<<20)
	q.startAccepting()
	start := time.Now()
	enqueue := func(events int, after time.Duration) {
		t.Helper()
		r := newCommitRequest("key", make([]*nats.Msg, events), 1)
		r.queuedAt = start.Add(after)
		if err := q.enqueue(r); err != nil {
			t.Fatal(err)
		}
	}
	q.watchArrivals(start, 3)
	for _, tc := range []struct {
		name string
		at   time.Duration // of the call, which asks for 3 more
		want time.Duration
	}{
		{"none has come", 10, 10},
		{"too few have come", 20, 10},
		{"enough have come", 30, 5},
		{"more have come than were asked for", 40, 2},
		{"one came before the last call", 50, 0},
	} {
		switch tc.at {
		case 20:
			enqueue(2, 15)
		case 30:
			enqueue(2, 22)
			enqueue(1, 25)
		case 40:
			enqueue(5, 32)
			enqueue(5, 33)
		case 50:
			enqueue(3, 39)
		}
		if got := q.watchArrivals(start.Add(tc.at), 3); got != tc.want {
			t.Errorf("%s: %v, want %v", tc.name, got, tc.want)
		}
	}
}
