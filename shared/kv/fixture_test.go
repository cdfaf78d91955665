package kv_test

import (
	"context"
	"testing"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/theeye/theeye/shared/kv"
	"github.com/theeye/theeye/shared/natsd/natstest"
)

// bucket returns an empty bucket that keeps 20 versions of each key.
func bucket(t testing.TB) (context.Context, *kv.Bucket) {
	t.Helper()
	js := natstest.Start(t).JetStream()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	t.Cleanup(cancel)
	if _, err := js.CreateKeyValue(ctx, jetstream.KeyValueConfig{Bucket: "TEST", History: 20}); err != nil {
		t.Fatal(err)
	}
	b, err := kv.Open(ctx, js, "TEST")
	if err != nil {
		t.Fatal(err)
	}
	return ctx, b
}

// replace writes a value and returns its revision.
func replace(t testing.TB, b *kv.Bucket, key, value string, revision uint64) uint64 {
	t.Helper()
	next, err := b.Replace(t.Context(), key, []byte(value), revision)
	if err != nil {
		t.Fatal(err)
	}
	return next
}

// get returns the newest entry of a key.
func get(t testing.TB, b *kv.Bucket, key string) kv.Entry {
	t.Helper()
	e, err := b.Get(t.Context(), key)
	if err != nil {
		t.Fatal(err)
	}
	return e
}
