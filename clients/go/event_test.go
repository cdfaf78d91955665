package eye

import (
	"encoding/json"
	"errors"
	"math"
	"strings"
	"testing"
	"time"
)

// Values are encoded as encoding/json does, whichever way they take.
func TestValuesAreThoseOfEncodingJSON(t *testing.T) {
	type pair struct {
		A int    `json:"a"`
		B string `json:"b,omitempty"`
	}
	at := time.Date(2026, 1, 31, 9, 0, 0, 120_000_000, time.FixedZone("", 3600))
	for _, v := range []any{
		nil, true, false, 0, -1, int64(math.MinInt64), int32(7), uint64(math.MaxUint64), uint8(3), 0.0, 1e6, 1e20, 1e21, -1e-10, 1.5, float32(0.1),
		"", "a\"b\\c\n\t\x00\x7f", "ü \U0001F600 \u2028", json.Number("12345678901234567890"), json.RawMessage(` {"a": [1]} `),
		[]any{},
		[]any{1, "a", nil, []any{true}},
		[]string{"a", "\""},
		[]int{1, 2},
		map[string]string{"a": "b"},
		map[int]string{1: "x"},
		map[string]any{"a": map[string]any{"b": []any{pair{1, ""}, &pair{2, "x"}}}},
		struct{}{},
		at,
		[]time.Time{},
	} {
		got, err := (&encoder{limit: 1 << 20}).appendValue(nil, v, 1)
		if err != nil {
			t.Fatalf("%#v: %v", v, err)
		}
		want, err := json.Marshal(v)
		if err != nil {
			t.Fatal(err)
		}
		if v == at {
			want = []byte(`"2026-01-31T08:00:00.120000Z"`)
		}
		if !equalJSON(json.RawMessage(got), json.RawMessage(want)) {
			t.Errorf("%#v is %s, want %s", v, got, want)
		}
		if f, ok := v.(float64); ok && string(got) != string(want) {
			t.Errorf("%v is %s, want %s", f, got, want)
		}
	}
}

func TestTimesHaveMicroseconds(t *testing.T) {
	for _, at := range []time.Time{
		{},
		time.Unix(0, 0), time.Date(2026, 12, 31, 23, 59, 59, 999_999_999, time.FixedZone("", -7200)), time.Date(9999, 1, 2, 3, 4, 5, 6000, time.UTC),
		time.Date(12026, 1, 1, 0, 0, 0, 0, time.UTC), time.Date(-5, 1, 1, 0, 0, 0, 0, time.UTC),
	} {
		if got, want := string(appendTime(nil, at)), at.UTC().Format(timeFormat); got != want {
			t.Errorf("%s, want %s", got, want)
		}
	}
}

// A map that holds itself, and values that are far too large, end early.
func TestEncodingIsBounded(t *testing.T) {
	m := map[string]any{}
	m["self"] = m
	list := []any{nil}
	list[0] = list
	wide := make([]any, 1<<20)
	for i := range wide {
		wide[i] = "four"
	}
	for _, c := range []struct {
		data any
		want error
	}{
		{m, ErrUnserialisable},
		{list, ErrUnserialisable},
		{map[string]any{"f": func() {}}, ErrUnserialisable},
		{map[string]any{"x": make(chan int)}, ErrUnserialisable},
		{json.RawMessage(`{"a":`), ErrUnserialisable},
		{map[string]any{"wide": wide}, ErrTooLarge},
		{map[string]any{"text": strings.Repeat("x", 10<<20)}, ErrTooLarge},
		{map[string]any{"texts": []string{strings.Repeat("x", 10<<20)}}, ErrTooLarge},
		{struct{ Text string }{strings.Repeat("x", 10<<20)}, ErrTooLarge},
	} {
		b, err := appendEvent(nil, &Event{Data: c.data}, time.Now())
		if !errors.Is(err, c.want) || len(b) > 2<<20 {
			t.Errorf("%T: %v after %d bytes, want %v", c.data, err, len(b), c.want)
		}
	}
}

func FuzzText(f *testing.F) {
	for _, s := range []string{"", "a\"\\\n\x00", "\xff\xc3ü", "\u2028\U0001F600"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		var got string
		if err := json.Unmarshal(appendText(nil, s), &got); err != nil {
			t.Fatalf("%q: %v", s, err)
		}
		want := ""
		for _, r := range s { // each wrong byte is one U+FFFD
			want += string(r)
		}
		if got != want {
			t.Errorf("%q became %q", s, got)
		}
	})
}
