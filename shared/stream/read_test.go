package stream

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/nats-io/nats.go"
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
		if i < n-1 && i%1000 != 999 {
			continue
		}
		select {
		case <-js.PublishAsyncComplete():
		case <-ctx.Done():
			t.Fatal(ctx.Err())
		}
	}
}

type reader func(context.Context, jetstream.JetStream, Range) iter.Seq2[[]Raw, error]

// readers promise the same.
var readers = map[string]reader{"Read": Read, "Consume": Consume}

// withEach runs a test for each reader.
func withEach(t *testing.T, test func(t *testing.T, read reader)) {
	for name, read := range readers {
		t.Run(name, func(t *testing.T) { test(t, read) })
	}
}

func sequences(
	ctx context.Context, t interface{ Fatal(...any) }, js jetstream.JetStream, r Range, read reader,
) []uint64 {
	var got []uint64
	for portion, err := range read(ctx, js, r) {
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
		for name, read := range readers {
			if got := sequences(ctx, t, js, r, read); !slices.Equal(got, want) {
				t.Fatalf("%s: %d messages, want %d; first difference at %d", name, len(got), len(want), difference(got, want))
			}
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
	withEach(t, func(t *testing.T, read reader) {
		ctx, js := connect(t)
		if err := Ensure(ctx, js, Config{MaxBytes: 1 << 20}); err != nil {
			t.Fatal(err)
		}
		if got := sequences(ctx, t, js, Range{}, read); got != nil {
			t.Errorf("an empty stream yields %v", got)
		}
	})
}

// A message is the publisher's: what the server adds to its replies is not in it.
func TestReadYieldsMessagesAsPublished(t *testing.T) {
	withEach(t, func(t *testing.T, read reader) {
		ctx, js := ensure(t)
		want := []Raw{
			{Header: nats.Header{}, Payload: []byte{}},
			{Header: nats.Header{HeaderApplication: {"demo"}, "X-Other": {"1", "2"}}, Payload: []byte("payload")},
		}
		events, err := js.Stream(ctx, Name)
		if err != nil {
			t.Fatal(err)
		}
		for i := range want {
			if _, err := js.PublishMsg(ctx, &nats.Msg{Subject: Unregistered("demo"), Header: want[i].Header, Data: want[i].Payload}); err != nil {
				t.Fatal(err)
			}
			stored, err := events.GetMsg(ctx, uint64(i+1))
			if err != nil {
				t.Fatal(err)
			}
			want[i].Seq, want[i].Time = stored.Sequence, stored.Time
		}
		var got []Raw
		for portion, err := range read(ctx, js, Range{}) {
			if err != nil {
				t.Fatal(err)
			}
			got = append(got, portion...)
		}
		if diff := cmp.Diff(want, got, cmpopts.EquateEmpty()); diff != "" {
			t.Errorf("messages (-published +read):\n%s", diff)
		}
	})
}

// A portion is bounded by the number of its messages and by their bytes.
func TestPortionsAreBounded(t *testing.T) {
	withEach(t, func(t *testing.T, read reader) {
		ctx, js := ensure(t)
		const small, large, largeBytes = 1500, 8, 600 << 10
		payload := make([]byte, largeBytes)
		for i := range small + large {
			data := payload[:1]
			if i >= small {
				data = payload
			}
			if _, err := js.PublishAsync(Unregistered("demo"), data); err != nil {
				t.Fatal(err)
			}
		}
		<-js.PublishAsyncComplete()
		total := 0
		for portion, err := range read(ctx, js, Range{}) {
			if err != nil {
				t.Fatal(err)
			}
			size := 0
			for _, m := range portion {
				size += len(m.Payload)
			}
			if total += len(portion); len(portion) > consumedPortion || size > 2<<20+largeBytes {
				t.Errorf("a portion of %d messages and %d bytes", len(portion), size)
			}
		}
		if total != small+large {
			t.Errorf("%d messages, want %d", total, small+large)
		}
	})
}

// A request that fails is repeated; here, until the stream exists.
func TestReadRepeatsFailedRequests(t *testing.T) {
	withEach(t, func(t *testing.T, read reader) {
		ctx, js := connect(t)
		failed := make(chan struct{}, 1)
		go func() {
			// The same request without a stream: NATS answers that there is no responder.
			_, _ = js.Conn().RequestWithContext(ctx, "$JS.API.DIRECT.GET."+Name, []byte("{}"))
			failed <- struct{}{}
		}()
		done := make(chan error, 1)
		go func() {
			for _, err := range read(ctx, js, Range{}) {
				if err != nil {
					done <- err
					return
				}
			}
			done <- nil
		}()
		<-failed
		if err := Ensure(ctx, js, Config{MaxBytes: 1 << 20}); err != nil {
			t.Fatal(err)
		}
		if err := <-done; err != nil {
			t.Errorf("Read = %v", err)
		}
	})
}

// A caller may end early; TestMain finds a goroutine that is left.
func TestReadStopsWithTheCaller(t *testing.T) {
	withEach(t, func(t *testing.T, read reader) {
		ctx, js := connect(t)
		fillStream(ctx, t, js, 5500, func(int) string { return Unregistered("a") })
		for portion, err := range read(ctx, js, Range{First: 100}) {
			if err != nil || len(portion) == 0 || portion[0].Seq != 100 {
				t.Errorf("%d messages, %v", len(portion), err)
			}
			break
		}
	})
}

func TestReadEndsWithItsContext(t *testing.T) {
	withEach(t, func(t *testing.T, read reader) {
		ctx, js := connect(t)
		fillStream(ctx, t, js, 5500, func(int) string { return Unregistered("a") })
		ctx, cancel := context.WithCancelCause(ctx)
		defer cancel(nil)
		end := errors.New("enough")
		portions := 0
		var last error
		for _, err := range read(ctx, js, Range{}) {
			if last = err; err == nil {
				portions++
				cancel(end)
			}
		}
		if !errors.Is(last, end) || portions != 1 {
			t.Errorf("after %d portions it ended with %v", portions, last)
		}
	})
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
	for name, read := range readers {
		b.Run(name, func(b *testing.B) {
			for b.Loop() {
				count := 0
				for portion, err := range read(ctx, js, Range{}) {
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
		})
	}
}
