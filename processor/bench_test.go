package processor

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"runtime"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/nats-io/nats.go"
	"go.mongodb.org/mongo-driver/v2/bson"
	driver "go.mongodb.org/mongo-driver/v2/mongo"
	"go.mongodb.org/mongo-driver/v2/mongo/options"
	"go.mongodb.org/mongo-driver/v2/mongo/writeconcern"

	"github.com/theeye/theeye/shared/event"
	"github.com/theeye/theeye/shared/format/native"
	"github.com/theeye/theeye/shared/outcome"
	"github.com/theeye/theeye/shared/outcome/outcometest"
	"github.com/theeye/theeye/shared/schema"
	"github.com/theeye/theeye/shared/store/mongo"
	"github.com/theeye/theeye/shared/stream"
)

// benchEvents is the number of events of a benchmark: EYE_BENCH_EVENTS, else 20,000.
func benchEvents() int {
	if n, err := strconv.Atoi(os.Getenv("EYE_BENCH_EVENTS")); err == nil && n > 0 {
		return n
	}
	return 20_000
}

// sample returns events like those of sites: 20 in a session, with ids in UUID version
// 7. One in duplicates events is a duplicate of an earlier one, none with 0.
func sample(n, duplicates int) []*nats.Msg {
	rng := rand.New(rand.NewPCG(1, 2))
	msgs := make([]*nats.Msg, n)
	var session string
	for i := range msgs {
		if i%20 == 0 {
			session = uuid.Must(uuid.NewRandom()).String()
		}
		if duplicates > 0 && i%duplicates == duplicates-1 {
			msgs[i] = msgs[rng.IntN(i)]
			continue
		}
		at := outcometest.ReceivedAt().Add(time.Duration(i) * time.Millisecond)
		payload := fmt.Sprintf(`{"event_id":%q,"session_id":%q,"category":"page interaction","name":"cta click",`+
			`"data":{"host":"www.example.com","path":"/products/%d","element":"chat bubble","position":{"x":%d,"y":%d}},"timestamp":%q}`,
			uuid.Must(uuid.NewV7()), session, rng.IntN(1000), rng.IntN(1920), rng.IntN(1080), event.FormatTime(at))
		m := stream.Message{Application: "demo", ReceivedAt: at, Format: native.Name, Payload: []byte(payload)}
		msgs[i] = m.Msg(stream.Subject("demo", "page interaction", "cta click"))
	}
	return msgs
}

// publishBounded publishes with a bounded number of messages in flight.
func (fx *fixture) publishBounded(msgs []*nats.Msg) {
	const inFlight = 1000
	for len(msgs) > 0 {
		n := min(inFlight, len(msgs))
		fx.publishMsg(msgs[:n]...)
		msgs = msgs[n:]
	}
}

// drainRate returns the rate at which one processor settles the stream, in messages a
// second.
func (fx *fixture) drainRate(b *testing.B, change ...any) float64 {
	n := fx.consumer().NumPending
	begin := time.Now()
	r := fx.startProcessor(change...)
	fx.awaitSettled()
	took := time.Since(begin)
	if err := r.stop(); err != nil {
		b.Fatal(err)
	}
	return float64(n) / took.Seconds()
}

// bareCollection returns a collection with the processor's indexes and write concern.
func (fx *fixture) bareCollection(b *testing.B) *driver.Collection {
	name := fmt.Sprintf("bare_%d", rand.Uint64())
	prepared, err := mongo.Open(fx.ctx(), mongo.Config{URI: fx.uri, Database: name})
	if err != nil {
		b.Fatal(err)
	}
	if err := errors.Join(prepared.Prepare(fx.ctx()), prepared.Close(fx.ctx())); err != nil {
		b.Fatal(err)
	}
	safe := writeconcern.Majority()
	safe.Journal = new(true)
	client, err := driver.Connect(options.Client().ApplyURI(fx.uri).SetWriteConcern(safe))
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() {
		if err := client.Database(name).Drop(context.Background()); err != nil {
			b.Error(err)
		}
		if err := client.Disconnect(context.Background()); err != nil {
			b.Error(err)
		}
	})
	return client.Database(name).Collection("events")
}

// bareRate returns the rate of unordered inserts of the documents of msgs, in batches
// of 1,000 by 2 writers.
func bareRate(b *testing.B, events *driver.Collection, set *schema.Set, msgs []*nats.Msg) float64 {
	raws := make([]any, len(msgs))
	for i, m := range msgs {
		d, _ := outcome.Evaluate(stream.Raw{Header: m.Header, Payload: m.Data, Seq: uint64(i + 1)}, set, 1)
		raw, err := mongo.AppendDocument(nil, d)
		if err != nil {
			b.Fatal(err)
		}
		raws[i] = bson.Raw(raw)
	}
	runtime.GC()
	begin := time.Now()
	insertAll(b, events, raws)
	return float64(len(msgs)) / time.Since(begin).Seconds()
}

func insertAll(b *testing.B, events *driver.Collection, raws []any) {
	const writers, size = 2, 1000
	batches := make(chan []any)
	var wg sync.WaitGroup
	for range writers {
		wg.Go(func() {
			for batch := range batches {
				if _, err := events.InsertMany(context.Background(), batch, options.InsertMany().SetOrdered(false)); err != nil {
					b.Error(err)
				}
			}
		})
	}
	for len(raws) > 0 {
		n := min(size, len(raws))
		batches <- raws[:n]
		raws = raws[n:]
	}
	close(batches)
	wg.Wait()
}

// newBenchFixture returns a fixture with a large stream, and the registry's schemas.
func newBenchFixture(b *testing.B) (*fixture, *schema.Set) {
	fx := newFixture(b)
	fx.stream.MaxBytes = 8 << 30
	r := fx.startProcessor()
	set := r.cfg.Registry.Snapshot().Schemas
	if err := r.stop(); err != nil {
		b.Fatal(err)
	}
	return fx, set
}

// BenchmarkProcessor processes a stream into MongoDB, and reports the rate and its ratio
// to the rate of bare inserts of equal documents on the same server. The two alternate,
// so that both collections grow alike.
func BenchmarkProcessor(b *testing.B) {
	fx, set := newBenchFixture(b)
	events := fx.bareCollection(b)
	var ours, bare, rounds float64 // seconds an event
	for b.Loop() {
		msgs := sample(benchEvents(), 0)
		bare += 1 / bareRate(b, events, set, msgs)
		fx.publishBounded(msgs)
		ours += 1 / fx.drainRate(b)
		rounds++
	}
	b.ReportMetric(rounds/ours, "events/s")
	b.ReportMetric(rounds/bare, "bare/s")
	b.ReportMetric(bare/ours, "of-bare")
}

// BenchmarkDuplicates compares a stream in which every tenth event is a copy of an
// earlier one with a stream without copies.
func BenchmarkDuplicates(b *testing.B) {
	fx, _ := newBenchFixture(b)
	var fresh, mixed, rounds float64
	for b.Loop() {
		fx.publishBounded(sample(benchEvents(), 0))
		fresh += 1 / fx.drainRate(b)
		fx.publishBounded(sample(benchEvents(), 10))
		mixed += 1 / fx.drainRate(b)
		rounds++
	}
	b.ReportMetric(rounds/mixed, "events/s")
	b.ReportMetric(fresh/mixed, "of-fresh")
}

// BenchmarkHeartbeat compares a processor that checks its heartbeat with one that has
// none. They take turns in beginning, because the collection grows.
func BenchmarkHeartbeat(b *testing.B) {
	fx, _ := newBenchFixture(b)
	kinds := [][]any{nil, {withHeartbeat(&fakeHeartbeat{})}}
	var took [2]float64 // seconds an event
	rounds := 0
	for b.Loop() {
		for i := range kinds {
			i = (i + rounds) % len(kinds)
			fx.publishBounded(sample(benchEvents(), 0))
			took[i] += 1 / fx.drainRate(b, kinds[i]...)
		}
		rounds++
	}
	b.ReportMetric(float64(rounds)/took[1], "events/s")
	b.ReportMetric(took[0]/took[1], "of-without")
}

// BenchmarkEvaluate measures decoding and validation of one event.
func BenchmarkEvaluate(b *testing.B) {
	_, set := newBenchFixture(b)
	m := sample(1, 0)[0]
	msg := stream.Raw{Header: m.Header, Payload: m.Data, Seq: 1}
	b.ReportAllocs()
	for b.Loop() {
		outcome.Evaluate(msg, set, 1)
	}
}
