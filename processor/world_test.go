package processor

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"math/rand/v2"
	"os"
	"strings"
	"sync"
	"testing"
	"testing/fstest"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"github.com/prometheus/client_golang/prometheus"
	driver "go.mongodb.org/mongo-driver/v2/mongo"
	"go.mongodb.org/mongo-driver/v2/mongo/options"
	"go.uber.org/goleak"

	"github.com/theeye/theeye/shared/event"
	"github.com/theeye/theeye/shared/registry"
	"github.com/theeye/theeye/shared/store"
	"github.com/theeye/theeye/shared/store/mongo"
	"github.com/theeye/theeye/shared/stream"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// patience is how long a test waits for what must come.
const patience = 30 * time.Second

// world is a real NATS server and a real database, with the sample types in
// the registry.
type world struct {
	t        testing.TB
	nats     *server.Server
	options  server.Options
	nc       *nats.Conn
	js       jetstream.JetStream
	uri      string
	database string
	store    *mongo.Store
	stream   stream.Config
}

func newWorld(t testing.TB) *world {
	t.Helper()
	w := &world{t: t, stream: stream.Config{MaxBytes: 64 << 20}.WithDefaults()}
	w.options = server.Options{
		Host: "127.0.0.1", Port: -1, JetStream: true, StoreDir: t.TempDir(), NoSigs: true, NoLog: true, MaxPayload: 8 << 20,
	}
	w.startNATS()
	t.Cleanup(func() { w.stopNATS() })
	w.nc, w.js = w.connect()
	w.uri = os.Getenv("EYE_TEST_MONGO_URI")
	if w.uri == "" {
		t.Fatal("no MongoDB: set EYE_TEST_MONGO_URI or run make test")
	}
	w.database = fmt.Sprintf("processor_%d", rand.Uint64())
	t.Cleanup(w.drop)
	w.store = w.open(w.uri)
	if err := stream.Ensure(w.ctx(), w.js, w.stream); err != nil {
		t.Fatal(err)
	}
	samples, err := registry.LoadDir(registry.SampleTypes())
	if err != nil {
		t.Fatal(err)
	}
	w.applyDeclarations(samples)
	return w
}

// startNATS starts the server, again on the port and the folder it had.
func (w *world) startNATS() {
	opts := w.options
	s, err := server.NewServer(&opts)
	if err != nil {
		w.t.Fatal(err)
	}
	s.Start()
	if !s.ReadyForConnections(patience) {
		w.t.Fatal("the NATS server does not start")
	}
	w.nats, w.options.Port = s, opts.Port
}

func (w *world) stopNATS() {
	w.nats.Shutdown()
	w.nats.WaitForShutdown()
}

// connect opens a connection of its own, as a process has.
func (w *world) connect() (*nats.Conn, jetstream.JetStream) {
	nc, err := nats.Connect(w.nats.ClientURL(), nats.MaxReconnects(-1), nats.ReconnectWait(20*time.Millisecond))
	if err != nil {
		w.t.Fatal(err)
	}
	w.t.Cleanup(nc.Close)
	js, err := jetstream.New(nc)
	if err != nil {
		w.t.Fatal(err)
	}
	return nc, js
}

// open opens the test's database over any address of the server.
func (w *world) open(uri string) *mongo.Store {
	cfg := mongo.Config{URI: uri, Database: w.database}
	if uri != w.uri {
		cfg.Timeout = time.Second // over a wire that will be cut
	}
	s, err := mongo.Open(w.ctx(), cfg)
	if err != nil {
		w.t.Fatal(err)
	}
	w.t.Cleanup(func() {
		if err := s.Close(context.Background()); err != nil {
			w.t.Errorf("close the store: %v", err)
		}
	})
	return s
}

func (w *world) drop() {
	client, err := driver.Connect(options.Client().ApplyURI(w.uri))
	if err != nil {
		w.t.Fatal(err)
	}
	if err := client.Database(w.database).Drop(context.Background()); err != nil {
		w.t.Errorf("drop the database: %v", err)
	}
	if err := client.Disconnect(context.Background()); err != nil {
		w.t.Errorf("disconnect: %v", err)
	}
}

// ctx ends after all patience.
func (w *world) ctx() context.Context {
	ctx, cancel := context.WithTimeout(context.Background(), 2*patience)
	w.t.Cleanup(cancel)
	return ctx
}

// apply puts declarations, by file, and returns the registry's revision.
func (w *world) apply(files map[string]string) uint64 {
	w.t.Helper()
	folder := fstest.MapFS{}
	for name, text := range files {
		folder[name] = &fstest.MapFile{Data: []byte(text)}
	}
	d, err := registry.LoadDir(folder)
	if err != nil {
		w.t.Fatal(err)
	}
	return w.applyDeclarations(d)
}

func (w *world) applyDeclarations(d *registry.Declarations) uint64 {
	w.t.Helper()
	if _, err := d.Apply(w.ctx(), w.js, "test"); err != nil {
		w.t.Fatal(err)
	}
	s, err := w.js.Stream(w.ctx(), "KV_"+stream.BucketSchemas)
	if err != nil {
		w.t.Fatal(err)
	}
	return s.CachedInfo().State.LastSeq
}

// publish puts events into the stream as a collector of application demo does.
func (w *world) publish(payloads ...string) {
	w.t.Helper()
	for _, p := range payloads {
		w.publishMsg(accepted("demo", p))
	}
}

func accepted(application, payload string) *nats.Msg {
	m := stream.Message{
		Application: application, ReceivedAt: receivedAt, Format: event.FormatNative, Payload: []byte(payload),
	}
	if head, refusal := event.Inspect(m.Payload); refusal == nil && head.Derived {
		m.DerivedID = head.EventID
	}
	return m.Msg(stream.Unregistered(application))
}

func (w *world) publishMsg(msgs ...*nats.Msg) {
	w.t.Helper()
	futures := make([]jetstream.PubAckFuture, 0, len(msgs))
	for _, m := range msgs {
		f, err := w.js.PublishMsgAsync(m)
		if err != nil {
			w.t.Fatal(err)
		}
		futures = append(futures, f)
	}
	for _, f := range futures {
		select {
		case <-f.Ok():
		case err := <-f.Err():
			w.t.Fatal(err)
		case <-time.After(patience):
			w.t.Fatal("a message is not acknowledged")
		}
	}
}

// consumer is the shared consumer's state.
func (w *world) consumer() *jetstream.ConsumerInfo {
	w.t.Helper()
	c, err := w.js.Consumer(w.ctx(), stream.Name, stream.Consumer)
	if err != nil {
		w.t.Fatal(err)
	}
	return c.CachedInfo()
}

// state is the stream's.
func (w *world) state() jetstream.StreamState {
	w.t.Helper()
	s, err := w.js.Stream(w.ctx(), stream.Name)
	if err != nil {
		w.t.Fatal(err)
	}
	return s.CachedInfo().State
}

// awaitSettled waits until every message has been acknowledged.
func (w *world) awaitSettled() {
	w.t.Helper()
	last := w.state().LastSeq
	w.poll("every message is acknowledged", func() bool { return w.consumer().AckFloor.Stream >= last })
}

// awaitHandedBack waits until n messages that a processor had can be fetched
// by the next one, well before AckWait would bring them.
func (w *world) awaitHandedBack(n int) {
	w.t.Helper()
	c, err := w.js.Consumer(w.ctx(), stream.Name, stream.Consumer)
	if err != nil {
		w.t.Fatal(err)
	}
	had := 0
	w.pollFor(stream.AckWait/2, fmt.Sprintf("%d messages are handed back", n), func() bool {
		batch, err := c.FetchNoWait(n)
		if err != nil {
			w.t.Fatal(err)
		}
		for m := range batch.Messages() {
			if meta, err := m.Metadata(); err == nil && meta.NumDelivered > 1 {
				had++
			}
		}
		return had >= n
	})
}

// poll waits for a condition.
func (w *world) poll(what string, done func() bool) {
	w.t.Helper()
	w.pollFor(patience, what, done)
}

func (w *world) pollFor(limit time.Duration, what string, done func() bool) {
	w.t.Helper()
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for end := time.Now().Add(limit); !done(); <-tick.C {
		if time.Now().After(end) {
			w.t.Fatalf("in vain: %s", what)
		}
	}
}

// lookup returns a document, nil if there is none.
func (w *world) lookup(id string) *store.Document {
	w.t.Helper()
	docs, err := w.store.Lookup(w.ctx(), []string{id})
	if err != nil {
		w.t.Fatal(err)
	}
	if len(docs) == 0 {
		return nil
	}
	return docs[0]
}

// counts returns how many events are stored and rejected.
func (w *world) counts() (stored, rejected int) {
	w.t.Helper()
	q := store.EventQuery{Limit: 1000}
	for {
		docs, err := w.store.Events(w.ctx(), q)
		if err != nil {
			w.t.Fatal(err)
		}
		stored += len(docs)
		if len(docs) < q.Limit {
			break
		}
		last := docs[len(docs)-1]
		q.After = &store.Position{Time: last.Timestamp, ID: last.ID}
	}
	docs, err := w.store.Rejected(w.ctx(), store.RejectedQuery{Limit: 1000})
	if err != nil {
		w.t.Fatal(err)
	}
	return stored, len(docs)
}

// runner is one running processor with a connection and a registry of its own.
type runner struct {
	*Service
	w       *world
	nc      *nats.Conn
	metrics *prometheus.Registry
	cancel  context.CancelFunc
	ended   chan error
	once    sync.Once
	err     error
}

// start starts a processor; change may alter the configuration or, once it is
// made, the service.
func (w *world) start(change ...any) *runner {
	w.t.Helper()
	r := w.assemble(change...)
	w.poll("the processor is ready", func() bool {
		for _, c := range r.Ready() {
			if c.Err != nil {
				return false
			}
		}
		return true
	})
	return r
}

// assemble is start without waiting for the processor to be ready.
func (w *world) assemble(change ...any) *runner {
	w.t.Helper()
	nc, js := w.connect()
	quiet := slog.New(slog.NewJSONHandler(io.Discard, nil))
	reg := registry.New(registry.Config{JetStream: js, Logger: quiet})
	r := &runner{w: w, nc: nc, metrics: prometheus.NewRegistry(), ended: make(chan error, 1)}
	cfg := Config{
		JetStream: js, Conn: nc, Registry: reg, Store: w.store, Stream: w.stream,
		Logger: quiet, Metrics: r.metrics, Observe: 20 * time.Millisecond,
	}
	for _, c := range change {
		if f, ok := c.(func(*Config)); ok {
			f(&cfg)
		}
	}
	var err error
	if r.Service, err = New(cfg); err != nil {
		w.t.Fatal(err)
	}
	for _, c := range change {
		if f, ok := c.(func(*Service)); ok {
			f(r.Service)
		}
	}
	ctx, cancel := context.WithCancel(context.Background())
	r.cancel = cancel
	regCtx, stopRegistry := context.WithCancel(context.Background())
	registryEnded := make(chan error, 1)
	go func() { registryEnded <- reg.Run(regCtx) }()
	go func() { r.ended <- r.Run(ctx) }()
	w.t.Cleanup(func() {
		if err := r.stop(); err != nil && !w.t.Failed() {
			w.t.Errorf("Run: %v", err)
		}
		stopRegistry()
		<-registryEnded
	})
	return r
}

// stop ends the processor and returns the error of Run.
func (r *runner) stop() error {
	r.cancel()
	return r.wait()
}

// wait waits until Run returns by itself. Its error is returned once.
func (r *runner) wait() error {
	var first error
	r.once.Do(func() {
		select {
		case first = <-r.ended:
		case <-time.After(patience):
			r.w.t.Error("the processor does not end")
		}
	})
	return first
}

// metric sums a metric over its labels; those given as name=value must match.
func (r *runner) metric(name string, labels ...string) float64 {
	r.w.t.Helper()
	families, err := r.metrics.Gather()
	if err != nil {
		r.w.t.Fatal(err)
	}
	sum := 0.0
	for _, f := range families {
		if f.GetName() != prefix+name {
			continue
		}
	metrics:
		for _, m := range f.GetMetric() {
			has := map[string]bool{}
			for _, l := range m.GetLabel() {
				has[l.GetName()+"="+l.GetValue()] = true
			}
			for _, l := range labels {
				if !has[l] {
					continue metrics
				}
			}
			sum += m.GetCounter().GetValue() + m.GetGauge().GetValue()
		}
	}
	return sum
}

// hooked is the real store with something before or around an insert.
type hooked struct {
	store.Store
	insert func(ctx context.Context, docs []*store.Document, next insertFunc) ([]error, error)
	raised func(revision uint64)
}

type insertFunc func(context.Context, []*store.Document) ([]error, error)

func (h *hooked) Insert(ctx context.Context, docs []*store.Document) ([]error, error) {
	if h.insert == nil {
		return h.Store.Insert(ctx, docs)
	}
	return h.insert(ctx, docs, h.Store.Insert)
}

func (h *hooked) RaiseRevision(ctx context.Context, revision uint64) error {
	err := h.Store.RaiseRevision(ctx, revision)
	if h.raised != nil {
		h.raised(revision)
	}
	return err
}

func withStore(s store.Store) func(*Config) { return func(c *Config) { c.Store = s } }

// Every event of a test was received at one time, on which no clock has a say.
var receivedAt = time.Date(2026, 5, 6, 7, 8, 9, 123456789, time.UTC)

// with is a valid page view with members replaced; null removes one.
func with(members ...string) string {
	all := map[string]string{
		"session_id": `"e2085be5-9137-4e4e-80b5-f1ffddc25423"`,
		"category":   `"page interaction"`,
		"name":       `"pageview"`,
		"data":       `{"host":"www.example.com","path":"/"}`,
		"timestamp":  `"2026-05-06 07:08:09.123456"`,
	}
	order := []string{"event_id", "session_id", "category", "name", "data", "timestamp"}
	for i := 0; i < len(members); i += 2 {
		all[members[i]] = members[i+1]
	}
	var b strings.Builder
	for _, name := range order {
		if text := all[name]; text != "" && text != "absent" {
			fmt.Fprintf(&b, `,%q:%s`, name, text)
		}
	}
	return "{" + b.String()[1:] + "}"
}

// pageview is a valid event with an id.
func pageview(id string) string { return with("event_id", fmt.Sprintf("%q", id)) }

// pageviews are n events with the ids <prefix>0000 and on.
func pageviews(prefix string, n int) []string {
	out := make([]string, n)
	for i := range out {
		out[i] = pageview(fmt.Sprintf("%s%04d", prefix, i))
	}
	return out
}

// publishAll publishes many events at once.
func (w *world) publishAll(payloads []string) {
	w.t.Helper()
	msgs := make([]*nats.Msg, len(payloads))
	for i, p := range payloads {
		msgs[i] = accepted("demo", p)
	}
	w.publishMsg(msgs...)
}
