package processor

import (
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"testing"
	"testing/fstest"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	driver "go.mongodb.org/mongo-driver/v2/mongo"
	"go.mongodb.org/mongo-driver/v2/mongo/options"

	"github.com/theeye/theeye/shared/natsd/natstest"
	"github.com/theeye/theeye/shared/outcome/outcometest"
	"github.com/theeye/theeye/shared/query"
	"github.com/theeye/theeye/shared/registry"
	"github.com/theeye/theeye/shared/store"
	"github.com/theeye/theeye/shared/store/mongo"
	"github.com/theeye/theeye/shared/stream"
)

func TestMain(m *testing.M) { natstest.VerifyTestMain(m) }

// patience is how long a test waits for what must come.
const patience = 30 * time.Second

// fixture is a real NATS server and a real database, with the sample types in
// the registry.
type fixture struct {
	t        testing.TB
	nats     *natstest.Server
	nc       *nats.Conn
	js       jetstream.JetStream
	uri      string
	database string
	store    *mongo.Store
	stream   stream.Config
}

func newFixture(t testing.TB) *fixture {
	t.Helper()
	w := &fixture{t: t, stream: stream.Config{MaxBytes: 64 << 20}.WithDefaults()}
	w.nats = natstest.Start(t, natstest.Listening(), natstest.MaxPayload(8<<20))
	w.nc, w.js = w.connect()
	w.uri = os.Getenv("EYE_TEST_MONGO_URI")
	if w.uri == "" {
		t.Fatal("no MongoDB: set EYE_TEST_MONGO_URI or run make test")
	}
	w.database = fmt.Sprintf("processor_%d", rand.Uint64())
	t.Cleanup(w.dropDatabase)
	w.store = w.openStore(w.uri)
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

// connect opens a connection of its own, as a process has.
func (w *fixture) connect() (*nats.Conn, jetstream.JetStream) {
	return w.connectTo(w.nats.ClientURL())
}

func (w *fixture) connectTo(url string) (*nats.Conn, jetstream.JetStream) {
	nc, err := nats.Connect(url, nats.MaxReconnects(-1), nats.ReconnectWait(20*time.Millisecond))
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

// openStore opens the test's database over any address of the server.
func (w *fixture) openStore(uri string) *mongo.Store {
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

func (w *fixture) dropDatabase() {
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
func (w *fixture) ctx() context.Context {
	ctx, cancel := context.WithTimeout(context.Background(), 2*patience)
	w.t.Cleanup(cancel)
	return ctx
}

// applyFiles puts declarations, by file, and returns the registry's revision.
func (w *fixture) applyFiles(files map[string]string) uint64 {
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

func (w *fixture) applyDeclarations(d *registry.Declarations) uint64 {
	w.t.Helper()
	if _, err := d.Apply(w.ctx(), w.js, "test"); err != nil {
		w.t.Fatal(err)
	}
	s, err := w.js.Stream(w.ctx(), stream.BucketStream(stream.BucketSchemas))
	if err != nil {
		w.t.Fatal(err)
	}
	return s.CachedInfo().State.LastSeq
}

// publish puts events into the stream as a collector of application demo does.
func (w *fixture) publish(payloads ...string) {
	w.t.Helper()
	for _, p := range payloads {
		w.publishMsg(outcometest.Message("demo", p))
	}
}

func (w *fixture) publishMsg(msgs ...*nats.Msg) {
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
func (w *fixture) consumer() *jetstream.ConsumerInfo {
	w.t.Helper()
	c, err := w.js.Consumer(w.ctx(), stream.Name, stream.Consumer)
	if err != nil {
		w.t.Fatal(err)
	}
	return c.CachedInfo()
}

// streamState is the stream's.
func (w *fixture) streamState() jetstream.StreamState {
	w.t.Helper()
	s, err := w.js.Stream(w.ctx(), stream.Name)
	if err != nil {
		w.t.Fatal(err)
	}
	return s.CachedInfo().State
}

// awaitSettled waits until every message has been acknowledged.
func (w *fixture) awaitSettled() {
	w.t.Helper()
	last := w.streamState().LastSeq
	w.poll("every message is acknowledged", func() bool { return w.consumer().AckFloor.Stream >= last })
}

// awaitHandedBack waits until n messages that a processor had can be fetched
// by the next one, well before AckWait would bring them.
func (w *fixture) awaitHandedBack(n int) {
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
func (w *fixture) poll(what string, done func() bool) {
	w.t.Helper()
	w.pollFor(patience, what, done)
}

func (w *fixture) pollFor(limit time.Duration, what string, done func() bool) {
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
func (w *fixture) lookup(id string) *store.Document {
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
func (w *fixture) counts() (stored, rejected int) {
	w.t.Helper()
	q := query.Events{Limit: 1000}
	for {
		docs, err := w.store.Find(w.ctx(), q)
		if err != nil {
			w.t.Fatal(err)
		}
		stored += len(docs)
		if len(docs) < q.Limit {
			break
		}
		last := docs[len(docs)-1].Position()
		q.After = &last
	}
	docs, err := w.store.Find(w.ctx(), query.Events{Rejected: true, Limit: 1000})
	if err != nil {
		w.t.Fatal(err)
	}
	return stored, len(docs)
}

// Every event of a test was received at one time, on which no clock has a say.
// pageviews are n events with the ids <prefix>0000 and on.
func pageviews(prefix string, n int) []string {
	out := make([]string, n)
	for i := range out {
		out[i] = outcometest.Pageview(fmt.Sprintf("%s%04d", prefix, i))
	}
	return out
}

// publishAll publishes many events at once.
func (w *fixture) publishAll(payloads []string) {
	w.t.Helper()
	msgs := make([]*nats.Msg, len(payloads))
	for i, p := range payloads {
		msgs[i] = outcometest.Message("demo", p)
	}
	w.publishMsg(msgs...)
}
