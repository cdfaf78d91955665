package stream

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/theeye/theeye/shared/natsd/natstest"
)

// connect starts a server of its own for the test.
func connect(t testing.TB) (context.Context, jetstream.JetStream) {
	t.Helper()
	js := natstest.Start(t).JetStream()
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	t.Cleanup(cancel)
	return ctx, js
}

func TestEnsureChangesOnlyLimits(t *testing.T) {
	ctx, js := connect(t)
	if err := Ensure(ctx, js, Config{MaxBytes: 1 << 20}); err != nil {
		t.Fatal(err)
	}
	if _, err := js.Publish(ctx, Unregistered("demo"), []byte("kept")); err != nil {
		t.Fatal(err)
	}
	epoch, err := Epoch(ctx, js)
	if err != nil {
		t.Fatal(err)
	}
	// A second processor, or a new configuration, changes only limits.
	if err := Ensure(ctx, js, Config{MaxBytes: 2 << 20}); err != nil {
		t.Fatal(err)
	}
	s, err := js.Stream(ctx, Name)
	if err != nil {
		t.Fatal(err)
	}
	info := s.CachedInfo()
	if info.Config.MaxBytes != 2<<20 || info.State.Msgs != 1 {
		t.Errorf("after a new configuration: MaxBytes %d, %d messages", info.Config.MaxBytes, info.State.Msgs)
	}
	if again, _ := Epoch(ctx, js); again != epoch || epoch == 0 {
		t.Errorf("epoch was %d and became %d", epoch, again)
	}
	if info.Config.Discard != jetstream.DiscardNew || info.Config.MaxAge != 0 || !info.Config.AllowAtomicPublish {
		t.Errorf("the stream may drop what is not processed, or takes no batches: %+v", info.Config)
	}
}

// Processors that start together find partly created streams and buckets.
func TestEnsureRunsConcurrently(t *testing.T) {
	ctx, js := connect(t)
	const processors = 16
	errs := make(chan error, processors)
	for range processors {
		go func() { errs <- Ensure(ctx, js, Config{}) }()
	}
	for range processors {
		if err := <-errs; err != nil {
			t.Error(err)
		}
	}
}

// Every version of a schema must stay readable, also the 65th and the first.
func TestBucketKeepsEveryVersion(t *testing.T) {
	ctx, js := connect(t)
	if err := Ensure(ctx, js, Config{}); err != nil {
		t.Fatal(err)
	}
	kv, err := js.KeyValue(ctx, BucketSchemas)
	if err != nil {
		t.Fatal(err)
	}
	const versions = 100
	for range versions {
		if _, err := kv.Put(ctx, KeyPolicy, []byte("{}")); err != nil {
			t.Fatal(err)
		}
	}
	if err := Ensure(ctx, js, Config{}); err != nil {
		t.Fatal(err)
	}
	history, err := kv.History(ctx, KeyPolicy)
	if err != nil || len(history) != versions {
		t.Errorf("%d versions of %d are kept (%v)", len(history), versions, err)
	}
}

func TestWaitEndsWithEnsureOrItsContext(t *testing.T) {
	ctx, js := connect(t)
	ended, cancel := context.WithCancel(ctx)
	cancel()
	if err := Wait(ended, js); !errors.Is(err, context.Canceled) {
		t.Errorf("Wait without a stream = %v, want the context's end", err)
	}
	done := make(chan error, 1)
	go func() { done <- Wait(ctx, js) }()
	if err := Ensure(ctx, js, Config{}); err != nil {
		t.Fatal(err)
	}
	if err := <-done; err != nil {
		t.Errorf("Wait = %v", err)
	}
}

// The stream of changes has every version and removal of the registry, also
// earlier ones than the stream itself.
func TestChangesHoldEveryVersion(t *testing.T) {
	ctx, js := connect(t)
	if err := Ensure(ctx, js, Config{MaxBytes: 1 << 20}); err != nil {
		t.Fatal(err)
	}
	kv, err := js.KeyValue(ctx, BucketSchemas)
	if err != nil {
		t.Fatal(err)
	}
	for _, value := range []string{"one", "two"} {
		if _, err := kv.PutString(ctx, KeyPolicy, value); err != nil {
			t.Fatal(err)
		}
	}
	if err := kv.Delete(ctx, KeyPolicy); err != nil {
		t.Fatal(err)
	}
	changes, err := js.Stream(ctx, Changes)
	if err != nil {
		t.Fatal(err)
	}
	for seq, want := range []string{"one", "two", ""} {
		m, err := changes.GetMsg(ctx, uint64(seq+1))
		for errors.Is(err, jetstream.ErrMsgNotFound) && ctx.Err() == nil {
			m, err = changes.GetMsg(ctx, uint64(seq+1)) // it is copied a moment later
		}
		if err != nil {
			t.Fatal(err)
		}
		if string(m.Data) != want || m.Subject != "$KV."+BucketSchemas+"."+KeyPolicy {
			t.Errorf("change %d is %q under %s, want %q", seq+1, m.Data, m.Subject, want)
		}
	}
}
