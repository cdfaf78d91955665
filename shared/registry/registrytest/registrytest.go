// Package registrytest is what the tests of the registry and of its editor share: a
// server with the registry's buckets, raw records, and waiting for snapshots.
package registrytest

import (
	"bytes"
	"context"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/theeye/theeye/shared/format/native"
	"github.com/theeye/theeye/shared/natsd/natstest"
	"github.com/theeye/theeye/shared/schema"
	"github.com/theeye/theeye/shared/stream"
)

// SomeType is a type whose names are escaped in keys.
var SomeType = schema.Type{Category: "page interaction", Name: "cta click"}

// Start starts a server with everything that stream.Ensure creates.
func Start(t *testing.T) (*natstest.Server, jetstream.JetStream) {
	t.Helper()
	s := natstest.Start(t)
	js := s.JetStream()
	CreateBuckets(t, js)
	return s, js
}

// CreateBuckets creates everything that stream.Ensure creates.
func CreateBuckets(t *testing.T, js jetstream.JetStream) {
	t.Helper()
	if err := stream.Ensure(Context(t), js, stream.Config{MaxBytes: 1 << 20}); err != nil {
		t.Fatal(err)
	}
}

// Context returns a context that ends with the test, and after 30 seconds.
func Context(t *testing.T) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	t.Cleanup(cancel)
	return ctx
}

// Background runs f until the test ends. The test fails if f then returns an error
// or does not return.
func Background(t *testing.T, f func(context.Context) error) {
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
		case <-time.After(30 * time.Second):
			t.Error("Run did not return when its context ended")
		}
	})
}

// AwaitSnapshot waits until wanted is true of a snapshot, and returns that one.
func AwaitSnapshot[S any](t *testing.T, r interface {
	Snapshot() *S
	Changed() <-chan struct{}
}, what string, wanted func(*S) bool,
) *S {
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

// Put puts a value as it is and returns its revision.
func Put(t *testing.T, js jetstream.JetStream, bucket, key, value string) uint64 {
	t.Helper()
	revision, err := Bucket(t, js, bucket).PutString(Context(t), key, value)
	if err != nil {
		t.Fatal(err)
	}
	return revision
}

// Bucket opens a bucket.
func Bucket(t *testing.T, js jetstream.JetStream, bucket string) jetstream.KeyValue {
	t.Helper()
	kv, err := js.KeyValue(Context(t), bucket)
	if err != nil {
		t.Fatal(err)
	}
	return kv
}

// FaultCodes returns the codes of the faults of an event of SomeType.
func FaultCodes(t *testing.T, set *schema.Set, data string) string {
	t.Helper()
	ev, refusal := native.Decode([]byte(`{"session_id": "e2085be5-9137-4e4e-80b5-f1ffddc25423", "category": "page interaction", "name": "cta click", "timestamp": "2026-01-02T03:04:05Z", "data": ` + data + `}`))
	if refusal != nil {
		t.Fatal(refusal)
	}
	var codes []string
	for _, f := range set.Validate(ev, ev.Timestamp, "demo").Faults {
		codes = append(codes, f.Code)
	}
	return strings.Join(codes, " ")
}

// Racing is a connection on which another writer is faster: Before is called just
// before each publish, as often as Times says.
type Racing struct {
	jetstream.JetStream
	Times  int
	Before func()
}

// PublishMsg calls Before and publishes.
func (r *Racing) PublishMsg(ctx context.Context, m *nats.Msg, options ...jetstream.PublishOpt) (*jetstream.PubAck, error) {
	if r.Times > 0 {
		r.Times--
		r.Before()
	}
	return r.JetStream.PublishMsg(ctx, m, options...)
}

// Logs collects log records.
type Logs struct {
	mu   sync.Mutex
	text bytes.Buffer
}

// Write appends to the log.
func (l *Logs) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(p)
}

// String returns the log.
func (l *Logs) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}

// Logger returns a logger that writes JSON to l.
func (l *Logs) Logger() *slog.Logger { return slog.New(slog.NewJSONHandler(l, nil)) }
