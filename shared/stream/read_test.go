package stream

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/nats-io/nats.go/jetstream"
	"pgregory.net/rapid"
)

func fillStream(ctx context.Context, t *testing.T, js jetstream.JetStream, n int, subject func(int) string) {
	t.Helper()
	if err := Ensure(ctx, js, Config{MaxBytes: 64 << 20}); err != nil {
		t.Fatal(err)
	}
	for i := range n {
		if _, err := js.PublishAsync(subject(i), fmt.Append(nil, i)); err != nil {
			t.Fatal(err)
		}
	}
	select {
	case <-js.PublishAsyncComplete():
	case <-ctx.Done():
		t.Fatal(ctx.Err())
	}
}

func sequences(ctx context.Context, t interface{ Fatal(...any) }, js jetstream.JetStream, r Range) []uint64 {
	var got []uint64
	for portion, err := range Read(ctx, js, r) {
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range portion {
			got = append(got, m.Seq)
		}
	}
	return got
}

// Read yields exactly the messages of any range over any subjects, in order.
func TestReadYieldsTheRange(t *testing.T) {
	ctx, js := connect(t)
	subjects := []string{Subject("a", "c", "n"), Unregistered("a"), Subject("b", "c", "n"), Unregistered("b")}
	const n = 3500
	of := func(i int) string { return subjects[i*i%7%len(subjects)] }
	fillStream(ctx, t, js, n, of)
	events, err := js.Stream(ctx, Name)
	if err != nil {
		t.Fatal(err)
	}
	m, err := events.GetMsg(ctx, 17)
	if err != nil || string(m.Data) != "16" {
		t.Fatalf("message 17 is not the one that was published 17th: %q, %v", m.Data, err)
	}
	rapid.Check(t, func(t *rapid.T) {
		r := Range{
			First:    rapid.Uint64Range(0, n+10).Draw(t, "first"),
			Last:     rapid.Uint64Range(0, n+10).Draw(t, "last"),
			Subjects: rapid.SliceOfNDistinct(rapid.SampledFrom(subjects), 0, 4, rapid.ID).Draw(t, "subjects"),
		}
		var want []uint64
		for i := range n {
			seq := uint64(i + 1)
			if seq >= r.First && (r.Last == 0 || seq <= r.Last) && (len(r.Subjects) == 0 || slices.Contains(r.Subjects, of(i))) {
				want = append(want, seq)
			}
		}
		if got := sequences(ctx, t, js, r); !slices.Equal(got, want) {
			t.Fatalf("%d messages, want %d; first difference at %d", len(got), len(want), difference(got, want))
		}
	})
}

func difference(a, b []uint64) int {
	for i := range min(len(a), len(b)) {
		if a[i] != b[i] {
			return i
		}
	}
	return min(len(a), len(b))
}

func TestReadOfAnEmptyStreamYieldsNothing(t *testing.T) {
	ctx, js := connect(t)
	if err := Ensure(ctx, js, Config{MaxBytes: 1 << 20}); err != nil {
		t.Fatal(err)
	}
	if got := sequences(ctx, t, js, Range{}); got != nil {
		t.Errorf("an empty stream yields %v", got)
	}
}

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
			t.Errorf("At(%v) = %d, %v; want %d", c.at, got, err, c.want)
		}
	}
}

func TestReadEndsWithItsContext(t *testing.T) {
	ctx, js := connect(t)
	fillStream(ctx, t, js, 2500, func(int) string { return Unregistered("a") })
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	end := errors.New("enough")
	portions := 0
	var last error
	for _, err := range Read(ctx, js, Range{}) {
		if last = err; err == nil {
			portions++
			cancel(end)
		}
	}
	if !errors.Is(last, end) || portions != 1 {
		t.Errorf("after %d portions it ended with %v", portions, last)
	}
}

// BenchmarkRead reads a stream of small messages.
func BenchmarkRead(b *testing.B) {
	ctx, js := connect(b)
	if err := Ensure(ctx, js, Config{}); err != nil {
		b.Fatal(err)
	}
	const n = 100_000
	payload := make([]byte, 250)
	for i := range n {
		if _, err := js.PublishAsync(Unregistered("a"), payload); err != nil {
			b.Fatal(err)
		}
		if i%1000 == 0 {
			<-js.PublishAsyncComplete()
		}
	}
	<-js.PublishAsyncComplete()
	for b.Loop() {
		count := 0
		for portion, err := range Read(ctx, js, Range{}) {
			if err != nil {
				b.Fatal(err)
			}
			count += len(portion)
		}
		if count != n {
			b.Fatal(count)
		}
	}
	b.ReportMetric(float64(n*b.N)/b.Elapsed().Seconds(), "events/s")
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
