package collector

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"net/http"
	"strings"
	"sync"
	"testing"
	"testing/fstest"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"github.com/prometheus/client_golang/prometheus"

	"github.com/theeye/theeye/shared/api"
	"github.com/theeye/theeye/shared/natsd/natstest"
	"github.com/theeye/theeye/shared/registry"
	"github.com/theeye/theeye/shared/registry/declare"
	"github.com/theeye/theeye/shared/stream"
)

func TestMain(m *testing.M) { natstest.VerifyTestMain(m) }

// The write keys of every fixture, and a query token.
const (
	shopKey     = "browser-key-of-the-shop"
	wideKey     = "wide-secret"
	serverKey   = "server-key-of-the-shop"
	disabledKey = "disabled-key-of-the-shop"
	otherKey    = "server-key-of-another"
	token       = "query-token"
	shopOrigin  = "https://shop.example.com"
)

// fixture is a running collector on a real NATS server that syncs every commit.
type fixture struct {
	t       testing.TB
	nats    *natstest.Server
	conn    *nats.Conn
	js      jetstream.JetStream
	service *Service
	metrics *prometheus.Registry
	base    string
	client  *http.Client
	log     *lockedBuffer
	stop    func()
}

// limitStore bounds the storage of JetStream as production does.
func limitStore(o *server.Options) { o.JetStreamMaxStore = 16 << 30 }

// newFixture starts server and collector; change may alter the configuration.
func newFixture(t testing.TB, change ...func(*Config)) *fixture {
	t.Helper()
	f := &fixture{t: t, nats: natstest.Start(t, natstest.SyncAlways(), limitStore), metrics: prometheus.NewRegistry(), log: new(lockedBuffer)}
	f.js = f.nats.JetStream(nats.ReconnectBufSize(-1))
	f.conn = f.js.Conn()
	f.noError(stream.Ensure(f.ctx(), f.js, stream.Config{MaxBytes: 1 << 30}))
	f.declareSamples()
	reg := registry.New(registry.Config{
		JetStream: f.js, Logger: slog.New(slog.DiscardHandler),
		Static: registry.Credentials{Tokens: []registry.StaticToken{{Secret: token, Token: registry.Token{ID: "t", Role: registry.Operator}}}},
	})
	f.runUntilEnd(reg.Run)
	<-reg.Ready()
	cfg := Config{
		Listen: "127.0.0.1:0", JetStream: f.js, Conn: f.conn, Registry: reg,
		Logger: slog.New(slog.NewJSONHandler(f.log, nil)), Metrics: f.metrics,
	}
	for _, set := range change {
		set(&cfg)
	}
	service, err := New(cfg)
	f.noError(err)
	f.service = service
	f.stop = f.runUntilEnd(service.Run)
	f.waitUntil("the service runs", func() bool {
		service.committer.queue.mu.Lock()
		defer service.committer.queue.mu.Unlock()
		return service.committer.queue.accepting
	})
	f.base = "http://" + service.Addr().String()
	transport := &http.Transport{MaxIdleConnsPerHost: 256}
	t.Cleanup(transport.CloseIdleConnections)
	f.client = &http.Client{Transport: transport, Timeout: 60 * time.Second}
	return f
}

// declareSamples puts the sample types and two applications into the registry.
func (f *fixture) declareSamples() {
	sum := func(key string) string {
		s := sha256.Sum256([]byte(key))
		return hex.EncodeToString(s[:])
	}
	f.applyFiles(declare.SampleTypes())
	f.applyFiles(fstest.MapFS{
		"applications/shop.json": {Data: fmt.Appendf(nil, `{"keys": [
			{"sha256": %q, "kind": "browser", "origins": [%q, "https://www.example.com"]},
			{"sha256": %q, "kind": "browser", "origins": ["https://*.wide.example.com", "capacitor://localhost", "null"]},
			{"sha256": %q, "kind": "server"},
			{"sha256": %q, "kind": "browser", "origins": ["https://old.example.com"], "disabled": true}],
			"adapters": ["cloudevents", "segment", "snowplow"]}`,
			sum(shopKey), shopOrigin, sum(wideKey), sum(serverKey), sum(disabledKey))},
		"applications/other.json": {Data: fmt.Appendf(nil, `{"keys": [{"sha256": %q, "kind": "server"}]}`, sum(otherKey))},
	})
}

// declareArray puts a type whose data.a holds strings, and waits until the
// service knows it.
func (f *fixture) declareArray() {
	f.applyFiles(fstest.MapFS{"schemas/c/n.json": {Data: []byte(
		`{"type": "object", "properties": {"a": {"type": "array", "items": {"type": "string"}}}}`)}})
	f.waitUntil("the type is known", func() bool { return f.service.registry.Snapshot().Schemas.Known("c", "n") })
}

func (f *fixture) applyFiles(files fs.FS) {
	f.t.Helper()
	d, err := declare.LoadDir(files)
	f.noError(err)
	_, err = d.Apply(f.ctx(), f.js, "test")
	f.noError(err)
}

// runUntilEnd runs run until the test ends or the returned function is called.
func (f *fixture) runUntilEnd(run func(context.Context) error) (end func()) {
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- run(ctx) }()
	end = sync.OnceFunc(func() {
		cancel()
		select {
		case err := <-done:
			if err != nil {
				f.t.Errorf("run: %v", err)
			}
		case <-time.After(30 * time.Second):
			f.t.Error("it does not stop")
		}
	})
	f.t.Cleanup(end)
	return end
}

func (f *fixture) noError(err error) {
	f.t.Helper()
	if err != nil {
		f.t.Fatal(err)
	}
}

func (f *fixture) ctx() context.Context {
	ctx, cancel := context.WithTimeout(context.Background(), 60*time.Second)
	f.t.Cleanup(cancel)
	return ctx
}

// waitUntil polls until ok returns true, and fails the test after 30 s.
func (f *fixture) waitUntil(what string, ok func() bool) {
	f.t.Helper()
	tick := time.NewTicker(2 * time.Millisecond)
	defer tick.Stop()
	late := time.After(30 * time.Second)
	for !ok() {
		select {
		case <-tick.C:
		case <-late:
			f.t.Fatalf("timed out: %s", what)
		}
	}
}

// answer is an HTTP answer with its decoded body: results or a problem.
type answer struct {
	status int
	header http.Header
	text   string

	Accepted, Refused int
	Results           []api.EventResult
	Code              string
	Detail            string
}

// send posts a body with the server key of the shop. headers are pairs of name
// and value that override it; the value "-" removes a header.
func (f *fixture) send(path string, body []byte, headers ...string) answer {
	f.t.Helper()
	r, err := f.trySend(path, body, headers...)
	f.noError(err)
	return r
}

func (f *fixture) trySend(path string, body []byte, headers ...string) (answer, error) {
	return f.trySendBy(http.MethodPost, path, body, headers...)
}

// sendBy is send by another method.
func (f *fixture) sendBy(method, path string, body []byte, headers ...string) answer {
	f.t.Helper()
	r, err := f.trySendBy(method, path, body, headers...)
	f.noError(err)
	return r
}

func (f *fixture) trySendBy(method, path string, body []byte, headers ...string) (answer, error) {
	req, err := http.NewRequest(method, f.base+path, bytes.NewReader(body))
	if err != nil {
		return answer{}, err
	}
	req.Header.Set("X-Write-Key", serverKey)
	for i := 0; i < len(headers); i += 2 {
		if req.Header.Del(headers[i]); headers[i+1] != "-" {
			req.Header.Set(headers[i], headers[i+1])
		}
	}
	return f.doRequest(req)
}

func (f *fixture) doRequest(req *http.Request) (answer, error) {
	resp, err := f.client.Do(req)
	if err != nil {
		return answer{}, err
	}
	defer func() { _ = resp.Body.Close() }()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		return answer{}, err
	}
	r := answer{status: resp.StatusCode, header: resp.Header, text: string(text)}
	if strings.HasSuffix(resp.Header.Get("Content-Type"), "json") {
		if err := json.Unmarshal(text, &r); err != nil {
			return r, fmt.Errorf("answer %q: %w", text, err)
		}
	}
	return r, nil
}

// wantProblem checks that an answer is a problem.
func (r answer) wantProblem(t testing.TB, status int, code string) {
	t.Helper()
	if r.status != status || r.Code != code {
		t.Errorf("answer %d %s, want %d with code %s", r.status, r.text, status, code)
	}
	if got := r.header.Get("Content-Type"); got != "application/problem+json" {
		t.Errorf("content type %q", got)
	}
	if status == http.StatusServiceUnavailable && r.header.Get("Retry-After") == "" {
		t.Error("no Retry-After")
	}
}

// storedMessages returns every message of the stream in order.
func (f *fixture) storedMessages() []*jetstream.RawStreamMsg {
	f.t.Helper()
	s, err := f.js.Stream(f.ctx(), stream.Name)
	f.noError(err)
	state := s.CachedInfo().State
	var all []*jetstream.RawStreamMsg
	for seq := state.FirstSeq; seq <= state.LastSeq && seq > 0; seq++ {
		m, err := s.GetMsg(f.ctx(), seq)
		f.noError(err)
		all = append(all, m)
	}
	return all
}

// messageCount returns the number of messages in the stream.
func (f *fixture) messageCount() uint64 {
	f.t.Helper()
	s, err := f.js.Stream(f.ctx(), stream.Name)
	f.noError(err)
	return s.CachedInfo().State.Msgs
}

// lockedBuffer collects log output.
type lockedBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *lockedBuffer) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *lockedBuffer) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

// click returns a valid event of a sample type with the given id.
func click(id string) []byte {
	return fmt.Appendf(nil, `{"event_id": %q, "session_id": "e2085be5-9137-4e4e-80b5-f1ffddc25423", "category": "page interaction", `+
		`"name": "cta click", "data": {"host": "www.example.com", "path": "/", "element": "chat bubble"}, "timestamp": "2021-01-01 09:15:27.243860"}`, id)
}

// clicks returns an array of n such events.
func clicks(prefix string, n int) []byte {
	b := []byte{'['}
	for i := range n {
		if i > 0 {
			b = append(b, ',')
		}
		b = append(b, click(fmt.Sprintf("%s-%d", prefix, i))...)
	}
	return append(b, ']')
}
