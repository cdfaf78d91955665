package queryapi_test

import (
	"fmt"
	"io"
	"net/http"
	"os"
	"slices"
	"strconv"
	"testing"
	"time"

	"github.com/theeye/theeye/queryapi/apidoc/apicheck"
	"github.com/theeye/theeye/shared/store"
)

// benchEvents is the number of events that are stored before the clock starts:
// EYE_BENCH_EVENTS, by default 100,000.
func benchEvents(b *testing.B) int {
	text := os.Getenv("EYE_BENCH_EVENTS")
	if text == "" {
		return 100_000
	}
	n, err := strconv.Atoi(text)
	if err != nil {
		b.Fatalf("EYE_BENCH_EVENTS: %v", err)
	}
	return n
}

// benchSession returns the id of session i. Sessions have ten events and are
// interleaved, as when many people browse.
func benchSession(i int) string { return fmt.Sprintf("%08x-0000-4000-8000-%012x", i*7919, i) }

func fillBench(b *testing.B, fx *fixture, events int) (sessions int) {
	b.Helper()
	sessions = max(events/10, 1)
	// Events every six seconds until now: a week of them, at the default size.
	const pause = 6 * time.Second
	start := time.Now().Add(-time.Duration(events) * pause)
	docs := make([]*store.Document, 0, 1000)
	for i := range events {
		at := start.Add(time.Duration(i) * pause)
		docs = append(docs, fx.document("shop", at, anEvent(fmt.Sprintf("%012x", i), benchSession(i%sessions),
			"page interaction", "pageview", at.Format(time.RFC3339Nano))))
		if len(docs) == cap(docs) || i == events-1 {
			fx.writeDocuments(docs...)
			docs = docs[:0]
		}
	}
	return sessions
}

// BenchmarkQueries measures whole requests over HTTP: p50 and p99 of the
// timeline of a session, of one event, and of the newest page of a category.
func BenchmarkQueries(b *testing.B) {
	fx := newFixture(b)
	// The checker reads every answer a second time.
	fx.client.Transport = fx.client.Transport.(*apicheck.Transport).Base
	sessions := fillBench(b, fx, benchEvents(b))
	for name, target := range map[string]func(i int) string{
		"session":  func(i int) string { return "/v1/sessions/" + benchSession(i*31%sessions) },
		"event":    func(i int) string { return fmt.Sprintf("/v1/events/%012x?application=shop", i*31%(sessions*10)) },
		"category": func(int) string { return "/v1/events?category=page+interaction&order=desc" },
	} {
		b.Run(name, func(b *testing.B) {
			took := make([]time.Duration, 0, b.N)
			for i := 0; b.Loop(); i++ {
				start := time.Now()
				fx.fetchAll(b, target(i))
				took = append(took, time.Since(start))
			}
			slices.Sort(took)
			b.ReportMetric(took[len(took)/2].Seconds()*1e3, "p50-ms")
			b.ReportMetric(took[len(took)*99/100].Seconds()*1e3, "p99-ms")
		})
	}
}

func (fx *fixture) fetchAll(b *testing.B, target string) {
	req, err := http.NewRequestWithContext(b.Context(), http.MethodGet, fx.base+target, http.NoBody)
	if err != nil {
		b.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+operator)
	resp, err := fx.client.Do(req)
	if err != nil {
		b.Fatal(err)
	}
	n, err := io.Copy(io.Discard, resp.Body)
	_ = resp.Body.Close()
	if err != nil || resp.StatusCode != http.StatusOK || n < 300 {
		b.Fatalf("%s: %d, %d bytes, %v", target, resp.StatusCode, n, err)
	}
}
