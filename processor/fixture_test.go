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
	"github.com/theeye/theeye/shared/registry/declare"
	"github.com/theeye/theeye/shared/store"
	"github.com/theeye/theeye/shared/store/mongo"
	"github.com/theeye/theeye/shared/stream"
)

func TestMain(m *testing.M) { natstest.VerifyTestMain(m) }

// patience is how long a test waits for an event that must happen.
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
	fx := &fixture{t: t, stream: stream.Config{MaxBytes: 64 << 20}.WithDefaults()}
	fx.nats = natstest.Start(t, natstest.Listening(), natstest.MaxPayload(8<<20))
	fx.nc, fx.js = fx.connect()
	fx.uri = os.Getenv("EYE_TEST_MONGO_URI")
	if fx.uri == "" {
		t.Fatal("no MongoDB: set EYE_TEST_MONGO_URI or run make test")
	}
	fx.database = fmt.Sprintf("processor_%d", rand.Uint64())
	t.Cleanup(fx.dropDatabase)
	fx.store = fx.openStore(fx.uri)
	if err := stream.Ensure(fx.ctx(), fx.js, fx.stream); err != nil {
		t.Fatal(err)
	}
	samples, err := declare.LoadDir(declare.SampleTypes())
	if err != nil {
		t.Fatal(err)
	}
	fx.applyDeclarations(samples)
	return fx
}

// connect opens a connection, as a process does.
func (fx *fixture) connect() (*nats.Conn, jetstream.JetStream) {
	return fx.connectTo(fx.nats.ClientURL())
}

func (fx *fixture) connectTo(url string) (*nats.Conn, jetstream.JetStream) {
	nc, err := nats.Connect(url, nats.MaxReconnects(-1), nats.ReconnectWait(20*time.Millisecond))
	if err != nil {
		fx.t.Fatal(err)
	}
	fx.t.Cleanup(nc.Close)
	js, err := jetstream.New(nc)
	if err != nil {
		fx.t.Fatal(err)
	}
	return nc, js
}

// openStore opens the test's database through any address of the server.
func (fx *fixture) openStore(uri string) *mongo.Store {
	cfg := mongo.Config{URI: uri, Database: fx.database}
	if uri != fx.uri {
		cfg.Timeout = time.Second // over a wire that will be cut
	}
	s, err := mongo.Open(fx.ctx(), cfg)
	if err != nil {
		fx.t.Fatal(err)
	}
	fx.t.Cleanup(func() {
		if err := s.Close(context.Background()); err != nil {
			fx.t.Errorf("close the store: %v", err)
		}
	})
	return s
}

func (fx *fixture) dropDatabase() {
	client, err := driver.Connect(options.Client().ApplyURI(fx.uri))
	if err != nil {
		fx.t.Fatal(err)
	}
	if err := client.Database(fx.database).Drop(context.Background()); err != nil {
		fx.t.Errorf("drop the database: %v", err)
	}
	if err := client.Disconnect(context.Background()); err != nil {
		fx.t.Errorf("disconnect: %v", err)
	}
}

// ctx returns a context that bounds one request or wait.
func (fx *fixture) ctx() context.Context {
	ctx, cancel := context.WithTimeout(context.Background(), 2*patience)
	fx.t.Cleanup(cancel)
	return ctx
}

// applyFiles puts declarations, by file, and returns the registry's revision.
func (fx *fixture) applyFiles(files map[string]string) uint64 {
	fx.t.Helper()
	folder := fstest.MapFS{}
	for name, text := range files {
		folder[name] = &fstest.MapFile{Data: []byte(text)}
	}
	d, err := declare.LoadDir(folder)
	if err != nil {
		fx.t.Fatal(err)
	}
	return fx.applyDeclarations(d)
}

func (fx *fixture) applyDeclarations(d *declare.Declarations) uint64 {
	fx.t.Helper()
	if _, err := d.Apply(fx.ctx(), fx.js, "test"); err != nil {
		fx.t.Fatal(err)
	}
	s, err := fx.js.Stream(fx.ctx(), stream.BucketStream(stream.BucketSchemas))
	if err != nil {
		fx.t.Fatal(err)
	}
	return s.CachedInfo().State.LastSeq
}

// publish publishes events as a collector does, of application demo.
func (fx *fixture) publish(payloads ...string) {
	fx.t.Helper()
	for _, p := range payloads {
		fx.publishMsg(outcometest.Message("demo", p))
	}
}

func (fx *fixture) publishMsg(msgs ...*nats.Msg) {
	fx.t.Helper()
	futures := make([]jetstream.PubAckFuture, 0, len(msgs))
	for _, m := range msgs {
		f, err := fx.js.PublishMsgAsync(m)
		if err != nil {
			fx.t.Fatal(err)
		}
		futures = append(futures, f)
	}
	for _, f := range futures {
		select {
		case <-f.Ok():
		case err := <-f.Err():
			fx.t.Fatal(err)
		case <-time.After(patience):
			fx.t.Fatal("a message is not acknowledged")
		}
	}
}

// consumer returns the state of the shared consumer.
func (fx *fixture) consumer() *jetstream.ConsumerInfo {
	fx.t.Helper()
	c, err := fx.js.Consumer(fx.ctx(), stream.Name, stream.Consumer)
	if err != nil {
		fx.t.Fatal(err)
	}
	return c.CachedInfo()
}

// streamState returns the state of the stream.
func (fx *fixture) streamState() jetstream.StreamState {
	fx.t.Helper()
	s, err := fx.js.Stream(fx.ctx(), stream.Name)
	if err != nil {
		fx.t.Fatal(err)
	}
	return s.CachedInfo().State
}

// awaitSettled waits until every message has been acknowledged.
func (fx *fixture) awaitSettled() {
	fx.t.Helper()
	last := fx.streamState().LastSeq
	fx.poll("every message is acknowledged", func() bool { return fx.consumer().AckFloor.Stream >= last })
}

// awaitReleased waits until n messages that a processor had fetched are delivered again,
// well before AckWait would redeliver them.
func (fx *fixture) awaitReleased(n int) {
	fx.t.Helper()
	c, err := fx.js.Consumer(fx.ctx(), stream.Name, stream.Consumer)
	if err != nil {
		fx.t.Fatal(err)
	}
	had := 0
	fx.pollFor(stream.AckWait/2, fmt.Sprintf("%d messages are released", n), func() bool {
		batch, err := c.FetchNoWait(n)
		if err != nil {
			fx.t.Fatal(err)
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
func (fx *fixture) poll(what string, done func() bool) {
	fx.t.Helper()
	fx.pollFor(patience, what, done)
}

func (fx *fixture) pollFor(limit time.Duration, what string, done func() bool) {
	fx.t.Helper()
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for end := time.Now().Add(limit); !done(); <-tick.C {
		if time.Now().After(end) {
			fx.t.Fatalf("waited in vain: %s", what)
		}
	}
}

// lookup returns a document, nil if the store does not hold it.
func (fx *fixture) lookup(id string) *store.Document {
	fx.t.Helper()
	docs, err := fx.store.Lookup(fx.ctx(), []string{id})
	if err != nil {
		fx.t.Fatal(err)
	}
	if len(docs) == 0 {
		return nil
	}
	return docs[0]
}

// counts returns the number of stored and of rejected events.
func (fx *fixture) counts() (stored, rejected int) {
	fx.t.Helper()
	q := query.Events{Limit: 1000}
	for {
		docs, err := fx.store.Find(fx.ctx(), q)
		if err != nil {
			fx.t.Fatal(err)
		}
		stored += len(docs)
		if len(docs) < q.Limit {
			break
		}
		last := docs[len(docs)-1].Position()
		q.After = &last
	}
	docs, err := fx.store.Find(fx.ctx(), query.Events{Rejected: true, Limit: 1000})
	if err != nil {
		fx.t.Fatal(err)
	}
	return stored, len(docs)
}

// pageviews returns n events with the ids <prefix>0000, <prefix>0001 and so on. All
// have the same received time, so that outcomes do not depend on the clock.
func pageviews(prefix string, n int) []string {
	out := make([]string, n)
	for i := range out {
		out[i] = outcometest.Pageview(fmt.Sprintf("%s%04d", prefix, i))
	}
	return out
}

// publishAll publishes many events concurrently.
func (fx *fixture) publishAll(payloads []string) {
	fx.t.Helper()
	msgs := make([]*nats.Msg, len(payloads))
	for i, p := range payloads {
		msgs[i] = outcometest.Message("demo", p)
	}
	fx.publishMsg(msgs...)
}
