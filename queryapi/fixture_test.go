package queryapi_test

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats.go/jetstream"
	"github.com/prometheus/client_golang/prometheus"

	"github.com/theeye/theeye/queryapi"
	"github.com/theeye/theeye/queryapi/apidoc/apicheck"
	"github.com/theeye/theeye/shared/event"
	"github.com/theeye/theeye/shared/format/native"
	"github.com/theeye/theeye/shared/natsd/natstest"
	"github.com/theeye/theeye/shared/registry"
	"github.com/theeye/theeye/shared/store"
	"github.com/theeye/theeye/shared/store/mongo/mongotest"
	"github.com/theeye/theeye/shared/store/sqlite"
	"github.com/theeye/theeye/shared/stream"
)

func TestMain(m *testing.M) { natstest.VerifyTestMain(m) }

// Credentials of every fixture.
const (
	operator      = "operator-token-for-tests"
	analyst       = "analyst-token-for-tests"    // every application
	shopOnly      = "shop-analyst-token-tests"   // shop
	noApplication = "nobody-analyst-token-tests" // no application at all
	writeKey      = "write-key-of-shop-for-tests"
	aSession      = "e2085be5-9137-4e4e-80b5-f1ffddc25423"
	anotherOne    = "11111111-2222-3333-4444-555555555555"
)

// fixture is a running service with a real NATS server and a real database.
type fixture struct {
	// revision is that of the heartbeats.
	revision uint64

	t       testing.TB
	nats    *natstest.Server
	js      jetstream.JetStream
	store   store.Store
	writer  *store.Writer
	service *queryapi.Service
	metrics *prometheus.Registry
	base    string
	client  *http.Client
	seq     uint64
	// written is when the last event was written, awaited until when statistics have all.
	written, awaited time.Time
}

// newFixture starts all of it with the embedded store; change may alter the service's
// configuration.
func newFixture(t testing.TB, change ...func(*queryapi.Config)) *fixture {
	t.Helper()
	return startFixture(t, (*fixture).openSQLite, change)
}

// newFixtureOnMongo starts all of it with MongoDB, for tests of the queries whose answers
// come from the store.
func newFixtureOnMongo(t testing.TB, change ...func(*queryapi.Config)) *fixture {
	t.Helper()
	return startFixture(t, (*fixture).openMongo, change)
}

func startFixture(t testing.TB, openStore func(*fixture) store.Store, change []func(*queryapi.Config)) *fixture {
	t.Helper()
	fx := &fixture{t: t, metrics: prometheus.NewRegistry()}
	fx.startNATS()
	fx.store = openStore(fx)
	if err := fx.store.Prepare(fx.ctx()); err != nil {
		t.Fatal(err)
	}
	fx.writer = store.NewWriter(store.WriterConfig{Backend: fx.store})
	reg := fx.startRegistry()
	cfg := queryapi.Config{
		Listen: "127.0.0.1:0", JetStream: fx.js, Registry: reg, Store: fx.store, ColumnsDir: t.TempDir(),
		Logger: slog.New(slog.DiscardHandler), Metrics: fx.metrics,
	}
	for _, f := range change {
		f(&cfg)
	}
	service, err := queryapi.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	fx.service = service
	fx.runInBackground(service.Run)
	fx.base = "http://" + service.Addr().String()
	transport := &http.Transport{}
	t.Cleanup(transport.CloseIdleConnections)
	fx.client = &http.Client{Transport: &apicheck.Transport{T: t, Base: transport}}
	return fx
}

// runInBackground runs f until the test ends.
func (fx *fixture) runInBackground(f func(context.Context) error) {
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- f(ctx) }()
	fx.t.Cleanup(func() {
		cancel()
		select {
		case err := <-done:
			if err != nil {
				fx.t.Errorf("run: %v", err)
			}
		case <-time.After(20 * time.Second):
			fx.t.Error("it does not stop")
		}
	})
}

func (fx *fixture) startNATS() {
	fx.nats = natstest.Start(fx.t, natstest.Listening())
	fx.js = fx.nats.JetStream()
	if err := stream.Ensure(fx.ctx(), fx.js, stream.Config{MaxBytes: 64 << 20}); err != nil {
		fx.t.Fatal(err)
	}
}

func (fx *fixture) openMongo() store.Store { return mongotest.Open(fx.t, mongotest.Config(fx.t)) }

func (fx *fixture) openSQLite() store.Store {
	s, err := sqlite.Open(fx.ctx(), sqlite.Config{Path: filepath.Join(fx.t.TempDir(), "events.db"), SweepEvery: -1})
	if err != nil {
		fx.t.Fatal(err)
	}
	fx.t.Cleanup(func() {
		if err := s.Close(context.Background()); err != nil {
			fx.t.Error(err)
		}
	})
	return s
}

func (fx *fixture) startRegistry() *registry.Registry {
	reg := registry.New(registry.Config{
		JetStream: fx.js, Static: credentials(), Logger: slog.New(slog.DiscardHandler),
	})
	fx.runInBackground(reg.Run)
	select {
	case <-reg.Ready():
	case <-time.After(20 * time.Second):
		fx.t.Fatal("the registry is not ready")
	}
	return reg
}

// ctx returns a context that ends before the test's own time limits.
func (fx *fixture) ctx() context.Context {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	fx.t.Cleanup(cancel)
	return ctx
}

// putEvents writes events of an application with their outcome: stored, or rejected
// with the faults of their envelope.
func (fx *fixture) putEvents(application string, received time.Time, raws ...string) []*store.Document {
	fx.t.Helper()
	docs := make([]*store.Document, len(raws))
	for i, raw := range raws {
		docs[i] = fx.document(application, received, raw)
	}
	fx.writeDocuments(docs...)
	return docs
}

func (fx *fixture) writeDocuments(docs ...*store.Document) {
	fx.t.Helper()
	if _, err := fx.writer.Write(fx.ctx(), docs); err != nil {
		fx.t.Fatal(err)
	}
	fx.written = time.Now()
}

func (fx *fixture) document(application string, received time.Time, raw string) *store.Document {
	fx.t.Helper()
	ev, refusal := native.Decode([]byte(raw))
	if refusal != nil {
		fx.t.Fatalf("%s: %v", raw, refusal)
	}
	fx.seq++
	d := &store.Document{
		ID: store.DocumentID(application, ev.EventID), Status: store.Stored, Application: application,
		EventID: ev.EventID, SessionID: ev.SessionID, Category: ev.Category, Name: ev.Name, Data: ev.Data,
		Timestamp: ev.Timestamp, ReceivedAt: received.UTC().Truncate(time.Millisecond), ContentHash: ev.ContentHash,
		Origin: store.Origin{Epoch: 1_700_000_000_000_000, Seq: fx.seq}, Revision: 3, SchemaVersion: 2, Original: []byte(raw),
	}
	if len(ev.Faults) > 0 {
		d.Status, d.Errors, d.SchemaVersion = store.Rejected, event.BoundFaults(ev.Faults), 0
	}
	return d
}

// publish adds an event to the stream, where it has no outcome yet.
func (fx *fixture) publish(application string, received time.Time, raw string) uint64 {
	fx.t.Helper()
	m := stream.Message{Application: application, ReceivedAt: received, Format: native.Name, Payload: []byte(raw)}
	if head, refusal := native.Inspect(m.Payload); refusal == nil && head.Derived {
		m.DerivedID = head.EventID
	}
	ack, err := fx.js.PublishMsg(fx.ctx(), m.Msg(stream.Unregistered(application)))
	if err != nil {
		fx.t.Fatal(err)
	}
	return ack.Sequence
}

// get sends a GET with a token and returns the status and the answer.
func (fx *fixture) get(token, target string) (int, answer) {
	fx.t.Helper()
	resp, body := fx.do(http.MethodGet, token, target)
	var a answer
	d := json.NewDecoder(strings.NewReader(body))
	d.UseNumber()
	if err := d.Decode(&a); err != nil {
		fx.t.Fatalf("%s: %v in %q", target, err, body)
	}
	a.raw = body
	return resp.StatusCode, a
}

func (fx *fixture) do(method, token, target string) (*http.Response, string) {
	fx.t.Helper()
	req, err := http.NewRequestWithContext(fx.ctx(), method, fx.base+target, http.NoBody)
	if err != nil {
		fx.t.Fatal(err)
	}
	if token != "" {
		req.Header.Set("Authorization", "Bearer "+token)
	}
	resp, err := fx.client.Do(req)
	if err != nil {
		fx.t.Fatal(err)
	}
	body, err := io.ReadAll(resp.Body)
	_ = resp.Body.Close()
	if err != nil {
		fx.t.Fatal(err)
	}
	return resp, string(body)
}

// answer is any answer of the analysts' calls.
type answer struct {
	Events     []item  `json:"events"`
	NextCursor *string `json:"next_cursor"`
	Groups     []group `json:"groups"`
	item
	// Members of a problem.
	Code   string `json:"code"`
	Detail string `json:"detail"`
	// Members of a session.
	First, Last string
	DurationMS  int64 `json:"duration_ms"`
	Count       int64
	Entry, Exit *item
	raw         string
}

// item is an event as an answer has it.
type item struct {
	EventID     string `json:"event_id"`
	Application string
	Status      any
	Timestamp   string
	ReceivedAt  string `json:"received_at"`
	Data        json.RawMessage
	Origin      struct{ Epoch, Seq uint64 }
	Errors      []event.Fault
	Original    string
	Encoding    string `json:"original_encoding"`
}

type group struct {
	Application, Category, Name, Code, Path string
	Count                                   int64
	FirstSeen                               string `json:"first_seen"`
	LastSeen                                string `json:"last_seen"`
	SampleID                                string `json:"sample_id"`
}

// ids lists the events of an answer.
func (a *answer) ids() []string {
	ids := make([]string, len(a.Events))
	for i := range a.Events {
		ids[i] = a.Events[i].EventID
	}
	return ids
}

// anEvent returns an event as sites send it.
func anEvent(id, session, category, name, timestamp string) string {
	quoted, err := json.Marshal(id)
	if err != nil {
		panic(err)
	}
	return fmt.Sprintf(`{"event_id":%s,"session_id":%q,"category":%q,"name":%q,"data":{"host":"www.example.com","path":"/"},"timestamp":%q}`,
		quoted, session, category, name, timestamp)
}

// credentials are those of every fixture: two applications and the tokens above.
func credentials() registry.Credentials {
	return registry.Credentials{
		Keys: []registry.StaticKey{
			{Secret: writeKey, Application: "shop", Kind: registry.Server},
			{Secret: "write-key-of-blog-for-tests", Application: "blog", Kind: registry.Server},
		},
		Tokens: []registry.StaticToken{
			{Secret: operator, Token: registry.Token{ID: "o", Role: registry.Operator}},
			{Secret: analyst, Token: registry.Token{ID: "a", Role: registry.Analyst}},
			{Secret: shopOnly, Token: registry.Token{ID: "s", Role: registry.Analyst, Applications: []string{"shop"}}},
			{Secret: noApplication, Token: registry.Token{ID: "n", Role: registry.Analyst, Applications: []string{}}},
		},
	}
}
