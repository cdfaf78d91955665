package queryapi_test

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
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
	"github.com/theeye/theeye/shared/stream"
)

func TestMain(m *testing.M) { natstest.VerifyTestMain(m) }

// Credentials of every world.
const (
	operator   = "operator-token-for-tests"
	analyst    = "analyst-token-for-tests"    // every application
	shopOnly   = "shop-analyst-token-tests"   // shop
	nobody     = "nobody-analyst-token-tests" // no application at all
	writeKey   = "write-key-of-shop-for-tests"
	aSession   = "e2085be5-9137-4e4e-80b5-f1ffddc25423"
	anotherOne = "11111111-2222-3333-4444-555555555555"
)

// world is a running service over a real NATS server and a real database.
type world struct {
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
}

// newWorld starts everything; change may alter the service's configuration.
func newWorld(t testing.TB, change ...func(*queryapi.Config)) *world {
	t.Helper()
	w := &world{t: t, metrics: prometheus.NewRegistry()}
	w.startNATS()
	w.openStore()
	reg := w.startRegistry()
	cfg := queryapi.Config{
		Listen: "127.0.0.1:0", JetStream: w.js, Registry: reg, Store: w.store,
		Logger: slog.New(slog.DiscardHandler), Metrics: w.metrics,
	}
	for _, f := range change {
		f(&cfg)
	}
	service, err := queryapi.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	w.service = service
	w.run(service.Run)
	w.base = "http://" + service.Addr().String()
	transport := &http.Transport{}
	t.Cleanup(transport.CloseIdleConnections)
	w.client = &http.Client{Transport: &apicheck.Transport{T: t, Base: transport}}
	return w
}

// run runs f until the test ends.
func (w *world) run(f func(context.Context) error) {
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- f(ctx) }()
	w.t.Cleanup(func() {
		cancel()
		select {
		case err := <-done:
			if err != nil {
				w.t.Errorf("run: %v", err)
			}
		case <-time.After(20 * time.Second):
			w.t.Error("it does not stop")
		}
	})
}

func (w *world) startNATS() {
	w.nats = natstest.Start(w.t, natstest.Listening())
	w.js = w.nats.JetStream()
	if err := stream.Ensure(w.ctx(), w.js, stream.Config{MaxBytes: 64 << 20}); err != nil {
		w.t.Fatal(err)
	}
}

func (w *world) openStore() {
	s := mongotest.Open(w.t, mongotest.Config(w.t))
	if err := s.Prepare(w.ctx()); err != nil {
		w.t.Fatal(err)
	}
	w.store, w.writer = s, store.NewWriter(store.WriterConfig{Backend: s})
}

func (w *world) startRegistry() *registry.Registry {
	reg := registry.New(registry.Config{
		JetStream: w.js, Static: credentials(), Logger: slog.New(slog.DiscardHandler),
	})
	w.run(reg.Run)
	select {
	case <-reg.Ready():
	case <-time.After(20 * time.Second):
		w.t.Fatal("the registry is not ready")
	}
	return reg
}

// ctx ends before the test's own patience does.
func (w *world) ctx() context.Context {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	w.t.Cleanup(cancel)
	return ctx
}

// put brings events of an application to their outcome: stored, or rejected
// with the faults of their envelope, or with those of judge.
func (w *world) put(application string, received time.Time, raws ...string) []*store.Document {
	w.t.Helper()
	docs := make([]*store.Document, len(raws))
	for i, raw := range raws {
		docs[i] = w.document(application, received, raw)
	}
	w.write(docs...)
	return docs
}

func (w *world) write(docs ...*store.Document) {
	w.t.Helper()
	if _, err := w.writer.Write(w.ctx(), docs); err != nil {
		w.t.Fatal(err)
	}
}

func (w *world) document(application string, received time.Time, raw string) *store.Document {
	w.t.Helper()
	ev, refusal := native.Decode([]byte(raw))
	if refusal != nil {
		w.t.Fatalf("%s: %v", raw, refusal)
	}
	w.seq++
	d := &store.Document{
		ID: store.DocumentID(application, ev.EventID), Status: store.Stored, Application: application,
		EventID: ev.EventID, SessionID: ev.SessionID, Category: ev.Category, Name: ev.Name, Data: ev.Data,
		Timestamp: ev.Timestamp, ReceivedAt: received.UTC().Truncate(time.Millisecond), ContentHash: ev.ContentHash,
		Origin: store.Origin{Epoch: 1_700_000_000_000_000, Seq: w.seq}, Revision: 3, SchemaVersion: 2, Original: []byte(raw),
	}
	if len(ev.Faults) > 0 {
		d.Status, d.Errors, d.SchemaVersion = store.Rejected, event.BoundFaults(ev.Faults), 0
	}
	return d
}

// publish puts an event into the stream, where it waits for a processor.
func (w *world) publish(application string, received time.Time, raw string) uint64 {
	w.t.Helper()
	m := stream.Message{Application: application, ReceivedAt: received, Format: native.Name, Payload: []byte(raw)}
	if head, refusal := native.Inspect(m.Payload); refusal == nil && head.Derived {
		m.DerivedID = head.EventID
	}
	ack, err := w.js.PublishMsg(w.ctx(), m.Msg(stream.Unregistered(application)))
	if err != nil {
		w.t.Fatal(err)
	}
	return ack.Sequence
}

// get asks as token and returns the status and the answer.
func (w *world) get(token, target string) (int, answer) {
	w.t.Helper()
	resp, body := w.do(http.MethodGet, token, target)
	var a answer
	d := json.NewDecoder(strings.NewReader(body))
	d.UseNumber()
	if err := d.Decode(&a); err != nil {
		w.t.Fatalf("%s: %v in %q", target, err, body)
	}
	a.raw = body
	return resp.StatusCode, a
}

func (w *world) do(method, token, target string) (*http.Response, string) {
	w.t.Helper()
	req, err := http.NewRequestWithContext(w.ctx(), method, w.base+target, http.NoBody)
	if err != nil {
		w.t.Fatal(err)
	}
	if token != "" {
		req.Header.Set("Authorization", "Bearer "+token)
	}
	resp, err := w.client.Do(req)
	if err != nil {
		w.t.Fatal(err)
	}
	body, err := io.ReadAll(resp.Body)
	_ = resp.Body.Close()
	if err != nil {
		w.t.Fatal(err)
	}
	return resp, string(body)
}

// answer is any answer of the API.
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

// item is an event in an answer.
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

// anEvent is an event as sites send it.
func anEvent(id, session, category, name, timestamp string) string {
	quoted, err := json.Marshal(id)
	if err != nil {
		panic(err)
	}
	return fmt.Sprintf(`{"event_id":%s,"session_id":%q,"category":%q,"name":%q,"data":{"host":"www.example.com","path":"/"},"timestamp":%q}`,
		quoted, session, category, name, timestamp)
}
