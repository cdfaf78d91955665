package collector

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"

	"github.com/theeye/theeye/shared/api"
	"github.com/theeye/theeye/shared/daemon"
	"github.com/theeye/theeye/shared/daemon/daemontest"
	"github.com/theeye/theeye/shared/httpserver"
	"github.com/theeye/theeye/shared/httpserver/router"
	"github.com/theeye/theeye/shared/natsd/natstest"
	"github.com/theeye/theeye/shared/registry"
	"github.com/theeye/theeye/shared/stream"
)

func TestNewNamesMissingFields(t *testing.T) {
	if _, err := New(Config{}); err == nil || !strings.Contains(err.Error(), "Registry") {
		t.Errorf("New = %v", err)
	}
	f := newFixture(t)
	cfg := Config{
		JetStream: f.js, Conn: f.conn, Registry: f.service.registry, Metrics: prometheus.NewRegistry(),
		Logger: slog.New(slog.DiscardHandler), Limits: Limits{QueueEvents: 999},
	}
	if _, err := New(cfg); err == nil || !strings.Contains(err.Error(), "limits") {
		t.Errorf("New with too small a queue = %v", err)
	}
	cfg.Limits, cfg.Listen = Limits{}, f.service.Addr().String()
	if _, err := New(cfg); err == nil {
		t.Error("New with an address in use returned no error")
	}
}

// Before the first snapshot, a request is answered 503 and not 401.
func TestUnavailableBeforeFirstSnapshot(t *testing.T) {
	f := newFixture(t, func(c *Config) {
		c.Registry = registry.New(registry.Config{JetStream: c.JetStream, Logger: c.Logger}) // never runs
	})
	for _, path := range []string{api.PathEvents, api.PathValidate} {
		f.send(path, click("s")).wantProblem(t, http.StatusServiceUnavailable, api.CodeStarting)
	}
	if checks := f.service.Ready(); checks[0].Err == nil {
		t.Errorf("ready: %+v", checks)
	}
}

func TestGuardStopsAccepting(t *testing.T) {
	var full error
	f := newFixture(t, func(c *Config) { c.Guard = func() error { return full } })
	full = errors.New("499 MiB are free, less than 512")
	r := f.send(api.PathEvents, click("g"))
	r.wantProblem(t, http.StatusServiceUnavailable, api.CodeNoSpace)
	if strings.Contains(r.text, "499") {
		t.Errorf("the answer shows the state of the disk: %s", r.text)
	}
	if r := f.send(api.PathValidate, click("g")); r.status != http.StatusOK {
		t.Errorf("validation stores nothing and answers %d %s", r.status, r.text)
	}
	full = nil
	if r := f.send(api.PathEvents, click("g")); r.Accepted != 1 {
		t.Errorf("with space again: %d %s", r.status, r.text)
	}
}

func TestReadyNamesMissingDependencies(t *testing.T) {
	f := newFixture(t)
	broken := func() (names []string) {
		for _, c := range f.service.Ready() {
			if c.Err != nil {
				names = append(names, c.Name)
			}
		}
		return names
	}
	if got := broken(); got != nil {
		t.Errorf("not ready: %v", got)
	}
	f.noError(f.js.DeleteStream(f.ctx(), stream.Name))
	if got := broken(); len(got) != 1 || got[0] != "stream" {
		t.Errorf("without a stream, not ready: %v", got)
	}
	f.nats.Shutdown()
	f.waitUntil("NATS is disconnected", func() bool { return !f.conn.IsConnected() })
	if got := broken(); len(got) != 1 || got[0] != "stream" {
		t.Errorf("without NATS, not ready: %v", got)
	}
	f.send(api.PathEvents, click("r")).wantProblem(t, http.StatusServiceUnavailable, api.CodeCommitFailed)
	if r := f.send(api.PathValidate, click("r")); r.status != http.StatusOK {
		t.Errorf("validation without NATS: %d %s", r.status, r.text)
	}
}

func TestUnknownPathsAndMethods(t *testing.T) {
	f := newFixture(t)
	for _, c := range []struct {
		method, path string
		status       int
		code, allow  string
	}{
		{http.MethodGet, "/v1/events", 405, api.CodeMethodNotAllowed, "POST, OPTIONS"},
		{http.MethodPut, "/v1/events", 405, api.CodeMethodNotAllowed, "POST, OPTIONS"},
		{http.MethodDelete, "/v1/validate", 405, api.CodeMethodNotAllowed, "POST, OPTIONS"},
		{http.MethodPost, "/healthz", 405, api.CodeMethodNotAllowed, "GET, HEAD"},
		{http.MethodPost, "/v1/event", 404, api.CodeNotFound, ""},
		{http.MethodPost, "/v1/events%2F", 404, api.CodeNotFound, ""},
		{http.MethodGet, "/", 404, api.CodeNotFound, ""},
		{http.MethodGet, "/v1/%0d%0ainjected%1b[31m", 404, api.CodeNotFound, ""},
		{http.MethodGet, "/metrics", 404, api.CodeNotFound, ""},
	} {
		req, err := http.NewRequest(c.method, f.base+c.path, nil)
		f.noError(err)
		r, err := f.doRequest(req)
		f.noError(err)
		r.wantProblem(t, c.status, c.code)
		if got := r.header.Get("Allow"); got != c.allow {
			t.Errorf("%s %s: Allow %q, want %q", c.method, c.path, got, c.allow)
		}
	}
	req, err := http.NewRequest(http.MethodGet, f.base+api.PathHealth, nil)
	f.noError(err)
	if r, err := f.doRequest(req); err != nil || r.status != http.StatusOK || r.text != `{"status":"ok"}` {
		t.Errorf("health: %d %s (%v)", r.status, r.text, err)
	}
}

// A panic is logged once, and the answer shows nothing of it.
func TestPanicIsLoggedAndHidden(t *testing.T) {
	f := newFixture(t)
	add := func(pattern string, handle router.Handler) {
		f.service.router.Add(router.Endpoint{Method: http.MethodPost, Pattern: pattern, Handle: handle})
	}
	add("/panic", func(http.ResponseWriter, *http.Request) error { panic("secret\r\ninside") })
	add("/late-panic", func(rw http.ResponseWriter, _ *http.Request) error {
		_, _ = rw.Write([]byte("half"))
		panic("late")
	})
	r := f.send("/panic", nil)
	r.wantProblem(t, http.StatusInternalServerError, api.CodeInternal)
	if strings.Contains(r.text, "secret") {
		t.Errorf("answer %s", r.text)
	}
	if _, err := f.trySend("/late-panic", nil); err == nil {
		t.Error("a partial answer looks complete")
	}
	lines := 0
	for line := range strings.Lines(f.log.String()) {
		var record struct{ Panic string }
		f.noError(json.Unmarshal([]byte(line), &record))
		if record.Panic == "secret\r\ninside" {
			lines++
		}
	}
	if lines != 1 {
		t.Errorf("%d log lines for the panic:\n%s", lines, f.log)
	}
}

func TestMetrics(t *testing.T) {
	f := newFixture(t)
	f.send(api.PathEvents, []byte("["+string(click("m"))+`,1,{"a":1,"a":2}]`))
	f.send(api.PathEvents, clicks("m", 20))
	f.send("/no/such/path", nil)
	for labels, want := range map[[2]string]float64{
		{api.StatusAccepted, ""}: 21, {api.StatusRefused, "not_object"}: 1, {api.StatusRefused, "duplicate_key"}: 1,
	} {
		if got := testutil.ToFloat64(f.service.metrics.events.WithLabelValues(labels[0], labels[1])); got != want {
			t.Errorf("events %v = %v, want %v", labels, got, want)
		}
	}
	if n, err := testutil.GatherAndCount(f.metrics, "eye_collector_request_seconds"); err != nil || n != 2 {
		t.Errorf("%d series of requests (%v), want events/202 and other/404", n, err)
	}
	for _, name := range []string{
		"eye_collector_queue_events", "eye_collector_queue_bytes", "eye_collector_body_bytes",
		"eye_collector_registry_revision", "eye_collector_commit_seconds", "eye_collector_batch_events",
	} {
		if n, err := testutil.GatherAndCount(f.metrics, name); err != nil || n != 1 {
			t.Errorf("%s: %d series (%v)", name, n, err)
		}
	}
}

// Requests in flight at shutdown are answered, and none is lost.
func TestDrainAnswersEveryRequest(t *testing.T) {
	f := newFixture(t)
	var mu sync.Mutex
	accepted := 0
	var wg sync.WaitGroup
	ctx, stop := context.WithCancel(context.Background())
	for range 16 {
		wg.Go(func() {
			for ctx.Err() == nil {
				r, err := f.trySend(api.PathEvents, clicks("d", 20))
				if err != nil {
					return // the listener is closed
				}
				if r.status != http.StatusAccepted {
					t.Errorf("answer %d %s", r.status, r.text)
				}
				mu.Lock()
				accepted += r.Accepted
				mu.Unlock()
			}
		})
	}
	f.waitUntil("events are accepted", func() bool { mu.Lock(); defer mu.Unlock(); return accepted > 500 })
	f.stop()
	stop()
	wg.Wait()
	if n := f.messageCount(); n < uint64(accepted) {
		t.Errorf("%d events are stored of %d accepted", n, accepted)
	}
	if events, bytes := f.service.committer.queue.depth(); events != 0 || bytes != 0 {
		t.Errorf("%d events and %d bytes are still held", events, bytes)
	}
}

// Without a listener, requests through Handler are answered 503 outside of Run.
func TestHandlerIsUnavailableOutsideRun(t *testing.T) {
	f := newFixture(t)
	service, err := New(Config{
		JetStream: f.js, Conn: f.conn, Registry: f.service.registry, Logger: slog.New(slog.DiscardHandler), Metrics: prometheus.NewRegistry(),
	})
	f.noError(err)
	if service.Addr() != nil {
		t.Errorf("address %s", service.Addr())
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	f.noError(err)
	srv := httpserver.NewHTTPServer(service.Handler(), httpserver.Pace{}, slog.New(slog.DiscardHandler))
	f.runUntilEnd(func(ctx context.Context) error { return httpserver.Serve(ctx, l, srv) })
	f.base = "http://" + l.Addr().String()
	f.send(api.PathEvents, click("early")).wantProblem(t, http.StatusServiceUnavailable, api.CodeStopping)
	end := f.runUntilEnd(service.Run)
	f.waitUntil("it accepts", func() bool { return f.send(api.PathEvents, click("h")).status == http.StatusAccepted })
	end()
	f.send(api.PathEvents, click("late")).wantProblem(t, http.StatusServiceUnavailable, api.CodeStopping)
}

// A process starts with a NATS server that has no stream yet, and becomes ready
// when it is there.
func TestProcessStartsWithoutStream(t *testing.T) {
	srv := natstest.Start(t, natstest.Listening())
	listen, admin := daemontest.FreeAddr(), daemontest.FreeAddr()
	f := &fixture{t: t, base: "http://" + listen, client: &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}}
	settings, err := daemon.ReadSettings[Settings]("collector", []string{
		"--nats-url=" + srv.ClientURL(), "--listen=" + listen, "--admin-listen=" + admin,
	})
	f.noError(err)
	p := daemon.NewProcess("collector", io.Discard, slog.LevelInfo)
	f.runUntilEnd(func(ctx context.Context) error { return Run(ctx, p, settings) })
	ready := func() int {
		resp, err := f.client.Get("http://" + admin + "/readyz")
		if err != nil {
			return 0
		}
		_ = resp.Body.Close()
		return resp.StatusCode
	}
	f.waitUntil("it is not ready", func() bool { return ready() == http.StatusServiceUnavailable })
	f.send(api.PathEvents, click("p")).wantProblem(t, http.StatusServiceUnavailable, api.CodeStarting)

	f.js = srv.JetStream()
	f.noError(stream.Ensure(f.ctx(), f.js, stream.Config{MaxBytes: 1 << 20}))
	f.declareSamples()
	f.waitUntil("it is ready", func() bool { return ready() == http.StatusOK })
	f.waitUntil("it accepts", func() bool { return f.send(api.PathEvents, click("p")).Accepted == 1 })
	if n := f.messageCount(); n != 1 {
		t.Errorf("%d events are stored", n)
	}
}

func TestProcessChecksSettings(t *testing.T) {
	s, err := daemon.ReadSettings[Settings]("collector", nil)
	if err != nil || s.NATSURL.Value != "nats://127.0.0.1:4222" || s.Listen.Value != "127.0.0.1:8080" || s.AdminListen.Value != "127.0.0.1:8091" {
		t.Errorf("the defaults are %+v, %v", s, err)
	}
	_, err = daemon.ReadSettings[Settings]("collector", []string{"--nats-url=nats://%zz", "--listen=8080", "--admin-listen=x", "--log-level=loud"})
	for _, name := range []string{"EYE_NATS_URL", "EYE_LISTEN", "EYE_ADMIN_LISTEN", "EYE_LOG_LEVEL"} {
		if !errors.Is(err, daemon.ErrUsage) || !strings.Contains(err.Error(), name) {
			t.Errorf("%s is not named: %v", name, err)
		}
	}
}
