package daemon

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// serveAdmin serves until the test ends or stop is called.
func serveAdmin(t *testing.T, ready func() []Check) (a *AdminServer, stop func()) {
	t.Helper()
	p := NewProcess("collector", io.Discard, slog.LevelInfo)
	a, err := Admin(AdminConfig{Listen: "127.0.0.1:0", Metrics: p.Metrics, Ready: ready, Logger: silent})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- a.Run(ctx) }()
	stopped := false
	stop = func() {
		if stopped {
			return
		}
		stopped = true
		http.DefaultClient.CloseIdleConnections()
		cancel()
		if err := <-done; err != nil {
			t.Errorf("Run = %v", err)
		}
	}
	t.Cleanup(stop)
	return a, stop
}

func get(t *testing.T, a *AdminServer, path string) (int, string) {
	t.Helper()
	resp, err := http.Get("http://" + a.Addr().String() + path)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = resp.Body.Close() }()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp.StatusCode, string(body)
}

// Readiness names the conditions that do not hold; liveness does not depend on
// them.
func TestReadinessNamesFailedConditions(t *testing.T) {
	var checks []Check
	a, _ := serveAdmin(t, func() []Check { return checks })
	checks = []Check{{Name: "nats"}, {Name: "store", Err: errors.New("no answer")}}
	code, body := get(t, a, "/readyz")
	var got map[string]any
	if err := json.Unmarshal([]byte(body), &got); err != nil {
		t.Fatal(err)
	}
	want := map[string]any{"ready": false, "checks": []any{
		map[string]any{"name": "nats", "ok": true},
		map[string]any{"name": "store", "ok": false, "error": "no answer"},
	}}
	if d := cmp.Diff(want, got); d != "" || code != http.StatusServiceUnavailable {
		t.Errorf("%d %s", code, d)
	}
	if code, _ := get(t, a, "/healthz"); code != http.StatusOK {
		t.Errorf("healthz answers %d", code)
	}
	checks = checks[:1]
	if code, body := get(t, a, "/readyz"); code != http.StatusOK {
		t.Errorf("readyz answers %d %s", code, body)
	}
}

func TestAdminServesMetricsAndProfiles(t *testing.T) {
	a, _ := serveAdmin(t, nil)
	code, body := get(t, a, "/metrics")
	for _, want := range []string{"eye_build_info{", "go_goroutines ", "process_open_fds "} {
		if code != http.StatusOK || !strings.Contains(body, want) {
			t.Errorf("metrics (%d) lack %s", code, want)
		}
	}
	for path, want := range map[string]int{"/debug/pprof/": 200, "/debug/pprof/heap": 200, "/debug/pprof/cmdline": 200, "/readyz": 200, "/": 404} {
		if code, _ := get(t, a, path); code != want {
			t.Errorf("%s answers %d, want %d", path, code, want)
		}
	}
}

func TestAdminFailsOnPortInUse(t *testing.T) {
	a, _ := serveAdmin(t, nil)
	if _, err := Admin(AdminConfig{Listen: a.Addr().String()}); err == nil || !strings.Contains(err.Error(), a.Addr().String()) {
		t.Errorf("Admin = %v", err)
	}
}
