package natsd

import (
	"context"
	"log/slog"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

func startServer(t *testing.T, cfg Config) *Server {
	t.Helper()
	if cfg.MinFree == 0 {
		cfg.MinFree = 1
	}
	cfg.Logger = slog.New(slog.NewTextHandler(t.Output(), nil))
	s, err := Start(cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}

// runServer runs s until the test ends.
func runServer(t *testing.T, s *Server) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- s.Run(ctx) }()
	t.Cleanup(func() {
		cancel()
		if err := <-done; err != nil {
			t.Errorf("Run = %v", err)
		}
	})
}

const testStream = "TEST"

func jetStream(t *testing.T, nc *nats.Conn) jetstream.JetStream {
	t.Helper()
	js, err := jetstream.New(nc)
	if err != nil {
		t.Fatal(err)
	}
	return js
}

// publishMessages publishes n messages of 1 KiB, each acknowledged.
func publishMessages(t *testing.T, nc *nats.Conn, n int) {
	t.Helper()
	await(t, "stream", func() error {
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		_, err := jetStream(t, nc).CreateOrUpdateStream(ctx, jetstream.StreamConfig{Name: testStream, Subjects: []string{"test"}})
		return err
	})
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	for range n {
		if err := publish(ctx, nc); err != nil {
			t.Fatal(err)
		}
	}
}

// tryPublish is publish that gives up after a second, to be tried again.
func tryPublish(nc *nats.Conn) error {
	ctx, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	return publish(ctx, nc)
}

// publish returns nil once one message is acknowledged.
func publish(ctx context.Context, nc *nats.Conn) error {
	js, err := jetstream.New(nc)
	if err != nil {
		return err
	}
	_, err = js.Publish(ctx, "test", make([]byte, 1<<10))
	return err
}

func storedMessages(t *testing.T, nc *nats.Conn) uint64 {
	t.Helper()
	st, err := jetStream(t, nc).Stream(t.Context(), testStream)
	if err != nil {
		t.Fatal(err)
	}
	return st.CachedInfo().State.Msgs
}

// await calls f until it succeeds; it gives up after a minute.
func await(t *testing.T, what string, f func() error) {
	t.Helper()
	deadline := time.NewTimer(time.Minute)
	defer deadline.Stop()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for {
		err := f()
		if err == nil {
			return
		}
		select {
		case <-deadline.C:
			t.Fatalf("%s: %v", what, err)
		case <-tick.C:
		}
	}
}
