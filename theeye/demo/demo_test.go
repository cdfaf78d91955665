package demo

import (
	"bytes"
	"errors"
	"io"
	"strings"
	"testing"
	"testing/iotest"
	"time"
)

// end is the time before which the samples of the tests happen.
var end = time.Date(2026, 4, 1, 12, 0, 0, 123456000, time.UTC)

func newSample(t *testing.T, c Config) *Sample {
	t.Helper()
	s, err := New(c)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func readAll(t *testing.T, s *Sample) []byte {
	t.Helper()
	text, err := io.ReadAll(s.NDJSON())
	if err != nil {
		t.Fatal(err)
	}
	return text
}

func TestSameConfigMakesTheSameEvents(t *testing.T) {
	config := Config{Events: 3000, Days: 30, Seed: 5, Until: end}
	first := readAll(t, newSample(t, config))
	if second := readAll(t, newSample(t, config)); !bytes.Equal(first, second) {
		t.Error("the same config made other events")
	}
	lines := map[string]bool{}
	for line := range strings.Lines(string(first)) {
		lines[line] = true
	}
	for name, other := range map[string]Config{
		"seed": {3000, 30, 6, end}, "days": {3000, 31, 5, end}, "end": {3000, 30, 5, end.Add(time.Second)},
	} {
		for line := range strings.Lines(string(readAll(t, newSample(t, other)))) {
			if lines[line] {
				t.Fatalf("another %s makes an event again: %s", name, line)
			}
		}
	}
	more := string(readAll(t, newSample(t, Config{5000, 30, 5, end})))
	for line := range strings.Lines(more) {
		delete(lines, line)
	}
	if len(lines) != 0 || strings.Count(more, "\n") != 5000 {
		t.Errorf("%d events are not among more events", len(lines))
	}
}

func TestReaderFollowsTheRulesOfReaders(t *testing.T) {
	s := newSample(t, Config{Events: 100, Days: 3, Seed: 1, Until: end})
	if err := iotest.TestReader(s.NDJSON(), readAll(t, s)); err != nil {
		t.Error(err)
	}
}

func TestConfigIsBounded(t *testing.T) {
	for name, c := range map[string]Config{
		"no events": {0, 1, 1, end}, "too many events": {MaxEvents + 1, 1, 1, end},
		"no days": {1, 0, 1, end}, "too many days": {1, MaxDays + 1, 1, end},
		"before the first year": {1, 2, 1, time.Date(1, 1, 2, 0, 0, 0, 0, time.UTC)},
		"after the last year":   {1, 2, 1, time.Date(10000, 1, 2, 0, 0, 0, 0, time.UTC)},
	} {
		if _, err := New(c); !errors.Is(err, ErrConfig) {
			t.Errorf("%s: %v", name, err)
		}
	}
	for name, c := range map[string]Config{
		"one event": {1, 1, 0, end}, "one day": {4000, 1, 2, end}, "many days": {2000, MaxDays, 3, end},
		"long ago": {500, 300, 4, time.Date(2, 1, 1, 0, 0, 0, 0, time.UTC)},
	} {
		if got := bytes.Count(readAll(t, newSample(t, c)), []byte("\n")); got != c.Events {
			t.Errorf("%s: %d events of %d", name, got, c.Events)
		}
	}
}

func BenchmarkNDJSON(b *testing.B) {
	s, err := New(Config{Events: 100_000, Days: 90, Seed: 1, Until: end})
	if err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		n, err := io.Copy(io.Discard, s.NDJSON())
		if err != nil {
			b.Fatal(err)
		}
		b.SetBytes(n)
	}
	b.ReportMetric(float64(b.N)*100_000/b.Elapsed().Seconds(), "events/s")
}
