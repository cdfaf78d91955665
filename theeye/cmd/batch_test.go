package cmd

import (
	"bytes"
	"compress/gzip"
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
	"golang.org/x/text/encoding"
	"golang.org/x/text/encoding/unicode"
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
			name: "no objects", in: "[1]\n1\n\"{}\"\nnull\n{}{}\n",
			refused: map[int64]string{1: "not_object", 2: "not_object", 3: "not_object", 4: "not_object", 5: "invalid_json"}, last: 5,
		},
		{name: "an array", in: `[{"a":1},{"b":2}]`, events: map[int64]string{1: `{"a":1}`, 2: `{"b":2}`}, last: 2},
		{name: "an array over lines", in: "[\n{},\n{}\n]\n", events: map[int64]string{1: "{}", 2: "{}"}, last: 2},
		{name: "an array of more than objects", in: "[{},1,[{}]]\n", events: map[int64]string{1: "{}"}, refused: map[int64]string{2: "not_object", 3: "not_object"}, last: 3},
		{name: "an empty array", in: "[\n]\n"},
		{name: "arrays", in: "[{}] [{}]\n[]\n[{},{}]", events: map[int64]string{1: "{}", 2: "{}", 3: "{}", 4: "{}"}, last: 4},
		{name: "a mark before an array", in: "\uFEFF[{}]", events: map[int64]string{1: "{}"}, last: 1},
		{name: "over lines", in: "{\n  \"a\": 1\n}\n\n{\n}\n", events: map[int64]string{1: "{\n  \"a\": 1\n}", 2: "{\n}"}, last: 2},
		{name: "one over lines, without an end of line", in: "{\n\"a\": 1}", events: map[int64]string{1: "{\n\"a\": 1}"}, last: 1},
		{name: "several in a line", in: `{"a":1}{"a":2} {"a":3}`, events: map[int64]string{1: `{"a":1}`, 2: `{"a":2}`, 3: `{"a":3}`}, last: 3},
		{name: "a cut line before others", in: "{\"a\":\n{}\n", events: map[int64]string{2: "{}"}, refused: map[int64]string{1: "invalid_json"}, last: 2},
		{name: "a batch in a line", in: `{"events":[{"a":1},{}]}`, events: map[int64]string{1: `{"a":1}`, 2: "{}"}, last: 2},
		{
			name: "a batch over lines", in: "{\n\"sent_at\": \"x\",\n\"events\": [\n{\"a\": 1},\n{}\n], \"more\": {\"a\": [1]}\n}\n",
			events: map[int64]string{1: `{"a": 1}`, 2: "{}"}, last: 2,
		},
		{name: "an event with a member events", in: `{"category":"c","events":[{}]}`, events: map[int64]string{1: `{"category":"c","events":[{}]}`}, last: 1},
		{name: "a repeated name", in: "[{\"a\":1,\"a\":2},{}]", events: map[int64]string{2: "{}"}, refused: map[int64]string{1: "duplicate_key"}, last: 2},
		{name: "skipped events", in: "[{},{\"a\":2}]", skip: 1, events: map[int64]string{2: `{"a":2}`}, last: 2},
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
		rapid.SampledFrom([]string{"", " ", "{}", `{"a":[1,2]}`, "[1]", "x{", "1", "\x00", "\xff", "\r"}),
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

// A cut or broken value ends the input, and the events before it are sent.
func TestBrokenValuesEndTheInput(t *testing.T) {
	for in, events := range map[string]int{
		"[{},{}":                 1, // the second could go on
		"[{},{}\n{}]":            2,
		"[{} {}]":                1,
		"{\n\"a\": 1}\n{\n\"a\"": 1,
		"{\n\"a\": }":            0,
		"[{},\n" + strings.Repeat(" ", 3*maxLineBytes) + "{}]":      1,
		"[{\"a\":\"" + strings.Repeat("x", 3*maxLineBytes) + "\"}]": 0,
	} {
		got, err := readBatches(t, newBatcher(strings.NewReader(in), 0))
		if len(got.Events) < events || len(got.Events) > events+1 || !errors.Is(err, daemon.ErrUsage) || !strings.Contains(err.Error(), "event ") {
			t.Errorf("%.40q: %d events, %v", in, len(got.Events), err)
		}
	}
}

// Any values become the same events, however they stand in the input.
func TestFormsOfInputAreRead(t *testing.T) {
	value := rapid.SampledFrom([]string{"{}", `{"a":[1,{"b":"\\u00e9"}]}`, "{\n \"x\": 1.50\n}", `{"long":"` + strings.Repeat("x", 70_000) + `"}`})
	rapid.Check(t, func(t *rapid.T) {
		values := rapid.SliceOfN(value, 1, 30).Draw(t, "values")
		text := rapid.SampledFrom([]func() string{
			func() string { return "[" + strings.Join(values, ",\n") + "]" },
			func() string { return "[\n" + strings.Join(values, " , ") + "\n]\n" },
			func() string { return "{\n" + `"events": [` + strings.Join(values, ",") + "]}" },
			func() string { return "{\n\"first\": 1}\n" + strings.Join(values, "\n") },
		}).Draw(t, "form")()
		first := int64(0)
		if strings.HasPrefix(text, "{\n\"first\"") {
			first = 1
		}
		in := io.Reader(strings.NewReader(text))
		if rapid.Bool().Draw(t, "in pieces") {
			in = iotest.HalfReader(in)
		}
		got, err := readBatches(t, newBatcher(in, 0))
		if err != nil || got.Size != int64(len(text)) || int64(len(got.Events)) != first+int64(len(values)) {
			t.Fatalf("%d of %d events, %d of %d bytes, %v", len(got.Events), len(values), got.Size, len(text), err)
		}
		for i, want := range values {
			if sent := got.Events[first+int64(i)+1]; sent != want {
				t.Fatalf("event %d is %.40q, sent as %.40q", i, want, sent)
			}
		}
	})
}

// Compressed text and UTF-16 are read as the text is.
func TestEncodedInputIsDecoded(t *testing.T) {
	const text = "{\"a\":\"é 東\"}\n{\"b\":2}\n"
	utf16 := func(e encoding.Encoding, s string) string {
		out, err := e.NewEncoder().String(s)
		if err != nil {
			t.Fatal(err)
		}
		return out
	}
	zip := func(s string) string {
		var b bytes.Buffer
		w := gzip.NewWriter(&b)
		_, err := io.WriteString(w, s)
		if err := errors.Join(err, w.Close()); err != nil {
			t.Fatal(err)
		}
		return b.String()
	}
	little, big := unicode.UTF16(unicode.LittleEndian, unicode.IgnoreBOM), unicode.UTF16(unicode.BigEndian, unicode.IgnoreBOM)
	for name, in := range map[string]string{
		"as it is":              text,
		"with a mark":           "\uFEFF" + text,
		"gzip":                  zip(text),
		"two gzip members":      zip(text[:9]) + zip(text[9:]),
		"UTF-16 LE":             utf16(little, text),
		"UTF-16 LE, marked":     utf16(little, "\uFEFF"+text),
		"UTF-16 BE":             utf16(big, text),
		"UTF-16 BE, marked":     utf16(big, "\uFEFF"+text),
		"UTF-16, then gzip":     zip(utf16(little, "\uFEFF"+text)),
		"CR LF, then UTF-16":    utf16(little, strings.ReplaceAll(text, "\n", "\r\n")),
		"an array, then UTF-16": utf16(big, `[{"a":"é 東"},{"b":2}]`),
	} {
		decoded, _, err := decodeInput(strings.NewReader(in))
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		got, err := readBatches(t, newBatcher(decoded, 0))
		if d := cmp.Diff(map[int64]string{1: `{"a":"é 東"}`, 2: `{"b":2}`}, got.Events); d != "" || err != nil {
			t.Errorf("%s: %v %s", name, err, d)
		}
	}
	decoded, _, err := decodeInput(strings.NewReader(zip(text)[:30]))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := readBatches(t, newBatcher(decoded, 0)); !errors.Is(err, daemon.ErrUsage) {
		t.Errorf("cut gzip: %v", err)
	}
}
