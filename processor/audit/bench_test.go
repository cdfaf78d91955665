package audit

import (
	"context"
	"fmt"
	"runtime"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/theeye/theeye/processor/jobs"
	"github.com/theeye/theeye/shared/job"
	"github.com/theeye/theeye/shared/outcome"
	"github.com/theeye/theeye/shared/outcome/outcometest"
	"github.com/theeye/theeye/shared/store"
	"github.com/theeye/theeye/shared/stream"
)

// uniform is a store that holds every event of a benchmark: its number is in
// its id, and all have the same content.
type uniform struct {
	hash  string
	epoch int64
}

// Held implements jobs.Reader.
func (u uniform) Held(_ context.Context, ids []string) (map[string]store.Held, error) {
	out := make(map[string]store.Held, len(ids))
	for _, id := range ids {
		seq, err := strconv.ParseUint(strings.TrimPrefix(id, "demo/"), 10, 64)
		if err != nil {
			return nil, fmt.Errorf("read id %q: %w", id, err)
		}
		out[id] = store.Held{
			Holder: store.Holder{ContentHash: u.hash, Origin: store.Origin{Epoch: u.epoch, Seq: seq}}, Status: store.Stored,
		}
	}
	return out, nil
}

// numbered returns the event at a sequence.
func numbered(seq int) string { return pageview(strconv.Itoa(seq)) }

// publishMany publishes n events, and calls each with their documents, as a
// processor makes them.
func (fx *fixture) publishMany(n int, each func(docs []*store.Document)) {
	fx.t.Helper()
	set := fx.reg.Snapshot().Schemas
	const batch = 1000
	for from := 1; from <= n; from += batch {
		futures := make([]jetstream.PubAckFuture, 0, batch)
		docs := make([]*store.Document, 0, batch)
		for seq := from; seq < from+batch && seq <= n; seq++ {
			m := outcometest.Message("demo", numbered(seq))
			f, err := fx.js.PublishMsgAsync(m)
			fx.must(err)
			futures = append(futures, f)
			d, _ := outcome.Evaluate(stream.Raw{Header: m.Header, Payload: m.Data, Seq: uint64(seq)}, set, fx.epoch)
			docs = append(docs, d)
		}
		each(docs)
		for _, f := range futures {
			select {
			case <-f.Ok():
			case err := <-f.Err():
				fx.t.Fatal(err)
			}
		}
	}
}

// BenchmarkAudit accounts for events that are all in the store. It reports the rate
// and the peak of memory in use, including the server's, which must not depend on
// the length of the range.
func BenchmarkAudit(b *testing.B) {
	for _, n := range []int{100_000, 1_000_000} {
		b.Run(fmt.Sprintf("memory/%d", n), func(b *testing.B) {
			fx := newFixture(b)
			var all uniform
			fx.publishMany(n, func(docs []*store.Document) { all = uniform{docs[0].ContentHash, fx.epoch} })
			fx.benchmark(b, n, all)
		})
	}
	b.Run("MongoDB/100000", func(b *testing.B) {
		on := openMongo(b)
		fx := newFixtureOn(b, on, 64<<20)
		fx.publishMany(100_000, func(docs []*store.Document) {
			_, err := fx.write(fx.ctx, 0, docs, nil)
			fx.must(err)
		})
		fx.benchmark(b, 100_000, on)
	})
}

func (fx *fixture) benchmark(b *testing.B, n int, on jobs.Reader) {
	b.Helper()
	a := fx.auditor(func(c *Config) { c.Store = on })
	runtime.GC()
	ctx, cancel := context.WithCancel(fx.ctx)
	peak := make(chan uint64)
	go func() { peak <- watchHeap(ctx) }()
	for b.Loop() {
		if got := fx.auditSelection(a, job.Selection{}, false); got.Stored != uint64(n) {
			b.Fatalf("the account is %+v", got)
		}
	}
	cancel()
	b.ReportMetric(float64(n)*float64(b.N)/b.Elapsed().Seconds(), "events/s")
	b.ReportMetric(float64(<-peak)/(1<<20), "peak-MiB")
}

// watchHeap returns the highest number of bytes in use until ctx ends.
func watchHeap(ctx context.Context) (peak uint64) {
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for {
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		peak = max(peak, m.HeapInuse)
		select {
		case <-ctx.Done():
			return peak
		case <-tick.C:
		}
	}
}
