package stream

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/theeye/theeye/shared/natsd/natstest"
)

func TestMain(m *testing.M) { natstest.VerifyTestMain(m) }

// connect starts a server of its own for the test.
func connect(t testing.TB) (context.Context, jetstream.JetStream) {
	t.Helper()
	js := natstest.Start(t).JetStream()
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	t.Cleanup(cancel)
	return ctx, js
}

// ensure starts a server on which Ensure has run.
func ensure(t testing.TB) (context.Context, jetstream.JetStream) {
	t.Helper()
	ctx, js := connect(t)
	if err := Ensure(ctx, js, Config{MaxBytes: 64 << 20}); err != nil {
		t.Fatal(err)
	}
	return ctx, js
}

func TestConfigKeepsWhatIsSet(t *testing.T) {
	set := Config{MaxBytes: 1, Replicas: 3, Retention: time.Hour}
	for _, c := range []struct{ config, want Config }{
		{Config{}, Config{MaxBytes: 10 << 30, Replicas: 1, Retention: 720 * time.Hour}},
		{set, set},
	} {
		if got := c.config.WithDefaults(); got != c.want {
			t.Errorf("%+v became %+v, want %+v", c.config, got, c.want)
		}
	}
}

// The server reserves the limit of each stream on disk when it is created.
func TestStoreBytesAreWhatTheServerReserves(t *testing.T) {
	ctx, js := connect(t)
	for _, c := range []Config{{}, {MaxBytes: 1 << 20}} {
		if err := Ensure(ctx, js, c); err != nil {
			t.Fatal(err)
		}
		var reserved int64
		streams := js.ListStreams(ctx)
		for info := range streams.Info() {
			if info.Config.Storage == jetstream.FileStorage {
				reserved += info.Config.MaxBytes
			}
		}
		if err := streams.Err(); err != nil {
			t.Fatal(err)
		}
		if got := c.StoreBytes(); got != reserved {
			t.Errorf("StoreBytes of %+v = %d, the server reserves %d", c, got, reserved)
		}
	}
}

// A difference that would need a new stream is an error, and costs no message.
func TestEnsureRecreatesNothing(t *testing.T) {
	ctx, js := connect(t)
	other := jetstream.StreamConfig{Name: Name, Subjects: []string{Subjects}, Storage: jetstream.MemoryStorage}
	events, err := js.CreateStream(ctx, other)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := js.Publish(ctx, Unregistered("demo"), []byte("kept")); err != nil {
		t.Fatal(err)
	}
	if err := Ensure(ctx, js, Config{}); err == nil || !strings.Contains(err.Error(), Name) {
		t.Errorf("Ensure = %v, want an error that names the stream", err)
	}
	if m, err := events.GetMsg(ctx, 1); err != nil || string(m.Data) != "kept" {
		t.Errorf("the message is lost: %v, %v", m, err)
	}
}

// No client can remove an accepted event or a record of a change by mistake.
func TestMessagesCannotBeRemovedOneByOne(t *testing.T) {
	ctx, js := ensure(t)
	for name, subject := range map[string]string{Name: Unregistered("demo"), Changes: ""} {
		s, err := js.Stream(ctx, name)
		if err != nil {
			t.Fatal(err)
		}
		if subject != "" {
			if _, err := js.Publish(ctx, subject, nil); err != nil {
				t.Fatal(err)
			}
		}
		if err := s.DeleteMsg(ctx, 1); !isForbidden(err) {
			t.Errorf("a message of %s is deleted: %v", name, err)
		}
		if err := s.Purge(ctx); isForbidden(err) != (name == Changes) {
			t.Errorf("%s is purged: %v", name, err)
		}
	}
}

// isForbidden reports whether the server refuses an operation by configuration.
func isForbidden(err error) bool {
	return err != nil && strings.Contains(err.Error(), "not permitted")
}

// The processor handles poison messages: the server must not stop delivering one.
func TestMessageIsDeliveredUntilItIsAcknowledged(t *testing.T) {
	ctx, js := ensure(t)
	if _, err := js.Publish(ctx, Unregistered("demo"), []byte("poison")); err != nil {
		t.Fatal(err)
	}
	consumer, err := js.Consumer(ctx, Name, Consumer)
	if err != nil {
		t.Fatal(err)
	}
	for delivery := uint64(1); delivery <= 30; delivery++ {
		m, err := consumer.Next(jetstream.FetchMaxWait(10 * time.Second))
		if err != nil {
			t.Fatalf("delivery %d: %v", delivery, err)
		}
		if meta, err := m.Metadata(); err != nil || meta.NumDelivered != delivery {
			t.Fatalf("delivery %d: %+v, %v", delivery, meta, err)
		}
		if err := m.Nak(); err != nil {
			t.Fatal(err)
		}
	}
	if c := consumer.CachedInfo().Config; c.AckWait != AckWait || c.MaxAckPending != MaxAckPending {
		t.Errorf("a message is delivered again after %s, %d are in flight at most", c.AckWait, c.MaxAckPending)
	}
}

// Heartbeats expire, and cost no disk; jobs are kept.
func TestBucketsOfTheRunningSystem(t *testing.T) {
	ctx, js := ensure(t)
	for bucket, want := range map[string]struct {
		storage jetstream.StorageType
		expiry  time.Duration
	}{
		BucketServices: {jetstream.MemoryStorage, HeartbeatTTL},
		BucketJobs:     {jetstream.FileStorage, 0},
	} {
		s, err := js.Stream(ctx, BucketStream(bucket))
		if err != nil {
			t.Fatal(err)
		}
		if c := s.CachedInfo().Config; c.Storage != want.storage || c.MaxAge != want.expiry {
			t.Errorf("bucket %s: storage %s, expiry %s", bucket, c.Storage, c.MaxAge)
		}
	}
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

// Every version of a declaration must stay readable, also the 65th and the first.
func TestBucketsKeepEveryVersion(t *testing.T) {
	ctx, js := ensure(t)
	const versions = 100
	for _, bucket := range []string{BucketSchemas, BucketApplications, BucketTokens} {
		kv, err := js.KeyValue(ctx, bucket)
		if err != nil {
			t.Fatal(err)
		}
		for range versions {
			if _, err := kv.Put(ctx, "key", []byte("{}")); err != nil {
				t.Fatal(err)
			}
		}
		if err := Ensure(ctx, js, Config{MaxBytes: 64 << 20}); err != nil {
			t.Fatal(err)
		}
		history, err := kv.History(ctx, "key")
		if err != nil || len(history) != versions {
			t.Errorf("bucket %s keeps %d versions of %d (%v)", bucket, len(history), versions, err)
		}
	}
}

func TestWaitEndsWithEnsureOrItsContext(t *testing.T) {
	ctx, js := connect(t)
	ended, cancel := context.WithCancel(ctx)
	cancel()
	if err := Wait(ended, js); !errors.Is(err, context.Canceled) {
		t.Errorf("Wait without a stream = %v, want the context's end", err)
	}
	late, cancel := context.WithTimeout(ctx, 50*time.Millisecond)
	defer cancel()
	if err := Wait(late, js); !errors.Is(err, context.DeadlineExceeded) {
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

// A service that waits finds everything: an Ensure that has ended early, as by a
// crash, does not release it.
func TestWaitOutlastsAPartialEnsure(t *testing.T) {
	ctx, js := connect(t)
	config := jobsConfig(1)
	config.Storage = jetstream.MemoryStorage // Ensure cannot change it
	if _, err := js.CreateKeyValue(ctx, config); err != nil {
		t.Fatal(err)
	}
	if err := Ensure(ctx, js, Config{}); err == nil {
		t.Fatal("Ensure changed the storage of a bucket")
	}
	ended, cancel := context.WithTimeout(ctx, 50*time.Millisecond)
	defer cancel()
	if err := Wait(ended, js); err == nil {
		t.Error("Wait ended before the consumer and a bucket existed")
	}
}

// The stream of changes has every version and removal of the registry, in the
// order of each bucket.
func TestChangesHoldEveryVersion(t *testing.T) {
	ctx, js := ensure(t)
	changes, err := js.Stream(ctx, Changes)
	if err != nil {
		t.Fatal(err)
	}
	seq := uint64(0)
	for _, bucket := range []string{BucketSchemas, BucketApplications, BucketTokens} {
		kv, err := js.KeyValue(ctx, bucket)
		if err != nil {
			t.Fatal(err)
		}
		for _, value := range []string{"one", "two"} {
			if _, err := kv.PutString(ctx, "key", value); err != nil {
				t.Fatal(err)
			}
		}
		if err := kv.Delete(ctx, "key"); err != nil {
			t.Fatal(err)
		}
		for _, want := range []string{"one", "two", ""} {
			seq++
			m, err := changes.GetMsg(ctx, seq)
			for errors.Is(err, jetstream.ErrMsgNotFound) && ctx.Err() == nil {
				m, err = changes.GetMsg(ctx, seq) // it is copied a moment later
			}
			if err != nil {
				t.Fatalf("change %d: %v", seq, err)
			}
			if string(m.Data) != want || m.Subject != "$KV."+bucket+".key" {
				t.Errorf("change %d is %q under %s, want %q of bucket %s", seq, m.Data, m.Subject, want, bucket)
			}
		}
	}
}
