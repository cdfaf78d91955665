package standalone_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"go.uber.org/goleak"

	"github.com/theeye/theeye/shared/natsd"
	"github.com/theeye/theeye/shared/registry"
	"github.com/theeye/theeye/standalone"
	"github.com/theeye/theeye/standalone/rig"
)

func TestMain(m *testing.M) {
	code := m.Run()
	http.DefaultClient.CloseIdleConnections()
	if err := goleak.Find(); code == 0 && err != nil {
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
		Logger: slog.New(slog.NewTextHandler(t.Output(), nil)), Metrics: prometheus.NewRegistry(),
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

func (p *app) call(method, path, credential, body string) (int, map[string]any) {
	p.t.Helper()
	req, err := http.NewRequestWithContext(context.Background(), method, "http://"+p.Addr().String()+path, strings.NewReader(body))
	if err != nil {
		p.t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+credential)
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
	if err := json.Unmarshal(b, &answer); err != nil {
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
	if err := rig.Poll(ctx, func() error {
		code, answer := p.call("GET", "/v1/events/"+id+"?application=demo", registry.DevAnalystToken, "")
		if code != http.StatusOK || answer["status"] != want {
			return fmt.Errorf("%s: %d %v, want %s", id, code, answer, want)
		}
		return nil
	}); err != nil {
		p.t.Fatal(err)
	}
}

func TestEventToQueryAndRestart(t *testing.T) {
	dir := t.TempDir()
	p := start(t, config(t, dir))
	p.send("first")
	p.awaitStatus("first", "stored")
	p.stop()
	p = start(t, config(t, dir))
	p.awaitStatus("first", "stored")
	if err := rig.Get(t.Context(), "http://"+p.AdminAddr().String()+"/readyz"); err != nil {
		t.Error(err)
	}
}

// The same with the events in MongoDB.
func TestMongo(t *testing.T) {
	uri := os.Getenv("EYE_TEST_MONGO_URI")
	if uri == "" {
		t.Fatal("set EYE_TEST_MONGO_URI or run make test")
	}
	cfg := config(t, t.TempDir())
	cfg.MongoURI, cfg.MongoDatabase = uri, fmt.Sprintf("standalone_%d", time.Now().UnixNano())
	t.Cleanup(func() { dropDatabase(t, uri, cfg.MongoDatabase) })
	p := start(t, cfg)
	p.send("in-mongo")
	p.awaitStatus("in-mongo", "stored")
	p.stop()
	if _, err := os.Stat(filepath.Join(cfg.DataDir, "events.db")); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("there is an embedded store as well: %v", err)
	}
}

// Sites are served while the database is away; the outcome comes later.
func TestMongoAwayAtStart(t *testing.T) {
	nowhere, err := rig.FreeAddr()
	if err != nil {
		t.Fatal(err)
	}
	cfg := config(t, t.TempDir())
	cfg.MongoURI = "mongodb://" + nowhere + "/"
	p := run(t, cfg)
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	if err := rig.Poll(ctx, func() error {
		if code, answer := p.call("POST", "/v1/events", registry.DevWriteKey, event("early")); code != http.StatusAccepted {
			return fmt.Errorf("%d %v", code, answer)
		}
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	if err := rig.Get(t.Context(), "http://"+p.AdminAddr().String()+"/readyz"); err == nil || !strings.Contains(err.Error(), `"store","ok":false`) {
		t.Errorf("readyz: %v", err)
	}
}

// Everything accepted before the end is there after it, also what came while
// it drained.
func TestDrainUnderLoad(t *testing.T) {
	dir := t.TempDir()
	p := start(t, config(t, dir))
	var mu sync.Mutex
	var accepted []string
	var senders sync.WaitGroup
	enough := make(chan struct{})
	for s := range 4 {
		senders.Go(func() {
			for i := 0; ; i++ {
				id := fmt.Sprintf("%d-%d", s, i)
				code, _ := p.call("POST", "/v1/events", registry.DevWriteKey, event(id))
				if code == 0 {
					return // the listener is closed
				}
				mu.Lock()
				if code == http.StatusAccepted {
					accepted = append(accepted, id)
				}
				if len(accepted) == 200 {
					close(enough)
				}
				mu.Unlock()
			}
		})
	}
	<-enough
	p.stop()
	senders.Wait()
	p = start(t, config(t, dir))
	for _, id := range accepted {
		p.awaitStatus(id, "stored")
	}
}

// Below the floor nothing is taken, and everything else works.
func TestNoSpace(t *testing.T) {
	cfg := config(t, t.TempDir())
	cfg.MinFree = 1 << 60
	p := run(t, cfg)
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	if err := rig.Poll(ctx, func() error {
		if code, answer := p.call("GET", "/v1/events", registry.DevAnalystToken, ""); code != http.StatusOK {
			return fmt.Errorf("%d %v", code, answer)
		}
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	if code, answer := p.call("POST", "/v1/events", registry.DevWriteKey, event("x")); code != http.StatusServiceUnavailable || answer["code"] != "no_space" {
		t.Errorf("sending onto a full disk answers %d %v", code, answer)
	}
}

// Without any operator token one is made, once, and kept.
func TestOperatorToken(t *testing.T) {
	cfg := config(t, t.TempDir())
	cfg.Dev = false
	var made []string
	cfg.NewOperatorToken = func(secret string) { made = append(made, secret) }
	p := start(t, cfg)
	if len(made) != 1 {
		t.Fatalf("%d tokens were made", len(made))
	}
	for range 2 {
		if code, answer := p.call("GET", "/v1/events", made[0], ""); code != http.StatusOK {
			t.Errorf("the token that was made gets %d %v", code, answer)
		}
		for _, dev := range []string{registry.DevOperatorToken, registry.DevAnalystToken} {
			if code, _ := p.call("GET", "/v1/events", dev, ""); code != http.StatusUnauthorized {
				t.Errorf("%s without --dev gets %d", dev, code)
			}
		}
		p.stop()
		cfg.Metrics = prometheus.NewRegistry()
		p = start(t, cfg)
	}
	if len(made) != 1 {
		t.Errorf("%d tokens were made over restarts", len(made))
	}
	p.stop()
	// One in the environment is enough; it is not kept.
	cfg.DataDir, cfg.OperatorToken, cfg.Metrics = t.TempDir(), "a token of one's own", prometheus.NewRegistry()
	p = start(t, cfg)
	if code, _ := p.call("GET", "/v1/events", cfg.OperatorToken, ""); code != http.StatusOK || len(made) != 1 {
		t.Errorf("own token gets %d, %d were made", code, len(made))
	}
}

// The declarations of --config hold for the first event, and a change of the
// folder for those after it.
func TestConfigFolder(t *testing.T) {
	cfg, dir := config(t, t.TempDir()), t.TempDir()
	cfg.ConfigDir = dir
	declare := func(required string) {
		t.Helper()
		path := filepath.Join(dir, "schemas", "shop")
		if err := os.MkdirAll(path, 0o750); err != nil {
			t.Fatal(err)
		}
		text := fmt.Sprintf(`{"type": "object", "required": [%q]}`, required)
		if err := os.WriteFile(filepath.Join(path, "purchase.json"), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	send := func(p *app, id string) {
		t.Helper()
		body := strings.ReplaceAll(strings.ReplaceAll(event(id), "page interaction", "shop"), "pageview", "purchase")
		if code, answer := p.call("POST", "/v1/events", registry.DevWriteKey, body); code != http.StatusAccepted {
			t.Fatalf("%d %v", code, answer)
		}
	}
	declare("host")
	p := start(t, cfg)
	send(p, "before")
	p.awaitStatus("before", "stored")
	declare("price")
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	n := 0
	if err := rig.Poll(ctx, func() error {
		n++
		id := fmt.Sprintf("after-%d", n)
		send(p, id)
		if code, _ := p.call("GET", "/v1/rejected?event_id="+id, registry.DevAnalystToken, ""); code != http.StatusOK {
			return fmt.Errorf("rejected answers %d", code)
		}
		_, answer := p.call("GET", "/v1/rejected?application=demo&code=schema", registry.DevAnalystToken, "")
		_, all := p.call("GET", "/v1/rejected", registry.DevAnalystToken, "")
		if rejected, ok := all["events"].([]any); !ok || len(rejected) == 0 {
			return fmt.Errorf("nothing is rejected by the new schema: %v %v", answer, all)
		}
		return nil
	}); err != nil {
		t.Fatal(err)
	}
}

func TestFolderAndPortInUse(t *testing.T) {
	dir := t.TempDir()
	p := start(t, config(t, dir))
	if _, err := standalone.New(config(t, dir)); !errors.Is(err, natsd.ErrLocked) {
		t.Errorf("New over a folder in use = %v", err)
	}
	for _, set := range []func(*standalone.Config, string){
		func(c *standalone.Config, addr string) { c.Listen = addr },
		func(c *standalone.Config, addr string) { c.AdminListen = addr },
	} {
		cfg := config(t, t.TempDir())
		used := p.Addr().String()
		set(&cfg, used)
		if _, err := standalone.New(cfg); err == nil || !strings.Contains(err.Error(), used) {
			t.Errorf("New on a port in use = %v", err)
		}
		if _, err := os.Stat(filepath.Join(cfg.DataDir, "jetstream")); err == nil {
			t.Error("something was started before the port was refused")
		}
	}
}

// A New that fails late holds nothing.
func TestFailedNewFreesEverything(t *testing.T) {
	cfg := config(t, t.TempDir())
	if err := os.Mkdir(filepath.Join(cfg.DataDir, "events.db"), 0o750); err != nil {
		t.Fatal(err)
	}
	addr, err := rig.FreeAddr()
	if err != nil {
		t.Fatal(err)
	}
	cfg.Listen = addr
	if _, err := standalone.New(cfg); err == nil {
		t.Fatal("New over a folder in place of the database")
	}
	l, err := net.Listen("tcp", addr)
	if err != nil {
		t.Fatalf("the port is still taken: %v", err)
	}
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	if err := os.Remove(filepath.Join(cfg.DataDir, "events.db")); err != nil {
		t.Fatal(err)
	}
	cfg.Metrics = prometheus.NewRegistry()
	start(t, cfg) // the lock is free
}

func TestMetrics(t *testing.T) {
	p := start(t, config(t, t.TempDir()))
	p.send("counted")
	p.awaitStatus("counted", "stored")
	resp, err := http.Get("http://" + p.AdminAddr().String() + "/metrics")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = resp.Body.Close() }()
	b, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"eye_disk_free_bytes ", "eye_collector_", "eye_processor_", "eye_queryapi_"} {
		if !bytes.Contains(b, []byte(want)) {
			t.Errorf("metrics lack %s", want)
		}
	}
}
