package retention

import (
	"context"
	"fmt"
	"log/slog"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/theeye/theeye/processor/jobs"
	"github.com/theeye/theeye/shared/heartbeat"
	"github.com/theeye/theeye/shared/job"
	"github.com/theeye/theeye/shared/natsd/natstest"
	"github.com/theeye/theeye/shared/registry"
	"github.com/theeye/theeye/shared/registry/editor"
	"github.com/theeye/theeye/shared/store"
	"github.com/theeye/theeye/shared/store/mongo/mongotest"
	"github.com/theeye/theeye/shared/store/sqlite"
	"github.com/theeye/theeye/shared/store/storetest"
	"github.com/theeye/theeye/shared/stream"
)

func TestMain(m *testing.M) { natstest.VerifyTestMain(m) }

// patience is how long a test waits for an event that must happen.
const patience = time.Minute

// fixture is a NATS server with a registry and jobs, and a store.
type fixture struct {
	*testing.T
	ctx    context.Context
	js     jetstream.JetStream
	reg    *registry.Registry
	edit   *editor.Editor
	bucket *job.Bucket
	store  store.Store

	mu    sync.Mutex
	beats []heartbeat.Beat // guarded by mu
}

// forEachStore runs a test on both stores.
func forEachStore(t *testing.T, test func(fx *fixture)) {
	t.Helper()
	for name, open := range map[string]func(*testing.T) store.Store{
		"sqlite": func(t *testing.T) store.Store {
			s, err := sqlite.Open(t.Context(), sqlite.Config{Path: filepath.Join(t.TempDir(), "events.db"), SweepEvery: -1})
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { _ = s.Close(context.Background()) })
			return s
		},
		"mongo": func(t *testing.T) store.Store { return mongotest.Open(t, mongotest.Config(t)) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			test(newFixture(t, open(t)))
		})
	}
}

func newFixture(t *testing.T, s store.Store) *fixture {
	t.Helper()
	fx := &fixture{T: t, store: s, js: natstest.Start(t).JetStream()}
	var cancel context.CancelFunc
	fx.ctx, cancel = context.WithTimeout(context.Background(), 2*patience)
	t.Cleanup(cancel)
	fx.must(stream.Ensure(fx.ctx, fx.js, stream.Config{MaxBytes: 1 << 24}))
	fx.must(s.Prepare(fx.ctx))
	fx.edit = editor.New(fx.js)
	for range 5 { // documents have revision 1
		_, err := fx.edit.Bump(fx.ctx, registry.ChangeInfo{Author: "test"})
		fx.must(err)
	}
	fx.reg = registry.New(registry.Config{JetStream: fx.js, Needs: registry.NeedSchemas, Logger: slog.New(slog.DiscardHandler)})
	fx.run(fx.reg.Run)
	<-fx.reg.Ready()
	var err error
	fx.bucket, err = job.Open(fx.ctx, fx.js)
	fx.must(err)
	return fx
}

func (fx *fixture) must(err error) {
	fx.Helper()
	if err != nil {
		fx.Fatal(err)
	}
}

// run runs f until the test ends, or until stop is called.
func (fx *fixture) run(f func(context.Context) error) (stop func()) {
	ctx, cancel := context.WithCancel(fx.ctx)
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		_ = f(ctx)
	}()
	stop = func() { cancel(); <-ended }
	fx.Cleanup(stop)
	return stop
}

// follow starts a Follower, as a processor has one.
func (fx *fixture) follow() (stop func()) {
	return fx.run(NewFollower(fx.js, fx.reg, slog.New(slog.DiscardHandler)).Follow)
}

// startRunner starts a runner of jobs with small portions; s is its view of
// the store.
func (fx *fixture) startRunner(name string, s store.Retainer, portion int) (stop func()) {
	t := New(Config{JetStream: fx.js, Registry: fx.reg, Store: s, Beats: fx.liveBeats})
	t.portion, t.dueInterval = portion, 50*time.Millisecond
	return fx.run(jobs.New(jobs.Config{
		JetStream: fx.js, Instance: name, Tasks: map[job.Kind]jobs.Task{job.Retention: t.Apply},
		Logger: slog.New(slog.DiscardHandler), SaveEvery: 10 * time.Millisecond, LeaseTime: 5 * time.Second,
	}).Run)
}

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

// putPolicy puts a policy with a retention and returns its revision.
func (fx *fixture) putPolicy(retention string) uint64 {
	fx.Helper()
	put, err := fx.edit.PutPolicy(fx.ctx, []byte(`{"retention":`+retention+`}`), editor.Any, registry.ChangeInfo{Author: "ops", Note: "why"})
	fx.must(err)
	return put.Revision
}

// insert stores n events, received from now on, one a second, with an expiry if after
// is not 0.
func (fx *fixture) insert(n int, after time.Duration) (ids []string) {
	fx.Helper()
	docs := storetest.Events(0, n)
	now := time.Now().UTC().Truncate(time.Millisecond)
	for i, d := range docs {
		d.Revision = 1
		d.ReceivedAt = now.Add(time.Duration(i) * time.Second)
		if after > 0 {
			d.ExpiresAt = d.ReceivedAt.Add(after)
		}
		ids = append(ids, d.ID)
	}
	_, err := fx.store.Insert(fx.ctx, docs)
	fx.must(err)
	return ids
}

// keeps returns how many of the documents expire so long after they were received.
func (fx *fixture) keeps(after time.Duration, ids []string) (n int) {
	fx.Helper()
	docs, err := fx.store.Lookup(fx.ctx, ids)
	fx.must(err)
	for _, d := range docs {
		if after == 0 && d.ExpiresAt.IsZero() || after > 0 && d.ExpiresAt.Equal(d.ReceivedAt.Add(after)) {
			n++
		}
	}
	return n
}

// jobs returns the retention jobs, newest first.
func (fx *fixture) jobs() (list []job.Entry) {
	fx.Helper()
	all, err := fx.bucket.List(fx.ctx)
	fx.must(err)
	for _, e := range all {
		if e.Kind == job.Retention {
			list = append(list, e)
		}
	}
	return list
}

// awaitJob waits until the job of a revision fulfils a condition.
func (fx *fixture) awaitJob(revision uint64, what string, done func(job.Job) bool) (last job.Job) {
	fx.Helper()
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for end := time.Now().Add(patience); time.Now().Before(end); <-tick.C {
		for _, e := range fx.jobs() {
			if e.TargetRevision == revision {
				if last = e.Job; done(last) {
					return last
				}
			}
		}
	}
	fx.Fatalf("waited in vain for revision %d: %s; the job is %+v", revision, what, last)
	return last
}

func (fx *fixture) awaitDone(revision uint64) job.Job {
	fx.Helper()
	j := fx.awaitJob(revision, "it ends", func(j job.Job) bool { return j.State.Final() })
	if j.State != job.Done {
		fx.Fatalf("the job ended %s: %s", j.State, j.Error)
	}
	return j
}

func (fx *fixture) reportOf(j job.Job) (r job.RetentionReport) {
	fx.Helper()
	if err := json.Unmarshal(j.Report, &r); err != nil {
		fx.Fatal(err)
	}
	return r
}

// hooked is a store that calls before for each portion, with its number from 1 on.
type hooked struct {
	store.Retainer
	before func(ctx context.Context, n int, p store.RetentionPortion) error

	mu sync.Mutex
	n  int // guarded by mu
}

func (h *hooked) ApplyRetention(ctx context.Context, p store.RetentionPortion) (store.RetentionResult, error) {
	h.mu.Lock()
	h.n++
	n := h.n
	h.mu.Unlock()
	if err := h.before(ctx, n, p); err != nil {
		return store.RetentionResult{}, err
	}
	return h.Retainer.ApplyRetention(ctx, p)
}

// processor is the heartbeat of a live processor.
func processor(revision, oldest uint64) heartbeat.Beat {
	return heartbeat.Beat{Service: "processor", Instance: fmt.Sprint("p", revision), Revision: revision, OldestRevision: oldest}
}
