package registry

import (
	"bytes"
	"context"
	"log/slog"
	"runtime"
	"sync"
	"testing"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/theeye/theeye/shared/natsd/natstest"
	"github.com/theeye/theeye/shared/stream"
)

// reconnected waits until the connection is one to the server that runs now: a
// request that was written to the one before is lost.
func reconnected(t *testing.T, js jetstream.JetStream) {
	t.Helper()
	ctx := bounded(t)
	for js.Conn().FlushTimeout(time.Second) != nil {
		if ctx.Err() != nil {
			t.Fatal("the connection does not come back")
		}
		runtime.Gosched()
	}
}

// ready starts a server with everything that stream.Ensure makes.
func ready(t *testing.T) (*natstest.Server, jetstream.JetStream) {
	t.Helper()
	s := natstest.Start(t)
	js := s.JetStream()
	ensure(t, js)
	return s, js
}

func ensure(t *testing.T, js jetstream.JetStream) {
	t.Helper()
	if err := stream.Ensure(bounded(t), js, stream.Config{MaxBytes: 1 << 20}); err != nil {
		t.Fatal(err)
	}
}

// bounded is a context that ends with the test, or before it gets too long.
func bounded(t *testing.T) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	t.Cleanup(cancel)
	return ctx
}

// run runs a registry until the test ends.
func run(t *testing.T, cfg Config) *Registry {
	t.Helper()
	if cfg.Logger == nil {
		cfg.Logger = slog.New(slog.DiscardHandler)
	}
	r := New(cfg)
	background(t, r.Run)
	return r
}

// background runs f until the test ends, and wants nil of it then.
func background(t *testing.T, f func(context.Context) error) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- f(ctx) }()
	t.Cleanup(func() {
		cancel()
		select {
		case err := <-done:
			if err != nil {
				t.Errorf("Run returned %v when its context ended", err)
			}
		case <-time.After(10 * time.Second):
			t.Error("Run did not return when its context ended")
		}
	})
}

// eventually waits until a snapshot is as wanted.
func eventually(t *testing.T, r *Registry, what string, wanted func(*Snapshot) bool) *Snapshot {
	t.Helper()
	deadline := time.After(20 * time.Second)
	for {
		changed := r.Changed()
		if s := r.Snapshot(); s != nil && wanted(s) {
			return s
		}
		select {
		case <-changed:
		case <-deadline:
			t.Fatalf("no snapshot came in which %s", what)
		}
	}
}

// put puts a value as it is and returns its revision.
func put(t *testing.T, js jetstream.JetStream, bucket, key, value string) uint64 {
	t.Helper()
	revision, err := open(t, js, bucket).PutString(bounded(t), key, value)
	if err != nil {
		t.Fatal(err)
	}
	return revision
}

func open(t *testing.T, js jetstream.JetStream, bucket string) jetstream.KeyValue {
	t.Helper()
	kv, err := js.KeyValue(bounded(t), bucket)
	if err != nil {
		t.Fatal(err)
	}
	return kv
}

// logs collects what is logged.
type logs struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (l *logs) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(p)
}

func (l *logs) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}

func (l *logs) logger() *slog.Logger { return slog.New(slog.NewJSONHandler(l, nil)) }
