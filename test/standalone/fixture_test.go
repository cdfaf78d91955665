package standalone_test

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"go.uber.org/goleak"

	"github.com/theeye/theeye/shared/registry"
	"github.com/theeye/theeye/standalone"
	"github.com/theeye/theeye/test/harness"
)

func TestMain(m *testing.M) {
	code := m.Run()
	harness.Clean()
	http.DefaultClient.CloseIdleConnections()
	if err := goleak.Find(goleak.IgnoreAnyFunction("github.com/nats-io/nats-server/v2/server.(*stream).trySetupSourceConsumer.func3")); code == 0 && err != nil {
		fmt.Fprintln(os.Stderr, err)
		code = 1
	}
	os.Exit(code)
}

// app is a running process, within the test's.
type app struct {
	*standalone.App
	t    *testing.T
	end  context.CancelFunc
	done chan error
}

func config(t *testing.T, dir string) standalone.Config {
	return standalone.Config{
		Listen: "127.0.0.1:0", AdminListen: "127.0.0.1:0", DataDir: dir, Dev: true, MinFree: 1,
		Logger: slog.New(slog.NewTextHandler(t.Output(), &slog.HandlerOptions{Level: slog.LevelDebug})), Metrics: prometheus.NewRegistry(),
	}
}

// run starts cfg without waiting for more than its addresses.
func run(t *testing.T, cfg standalone.Config) *app {
	t.Helper()
	a, err := standalone.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	p := &app{App: a, t: t, end: cancel, done: make(chan error, 1)}
	go func() { p.done <- a.Run(ctx) }()
	t.Cleanup(p.stop)
	return p
}

func start(t *testing.T, cfg standalone.Config) *app {
	t.Helper()
	p := run(t, cfg)
	select {
	case <-p.Started():
	case err := <-p.done:
		p.done <- nil
		t.Fatalf("Run = %v", err)
	case <-t.Context().Done():
		t.Fatal("not started")
	}
	return p
}

// stop drains; a second call does nothing.
func (p *app) stop() {
	p.t.Helper()
	if p.end == nil {
		return
	}
	p.end()
	p.end = nil
	http.DefaultClient.CloseIdleConnections()
	if err := <-p.done; err != nil {
		p.t.Errorf("Run = %v", err)
	}
}

func (p *app) call(method, path, credential, body string, header ...string) (int, map[string]any) {
	p.t.Helper()
	req, err := http.NewRequestWithContext(context.Background(), method, "http://"+p.Addr().String()+path, strings.NewReader(body))
	if err != nil {
		p.t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+credential)
	for i := 0; i < len(header); i += 2 {
		req.Header.Set(header[i], header[i+1])
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return 0, nil
	}
	defer func() { _ = resp.Body.Close() }()
	b, err := io.ReadAll(resp.Body)
	if err != nil {
		return 0, nil
	}
	var answer map[string]any
	if err := json.Unmarshal(b, &answer); err != nil && strings.HasSuffix(resp.Header.Get("Content-Type"), "json") {
		p.t.Errorf("%s %s answers %d %q", method, path, resp.StatusCode, b)
	}
	return resp.StatusCode, answer
}

func event(id string) string {
	return fmt.Sprintf(`{"event_id": %q, "session_id": "e2085be5-9137-4e4e-80b5-f1ffddc25423", "category": "page interaction",
		"name": "pageview", "data": {"host": "www.example.com", "path": "/"}, "timestamp": "2021-01-01 09:15:27.243860"}`, id)
}

func (p *app) send(id string) {
	p.t.Helper()
	if code, answer := p.call("POST", "/v1/events", registry.DevWriteKey, event(id)); code != http.StatusAccepted {
		p.t.Fatalf("sending answers %d %v", code, answer)
	}
}

// awaitStatus waits until an event has an outcome.
func (p *app) awaitStatus(id, want string) {
	p.t.Helper()
	ctx, cancel := context.WithTimeout(p.t.Context(), time.Minute)
	defer cancel()
	if err := harness.Poll(ctx, func() error {
		code, answer := p.call("GET", "/v1/events/"+id+"?application=demo", registry.DevAnalystToken, "")
		if code != http.StatusOK || answer["status"] != want {
			return fmt.Errorf("%s: %d %v, want %s", id, code, answer, want)
		}
		return nil
	}); err != nil {
		p.t.Fatal(err)
	}
}
