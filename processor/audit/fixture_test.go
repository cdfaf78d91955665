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
	"github.com/theeye/theeye/shared/registry/declare"
	"github.com/theeye/theeye/shared/store"
	"github.com/theeye/theeye/shared/stream"
)

func TestMain(m *testing.M) { natstest.VerifyTestMain(m) }

// patience is how long a test waits for an event that must happen.
const patience = 60 * time.Second

// base is a store as the tests need it.
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
	// clock is the time of audits; zero is the present.
	clock time.Time
}

// newFixture returns a fixture with the store in memory.
func newFixture(t testing.TB) *fixture { return newFixtureOn(t, newMemory(), 64<<20) }

// newFixtureOn returns a fixture with a store. The server chooses the size of the
// stream's blocks by the size that the stream may have at first, in bytes.
func newFixtureOn(t testing.TB, on base, room int64) *fixture {
	t.Helper()
	fx := &fixture{t: t, nats: natstest.Start(t, natstest.MaxPayload(8<<20)), store: on}
	var cancel context.CancelFunc
	fx.ctx, cancel = context.WithTimeout(context.Background(), 5*patience)
	t.Cleanup(cancel)
	fx.nc = fx.nats.Connect()
	var err error
	fx.js, err = jetstream.New(fx.nc)
	fx.must(err)
	fx.must(stream.Ensure(fx.ctx, fx.js, stream.Config{MaxBytes: room}))
	fx.must(stream.Ensure(fx.ctx, fx.js, stream.Config{MaxBytes: 1 << 30}))
	samples, err := declare.LoadDir(declare.SampleTypes())
	fx.must(err)
	_, err = samples.Apply(fx.ctx, fx.js, "test")
	fx.must(err)
	fx.epoch, err = stream.Epoch(fx.ctx, fx.js)
	fx.must(err)
	fx.must(fx.marks().CheckTail(fx.ctx))
	fx.reg = registry.New(registry.Config{JetStream: fx.js, Needs: registry.NeedSchemas, Logger: slog.New(slog.DiscardHandler)})
	running, end := context.WithCancel(fx.ctx)
	ended := make(chan error, 1)
	go func() { ended <- fx.reg.Run(running) }()
	t.Cleanup(func() { end(); fx.must(<-ended) })
	<-fx.reg.Ready()
	fx.awaitRevision()
	return fx
}

func (fx *fixture) must(err error) {
	fx.t.Helper()
	if err != nil {
		fx.t.Fatal(err)
	}
}

// damageFiles stops the server, calls a function with its files, and restarts it.
func (fx *fixture) damageFiles(damage func(blocks []string)) {
	fx.t.Helper()
	fx.nats.Shutdown()
	damage(fx.blocks())
	fx.nats.Restart()
	fx.poll("the stream is back", func() bool {
		ctx, cancel := context.WithTimeout(fx.ctx, time.Second)
		defer cancel()
		_, err := fx.js.Consumer(ctx, stream.Name, stream.Consumer)
		return err == nil
	})
}

// blocks returns the files of the stream's messages, in order.
func (fx *fixture) blocks() []string {
	fx.t.Helper()
	files, err := filepath.Glob(filepath.Join(fx.nats.StoreDir(), "jetstream", "*", "streams", stream.Name, "msgs", "*.blk"))
	fx.must(err)
	number := func(file string) (n int) {
		_, err := fmt.Sscanf(filepath.Base(file), "%d.blk", &n)
		fx.must(err)
		return n
	}
	slices.SortFunc(files, func(a, b string) int { return cmp.Compare(number(a), number(b)) })
	return files
}

func (fx *fixture) marks() *Marks {
	return NewMarks(fx.js, func() int64 { return fx.epoch }, slog.New(slog.DiscardHandler))
}

// auditor returns an Auditor on the fixture's store; change may alter its
// configuration.
func (fx *fixture) auditor(change ...func(*Config)) *Auditor {
	fx.t.Helper()
	cfg := Config{
		Resources: jobs.Resources{
			JetStream: fx.js, Registry: fx.reg, Store: fx.store, Write: fx.write, Logger: slog.New(slog.DiscardHandler),
		},
		Epoch: func() int64 { return fx.epoch }, Metrics: prometheus.NewRegistry(),
		Now: func() time.Time {
			if fx.clock.IsZero() {
				return time.Now()
			}
			return fx.clock
		},
	}
	for _, f := range change {
		f(&cfg)
	}
	a, err := New(cfg)
	fx.must(err)
	return a
}

func (fx *fixture) write(ctx context.Context, _ uint64, docs []*store.Document, read map[string]store.Held) ([]store.WriteResult, error) {
	return store.NewWriter(store.WriterConfig{Backend: fx.store}).WriteOver(ctx, docs, read)
}

// auditSelection returns an auditor's account of a selection.
func (fx *fixture) auditSelection(a *Auditor, s job.Selection, repair bool) job.Account {
	fx.t.Helper()
	l := &report{}
	p, err := a.selectRange(fx.ctx, s, l)
	fx.must(err)
	walk := a.newScan(l)
	walk.repair = repair
	fx.must(walk.accountFor(fx.ctx, span{p.Next, p.Last}, func(uint64) error { return nil }))
	got := l.snapshot()
	sum := got.Stored + got.Rejected + got.Duplicate + got.Expired + got.Purged + got.Pending + got.Missing
	if sum != got.ToSeq+1-got.FromSeq+got.LostTail || got.Missing != got.MissingInStore+got.LostInStream {
		fx.t.Errorf("the account does not sum up: %+v", got)
	}
	return got
}

// auditAll returns the account of the whole stream.
func (fx *fixture) auditAll() job.Account {
	fx.t.Helper()
	return fx.auditSelection(fx.auditor(), job.Selection{}, false)
}

// wantAccount compares an account with the expected one.
func (fx *fixture) wantAccount(got, want job.Account) {
	fx.t.Helper()
	if want.MissingSequences == nil {
		want.MissingSequences = []uint64{}
	}
	if want.MissingRanges == nil {
		want.MissingRanges = []job.Range{}
	}
	if diff := gocmp.Diff(want, got); diff != "" {
		fx.t.Errorf("the account (-want +got):\n%s", diff)
	}
}

// publish publishes events as a collector does, of application demo and received
// now, and returns the last sequence.
func (fx *fixture) publish(payloads ...string) uint64 {
	fx.t.Helper()
	return fx.publishAt(time.Now(), payloads...)
}

func (fx *fixture) publishAt(received time.Time, payloads ...string) (last uint64) {
	fx.t.Helper()
	futures := make([]jetstream.PubAckFuture, 0, len(payloads))
	for _, p := range payloads {
		m := outcometest.Message("demo", p)
		m.Header.Set(stream.HeaderReceivedAt, received.UTC().Format(time.RFC3339Nano))
		f, err := fx.js.PublishMsgAsync(m)
		fx.must(err)
		futures = append(futures, f)
	}
	for _, f := range futures {
		select {
		case ack := <-f.Ok():
			last = max(last, ack.Sequence)
		case err := <-f.Err():
			fx.t.Fatal(err)
		}
	}
	return last
}

// pageviews returns n events with different ids.
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

// settleNext processes the next n messages as a processor does, except that it
// writes only those for which keep returns true. It acknowledges all.
func (fx *fixture) settleNext(n int, keep func(seq uint64) bool) {
	fx.t.Helper()
	c, err := fx.js.Consumer(fx.ctx, stream.Name, stream.Consumer)
	fx.must(err)
	for n > 0 {
		batch, err := c.Fetch(min(n, 500), jetstream.FetchMaxWait(patience))
		fx.must(err)
		var docs []*store.Document
		var last jetstream.Msg
		for m := range batch.Messages() {
			n--
			d := fx.evaluate(m)
			if keep == nil || keep(d.Origin.Seq) {
				docs = append(docs, d)
			}
			if last != nil {
				fx.must(last.Ack())
			}
			last = m
		}
		fx.must(batch.Error())
		_, err = fx.write(fx.ctx, 0, docs, nil)
		fx.must(err)
		fx.must(last.DoubleAck(fx.ctx))
	}
}

func (fx *fixture) evaluate(m jetstream.Msg) *store.Document {
	fx.t.Helper()
	meta, err := m.Metadata()
	fx.must(err)
	raw := stream.Raw{Header: m.Headers(), Payload: m.Data(), Seq: meta.Sequence.Stream, Time: meta.Timestamp}
	d, _ := outcome.Evaluate(raw, fx.reg.Snapshot().Schemas, fx.epoch)
	return d
}

// apply puts declarations, by file, and waits until the registry has them.
func (fx *fixture) apply(files map[string]string) {
	fx.t.Helper()
	folder := fstest.MapFS{}
	for name, text := range files {
		folder[name] = &fstest.MapFile{Data: []byte(text)}
	}
	d, err := declare.LoadDir(folder)
	fx.must(err)
	_, err = d.Apply(fx.ctx, fx.js, "test")
	fx.must(err)
	fx.awaitRevision()
}

func (fx *fixture) awaitRevision() {
	fx.t.Helper()
	s, err := fx.js.Stream(fx.ctx, stream.BucketStream(stream.BucketSchemas))
	fx.must(err)
	fx.poll("the registry is there", func() bool { return fx.reg.Revision() == s.CachedInfo().State.LastSeq })
}

// state returns the state of the stream.
func (fx *fixture) state() jetstream.StreamState {
	fx.t.Helper()
	s, err := fx.js.Stream(fx.ctx, stream.Name)
	fx.must(err)
	return s.CachedInfo().State
}

// awaitClosed waits until a channel is closed.
func (fx *fixture) awaitClosed(what string, done <-chan struct{}) {
	fx.t.Helper()
	select {
	case <-done:
	case <-time.After(patience):
		fx.t.Fatalf("waited in vain: %s", what)
	}
}

// poll waits for a condition.
func (fx *fixture) poll(what string, done func() bool) {
	fx.t.Helper()
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for end := time.Now().Add(patience); !done(); <-tick.C {
		if time.Now().After(end) {
			fx.t.Fatalf("waited in vain: %s", what)
		}
	}
}
