package mongo_test

import (
	"context"
	"testing"

	"go.mongodb.org/mongo-driver/v2/bson"
	driver "go.mongodb.org/mongo-driver/v2/mongo"
	"go.mongodb.org/mongo-driver/v2/mongo/options"
	"go.mongodb.org/mongo-driver/v2/mongo/writeconcern"

	"github.com/theeye/theeye/shared/store"
	"github.com/theeye/theeye/shared/store/mongo"
	"github.com/theeye/theeye/shared/store/mongo/mongotest"
	"github.com/theeye/theeye/shared/store/storetest"
)

func BenchmarkWriter(b *testing.B) {
	storetest.BenchWriter(b, openPrepared(b), storetest.BenchWriters, bareLoop(b))
}

func BenchmarkDuplicates(b *testing.B)      { storetest.BenchDuplicates(b, openPrepared(b)) }
func BenchmarkReplay(b *testing.B)          { storetest.BenchReplay(b, openPrepared(b)) }
func BenchmarkGrowth(b *testing.B)          { storetest.BenchGrowth(b, openPrepared(b), openPrepared(b)) }
func BenchmarkTimeline(b *testing.B)        { storetest.BenchTimeline(b, openPrepared(b)) }
func BenchmarkRareType(b *testing.B)        { storetest.BenchRareType(b, openPrepared(b)) }
func BenchmarkRetention(b *testing.B)       { storetest.BenchRetention(b, openPrepared(b)) }
func BenchmarkRetentionBeside(b *testing.B) { storetest.BenchRetentionBeside(b, openPrepared(b)) }

// BenchmarkEncode is the adapter's own share of an insert.
func BenchmarkEncode(b *testing.B) {
	d := storetest.Event(1)
	var buffer []byte
	b.ReportAllocs()
	for b.Loop() {
		var err error
		if buffer, err = mongo.AppendDocument(buffer[:0], d); err != nil {
			b.Fatal(err)
		}
	}
	b.SetBytes(int64(len(buffer)))
}

func openPrepared(b *testing.B) *mongo.Store {
	b.Helper()
	s := mongotest.Open(b, mongotest.Config(b))
	if err := s.Prepare(b.Context()); err != nil {
		b.Fatal(err)
	}
	return s
}

// bareLoop is an unordered InsertMany of equal documents, encoded beforehand,
// into a collection with the same indexes.
func bareLoop(b *testing.B) func(first, n int) storetest.BulkFunc {
	b.Helper()
	cfg := mongotest.Config(b)
	if err := mongotest.Open(b, cfg).Prepare(b.Context()); err != nil {
		b.Fatal(err)
	}
	journal := true
	safe := writeconcern.Majority()
	safe.Journal = &journal
	client, err := driver.Connect(options.Client().ApplyURI(cfg.URI).SetWriteConcern(safe))
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { _ = client.Disconnect(context.WithoutCancel(b.Context())) })
	events := client.Database(cfg.Database).Collection("events")
	return func(first, n int) storetest.BulkFunc {
		encoded := make(map[string]bson.Raw, n)
		for _, d := range storetest.Events(first, n) {
			raw, err := mongo.AppendDocument(nil, d)
			if err != nil {
				b.Fatal(err)
			}
			encoded[d.ID] = raw
		}
		return func(ctx context.Context, docs []*store.Document) error {
			raws := make([]any, len(docs))
			for i, d := range docs {
				raws[i] = encoded[d.ID]
			}
			_, err := events.InsertMany(ctx, raws, options.InsertMany().SetOrdered(false))
			return err
		}
	}
}
