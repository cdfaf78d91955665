package replay

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"log/slog"
	"math/rand/v2"
	"os"
	"sync"
	"sync/atomic"
	"testing"
	"testing/fstest"
	"time"

	"github.com/nats-io/nats.go/jetstream"
	"go.mongodb.org/mongo-driver/v2/bson"
	driver "go.mongodb.org/mongo-driver/v2/mongo"
	"go.mongodb.org/mongo-driver/v2/mongo/options"

	"github.com/theeye/theeye/processor/jobs"
	"github.com/theeye/theeye/shared/heartbeat"
	"github.com/theeye/theeye/shared/job"
	"github.com/theeye/theeye/shared/natsd/natstest"
	"github.com/theeye/theeye/shared/outcome"
	"github.com/theeye/theeye/shared/registry"
	"github.com/theeye/theeye/shared/registry/declare"
	"github.com/theeye/theeye/shared/registry/editor"
	"github.com/theeye/theeye/shared/schema"
	"github.com/theeye/theeye/shared/store"
	"github.com/theeye/theeye/shared/store/mongo"
	"github.com/theeye/theeye/shared/stream"
)

func TestMain(m *testing.M) { natstest.VerifyTestMain(m) }

// patience is how long a test waits for an event that must happen, benchPatience how
// long a benchmark does.
const (
	patience      = time.Minute
	benchPatience = time.Hour
)

// fixture is a real NATS server and a real database, with the registry, writer and
// bucket that a processor uses.
type fixture struct {
	testing.TB
	ctx      context.Context
	nats     *natstest.Server
	js       jetstream.JetStream
	store    *mongo.Store
	writer   *store.Writer
	reg      *registry.Registry
	edit     *editor.Editor
	jobs     *job.Bucket
	epoch    int64
	patience time.Duration
	// began is the default received time of events.
	began time.Time

	// database is the database of store.
	database *driver.Database

	// raised is the revision that is recorded in the store.
	raised atomic.Uint64

	mu sync.Mutex
	// beats are the heartbeats of the live processes.
	beats []heartbeat.Beat
}

func newFixture(t testing.TB) *fixture {
	t.Helper()
	fx := &fixture{TB: t, patience: patience, began: time.Now().UTC().Truncate(time.Millisecond)}
	if _, ok := t.(*testing.B); ok {
		fx.patience = benchPatience
	}
	var cancel context.CancelFunc
	fx.ctx, cancel = context.WithTimeout(context.Background(), 2*fx.patience)
	t.Cleanup(cancel)
	fx.nats = natstest.Start(t, natstest.MaxPayload(8<<20))
	fx.js = fx.nats.JetStream()
	fx.must(stream.Ensure(fx.ctx, fx.js, stream.Config{MaxBytes: 1 << 30}))
	events, err := fx.js.Stream(fx.ctx, stream.Name)
	fx.must(err)
	fx.epoch = events.CachedInfo().Created.UnixMicro()
	fx.openStore()
	fx.reg, fx.edit = registry.New(registry.Config{JetStream: fx.js, Logger: slog.New(slog.DiscardHandler)}), editor.New(fx.js)
	fx.runInBackground(fx.reg.Run)
	fx.jobs, err = job.Open(fx.ctx, fx.js)
	fx.must(err)
	return fx
}

func (fx *fixture) must(err error) {
	fx.Helper()
	if err != nil {
		fx.Fatal(err)
	}
}

func (fx *fixture) openStore() {
	uri := os.Getenv("EYE_TEST_MONGO_URI")
	if uri == "" {
		fx.Fatal("no MongoDB: set EYE_TEST_MONGO_URI or run make test")
	}
	client, err := driver.Connect(options.Client().ApplyURI(uri))
	fx.must(err)
	fx.database = client.Database(fmt.Sprintf("replay_%d", rand.Uint64()))
	fx.Cleanup(func() {
		if err := errors.Join(fx.database.Drop(context.Background()), client.Disconnect(context.Background())); err != nil {
			fx.Error(err)
		}
	})
	fx.store, err = mongo.Open(fx.ctx, mongo.Config{URI: uri, Database: fx.database.Name()})
	fx.must(err)
	fx.Cleanup(func() {
		if err := fx.store.Close(context.Background()); err != nil {
			fx.Error(err)
		}
	})
	fx.must(fx.store.Prepare(fx.ctx))
	fx.writer = store.NewWriter(store.WriterConfig{Backend: fx.store})
}

// runInBackground runs f until the test ends, or until stop is called.
func (fx *fixture) runInBackground(f func(context.Context) error) (stop func()) {
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		if err := f(ctx); err != nil {
			fx.Error(err)
		}
	}()
	stop = func() { cancel(); <-ended }
	fx.Cleanup(stop)
	return stop
}

// apply puts declarations, by file, waits until the registry has them, and returns
// the revision.
func (fx *fixture) apply(files map[string]string) uint64 {
	fx.Helper()
	folder := fstest.MapFS{}
	for name, text := range files {
		folder[name] = &fstest.MapFile{Data: []byte(text)}
	}
	d, err := declare.LoadDir(folder)
	fx.must(err)
	_, err = d.Apply(fx.ctx, fx.js, "test")
	fx.must(err)
	s, err := fx.js.Stream(fx.ctx, stream.BucketStream(stream.BucketSchemas))
	fx.must(err)
	revision := s.CachedInfo().State.LastSeq
	fx.awaitRevision(revision)
	return revision
}

func (fx *fixture) awaitRevision(revision uint64) {
	fx.poll("the registry follows", func() bool {
		s := fx.reg.Snapshot()
		return s != nil && s.Schemas.Revision() >= revision
	})
}

// requireMember puts a schema for both types of the tests that requires a member of
// data.
func (fx *fixture) requireMember(member string) uint64 {
	text := fmt.Sprintf(`{"type":"object","required":[%q]}`, member)
	return fx.apply(map[string]string{"schemas/page/view.json": text, "schemas/page/click.json": text})
}

func (fx *fixture) evaluate(m stream.Raw, set *schema.Set) *store.Document {
	d, _ := outcome.Evaluate(m, set, fx.epoch)
	return d
}

func (fx *fixture) write(ctx context.Context, revision uint64, docs []*store.Document, read map[string]store.Held) ([]store.WriteResult, error) {
	if revision > fx.raised.Load() {
		if err := fx.store.RaiseRevision(ctx, revision); err != nil {
			return nil, err
		}
		fx.raised.Store(revision)
	}
	return fx.writer.WriteOver(ctx, docs, read)
}

// settleAll processes all published messages as a live processor does.
func (fx *fixture) settleAll() {
	fx.Helper()
	c, err := fx.js.Consumer(fx.ctx, stream.Name, stream.Consumer)
	fx.must(err)
	set := fx.reg.Snapshot().Schemas
	events, err := fx.js.Stream(fx.ctx, stream.Name)
	fx.must(err)
	// The consumer learns of a new message a moment later than the stream.
	for left := events.CachedInfo().State.LastSeq - c.CachedInfo().Delivered.Stream; left > 0; {
		batch, err := c.Fetch(int(min(left, 500)), jetstream.FetchMaxWait(patience))
		fx.must(err)
		var docs []*store.Document
		var msgs []jetstream.Msg
		for m := range batch.Messages() {
			meta, err := m.Metadata()
			fx.must(err)
			docs = append(docs, fx.evaluate(stream.Raw{Header: m.Headers(), Payload: m.Data(), Seq: meta.Sequence.Stream, Time: meta.Timestamp}, set))
			msgs = append(msgs, m)
		}
		_, err = fx.write(fx.ctx, set.Revision(), docs, nil)
		fx.must(err)
		for _, m := range msgs[:len(msgs)-1] {
			fx.must(m.Ack())
		}
		fx.must(msgs[len(msgs)-1].DoubleAck(fx.ctx)) // behind the others
		left -= uint64(len(msgs))
	}
}

// liveBeats returns the heartbeats that a replay sees.
func (fx *fixture) liveBeats(context.Context) ([]heartbeat.Beat, error) {
	fx.mu.Lock()
	defer fx.mu.Unlock()
	return fx.beats, nil
}

func (fx *fixture) setBeats(beats ...heartbeat.Beat) {
	fx.mu.Lock()
	defer fx.mu.Unlock()
	fx.beats = beats
}

// config returns a Replayer's configuration, as in a processor.
func (fx *fixture) config() Config {
	return Config{
		Resources: jobs.Resources{
			JetStream: fx.js, Registry: fx.reg, Store: fx.store, Write: fx.write, Logger: slog.New(slog.DiscardHandler),
		},
		Evaluate: fx.evaluate, Beats: fx.liveBeats,
	}
}

// startRunner starts a runner of jobs as a process does, but with shorter intervals;
// stop ends it as a signal does.
func (fx *fixture) startRunner(name string, change ...func(*Config)) (stop func()) {
	return fx.startRunnerOf(jobs.Config{Instance: name, SaveEvery: 20 * time.Millisecond, LeaseTime: 3 * time.Second}, func(r *Replayer) {
		r.progressInterval, r.throttleInterval = 0, 0
	}, change...)
}

// startRunnerOf starts a runner with a configuration; adjust may alter its Replayer.
func (fx *fixture) startRunnerOf(cfg jobs.Config, adjust func(*Replayer), change ...func(*Config)) (stop func()) {
	c := fx.config()
	for _, change := range change {
		change(&c)
	}
	r := New(c)
	adjust(r)
	cfg.JetStream, cfg.Logger = fx.js, c.Logger
	cfg.Tasks = map[job.Kind]jobs.Task{job.Replay: r.Replay, job.DryRun: r.DryRun}
	return fx.runInBackground(jobs.New(cfg).Run)
}

// createJob creates a job; a replay gets its target.
func (fx *fixture) createJob(kind job.Kind, s job.Selection, change ...func(*job.Job)) string {
	fx.Helper()
	j := job.Job{Kind: kind, Selection: s}
	if kind == job.Replay {
		var err error
		j.TargetRevision, err = fx.edit.Bump(fx.ctx, registry.ChangeInfo{Author: "test"})
		fx.must(err)
	}
	for _, c := range change {
		c(&j)
	}
	e, err := fx.jobs.Create(fx.ctx, j)
	fx.must(err)
	return e.ID
}

// awaitJob waits until a job fulfils a condition.
func (fx *fixture) awaitJob(id, what string, done func(job.Job) bool) job.Job {
	fx.Helper()
	var last job.Job
	for end := time.Now().Add(fx.patience); time.Now().Before(end); <-time.After(5 * time.Millisecond) {
		if e, err := fx.job(id); err == nil {
			last = e.Job
			if done(last) {
				return last
			}
			if last.State.Final() {
				break
			}
		}
	}
	fx.Fatalf("waited in vain: %s; the job is %+v", what, last)
	return last
}

// job reads a job. A server that shuts down does not answer, hence the limit.
func (fx *fixture) job(id string) (job.Entry, error) {
	ctx, cancel := context.WithTimeout(fx.ctx, 2*time.Second)
	defer cancel()
	return fx.jobs.Get(ctx, id)
}

func (fx *fixture) awaitDone(id string) job.Job {
	fx.Helper()
	return fx.awaitJob(id, "the job is done", func(j job.Job) bool { return j.State == job.Done })
}

// poll waits for a condition.
func (fx *fixture) poll(what string, done func() bool) {
	fx.Helper()
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for end := time.Now().Add(fx.patience); !done(); <-tick.C {
		if time.Now().After(end) {
			fx.Fatalf("waited in vain: %s", what)
		}
	}
}

// beforeWrite calls f before each attempt to write, with its number from 1 on.
func beforeWrite(f func(n int)) func(*Config) {
	return func(cfg *Config) {
		write := cfg.Write
		var n atomic.Int32
		cfg.Write = func(ctx context.Context, revision uint64, docs []*store.Document, read map[string]store.Held) ([]store.WriteResult, error) {
			f(int(n.Add(1)))
			return write(ctx, revision, docs, read)
		}
	}
}

func streamAll(fx *fixture) iter.Seq2[[]stream.Raw, error] {
	return stream.Read(fx.ctx, fx.js, stream.Range{})
}

// overwrite replaces a document without the write rule, which no process of The Eye
// does.
func (fx *fixture) overwrite(ctx context.Context, d *store.Document) {
	raw, err := mongo.AppendDocument(nil, d)
	fx.must(err)
	_, err = fx.database.Collection("events").ReplaceOne(ctx, bson.D{{Key: "_id", Value: d.ID}}, bson.Raw(raw))
	fx.must(err)
}
