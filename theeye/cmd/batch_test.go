package cmd

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/theeye/theeye/shared/daemon"
	"github.com/theeye/theeye/shared/event"
	"github.com/theeye/theeye/shared/format/native"
)

// batched is everything that a batcher returned.
type batched struct {
	Events  map[int64]string // by line
	Refused map[int64]string // code by line
	Last    int64
	Size    int64
	batches []*batch
}

func readBatches(t rapid.TB, r *batcher) (*batched, error) {
	t.Helper()
	all := &batched{Events: map[int64]string{}, Refused: map[int64]string{}}
	for {
		b, err := r.nextBatch()
		if errors.Is(err, io.EOF) {
			return all, nil
		}
		if err != nil {
			return all, err
		}
		var values []jsontext.Value
		if len(b.body) > 0 {
			if err := json.Unmarshal(b.body, &values); err != nil {
				t.Fatalf("the body is no array: %v: %.100s", err, b.body)
			}
		}
		if len(values) != len(b.lines) || b.seq != int64(len(all.batches)) || b.last < all.Last ||
			len(b.body) > maxBatchBytes || len(values) > maxBatchLines {
			t.Fatalf("batch %d: %d events, %d lines, to line %d, %d bytes", b.seq, len(values), len(b.lines), b.last, len(b.body))
		}
		for i, line := range b.lines {
			all.Events[line] = string(values[i])
		}
		for _, r := range b.refused {
			all.Refused[r.Line] = r.Code
		}
		all.Last, all.Size, all.batches = b.last, all.Size+b.size, append(all.batches, b)
	}
}

func TestLinesBecomeEventsOrRefusals(t *testing.T) {
	long := `{"a":"` + strings.Repeat("x", event.MaxBytes) + `"}`
	longer := strings.Repeat("y", 3*maxLineBytes)
	for _, c := range []struct {
		name, in string
		skip     int64
		events   map[int64]string
		refused  map[int64]string
		last     int64
	}{
		{name: "nothing"},
		{name: "blank lines", in: "\n \r\n\t\n", last: 3},
		{name: "no line break at the end", in: "{}\n{}", events: map[int64]string{1: "{}", 2: "{}"}, last: 2},
		{name: "CR LF", in: "{}\r\n\r\n {} \r\n", events: map[int64]string{1: "{}", 3: "{}"}, last: 3},
		{name: "a mark in front", in: "\uFEFF{}\n\uFEFF{}\n", events: map[int64]string{1: "{}"}, refused: map[int64]string{2: "invalid_json"}, last: 2},
		{
			name: "an array over lines", in: "[\n{},\n{}\n]\n",
			events: map[int64]string{3: "{}"}, refused: map[int64]string{1: "invalid_json", 2: "invalid_json", 4: "invalid_json"}, last: 4,
		},
		{
			name: "no objects", in: "[{}]\n1\n\"{}\"\nnull\n{}{}\n",
			refused: map[int64]string{1: "not_object", 2: "not_object", 3: "not_object", 4: "not_object", 5: "invalid_json"}, last: 5,
		},
		{name: "a batch in a line", in: `{"events":[{},{}]}`, events: map[int64]string{1: `{"events":[{},{}]}`}, last: 1},
		{
			name: "long lines", in: "{}\n" + long + "\n" + longer + "\n{}\n" + longer,
			events: map[int64]string{1: "{}", 4: "{}"}, refused: map[int64]string{2: "too_large", 3: "too_large", 5: "too_large"}, last: 5,
		},
		{
			name: "skipped", in: "{\"a\":1}\n\nbroken\n{\"a\":4}\n", skip: 3,
			events: map[int64]string{4: `{"a":4}`}, last: 4,
		},
		{name: "all skipped", in: "{}\n{}\n", skip: 5, last: 2},
	} {
		t.Run(c.name, func(t *testing.T) {
			got, err := readBatches(t, newBatcher(strings.NewReader(c.in), c.skip))
			if err != nil {
				t.Fatal(err)
			}
			for _, m := range []*map[int64]string{&c.events, &c.refused} {
				if *m == nil {
					*m = map[int64]string{}
				}
			}
			if d := cmp.Diff(c.events, got.Events); d != "" {
				t.Error(d)
			}
			if d := cmp.Diff(c.refused, got.Refused); d != "" {
				t.Error(d)
			}
			if got.Last != c.last || got.Size != int64(len(c.in)) {
				t.Errorf("%d lines, %d of %d bytes", got.Last, got.Size, len(c.in))
			}
		})
	}
}

// For any input that arrives in any pieces, each line is in exactly one batch,
// unchanged.
func TestEveryLineIsInOneBatch(t *testing.T) {
	line := rapid.OneOf(
		rapid.SampledFrom([]string{"", " ", "{}", `{"a":[1,2]}`, "[{}]", "{", "1", "\x00", "\xff", "\r"}),
		rapid.Custom(func(t *rapid.T) string {
			return `{"a":"` + strings.Repeat("x", rapid.IntRange(0, 300_000).Draw(t, "long")) + `"}`
		}),
	)
	rapid.Check(t, func(t *rapid.T) {
		lines := rapid.SliceOfN(line, 0, 40).Draw(t, "lines")
		text := strings.Join(lines, "\n")
		in := io.Reader(strings.NewReader(text))
		if rapid.Bool().Draw(t, "in pieces") {
			in = iotest.HalfReader(in)
		}
		got, err := readBatches(t, newBatcher(in, 0))
		if err != nil || got.Size != int64(len(text)) {
			t.Fatalf("%d of %d bytes, %v", got.Size, len(text), err)
		}
		for i, want := range lines {
			number := int64(i + 1)
			want = strings.TrimSpace(want)
			_, refused := got.Refused[number]
			held, sent := got.Events[number]
			if _, r := native.Inspect([]byte(want)); want == "" && (sent || refused) || want != "" && (refused != (r != nil) || sent == refused) {
				t.Fatalf("line %d %.20q: sent %t, refused %t", number, want, sent, refused)
			}
			if sent && held != want {
				t.Fatalf("line %d is %.20q, sent as %.20q", number, want, held)
			}
		}
	})
}

func TestBatchesAreBounded(t *testing.T) {
	few := strings.Repeat("{}\n", 2*maxBatchLines+1)
	got, err := readBatches(t, newBatcher(strings.NewReader(few), 0))
	if err != nil || !slices.Equal(sizes(got), []int{1000, 1000, 1}) {
		t.Errorf("%v, %v", sizes(got), err)
	}
	garbage := strings.Repeat("x\n", maxBatchLines+1)
	if got, err = readBatches(t, newBatcher(strings.NewReader(garbage), 0)); err != nil || len(got.batches) != 2 || len(got.batches[0].refused) != maxBatchLines {
		t.Errorf("%d batches, %v", len(got.batches), err)
	}
	heavy := strings.Repeat(`{"a":"`+strings.Repeat("x", event.MaxBytes-10)+"\"}\n", 9)
	if got, err = readBatches(t, newBatcher(strings.NewReader(heavy), 0)); err != nil || len(got.Events) != 9 || len(got.batches) < 3 {
		t.Errorf("%d events in %d batches, %v", len(got.Events), len(got.batches), err)
	}
}

func sizes(t *batched) (n []int) {
	for _, b := range t.batches {
		n = append(n, len(b.lines))
	}
	return n
}

// A batch ends when the input pauses, not only when it is full.
func TestBatchEndsWhenTheInputPauses(t *testing.T) {
	in, out := io.Pipe()
	defer func() { _ = in.Close() }()
	r := newBatcher(in, 0)
	for i := range 3 {
		go func() { _, _ = fmt.Fprintf(out, "{\"n\":%d}\n{}\n{\"half\":", i) }()
		b, err := r.nextBatch()
		if err != nil || len(b.lines) != 2 || !bytes.Contains(b.body, fmt.Appendf(nil, `"n":%d}`, i)) {
			t.Fatalf("%+v, %v", b, err)
		}
		go func() { _, _ = io.WriteString(out, "1}\n") }()
		if b, err = r.nextBatch(); err != nil || string(b.body) != `[{"half":1}]` {
			t.Fatalf("%+v, %v", b, err)
		}
	}
}

// The complete lines before the failure are a batch; the incomplete one is not.
func TestInputFailureFollowsTheLastBatch(t *testing.T) {
	in := io.MultiReader(strings.NewReader("{}\n{\"a\":1}\n{}"), iotest.ErrReader(errors.New("disk gone")))
	got, err := readBatches(t, newBatcher(in, 0))
	if len(got.Events) != 2 || !errors.Is(err, daemon.ErrUsage) || !strings.Contains(err.Error(), "line 3") || !strings.Contains(err.Error(), "disk gone") {
		t.Errorf("%v, %v", got.Events, err)
	}
}
