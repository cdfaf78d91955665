package stream

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/nats-io/nats.go/jetstream"
)

func TestSeqAtReturnsTheFirstSequenceFromATime(t *testing.T) {
	ctx, js := connect(t)
	fillStream(ctx, t, js, 5, func(int) string { return Unregistered("a") })
	events, err := js.Stream(ctx, Name)
	if err != nil {
		t.Fatal(err)
	}
	third, err := events.GetMsg(ctx, 3)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		at   time.Time
		want uint64
	}{
		{time.Unix(0, 0), 1},
		{third.Time, 3},
		{third.Time.Add(time.Nanosecond), 4},
		{time.Now().Add(time.Hour), 6},
	} {
		if got, err := SeqAt(ctx, js, c.at); err != nil || got != c.want {
			t.Errorf("SeqAt(%v) = %d, %v; want %d", c.at, got, err, c.want)
		}
	}
}

// A purged stream goes on with its sequences.
func TestSeqAtOfAPurgedStreamIsTheNextSequence(t *testing.T) {
	ctx, js := ensure(t)
	for want := range uint64(3) {
		if got, err := SeqAt(ctx, js, time.Unix(0, 0)); err != nil || got != want+1 {
			t.Errorf("SeqAt of an empty stream = %d, %v; want %d", got, err, want+1)
		}
		if _, err := js.Publish(ctx, Unregistered("a"), nil); err != nil {
			t.Fatal(err)
		}
		s, err := js.Stream(ctx, Name)
		if err != nil {
			t.Fatal(err)
		}
		if err := s.Purge(ctx); err != nil {
			t.Fatal(err)
		}
	}
}

func TestFirstFromSkipsGaps(t *testing.T) {
	ctx, js := connect(t)
	subjects := []string{Unregistered("a"), Unregistered("a"), Unregistered("b"), Subject("a", "c", "n"), Unregistered("b"), Unregistered("a")}
	fillStream(ctx, t, js, len(subjects), func(i int) string { return subjects[i] })
	s, err := js.Stream(ctx, Name)
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Purge(ctx, jetstream.WithPurgeSubject(Unregistered("a"))); err != nil {
		t.Fatal(err)
	}
	for from, want := range map[uint64]uint64{1: 3, 2: 3, 3: 3, 4: 4, 5: 5, 6: 0, 7: 0} {
		var at time.Time
		if want > 0 {
			m, err := s.GetMsg(ctx, want)
			if err != nil {
				t.Fatal(err)
			}
			at = m.Time
		}
		if gotAt, got, err := FirstFrom(ctx, s, from); err != nil || got != want || !gotAt.Equal(at) {
			t.Errorf("FirstFrom(%d) = %v, %d, %v; want %v, %d", from, gotAt, got, err, at, want)
		}
	}
	ended, cancel := context.WithCancel(ctx)
	cancel()
	if _, _, err := FirstFrom(ended, s, 1); !errors.Is(err, context.Canceled) {
		t.Errorf("FirstFrom = %v, want the context's end", err)
	}
}

func TestEpochIsInMicroseconds(t *testing.T) {
	ctx, js := connect(t)
	if _, err := Epoch(ctx, js); !errors.Is(err, jetstream.ErrStreamNotFound) {
		t.Errorf("without a stream the error is %v", err)
	}
	before := time.Now()
	if err := Ensure(ctx, js, Config{}); err != nil {
		t.Fatal(err)
	}
	epoch, err := Epoch(ctx, js)
	if created := time.UnixMicro(epoch); err != nil || created.Before(before.Truncate(time.Microsecond)) || created.After(time.Now()) {
		t.Errorf("Epoch = %d, %v", epoch, err)
	}
}

func TestNewestRevisionCountsRemovals(t *testing.T) {
	ctx, js := connect(t)
	if _, err := NewestRevision(ctx, js, BucketSchemas); !errors.Is(err, jetstream.ErrStreamNotFound) {
		t.Errorf("without a bucket the error is %v", err)
	}
	if err := Ensure(ctx, js, Config{MaxBytes: 1 << 20}); err != nil {
		t.Fatal(err)
	}
	kv, err := js.KeyValue(ctx, BucketSchemas)
	if err != nil {
		t.Fatal(err)
	}
	want := uint64(0)
	check := func() {
		t.Helper()
		if got, err := NewestRevision(ctx, js, BucketSchemas); err != nil || got != want {
			t.Errorf("NewestRevision = %d, %v; want %d", got, err, want)
		}
	}
	check()
	if want, err = kv.PutString(ctx, KeyPolicy, "{}"); err != nil {
		t.Fatal(err)
	}
	check()
	if err := kv.Delete(ctx, KeyPolicy); err != nil {
		t.Fatal(err)
	}
	want++
	check()
}
