package natsd

import (
	"context"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

// An open connection and a durable consumer survive a restart of the server
// inside the process.
func TestConnectionSurvivesRestart(t *testing.T) {
	s := start(t, Config{Dir: t.TempDir()})
	nc, err := s.Connect()
	if err != nil {
		t.Fatal(err)
	}
	defer nc.Close()
	publish(t, nc, 2)
	why := "critical write error: made up"
	s.wrong.Store(&why)
	if err := s.Guard(); err == nil {
		t.Error("a wedged server may be published to")
	}
	run(t, s)
	await(t, "Guard", s.Guard)
	publish(t, nc, 2)
	if got := stored(t, nc); got != 4 {
		t.Errorf("%d messages, want 4", got)
	}
}

// The server's own switch-off of JetStream is noticed without its log.
func TestDisabledJetStreamComesBack(t *testing.T) {
	s := start(t, Config{Dir: t.TempDir()})
	nc, err := s.Connect()
	if err != nil {
		t.Fatal(err)
	}
	defer nc.Close()
	publish(t, nc, 1)
	if err := s.running().ShutdownJetStream(); err != nil {
		t.Fatal(err)
	}
	run(t, s)
	await(t, "publishing", func() error { return tryPublish(nc) })
}

// No restart on a full disk: it would fail again.
func TestNoRestartBelowTheFloor(t *testing.T) {
	s := start(t, Config{Dir: t.TempDir(), MinFree: 1 << 60})
	if s.mayRestart(t.Context(), time.Nanosecond) {
		t.Error("restarts without space")
	}
	s.space.floor = 1
	if !s.mayRestart(t.Context(), time.Nanosecond) {
		t.Error("does not restart with space")
	}
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	if s.mayRestart(ended, time.Hour) {
		t.Error("restarts after the end")
	}
}

func TestLogRecognisesWriteErrors(t *testing.T) {
	var failed []string
	l := &serverLog{
		log:    slog.New(slog.DiscardHandler),
		failed: func(what string) { failed = append(failed, what) },
		fatal:  func(string) {},
	}
	l.Errorf("Filestore [%s] Critical write error: %v", "EVENTS", "disk quota exceeded")
	l.Errorf("JetStream out of %s resources, will be DISABLED", "file")
	l.Warnf("Filesystem permission denied while writing msg, disabling JetStream: %v", "x")
	l.Warnf("Filestore [%s] Stream state checksum did not match", "EVENTS")
	l.Noticef("will be disabled")
	if len(failed) != 3 || !strings.Contains(failed[0], "quota") {
		t.Errorf("took for write errors: %q", failed)
	}
}

func start(t *testing.T, cfg Config) *Server {
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

// run lets s watch itself until the test ends.
func run(t *testing.T, s *Server) {
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

// publish publishes n messages of 1 KiB, each acknowledged.
func publish(t *testing.T, nc *nats.Conn, n int) {
	t.Helper()
	await(t, "stream", func() error {
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		_, err := jetStream(t, nc).CreateOrUpdateStream(ctx, jetstream.StreamConfig{Name: testStream, Subjects: []string{"test"}})
		return err
	})
	for range n {
		if err := tryPublish(nc); err != nil {
			t.Fatal(err)
		}
	}
}

// tryPublish returns nil once one message is acknowledged.
func tryPublish(nc *nats.Conn) error {
	js, err := jetstream.New(nc)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	_, err = js.Publish(ctx, "test", make([]byte, 1<<10))
	return err
}

func stored(t *testing.T, nc *nats.Conn) uint64 {
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
