package native_test

import (
	stdjson "encoding/json"
	"strings"
	"testing"

	"github.com/theeye/theeye/shared/format/native"
)

// benchEvent is a usual event of some 300 bytes, with an id and nested data.
const benchEvent = `{"event_id":"0176bd3a-f88b-7e0e-b5d4-8c8407611a72","session_id":"e2085be5-9137-4e4e-80b5-f1ffddc25423",` +
	`"category":"page interaction","name":"cta click","data":{"host":"www.example.com","path":"/pricing","element":"chat bubble",` +
	`"position":{"x":120,"y":55.5}},"timestamp":"2021-01-01 09:15:27.243860"}`

var withoutID = strings.Replace(benchEvent, `"event_id"`, `"other_id"`, 1)

func benchmark(b *testing.B, size int, run func() bool) {
	b.Helper()
	b.ReportAllocs()
	b.SetBytes(int64(size))
	for b.Loop() {
		if !run() {
			b.Fatal("refused")
		}
	}
}

func BenchmarkInspect(b *testing.B) {
	raw := []byte(benchEvent)
	benchmark(b, len(raw), func() bool { _, r := native.Inspect(raw); return r == nil })
}

func BenchmarkInspectDerivingTheID(b *testing.B) {
	raw := []byte(withoutID)
	benchmark(b, len(raw), func() bool { _, r := native.Inspect(raw); return r == nil })
}

func BenchmarkDecode(b *testing.B) {
	raw := []byte(benchEvent)
	benchmark(b, len(raw), func() bool { _, r := native.Decode(raw); return r == nil })
}

func BenchmarkStandardLibrary(b *testing.B) {
	raw := []byte(benchEvent)
	benchmark(b, len(raw), func() bool { var v any; return stdjson.Unmarshal(raw, &v) == nil })
}

func benchmarkSplit(b *testing.B, body string, want int) {
	b.Helper()
	raw := []byte(body)
	benchmark(b, len(raw), func() bool {
		batch, err := native.Split(raw, false, 1000)
		return err == nil && len(batch.Items) == want
	})
}

func BenchmarkSplitOne(b *testing.B) { benchmarkSplit(b, benchEvent, 1) }

func BenchmarkSplitArrayOf100(b *testing.B) {
	benchmarkSplit(b, "["+strings.Repeat(benchEvent+",", 99)+benchEvent+"]", 100)
}

func BenchmarkSplit100Lines(b *testing.B) {
	benchmarkSplit(b, strings.Repeat(benchEvent+"\n", 100), 100)
}

func BenchmarkRefuseMegabyteOfBrackets(b *testing.B) {
	raw := []byte(strings.Repeat("[", 1<<20))
	benchmark(b, len(raw), func() bool { _, err := native.Split(raw, false, 1000); return err != nil })
}
