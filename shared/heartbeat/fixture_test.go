package heartbeat

import (
	"bytes"
	"context"
	"log/slog"
	"sync"
	"testing"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/theeye/theeye/shared/natsd/natstest"
	"github.com/theeye/theeye/shared/stream"
)

func TestMain(m *testing.M) { natstest.VerifyTestMain(m) }

// patience bounds every wait of a test.
const patience = 20 * time.Second

// startServer starts a server with everything that stream.Ensure makes.
func startServer(t *testing.T) (*natstest.Server, jetstream.JetStream) {
	t.Helper()
	s := natstest.Start(t)
	js := s.JetStream()
	if err := stream.Ensure(bounded(t), js, stream.Config{MaxBytes: 1 << 20}); err != nil {
		t.Fatal(err)
	}
	return s, js
}

func bounded(t *testing.T) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	t.Cleanup(cancel)
	return ctx
}

// waitUntil polls until done returns true.
func waitUntil(t *testing.T, what string, done func() bool) {
	t.Helper()
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for ctx := bounded(t); !done(); {
		select {
		case <-tick.C:
		case <-ctx.Done():
			t.Fatalf("it never happened that %s", what)
		}
	}
}

// fakeRegistry has a revision that a test sets.
type fakeRegistry struct {
	mu      sync.Mutex
	now     uint64
	changed chan struct{}
}

func (r *fakeRegistry) Revision() uint64 {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.now
}

func (r *fakeRegistry) Changed() <-chan struct{} {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.changed
}

func (r *fakeRegistry) setRevision(revision uint64) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.now = revision
	close(r.changed)
	r.changed = make(chan struct{})
}

func registryAt(revision uint64) *fakeRegistry {
	return &fakeRegistry{now: revision, changed: make(chan struct{})}
}

// quietConfig is the configuration of a heartbeat that logs nothing.
func quietConfig(js jetstream.JetStream, r *fakeRegistry, service, instance string) Config {
	return Config{
		JetStream: js, Service: service, Instance: instance, Revision: r.Revision, Changed: r.Changed,
		Logger: slog.New(slog.DiscardHandler),
	}
}

// runHeartbeat runs a heartbeat until the test ends or end is called.
func runHeartbeat(t *testing.T, h *Heartbeat) (end func()) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.WithoutCancel(t.Context()))
	done := make(chan error, 1)
	go func() { done <- h.Run(ctx) }()
	end = sync.OnceFunc(func() {
		cancel()
		select {
		case err := <-done:
			if err != nil {
				t.Errorf("Run returned %v", err)
			}
		case <-time.After(patience):
			t.Error("Run does not end")
		}
	})
	t.Cleanup(end)
	return end
}

func listBeats(t *testing.T, js jetstream.JetStream) []Beat {
	t.Helper()
	beats, err := List(bounded(t), js)
	if err != nil {
		t.Fatal(err)
	}
	return beats
}

// logBuffer collects log lines.
type logBuffer struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (l *logBuffer) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(p)
}

func (l *logBuffer) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}

func (l *logBuffer) logger() *slog.Logger { return slog.New(slog.NewTextHandler(l, nil)) }
