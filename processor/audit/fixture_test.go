package audit

import (
	"cmp"
	"context"
	"fmt"
	"log/slog"
	"path/filepath"
	"slices"
	"testing"
	"testing/fstest"
	"time"

	gocmp "github.com/google/go-cmp/cmp"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"github.com/prometheus/client_golang/prometheus"

	"github.com/theeye/theeye/processor/jobs"
	"github.com/theeye/theeye/shared/job"
	"github.com/theeye/theeye/shared/natsd/natstest"
	"github.com/theeye/theeye/shared/outcome"
	"github.com/theeye/theeye/shared/outcome/outcometest"
	"github.com/theeye/theeye/shared/registry"
	"github.com/theeye/theeye/shared/store"
	"github.com/theeye/theeye/shared/stream"
)

func TestMain(m *testing.M) { natstest.VerifyTestMain(m) }

// patience is how long a test waits for what must come.
const patience = 60 * time.Second

// base is what the tests need of a store.
type base interface {
	store.Backend
	jobs.Reader
}

// fixture is a real NATS server on disk with the sample types in the registry,
// and a store.
type fixture struct {
	t     testing.TB
	ctx   context.Context
	nats  *natstest.Server
	nc    *nats.Conn
	js    jetstream.JetStream
	reg   *registry.Registry
	epoch int64
	store base
	// clock is the time of audits, zero is now.
	clock time.Time
}

// newFixture makes a world with the store in memory.
func newFixture(t testing.TB) *fixture { return newFixtureOn(t, newMemory(), 64<<20) }

// newFixtureOn makes a world. The server chooses the size of the stream's blocks
// by the room that it has at first, in bytes.
func newFixtureOn(t testing.TB, on base, room int64) *fixture {
	t.Helper()
	w := &fixture{t: t, nats: natstest.Start(t, natstest.MaxPayload(8<<20)), store: on}
	var cancel context.CancelFunc
	w.ctx, cancel = context.WithTimeout(context.Background(), 5*patience)
	t.Cleanup(cancel)
	w.nc = w.nats.Connect()
	var err error
	w.js, err = jetstream.New(w.nc)
	w.must(err)
	w.must(stream.Ensure(w.ctx, w.js, stream.Config{MaxBytes: room}))
	w.must(stream.Ensure(w.ctx, w.js, stream.Config{MaxBytes: 1 << 30}))
	samples, err := registry.LoadDir(registry.SampleTypes())
	w.must(err)
	_, err = samples.Apply(w.ctx, w.js, "test")
	w.must(err)
	w.epoch, err = stream.Epoch(w.ctx, w.js)
	w.must(err)
	w.must(w.marks().Check(w.ctx))
	w.reg = registry.New(registry.Config{JetStream: w.js, Needs: registry.NeedSchemas, Logger: slog.New(slog.DiscardHandler)})
	running, end := context.WithCancel(w.ctx)
	ended := make(chan error, 1)
	go func() { ended <- w.reg.Run(running) }()
	t.Cleanup(func() { end(); w.must(<-ended) })
	<-w.reg.Ready()
	w.awaitRevision()
	return w
}

func (w *fixture) must(err error) {
	w.t.Helper()
	if err != nil {
		w.t.Fatal(err)
	}
}

// damageFiles stops the server, does something to its files, and starts it again.
func (w *fixture) damageFiles(what func(blocks []string)) {
	w.t.Helper()
	w.nats.Shutdown()
	what(w.blocks())
	w.nats.Restart()
	w.poll("the stream is back", func() bool {
		ctx, cancel := context.WithTimeout(w.ctx, time.Second)
		defer cancel()
		_, err := w.js.Consumer(ctx, stream.Name, stream.Consumer)
		return err == nil
	})
}

// blocks are the files of the stream's messages, in order.
func (w *fixture) blocks() []string {
	w.t.Helper()
	files, err := filepath.Glob(filepath.Join(w.nats.StoreDir(), "jetstream", "*", "streams", stream.Name, "msgs", "*.blk"))
	w.must(err)
	number := func(file string) (n int) {
		_, err := fmt.Sscanf(filepath.Base(file), "%d.blk", &n)
		w.must(err)
		return n
	}
	slices.SortFunc(files, func(a, b string) int { return cmp.Compare(number(a), number(b)) })
	return files
}

func (w *fixture) marks() *Marks {
	return NewMarks(w.js, func() int64 { return w.epoch }, slog.New(slog.DiscardHandler))
}

// auditor is an Auditor on the world's store, or what it is made to.
func (w *fixture) auditor(change ...func(*Config)) *Auditor {
	w.t.Helper()
	cfg := Config{
		Resources: jobs.Resources{
			JetStream: w.js, Registry: w.reg, Store: w.store, Write: w.write, Logger: slog.New(slog.DiscardHandler),
		},
		Epoch: func() int64 { return w.epoch }, Metrics: prometheus.NewRegistry(),
		Now: func() time.Time {
			if w.clock.IsZero() {
				return time.Now()
			}
			return w.clock
		},
	}
	for _, f := range change {
		f(&cfg)
	}
	a, err := New(cfg)
	w.must(err)
	return a
}

func (w *fixture) write(ctx context.Context, _ uint64, docs []*store.Document) ([]store.WriteResult, error) {
	return store.NewWriter(store.WriterConfig{Backend: w.store}).Write(ctx, docs)
}

// auditSelection is the account that an auditor makes of a selection.
func (w *fixture) auditSelection(a *Auditor, s job.Selection, repair bool) job.Account {
	w.t.Helper()
	l := &report{}
	p, err := a.selectRange(w.ctx, s, l)
	w.must(err)
	walk := a.newScan(l)
	walk.repair = repair
	w.must(walk.accountFor(w.ctx, span{p.Next, p.Last}, func(uint64) error { return nil }))
	got := l.snapshot()
	sum := got.Stored + got.Rejected + got.Duplicate + got.Expired + got.Purged + got.Pending + got.Missing
	if sum != got.ToSeq+1-got.FromSeq+got.LostTail || got.Missing != got.MissingInStore+got.LostInStream {
		w.t.Errorf("the account does not sum up: %+v", got)
	}
	return got
}

// auditAll is the account of everything.
func (w *fixture) auditAll() job.Account {
	w.t.Helper()
	return w.auditSelection(w.auditor(), job.Selection{}, false)
}

// wantAccount compares an account with what is expected of the full range.
func (w *fixture) wantAccount(got, wantAccount job.Account) {
	w.t.Helper()
	if wantAccount.MissingSequences == nil {
		wantAccount.MissingSequences = []uint64{}
	}
	if wantAccount.MissingRanges == nil {
		wantAccount.MissingRanges = []job.Range{}
	}
	if diff := gocmp.Diff(wantAccount, got); diff != "" {
		w.t.Errorf("the account (-want +got):\n%s", diff)
	}
}

// publish puts events into the stream as a collector of application demo does,
// received now, and returns the last sequence.
func (w *fixture) publish(payloads ...string) uint64 {
	w.t.Helper()
	return w.publishAt(time.Now(), payloads...)
}

func (w *fixture) publishAt(received time.Time, payloads ...string) (last uint64) {
	w.t.Helper()
	futures := make([]jetstream.PubAckFuture, 0, len(payloads))
	for _, p := range payloads {
		m := outcometest.Message("demo", p)
		m.Header.Set(stream.HeaderReceivedAt, received.UTC().Format(time.RFC3339Nano))
		f, err := w.js.PublishMsgAsync(m)
		w.must(err)
		futures = append(futures, f)
	}
	for _, f := range futures {
		select {
		case ack := <-f.Ok():
			last = max(last, ack.Sequence)
		case err := <-f.Err():
			w.t.Fatal(err)
		}
	}
	return last
}

// pageviews are n events with ids of their own.
func pageviews(prefix string, n int) []string {
	events := make([]string, n)
	for i := range events {
		events[i] = pageview(fmt.Sprintf("%s%04d", prefix, i))
	}
	return events
}

func pageview(id string, members ...string) string {
	return outcometest.Event(append([]string{
		"event_id", fmt.Sprintf("%q", id), "timestamp", `"2021-01-01 09:15:27"`,
	}, members...)...)
}

// settleNext does what a processor does with the next n messages: it judges and
// writes those that keep says, and acknowledges all.
func (w *fixture) settleNext(n int, keep func(seq uint64) bool) {
	w.t.Helper()
	c, err := w.js.Consumer(w.ctx, stream.Name, stream.Consumer)
	w.must(err)
	for n > 0 {
		batch, err := c.Fetch(min(n, 500), jetstream.FetchMaxWait(patience))
		w.must(err)
		var docs []*store.Document
		var last jetstream.Msg
		for m := range batch.Messages() {
			n--
			d := w.evaluate(m)
			if keep == nil || keep(d.Origin.Seq) {
				docs = append(docs, d)
			}
			if last != nil {
				w.must(last.Ack())
			}
			last = m
		}
		w.must(batch.Error())
		_, err = w.write(w.ctx, 0, docs)
		w.must(err)
		w.must(last.DoubleAck(w.ctx))
	}
}

func (w *fixture) evaluate(m jetstream.Msg) *store.Document {
	w.t.Helper()
	meta, err := m.Metadata()
	w.must(err)
	raw := stream.Raw{Header: m.Headers(), Payload: m.Data(), Seq: meta.Sequence.Stream, Time: meta.Timestamp}
	d, _ := outcome.Evaluate(raw, w.reg.Snapshot().Schemas, w.epoch)
	return d
}

// apply puts declarations, by file, and waits until the registry has them.
func (w *fixture) apply(files map[string]string) {
	w.t.Helper()
	folder := fstest.MapFS{}
	for name, text := range files {
		folder[name] = &fstest.MapFile{Data: []byte(text)}
	}
	d, err := registry.LoadDir(folder)
	w.must(err)
	_, err = d.Apply(w.ctx, w.js, "test")
	w.must(err)
	w.awaitRevision()
}

func (w *fixture) awaitRevision() {
	w.t.Helper()
	s, err := w.js.Stream(w.ctx, stream.BucketStream(stream.BucketSchemas))
	w.must(err)
	w.poll("the registry is there", func() bool { return w.reg.Revision() == s.CachedInfo().State.LastSeq })
}

// state is the stream's.
func (w *fixture) state() jetstream.StreamState {
	w.t.Helper()
	s, err := w.js.Stream(w.ctx, stream.Name)
	w.must(err)
	return s.CachedInfo().State
}

// awaitClosed waits until a channel is closed.
func (w *fixture) awaitClosed(what string, done <-chan struct{}) {
	w.t.Helper()
	select {
	case <-done:
	case <-time.After(patience):
		w.t.Fatalf("in vain: %s", what)
	}
}

// poll waits for a condition.
func (w *fixture) poll(what string, done func() bool) {
	w.t.Helper()
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for end := time.Now().Add(patience); !done(); <-tick.C {
		if time.Now().After(end) {
			w.t.Fatalf("in vain: %s", what)
		}
	}
}
