package eye

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

func TestConfigurationNamesEveryFault(t *testing.T) {
	t.Setenv("EYE_WRITE_KEY", "")
	_, err := New(Config{BatchEvents: 1001, BatchBytes: -1, QueueEvents: -1, QueueBytes: -1, MaxWait: -1, BackoffMax: -1})
	for _, part := range []string{"WriteKey", "BatchEvents", "BatchBytes", "QueueEvents", "QueueBytes", "MaxWait", "BackoffMax"} {
		if err == nil || !strings.Contains(err.Error(), part) {
			t.Errorf("%q is not in: %v", part, err)
		}
	}
	for _, address := range []string{"localhost:8080", "ftp://secret@x", "http://", "http://x/?write_key=secret", ":"} {
		if _, err := New(Config{URL: address, WriteKey: "k"}); err == nil || strings.Contains(err.Error(), "secret") {
			t.Errorf("%s: %v", address, err)
		}
	}
	if _, err := New(Config{WriteKey: "secret\n"}); err == nil || strings.Contains(err.Error(), "secret") {
		t.Errorf("%v", err)
	}
}

// A site whose New failed may ignore that.
func TestNilClientDropsAndCounts(t *testing.T) {
	var c *Client
	if err := c.Enqueue(Event{}); !errors.Is(err, ErrNotStarted) {
		t.Errorf("%v", err)
	}
	if c.Flush(t.Context()) != nil || c.Close(t.Context()) != nil || c.Stats() != (Stats{}) {
		t.Error("the calls of a nil client fail")
	}
}

// Close does not wait for a callback that does not return.
func TestCloseReturnsAfterItsDeadlineInAnyCase(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		blocked := make(chan struct{})
		c, err := New(Config{
			WriteKey: "key", Transport: sinkTransport{}, QueueEvents: 1, Logger: slog.New(slog.DiscardHandler),
			OnDropped: func(Dropped) { <-blocked },
		})
		if err != nil {
			t.Fatal(err)
		}
		for range 3 {
			_ = c.Enqueue(Event{})
		}
		ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
		defer cancel()
		began := time.Now()
		if err := c.Close(ctx); !errors.Is(err, ErrLeft) || time.Since(began) != 5*time.Second+closeGrace {
			t.Errorf("%v after %v", err, time.Since(began))
		}
		close(blocked)
		if err := c.Close(t.Context()); !errors.Is(err, ErrLeft) {
			t.Errorf("%v", err)
		}
	})
}

// Waits are within their bounds, whatever these are.
func TestBackoffOfAnyBounds(t *testing.T) {
	const most = time.Duration(1<<63 - 1)
	for _, bounds := range [][2]time.Duration{{time.Second, time.Minute}, {1, most}, {most, most}, {most, 1}, {most/2 + 1, most}, {most / 2, most - 1}, {3, 2}} {
		cfg, err := Config{WriteKey: "k", BackoffMin: bounds[0], BackoffMax: bounds[1]}.fillDefaults()
		if err != nil {
			t.Fatal(err)
		}
		c := &Client{cfg: cfg, random: func() float64 { return 0 }}
		least := time.Duration(0)
		for range 70 {
			before := time.Now()
			c.postpone(&Failure{})
			wait := c.attempts.next.Sub(before)
			if wait < least || wait < min(bounds[0], bounds[1])/2 || wait-time.Second > bounds[1]/2 {
				t.Fatalf("%v: failure %d: %v after %v", bounds, c.attempts.failures, wait, least)
			}
			least = wait - min(time.Second, wait) // the clock goes on
		}
	}
}

// The state holds under calls of all kinds at the same time.
func TestCallsFromManyGoroutines(t *testing.T) {
	var mu sync.Mutex
	stored, requests := map[string]int{}, 0
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		ids := readIDs(t, r)
		mu.Lock()
		defer mu.Unlock()
		for _, id := range ids {
			stored[id]++
		}
		if requests++; requests%3 == 0 {
			panic(http.ErrAbortHandler) // the answer is lost
		}
		w.WriteHeader(http.StatusAccepted)
		_, _ = io.WriteString(w, resultsOf(ids))
	}))
	defer server.Close()
	server.Config.ErrorLog = slog.NewLogLogger(slog.DiscardHandler, slog.LevelError)
	accepted := 0
	c, err := New(Config{
		URL: server.URL, WriteKey: "key", Spool: t.TempDir(), BatchEvents: 50, MaxWait: time.Millisecond, BackoffMin: time.Millisecond,
		OnAccepted: func(ids []string) { accepted += len(ids) },
	})
	if err != nil {
		t.Fatal(err)
	}
	var calls sync.WaitGroup
	for range 8 {
		calls.Go(func() {
			for i := range 250 {
				if err := c.Enqueue(Event{SessionID: "0199e8a0-0000-4000-8000-00000000000a", Category: "a", Name: "b"}); err != nil {
					t.Error(err)
				}
				if i%100 == 0 {
					if err := c.Flush(t.Context()); err != nil {
						t.Error(err)
					}
					_ = c.Stats()
				}
			}
		})
	}
	calls.Wait()
	if err := c.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
	if s := c.Stats(); s.Accepted != 2000 || accepted != 2000 || len(stored) != 2000 || s.Dropped() != 0 || s.Queued != 0 {
		t.Errorf("%+v, %d stored", s, len(stored))
	}
}
