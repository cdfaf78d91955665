package kv_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/theeye/theeye/shared/kv"
	"github.com/theeye/theeye/shared/natsd/natstest"
)

func TestReplaceWritesOnlyTheSuccessorOfTheNamedRevision(t *testing.T) {
	ctx, b := bucket(t)
	first := replace(t, b, "a", "1", 0)
	second := replace(t, b, "a", "2", first)
	for name, revision := range map[string]uint64{"an older one": first, "none": 0, "one that never was": 99} {
		if _, err := b.Replace(ctx, "a", []byte("3"), revision); !errors.Is(err, kv.ErrConflict) {
			t.Errorf("replacing %s: error %v, want ErrConflict", name, err)
		}
	}
	e := get(t, b, "a")
	if string(e.Value) != "2" || e.Revision != second || !e.Exists() || time.Since(e.Created) > time.Minute {
		t.Errorf("the key is %+v", e)
	}
	if e := get(t, b, "b"); e.Exists() || e.Revision != 0 {
		t.Errorf("a key that never was is %+v", e)
	}
}

// A removal is a version with a revision, which the next value replaces.
func TestRemovalIsAVersion(t *testing.T) {
	ctx, b := bucket(t)
	first := replace(t, b, "a", "1", 0)
	removal, err := b.Update(ctx, "a", func(kv.Entry) (kv.Write, error) {
		return kv.Write{Value: []byte("by ann"), Remove: true}, nil
	})
	if err != nil {
		t.Fatal(err)
	}
	e := get(t, b, "a")
	if e.Exists() || !e.Removed || e.Revision != removal || string(e.Value) != "by ann" {
		t.Errorf("after the removal the key is %+v", e)
	}
	// The library, which others use, sees a removal, too.
	values, err := b.JetStream().KeyValue(ctx, b.Name())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := values.Get(ctx, "a"); !errors.Is(err, jetstream.ErrKeyNotFound) {
		t.Errorf("the library returns %v", err)
	}
	if _, err := b.Replace(ctx, "a", nil, first); !errors.Is(err, kv.ErrConflict) {
		t.Errorf("replacing the removed value: error %v, want ErrConflict", err)
	}
	replace(t, b, "a", "2", removal)
}

func TestGetRevisionReturnsOldVersionsOfTheKeyAlone(t *testing.T) {
	ctx, b := bucket(t)
	first := replace(t, b, "a", "1", 0)
	replace(t, b, "a", "2", first)
	other := replace(t, b, "b", "3", 0)
	if e, err := b.GetRevision(ctx, "a", first); err != nil || string(e.Value) != "1" || e.Revision != first {
		t.Errorf("revision %d is %+v, %v", first, e, err)
	}
	for _, revision := range []uint64{other, 99} {
		if e, err := b.GetRevision(ctx, "a", revision); err != nil || e.Revision != 0 {
			t.Errorf("revision %d of another key is %+v, %v", revision, e, err)
		}
	}
}

func TestEachVisitsTheNewestEntryOfMatchingKeys(t *testing.T) {
	ctx, b := bucket(t)
	first := replace(t, b, "job.1", "old", 0)
	replace(t, b, "job.2", "x", 0)
	replace(t, b, "job.1", "new", first)
	replace(t, b, "stream", "x", 0)
	if _, err := b.Update(ctx, "job.2", func(kv.Entry) (kv.Write, error) { return kv.Write{Remove: true}, nil }); err != nil {
		t.Fatal(err)
	}
	var got []string
	visit := func(key string, e kv.Entry) { got = append(got, fmt.Sprintf("%s %s %v", key, e.Value, e.Exists())) }
	if err := b.Each(ctx, "job.*", visit); err != nil {
		t.Fatal(err)
	}
	if want := []string{"job.1 new true", "job.2  false"}; !slices.Equal(got, want) {
		t.Errorf("Each visits %q, want %q", got, want)
	}
}

func TestPurgeRemovesAllVersions(t *testing.T) {
	ctx, b := bucket(t)
	first := replace(t, b, "a", "1", 0)
	if err := b.Purge(ctx, "a"); err != nil {
		t.Fatal(err)
	}
	if e, err := b.GetRevision(ctx, "a", first); err != nil || e.Revision != 0 {
		t.Errorf("the purged version is %+v, %v", e, err)
	}
	if e := get(t, b, "a"); e.Exists() {
		t.Errorf("the key is %+v", e)
	}
}

func TestInfoNamesTheNewestRevisionOfTheBucket(t *testing.T) {
	ctx, b := bucket(t)
	replace(t, b, "a", "1", 0)
	last := replace(t, b, "b", "1", 0)
	created, revision, err := b.Info(ctx)
	if err != nil || revision != last || created.IsZero() {
		t.Errorf("Info returns %v, %d, %v", created, revision, err)
	}
}

func TestMissingBucketIsNotFoundUntilItExists(t *testing.T) {
	js, ctx := natstest.Start(t).JetStream(), t.Context()
	if _, err := kv.Open(ctx, js, "LATER"); !errors.Is(err, jetstream.ErrBucketNotFound) {
		t.Errorf("Open returned %v", err)
	}
	b := kv.New(js, "LATER")
	for name, do := range map[string]func() error{
		"Get":         func() error { _, err := b.Get(ctx, "a"); return err },
		"GetRevision": func() error { _, err := b.GetRevision(ctx, "a", 1); return err },
		"Each":        func() error { return b.Each(ctx, ">", func(string, kv.Entry) {}) },
		"Purge":       func() error { return b.Purge(ctx, "a") },
		"Info":        func() error { _, _, err := b.Info(ctx); return err },
	} {
		if err := do(); !errors.Is(err, jetstream.ErrBucketNotFound) {
			t.Errorf("%s returned %v, want ErrBucketNotFound", name, err)
		}
	}
	if _, err := js.CreateKeyValue(ctx, jetstream.KeyValueConfig{Bucket: "LATER"}); err != nil {
		t.Fatal(err)
	}
	replace(t, b, "a", "1", 0)
	if e := get(t, b, "a"); string(e.Value) != "1" {
		t.Errorf("once it exists the key is %+v", e)
	}
}

func TestEachEndsWithItsContext(t *testing.T) {
	_, b := bucket(t)
	cause := errors.New("stop")
	ctx, cancel := context.WithCancelCause(t.Context())
	replace(t, b, "a", "1", 0)
	if err := b.Each(ctx, ">", func(string, kv.Entry) {}); err != nil {
		t.Fatal(err)
	}
	cancel(cause)
	if err := b.Each(ctx, ">", func(string, kv.Entry) {}); err == nil {
		t.Error("Each succeeds under a context that has ended")
	}
}
