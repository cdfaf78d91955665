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
	"sync"
	"testing"
	"testing/fstest"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"github.com/prometheus/client_golang/prometheus"

	"github.com/theeye/theeye/shared/natsd/natstest"
	"github.com/theeye/theeye/shared/registry"
	"github.com/theeye/theeye/shared/stream"
)

func TestMain(m *testing.M) { natstest.VerifyTestMain(m) }

// Write keys of every world, and a query token.
const (
	shopKey     = "browser-key-of-the-shop"
	serverKey   = "server-key-of-the-shop"
	disabledKey = "disabled-key-of-the-shop"
	otherKey    = "server-key-of-another"
	token       = "query-token"
	shopOrigin  = "https://shop.example.com"
)

// fixture is a running collector over a real NATS server that syncs always.
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
	stop     func()
}

// limitStore bounds the files of JetStream as production does.
func limitStore(o *server.Options) { o.JetStreamMaxStore = 16 << 30 }

// newFixture starts everything; change may alter the service's configuration.
func newFixture(t testing.TB, change ...func(*Config)) *fixture {
	t.Helper()
	w := &fixture{t: t, nats: natstest.Start(t, natstest.SyncAlways(), limitStore), metrics: prometheus.NewRegistry(), log: new(lockedBuffer)}
	w.js = w.nats.JetStream(nats.ReconnectBufSize(-1))
	w.conn = w.js.Conn()
	w.noError(stream.Ensure(w.ctx(), w.js, stream.Config{MaxBytes: 1 << 30}))
	w.declareSamples()
	reg := registry.New(registry.Config{
		JetStream: w.js, Logger: slog.New(slog.DiscardHandler),
		Static: registry.Credentials{Tokens: []registry.StaticToken{{Secret: token, Token: registry.Token{ID: "t", Role: registry.Operator}}}},
	})
	w.runUntilEnd(reg.Run)
	<-reg.Ready()
	cfg := Config{
		Listen: "127.0.0.1:0", JetStream: w.js, Conn: w.conn, Registry: reg,
		Logger: slog.New(slog.NewJSONHandler(w.log, nil)), Metrics: w.metrics,
	}
	for _, f := range change {
		f(&cfg)
	}
	service, err := New(cfg)
	w.noError(err)
	w.service = service
	w.stop = w.runUntilEnd(service.Run)
	w.waitUntil("the service runs", func() bool {
		service.committer.queue.mu.Lock()
		defer service.committer.queue.mu.Unlock()
		return service.committer.queue.accepting
	})
	w.base = "http://" + service.Addr().String()
	transport := &http.Transport{MaxIdleConnsPerHost: 256}
	t.Cleanup(transport.CloseIdleConnections)
	w.client = &http.Client{Transport: transport, Timeout: 60 * time.Second}
	return w
}

// declareSamples puts the sample types and two applications into the registry.
func (w *fixture) declareSamples() {
	sum := func(key string) string {
		s := sha256.Sum256([]byte(key))
		return hex.EncodeToString(s[:])
	}
	w.applyFiles(registry.SampleTypes())
	w.applyFiles(fstest.MapFS{
		"applications/shop.json": {Data: fmt.Appendf(nil, `{"keys": [
			{"sha256": %q, "kind": "browser", "origins": [%q, "https://www.example.com"]},
			{"sha256": %q, "kind": "server"},
			{"sha256": %q, "kind": "browser", "origins": ["https://old.example.com"], "disabled": true}]}`,
			sum(shopKey), shopOrigin, sum(serverKey), sum(disabledKey))},
		"applications/other.json": {Data: fmt.Appendf(nil, `{"keys": [{"sha256": %q, "kind": "server"}]}`, sum(otherKey))},
	})
}

// declareArray puts a type whose data.a holds strings, and waits until the
// service knows it.
func (w *fixture) declareArray() {
	w.applyFiles(fstest.MapFS{"schemas/c/n.json": {Data: []byte(
		`{"type": "object", "properties": {"a": {"type": "array", "items": {"type": "string"}}}}`)}})
	w.waitUntil("the type is known", func() bool { return w.service.registry.Snapshot().Schemas.Known("c", "n") })
}

func (w *fixture) applyFiles(files fs.FS) {
	w.t.Helper()
	d, err := registry.LoadDir(files)
	w.noError(err)
	_, err = d.Apply(w.ctx(), w.js, "test")
	w.noError(err)
}

// runUntilEnd runs f until the test, or the returned function, ends it.
func (w *fixture) runUntilEnd(f func(context.Context) error) (end func()) {
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- f(ctx) }()
	end = sync.OnceFunc(func() {
		cancel()
		select {
		case err := <-done:
			if err != nil {
				w.t.Errorf("run: %v", err)
			}
		case <-time.After(30 * time.Second):
			w.t.Error("it does not stop")
		}
	})
	w.t.Cleanup(end)
	return end
}

func (w *fixture) noError(err error) {
	w.t.Helper()
	if err != nil {
		w.t.Fatal(err)
	}
}

func (w *fixture) ctx() context.Context {
	ctx, cancel := context.WithTimeout(context.Background(), 60*time.Second)
	w.t.Cleanup(cancel)
	return ctx
}

// waitUntil polls until ok, or fails the test.
func (w *fixture) waitUntil(what string, ok func() bool) {
	w.t.Helper()
	tick := time.NewTicker(2 * time.Millisecond)
	defer tick.Stop()
	late := time.After(30 * time.Second)
	for !ok() {
		select {
		case <-tick.C:
		case <-late:
			w.t.Fatalf("waited in vain: %s", what)
		}
	}
}

// answer is an answer, read whole.
type answer struct {
	status int
	header http.Header
	text   string

	Accepted, Refused int
	Results           []struct {
		Index   int
		EventID string `json:"event_id"`
		Status  string
		Code    string
		Message string
		Errors  []struct{ Code, Path, Message string }
	}
	Code   string
	Detail string
}

// send posts a body with the key of the shop's server, unless the headers,
// pairs of name and value, say otherwise. A value "-" removes a header.
func (w *fixture) send(path string, body []byte, headers ...string) answer {
	w.t.Helper()
	r, err := w.trySend(path, body, headers...)
	w.noError(err)
	return r
}

func (w *fixture) trySend(path string, body []byte, headers ...string) (answer, error) {
	req, err := http.NewRequest(http.MethodPost, w.base+path, bytes.NewReader(body))
	if err != nil {
		return answer{}, err
	}
	req.Header.Set("X-Write-Key", serverKey)
	for i := 0; i < len(headers); i += 2 {
		if req.Header.Del(headers[i]); headers[i+1] != "-" {
			req.Header.Set(headers[i], headers[i+1])
		}
	}
	return w.doRequest(req)
}

func (w *fixture) doRequest(req *http.Request) (answer, error) {
	resp, err := w.client.Do(req)
	if err != nil {
		return answer{}, err
	}
	defer func() { _ = resp.Body.Close() }()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		return answer{}, err
	}
	r := answer{status: resp.StatusCode, header: resp.Header, text: string(text)}
	if len(text) > 0 {
		if err := json.Unmarshal(text, &r); err != nil {
			return r, fmt.Errorf("answer %q: %w", text, err)
		}
	}
	return r, nil
}

// wantProblem checks an answer that is no list of results.
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
func (w *fixture) storedMessages() []*jetstream.RawStreamMsg {
	w.t.Helper()
	s, err := w.js.Stream(w.ctx(), stream.Name)
	w.noError(err)
	state := s.CachedInfo().State
	var all []*jetstream.RawStreamMsg
	for seq := state.FirstSeq; seq <= state.LastSeq && seq > 0; seq++ {
		m, err := s.GetMsg(w.ctx(), seq)
		w.noError(err)
		all = append(all, m)
	}
	return all
}

// messageCount is the number of messages in the stream.
func (w *fixture) messageCount() uint64 {
	w.t.Helper()
	s, err := w.js.Stream(w.ctx(), stream.Name)
	w.noError(err)
	return s.CachedInfo().State.Msgs
}

// lockedBuffer collects a log.
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

// click is a valid event of a sample type with the given id.
func click(id string) []byte {
	return fmt.Appendf(nil, `{"event_id": %q, "session_id": "e2085be5-9137-4e4e-80b5-f1ffddc25423", "category": "page interaction", `+
		`"name": "cta click", "data": {"host": "www.example.com", "path": "/", "element": "chat bubble"}, "timestamp": "2021-01-01 09:15:27.243860"}`, id)
}

// clicks is an array of n of them.
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
