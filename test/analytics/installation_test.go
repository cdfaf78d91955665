package analytics

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/nats-io/nats.go/jetstream"
	"github.com/prometheus/client_golang/prometheus"

	"github.com/theeye/theeye/queryapi"
	"github.com/theeye/theeye/shared/natsd/natstest"
	"github.com/theeye/theeye/shared/registry"
	"github.com/theeye/theeye/shared/store"
	"github.com/theeye/theeye/shared/store/mongo/mongotest"
	"github.com/theeye/theeye/shared/store/sqlite"
	"github.com/theeye/theeye/shared/stream"
)

// pairs is the number of pairs of applications of an installation; each schedule has one.
const pairs = 25

// clock is that of an installation. It stands still unless it is moved.
type clock struct {
	mu sync.Mutex
	at time.Time
}

func (c *clock) now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.at
}

func (c *clock) advance(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.at = c.at.Add(d)
}

// installation is a store and a query API with its columns.
type installation struct {
	t     testing.TB
	clock *clock
	store store.Store
	js    jetstream.JetStream
	// epoch is that of the stream.
	epoch    int64
	registry *registry.Registry
	// dir is the folder of the columns.
	dir     string
	handler http.Handler
	stop    func()
}

// applications are those of a pair.
func applications(pair int) []string {
	return []string{fmt.Sprintf("left-%d", pair), fmt.Sprintf("right-%d", pair)}
}

// tokenOf is a token that reads some applications of a pair: both, or one.
func tokenOf(pair int, which string) string {
	return fmt.Sprintf("token-of-%s-for-pair-%d", which, pair)
}

// newInstallation starts one on SQLite, whose clock is in the week in which the summer
// time of Europe ends.
func newInstallation(t testing.TB) *installation {
	in := &installation{t: t, clock: &clock{at: time.Date(2026, 10, 26, 9, 30, 0, 0, time.UTC)}}
	s, err := sqlite.Open(t.Context(), sqlite.Config{Path: filepath.Join(t.TempDir(), "events.db"), SweepEvery: -1, Now: in.clock.now})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close(context.Background()) })
	in.start(s)
	return in
}

// newMongoInstallation starts one on MongoDB, which removes by its own clock: that of the
// installation is never behind it.
func newMongoInstallation(t testing.TB) *installation {
	in := &installation{t: t, clock: &clock{at: time.Now().Add(time.Hour).Truncate(time.Second).UTC()}}
	cfg := mongotest.Config(t)
	cfg.Now = in.clock.now
	in.start(mongotest.Open(t, cfg))
	return in
}

func (in *installation) start(s store.Store) {
	if err := s.Prepare(in.t.Context()); err != nil {
		in.t.Fatal(err)
	}
	in.store, in.dir = s, filepath.Join(in.t.TempDir(), "columns")
	in.js = natstest.Start(in.t).JetStream()
	if err := stream.Ensure(in.t.Context(), in.js, stream.Config{MaxBytes: 64 << 20}); err != nil {
		in.t.Fatal(err)
	}
	var err error
	if in.epoch, err = stream.Epoch(in.t.Context(), in.js); err != nil {
		in.t.Fatal(err)
	}
	var tokens []registry.StaticToken
	add := func(secret string, applications ...string) {
		tokens = append(tokens, registry.StaticToken{
			Secret: secret, Token: registry.Token{ID: secret, Role: registry.Analyst, Applications: applications},
		})
	}
	for i := range pairs {
		names := applications(i)
		add(tokenOf(i, "both"), names...)
		add(tokenOf(i, "left"), names[0])
		add(tokenOf(i, "right"), names[1])
	}
	in.registry = registry.New(registry.Config{
		JetStream: in.js, Static: registry.Credentials{Tokens: tokens}, Logger: slog.New(slog.DiscardHandler),
	})
	in.t.Cleanup(runInBackground(in.t, in.registry.Run))
	<-in.registry.Ready()
	in.startAPI()
	in.t.Cleanup(func() { in.stop() })
}

// startAPI starts the query API on the folder as it is.
func (in *installation) startAPI() {
	service, err := queryapi.New(queryapi.Config{
		JetStream: in.js, Registry: in.registry, Store: in.store, ColumnsDir: in.dir, Now: in.clock.now,
		Logger: slog.New(slog.DiscardHandler), Metrics: prometheus.NewRegistry(), LiveHeartbeat: 20 * time.Millisecond,
	})
	if err != nil {
		in.t.Fatal(err)
	}
	in.handler, in.stop = service.Handler(), runInBackground(in.t, service.Run)
}

// restartAPI ends the query API and starts another.
func (in *installation) restartAPI() {
	in.stop()
	in.startAPI()
}

// runInBackground runs f until the function that it returns is called.
func runInBackground(t testing.TB, f func(context.Context) error) (stop func()) {
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- f(ctx) }()
	return func() {
		cancel()
		if err := <-done; err != nil {
			t.Errorf("run: %v", err)
		}
	}
}

// answer is one of the query API.
type answer struct {
	status int
	header http.Header
	body   string
}

// ask sends a request to the handler.
func (in *installation) ask(method, token, target, body string, header ...string) answer {
	var reader io.Reader = http.NoBody
	if body != "" {
		reader = strings.NewReader(body)
	}
	r := httptest.NewRequestWithContext(in.t.Context(), method, target, reader)
	r.Header.Set("Authorization", "Bearer "+token)
	if body != "" {
		r.Header.Set("Content-Type", "application/json")
	}
	for i := 0; i+1 < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	w := httptest.NewRecorder()
	in.handler.ServeHTTP(w, r)
	return answer{w.Code, w.Header(), w.Body.String()}
}

// tree decodes a JSON object.
func (a *answer) tree() (map[string]any, error) {
	if a.status != http.StatusOK {
		return nil, fmt.Errorf("status %d: %s", a.status, a.body)
	}
	var object map[string]any
	d := json.NewDecoder(bytes.NewReader([]byte(a.body)))
	d.UseNumber()
	return object, d.Decode(&object)
}
