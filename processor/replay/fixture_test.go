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
	"github.com/theeye/theeye/shared/schema"
	"github.com/theeye/theeye/shared/store"
	"github.com/theeye/theeye/shared/store/mongo"
	"github.com/theeye/theeye/shared/stream"
)

func TestMain(m *testing.M) { natstest.VerifyTestMain(m) }

// patience is how long a test waits for what must come, benchPatience a
// benchmark.
const (
	patience      = time.Minute
	benchPatience = time.Hour
)

// fixture is a real NATS server, a real database, and what a processor has of
// them.
type fixture struct {
	testing.TB
	ctx      context.Context
	nats     *natstest.Server
	js       jetstream.JetStream
	store    *mongo.Store
	writer   *store.Writer
	reg      *registry.Registry
	edit     *registry.Editor
	jobs     *job.Bucket
	epoch    int64
	patience time.Duration
	// began is the received time of events that name none.
	began time.Time

	// database is the one that store writes to.
	database *driver.Database

	// raised is the revision that the store was told.
	raised atomic.Uint64

	mu sync.Mutex
	// beats are the live processes; nil is one processor that is up to date.
	beats []heartbeat.Beat
}

func newFixture(t testing.TB) *fixture {
	t.Helper()
	w := &fixture{TB: t, patience: patience, began: time.Now().UTC().Truncate(time.Millisecond)}
	if _, ok := t.(*testing.B); ok {
		w.patience = benchPatience
	}
	var cancel context.CancelFunc
	w.ctx, cancel = context.WithTimeout(context.Background(), 2*w.patience)
	t.Cleanup(cancel)
	w.nats = natstest.Start(t, natstest.MaxPayload(8<<20))
	w.js = w.nats.JetStream()
	w.must(stream.Ensure(w.ctx, w.js, stream.Config{MaxBytes: 1 << 30}))
	events, err := w.js.Stream(w.ctx, stream.Name)
	w.must(err)
	w.epoch = events.CachedInfo().Created.UnixMicro()
	w.openStore()
	w.reg, w.edit = registry.New(registry.Config{JetStream: w.js, Logger: slog.New(slog.DiscardHandler)}), registry.NewEditor(w.js)
	w.runInBackground(w.reg.Run)
	w.jobs, err = job.Open(w.ctx, w.js)
	w.must(err)
	return w
}

func (w *fixture) must(err error) {
	w.Helper()
	if err != nil {
		w.Fatal(err)
	}
}

func (w *fixture) openStore() {
	uri := os.Getenv("EYE_TEST_MONGO_URI")
	if uri == "" {
		w.Fatal("no MongoDB: set EYE_TEST_MONGO_URI or run make test")
	}
	client, err := driver.Connect(options.Client().ApplyURI(uri))
	w.must(err)
	w.database = client.Database(fmt.Sprintf("replay_%d", rand.Uint64()))
	w.Cleanup(func() {
		if err := errors.Join(w.database.Drop(context.Background()), client.Disconnect(context.Background())); err != nil {
			w.Error(err)
		}
	})
	w.store, err = mongo.Open(w.ctx, mongo.Config{URI: uri, Database: w.database.Name()})
	w.must(err)
	w.Cleanup(func() {
		if err := w.store.Close(context.Background()); err != nil {
			w.Error(err)
		}
	})
	w.must(w.store.Prepare(w.ctx))
	w.writer = store.NewWriter(store.WriterConfig{Backend: w.store})
}

// runInBackground runs f until the test ends, or until stop.
func (w *fixture) runInBackground(f func(context.Context) error) (stop func()) {
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		if err := f(ctx); err != nil {
			w.Error(err)
		}
	}()
	stop = func() { cancel(); <-ended }
	w.Cleanup(stop)
	return stop
}

// apply puts declarations, by file, and returns the revision, which the
// registry has then.
func (w *fixture) apply(files map[string]string) uint64 {
	w.Helper()
	folder := fstest.MapFS{}
	for name, text := range files {
		folder[name] = &fstest.MapFile{Data: []byte(text)}
	}
	d, err := registry.LoadDir(folder)
	w.must(err)
	_, err = d.Apply(w.ctx, w.js, "test")
	w.must(err)
	s, err := w.js.Stream(w.ctx, stream.BucketStream(stream.BucketSchemas))
	w.must(err)
	revision := s.CachedInfo().State.LastSeq
	w.awaitRevision(revision)
	return revision
}

func (w *fixture) awaitRevision(revision uint64) {
	w.poll("the registry follows", func() bool {
		s := w.reg.Snapshot()
		return s != nil && s.Schemas.Revision() >= revision
	})
}

// requireMember puts a schema for both types of the tests: data must have a member.
func (w *fixture) requireMember(member string) uint64 {
	text := fmt.Sprintf(`{"type":"object","required":[%q]}`, member)
	return w.apply(map[string]string{"schemas/page/view.json": text, "schemas/page/click.json": text})
}

func (w *fixture) evaluate(m stream.Raw, set *schema.Set) *store.Document {
	d, _ := outcome.Evaluate(m, set, w.epoch)
	return d
}

func (w *fixture) write(ctx context.Context, revision uint64, docs []*store.Document) ([]store.WriteResult, error) {
	if revision > w.raised.Load() {
		if err := w.store.RaiseRevision(ctx, revision); err != nil {
			return nil, err
		}
		w.raised.Store(revision)
	}
	return w.writer.Write(ctx, docs)
}

// settleAll does as live processors do with everything that is published.
func (w *fixture) settleAll() {
	w.Helper()
	c, err := w.js.Consumer(w.ctx, stream.Name, stream.Consumer)
	w.must(err)
	set := w.reg.Snapshot().Schemas
	events, err := w.js.Stream(w.ctx, stream.Name)
	w.must(err)
	// The consumer itself hears of a new message a moment later than the stream.
	for left := events.CachedInfo().State.LastSeq - c.CachedInfo().Delivered.Stream; left > 0; {
		batch, err := c.Fetch(int(min(left, 500)), jetstream.FetchMaxWait(patience))
		w.must(err)
		var docs []*store.Document
		var msgs []jetstream.Msg
		for m := range batch.Messages() {
			meta, err := m.Metadata()
			w.must(err)
			docs = append(docs, w.evaluate(stream.Raw{Header: m.Headers(), Payload: m.Data(), Seq: meta.Sequence.Stream, Time: meta.Timestamp}, set))
			msgs = append(msgs, m)
		}
		_, err = w.write(w.ctx, set.Revision(), docs)
		w.must(err)
		for _, m := range msgs {
			w.must(m.Ack())
		}
		left -= uint64(len(msgs))
	}
}

// liveBeats are the processes that a replay sees.
func (w *fixture) liveBeats(context.Context) ([]heartbeat.Beat, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.beats, nil
}

func (w *fixture) setBeats(beats ...heartbeat.Beat) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.beats = beats
}

// config is what a processor gives a Replayer.
func (w *fixture) config() Config {
	return Config{
		Resources: jobs.Resources{
			JetStream: w.js, Registry: w.reg, Store: w.store, Write: w.write, Logger: slog.New(slog.DiscardHandler),
		},
		Evaluate: w.evaluate, Beats: w.liveBeats,
	}
}

// startRunner starts a runner of jobs as a process has it; stop ends it as a signal
// does. It is in more of a hurry than in production.
func (w *fixture) startRunner(name string, change ...func(*Config)) (stop func()) {
	return w.startRunnerOf(jobs.Config{Instance: name, SaveEvery: 20 * time.Millisecond, LeaseTime: 3 * time.Second}, func(r *Replayer) {
		r.progressInterval, r.throttleInterval = 0, 0
	}, change...)
}

// startRunnerOf starts a runner like cfg.
func (w *fixture) startRunnerOf(cfg jobs.Config, hurry func(*Replayer), change ...func(*Config)) (stop func()) {
	c := w.config()
	for _, change := range change {
		change(&c)
	}
	r := New(c)
	hurry(r)
	cfg.JetStream, cfg.Logger = w.js, c.Logger
	cfg.Tasks = map[job.Kind]jobs.Task{job.Replay: r.Replay, job.DryRun: r.DryRun}
	return w.runInBackground(jobs.New(cfg).Run)
}

// createJob makes a job; a replay gets its target.
func (w *fixture) createJob(kind job.Kind, s job.Selection, change ...func(*job.Job)) string {
	w.Helper()
	j := job.Job{Kind: kind, Selection: s}
	if kind == job.Replay {
		var err error
		j.TargetRevision, err = w.edit.Touch(w.ctx, registry.By{Author: "test"})
		w.must(err)
	}
	for _, c := range change {
		c(&j)
	}
	e, err := w.jobs.Create(w.ctx, j)
	w.must(err)
	return e.ID
}

// awaitJob waits until a job is as wanted.
func (w *fixture) awaitJob(id, what string, wanted func(job.Job) bool) job.Job {
	w.Helper()
	var last job.Job
	for end := time.Now().Add(w.patience); time.Now().Before(end); <-time.After(5 * time.Millisecond) {
		if e, err := w.job(id); err == nil {
			last = e.Job
			if wanted(last) {
				return last
			}
			if last.State.Final() {
				break
			}
		}
	}
	w.Fatalf("in vain: %s; the job is %+v", what, last)
	return last
}

// job reads a job; a request that a server took along when it stopped is lost.
func (w *fixture) job(id string) (job.Entry, error) {
	ctx, cancel := context.WithTimeout(w.ctx, 2*time.Second)
	defer cancel()
	return w.jobs.Get(ctx, id)
}

func (w *fixture) awaitDone(id string) job.Job {
	w.Helper()
	return w.awaitJob(id, "the job is done", func(j job.Job) bool { return j.State == job.Done })
}

// poll waits for a condition.
func (w *fixture) poll(what string, done func() bool) {
	w.Helper()
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for end := time.Now().Add(w.patience); !done(); <-tick.C {
		if time.Now().After(end) {
			w.Fatalf("in vain: %s", what)
		}
	}
}

// beforeWrite calls f before each attempt to write, with its number from 1 on.
func beforeWrite(f func(n int)) func(*Config) {
	return func(cfg *Config) {
		write := cfg.Write
		var n atomic.Int32
		cfg.Write = func(ctx context.Context, revision uint64, docs []*store.Document) ([]store.WriteResult, error) {
			f(int(n.Add(1)))
			return write(ctx, revision, docs)
		}
	}
}

func streamAll(w *fixture) iter.Seq2[[]stream.Raw, error] {
	return stream.Read(w.ctx, w.js, stream.Range{})
}

// overwrite writes a document as nothing in The Eye does: whatever is held.
func (w *fixture) overwrite(ctx context.Context, d *store.Document) {
	raw, err := mongo.AppendDocument(nil, d)
	w.must(err)
	_, err = w.database.Collection("events").ReplaceOne(ctx, bson.D{{Key: "_id", Value: d.ID}}, bson.Raw(raw))
	w.must(err)
}
