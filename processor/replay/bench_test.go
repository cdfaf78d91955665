package replay

import (
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/nats-io/nats.go"
	"go.mongodb.org/mongo-driver/v2/bson"
	driver "go.mongodb.org/mongo-driver/v2/mongo"
	"go.mongodb.org/mongo-driver/v2/mongo/options"
	"go.mongodb.org/mongo-driver/v2/mongo/writeconcern"

	"github.com/theeye/theeye/processor/jobs"
	"github.com/theeye/theeye/shared/event"
	"github.com/theeye/theeye/shared/format/native"
	"github.com/theeye/theeye/shared/job"
	"github.com/theeye/theeye/shared/registry"
	"github.com/theeye/theeye/shared/registry/declare"
	"github.com/theeye/theeye/shared/schema"
	"github.com/theeye/theeye/shared/store"
	"github.com/theeye/theeye/shared/store/mongo"
	"github.com/theeye/theeye/shared/stream"
)

// benchEvents is the number of events of a benchmark: EYE_BENCH_EVENTS, else 50,000.
func benchEvents() int {
	if n, err := strconv.Atoi(os.Getenv("EYE_BENCH_EVENTS")); err == nil && n > 0 {
		return n
	}
	return 50_000
}

// fillStream publishes and settles events like those of sites: 20 in a session, with
// ids in UUID version 7.
func (fx *fixture) fillStream(n int) {
	rng := rand.New(rand.NewPCG(1, 2))
	msgs := make([]*nats.Msg, n)
	var session string
	for i := range msgs {
		if i%20 == 0 {
			session = uuid.Must(uuid.NewRandom()).String()
		}
		at := fx.began.Add(time.Duration(i) * time.Millisecond)
		m := stream.Message{Application: "demo", ReceivedAt: at, Format: native.Name, Payload: fmt.Appendf(nil,
			`{"event_id":%q,"session_id":%q,"category":"page interaction","name":"cta click",`+
				`"data":{"host":"www.example.com","path":"/products/%d","element":"chat bubble","position":{"x":%d,"y":%d}},"timestamp":%q}`,
			uuid.Must(uuid.NewV7()), session, rng.IntN(1000), rng.IntN(1920), rng.IntN(1080), event.FormatTime(at))}
		msgs[i] = m.Msg(stream.Subject("demo", "page interaction", "cta click"))
	}
	fx.publishMsg(msgs...)
	fx.settleAll()
}

// newBenchFixture returns a fixture with n stored events.
func newBenchFixture(b *testing.B, n int) *fixture {
	fx := newFixture(b)
	samples, err := declare.LoadDir(declare.SampleTypes())
	fx.must(err)
	_, err = samples.Apply(fx.ctx, fx.js, "bench")
	fx.must(err)
	fx.poll("the registry follows", func() bool {
		s := fx.reg.Snapshot()
		return s != nil && s.Schemas.Known("page interaction", "cta click")
	})
	fx.fillStream(n)
	fx.startRunnerOf(jobs.Config{Instance: "one"}, func(*Replayer) {})
	return fx
}

// jobRate returns the rate of a job over all events, from its start to its end.
func (fx *fixture) jobRate(kind job.Kind, change ...func(*job.Job)) float64 {
	j := fx.awaitDone(fx.createJob(kind, job.Selection{}, change...))
	if c := fx.reportOf(j); c.Unchanged != j.Total {
		fx.Fatalf("of %d it counts %+v", j.Total, withoutGroups(c))
	}
	return float64(j.Total) / j.EndedAt.Sub(j.StartedAt).Seconds()
}

// bareRate returns the rate of guarded replaces of all documents, in bulks of 1,000 by
// 2 writers. The documents are encoded before.
func (fx *fixture) bareRate(set *schema.Set) float64 {
	safe := writeconcern.Majority()
	safe.Journal = new(true)
	events := fx.database.Collection("events", options.Collection().SetWriteConcern(safe))
	var models []driver.WriteModel
	for portion, err := range streamAll(fx) {
		fx.must(err)
		docs := make([]*store.Document, len(portion))
		for i, m := range portion {
			docs[i] = fx.evaluate(m, set)
		}
		slices.SortFunc(docs, func(a, b *store.Document) int { return strings.Compare(a.ID, b.ID) })
		for _, d := range docs {
			raw, err := mongo.AppendDocument(nil, d)
			fx.must(err)
			models = append(models, driver.NewReplaceOneModel().SetReplacement(bson.Raw(raw)).SetFilter(guard(d)))
		}
	}
	begin := time.Now()
	bulks := slices.Chunk(models, 1000)
	var mu sync.Mutex
	next := make(chan []driver.WriteModel)
	var writers sync.WaitGroup
	matched := int64(0)
	for range 2 {
		writers.Go(func() {
			for bulk := range next {
				res, err := events.BulkWrite(context.Background(), bulk, options.BulkWrite().SetOrdered(false))
				if err != nil {
					fx.Error(err)
					continue
				}
				mu.Lock()
				matched += res.MatchedCount
				mu.Unlock()
			}
		})
	}
	for bulk := range bulks {
		next <- bulk
	}
	close(next)
	writers.Wait()
	if int(matched) != len(models) {
		fx.Fatalf("%d of %d were replaced", matched, len(models))
	}
	return float64(len(models)) / time.Since(begin).Seconds()
}

// guard returns the filter of the store's guarded replace.
func guard(d *store.Document) bson.D {
	later := func(key string, v any) bson.E { return bson.E{Key: key, Value: bson.D{{Key: "$gt", Value: v}}} }
	epoch := bson.E{Key: "origin.epoch", Value: d.Origin.Epoch}
	return bson.D{
		{Key: "_id", Value: d.ID},
		{Key: "content_hash", Value: d.ContentHash},
		{Key: "$or", Value: bson.A{
			bson.D{later("origin.epoch", d.Origin.Epoch)},
			bson.D{epoch, later("origin.seq", d.Origin.Seq)},
			bson.D{epoch, {Key: "origin.seq", Value: d.Origin.Seq}, {Key: "revision", Value: bson.D{{Key: "$lt", Value: d.Revision}}}},
		}},
	}
}

// BenchmarkReplay replays events that are all stored at an older revision. It reports
// the rate and its ratio to the rate of bare guarded replaces of the same documents,
// which alternate with the replays.
func BenchmarkReplay(b *testing.B) {
	fx := newBenchFixture(b, benchEvents())
	var ours, bare, rounds float64 // seconds an event
	for b.Loop() {
		ours += 1 / fx.jobRate(job.Replay)
		revision, err := fx.edit.Bump(fx.ctx, registry.ChangeInfo{Author: "bench"})
		fx.must(err)
		fx.awaitRevision(revision)
		bare += 1 / fx.bareRate(fx.reg.Snapshot().Schemas)
		rounds++
	}
	b.ReportMetric(rounds/ours, "events/s")
	b.ReportMetric(rounds/bare, "bare/s")
	b.ReportMetric(bare/ours, "of-bare")
}

// BenchmarkDryRun validates all events against a schema that is not published.
func BenchmarkDryRun(b *testing.B) {
	fx := newBenchFixture(b, benchEvents())
	var ours, rounds float64
	for b.Loop() {
		ours += 1 / fx.jobRate(job.DryRun, func(j *job.Job) {
			j.Schemas = map[string]jsonValue{"page=20interaction/cta=20click": jsonValue(`{"required":["host","path","element"]}`)}
		})
		rounds++
	}
	b.ReportMetric(rounds/ours, "events/s")
}
