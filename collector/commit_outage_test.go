package collector

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/nats-io/nats.go"

	"github.com/theeye/theeye/shared/api"
	"github.com/theeye/theeye/shared/stream"
)

// A server that does not answer delays a request by commitTimeout, not more.
func TestSilentServerCostsCommitTimeout(t *testing.T) {
	for _, n := range []int{1, 100} {
		f := newFixture(t)
		c := f.newIdleCommitter(Limits{CommitTimeout: 50 * time.Millisecond})
		f.noError(f.js.DeleteStream(f.ctx(), stream.Name))
		sub, err := f.conn.SubscribeSync(stream.Subjects) // a responder that never responds
		f.noError(err)
		if errs := c.commitTogether(testMessages("s", n, 0)); !errors.Is(errs[0], errNotCommitted) || !errors.Is(errs[0], context.DeadlineExceeded) {
			t.Errorf("%d events: %v", n, errs[0])
		}
		f.noError(sub.Unsubscribe())
	}
}

// A lost connection ends the wait at once: the commit timeout here exceeds that
// of the test.
func TestLostConnectionEndsTheWait(t *testing.T) {
	for _, n := range []int{1, 100} {
		f := newFixture(t)
		f.noError(f.js.DeleteStream(f.ctx(), stream.Name))
		asked := make(chan struct{}, 100)
		_, err := f.conn.Subscribe(stream.Subjects, func(m *nats.Msg) {
			if m.Reply != "" {
				asked <- struct{}{}
			}
		})
		f.noError(err)
		f.noError(f.conn.Flush())
		c := f.newIdleCommitter(Limits{CommitTimeout: time.Hour})
		go func() {
			<-asked
			f.nats.Shutdown()
		}()
		if errs := c.commitTogether(testMessages("l", n, 0)); !errors.Is(errs[0], errDisconnected) {
			t.Errorf("%d events: %v", n, errs[0])
		}
	}
}

// Without a stream, or with another service on its subjects, no event is
// answered accepted.
func TestAcceptsNothingWithoutStream(t *testing.T) {
	for _, n := range []int{1, 100} {
		f := newFixture(t)
		f.noError(f.js.DeleteStream(f.ctx(), stream.Name))
		f.send(api.PathEvents, clicks("n", n)).wantProblem(t, http.StatusServiceUnavailable, api.CodeCommitFailed)
		sub, err := f.conn.Subscribe(stream.Subjects, func(m *nats.Msg) {
			if m.Reply != "" {
				_ = m.Respond([]byte(`{"stream": "OTHER", "seq": 1}`))
			}
		})
		f.noError(err)
		f.noError(f.conn.Flush())
		f.send(api.PathEvents, clicks("n", n)).wantProblem(t, http.StatusServiceUnavailable, api.CodeCommitFailed)
		f.noError(sub.Unsubscribe())
	}
}

// A client that disconnects leaves neither memory nor queue capacity reserved.
func TestDisconnectedClientLeaksNothing(t *testing.T) {
	f := newFixture(t)
	f.nats.Shutdown() // so that commits take a while
	f.waitUntil("NATS is disconnected", func() bool { return !f.conn.IsConnected() })
	f.nats.Restart()
	f.waitUntil("NATS is connected again", f.conn.IsConnected)
	var wg sync.WaitGroup
	for i := range 50 {
		wg.Go(func() {
			ctx, cancel := context.WithCancel(context.Background())
			defer cancel()
			req, err := http.NewRequestWithContext(ctx, http.MethodPost, f.base+api.PathEvents, strings.NewReader(string(click(fmt.Sprint(i)))))
			if err != nil {
				t.Error(err)
				return
			}
			req.Header.Set("X-Write-Key", serverKey)
			time.AfterFunc(time.Duration(i)*100*time.Microsecond, cancel)
			if resp, err := f.client.Do(req); err == nil {
				_ = resp.Body.Close()
			}
		})
	}
	wg.Wait()
	f.waitUntil("nothing is held", func() bool {
		events, bytes := f.service.committer.queue.depth()
		return events == 0 && bytes == 0 && f.service.bodies.budget.Used() == 0
	})
}

// A body that was read is committed even if its client disconnected before.
func TestCommitOutlivesTheClient(t *testing.T) {
	f := newFixture(t)
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	for _, n := range []int{1, 100} {
		before := f.messageCount()
		req := httptest.NewRequestWithContext(ctx, http.MethodPost, api.PathEvents, bytes.NewReader(clicks("gone", n)))
		req.Header.Set("X-Write-Key", serverKey)
		rec := httptest.NewRecorder()
		f.service.Handler().ServeHTTP(rec, req)
		if got := f.messageCount() - before; rec.Code != http.StatusAccepted || got != uint64(n) {
			t.Errorf("answer %d, %d of %d events are stored", rec.Code, got, n)
		}
	}
}

// NATS restarts under load: every event that was answered accepted is in the
// stream.
func TestNATSRestartsLoseNothing(t *testing.T) {
	f := newFixture(t, func(c *Config) { c.Limits.CommitTimeout = 10 * time.Minute })
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
				r, err := f.trySend(api.PathEvents, clicks(prefix, count))
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
		f.waitUntil("events are accepted", func() bool { return answered() > before+500 })
		failed := refused.Load()
		f.nats.Shutdown()
		f.waitUntil("requests are answered 503", func() bool { return refused.Load() > failed })
		f.nats.Restart()
	}
	stop()
	wg.Wait()
	f.waitUntil("NATS is connected again", f.conn.IsConnected)
	stored := map[string]bool{}
	for _, payload := range f.payloads() {
		_, rest, _ := strings.Cut(payload, `"event_id": "`)
		id, _, _ := strings.Cut(rest, `"`)
		stored[id] = true
	}
	for _, id := range accepted {
		if !stored[id] {
			t.Errorf("%s was accepted and is lost", id)
		}
	}
	t.Logf("%d events accepted, %d requests answered 503, %d messages stored", len(accepted), refused.Load(), len(stored))
}

// An event that is sent a thousand times concurrently is accepted each time.
func TestAcceptsSameEventInParallel(t *testing.T) {
	f := newFixture(t)
	var wg sync.WaitGroup
	for range 100 {
		wg.Go(func() {
			body := "[" + strings.Repeat(string(click("same"))+",", 9) + string(click("same")) + "]"
			if r, err := f.trySend(api.PathEvents, []byte(body)); err != nil || r.Accepted != 10 {
				t.Errorf("answer %d %s (%v)", r.status, r.text, err)
			}
		})
	}
	wg.Wait()
	if n := f.messageCount(); n != 1000 {
		t.Errorf("%d messages, want 1000", n)
	}
}
