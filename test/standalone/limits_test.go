package standalone_test

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/theeye/theeye/shared/registry"
	"github.com/theeye/theeye/shared/stream"
	"github.com/theeye/theeye/test/harness"
)

// The size of the stream may change between starts, in both directions, to below what
// the stream holds, and back to the default: each start applies it, events are
// accepted and processed, and nothing waits unseen.
func TestStreamLimitBetweenStarts(t *testing.T) {
	cfg := config(t, t.TempDir())
	sent := 0
	for _, limit := range []int64{64 << 20, 40 << 30, 0, 4 << 20, 20 << 30, 1 << 40, 16 << 20} {
		cfg.Stream, cfg.Metrics = stream.Config{MaxBytes: limit}, prometheus.NewRegistry()
		p := start(t, cfg)
		want := float64(cfg.Stream.WithDefaults().MaxBytes)
		p.awaitProcessing(want)
		for range 10 { // 6 MB
			sent++
			p.sendLarge(fmt.Sprint("e", sent))
		}
		p.awaitStatus(fmt.Sprint("e", sent), "stored")
		p.stop()
	}
}

// awaitProcessing waits until the status says that events are processed, in a stream of
// the size.
func (p *app) awaitProcessing(size float64) {
	p.t.Helper()
	ctx, cancel := context.WithTimeout(p.t.Context(), time.Minute)
	defer cancel()
	if err := harness.Poll(ctx, func() error {
		code, status := p.call(http.MethodGet, "/v1/status", registry.DevOperatorToken, "")
		held, _ := status["stream"].(map[string]any)
		processing, _ := status["processing"].(map[string]any)
		if code != http.StatusOK || held["max_bytes"] != size || processing["active"] != true {
			return fmt.Errorf("with %.0f: %d %v", size, code, status)
		}
		return nil
	}); err != nil {
		p.t.Fatal(err)
	}
}

// sendLarge sends an event of 600 KB, again while the stream is full of events that
// are just being processed.
func (p *app) sendLarge(id string) {
	p.t.Helper()
	ctx, cancel := context.WithTimeout(p.t.Context(), time.Minute)
	defer cancel()
	large := strings.Replace(event(id), `"path": "/"`, `"path": "`+strings.Repeat("x", 600_000)+`"`, 1)
	if err := harness.Poll(ctx, func() error {
		code, answer := p.call(http.MethodPost, "/v1/events", registry.DevWriteKey, large)
		if code != http.StatusAccepted {
			return fmt.Errorf("sending %s: %d %v", id, code, answer)
		}
		return nil
	}); err != nil {
		p.t.Fatal(err)
	}
}
