package eye

import (
	"context"
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"testing"
	"time"
)

// sinkTransport accepts everything.
type sinkTransport struct{}

func (sinkTransport) RoundTrip(r *http.Request) (*http.Response, error) {
	_, _ = io.Copy(io.Discard, r.Body)
	return nil, context.DeadlineExceeded
}

// BenchmarkEnqueue measures what a call costs the site, with a collector that does not
// answer, so that the queue is full, and the dearest path runs. The reference encodes the
// same event by encoding/json.
func BenchmarkEnqueue(b *testing.B) {
	data := map[string]any{"host": "www.example.com", "path": "/pricing", "element": "chat bubble"}
	event := Event{SessionID: "0199e8a0-0000-4000-8000-00000000000a", Category: "page interaction", Name: "cta click", Data: data}
	for _, bench := range []struct {
		name string
		cfg  Config
	}{
		{"memory", Config{}},
		{"spool", Config{Spool: b.TempDir()}},
	} {
		b.Run(bench.name, func(b *testing.B) {
			cfg := bench.cfg
			cfg.WriteKey, cfg.Transport, cfg.Logger = "key", sinkTransport{}, slog.New(slog.DiscardHandler)
			c, err := New(cfg)
			if err != nil {
				b.Fatal(err)
			}
			b.ReportAllocs()
			for b.Loop() {
				if err := c.Enqueue(event); err != nil {
					b.Fatal(err)
				}
			}
			b.StopTimer()
			ctx, cancel := context.WithCancel(context.Background())
			cancel()
			_ = c.Close(ctx)
		})
	}
	b.Run("reference", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			if _, err := json.Marshal(map[string]any{
				"event_id": "0199e8a0-0000-7000-8000-00000000000a", "session_id": event.SessionID, "category": event.Category,
				"name": event.Name, "data": data, "timestamp": time.Now(),
			}); err != nil {
				b.Fatal(err)
			}
		}
	})
}
