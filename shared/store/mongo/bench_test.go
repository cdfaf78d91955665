package mongo_test

import (
	"context"
	"os"
	"strconv"
	"testing"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"
	driver "go.mongodb.org/mongo-driver/v2/mongo"
	"go.mongodb.org/mongo-driver/v2/mongo/options"
	"go.mongodb.org/mongo-driver/v2/mongo/writeconcern"
	"golang.org/x/sync/errgroup"

	"github.com/theeye/theeye/shared/query"
	"github.com/theeye/theeye/shared/store"
	"github.com/theeye/theeye/shared/store/mongo"
	"github.com/theeye/theeye/shared/store/storetest"
)

// Shape of the load: two writers, 1,000 documents a bulk.
const (
	benchWriters = 2
	benchBulk    = 1000
)

// benchSize returns a size that the environment may enlarge.
func benchSize(b *testing.B, variable string, small int) int {
	b.Helper()
	text := os.Getenv(variable)
	if text == "" {
		return small
	}
	n, err := strconv.Atoi(text)
	if err != nil || n < benchWriters*benchBulk {
		b.Fatalf("%s=%q is no number of at least %d", variable, text, benchWriters*benchBulk)
	}
	return n
}

// inBulks writes the events first to first+n-1 by two writers and returns the
// rate in events/s.
func inBulks(b *testing.B, first, n int, write func(context.Context, []*store.Document) error) float64 {
	b.Helper()
	list := storetest.Events(first, n)
	bulks := make(chan []*store.Document, n/benchBulk+1)
	for ; len(list) > 0; list = list[min(benchBulk, len(list)):] {
		bulks <- list[:min(benchBulk, len(list))]
	}
	close(bulks)
	start := time.Now()
	group, ctx := errgroup.WithContext(b.Context())
	for range benchWriters {
		group.Go(func() error {
			for bulk := range bulks {
				if err := write(ctx, bulk); err != nil {
					return err
				}
			}
			return nil
		})
	}
	if err := group.Wait(); err != nil {
		b.Fatal(err)
	}
	return float64(n) / time.Since(start).Seconds()
}

// ruled returns the write rule over a store.
func ruled(s store.Backend) func(context.Context, []*store.Document) error {
	w := store.NewWriter(store.WriterConfig{Backend: s})
	return func(ctx context.Context, docs []*store.Document) error {
		_, err := w.Write(ctx, docs)
		return err
	}
}

// bare is a plain loop: unordered InsertMany of equal documents, encoded
// beforehand, into a collection with the same indexes.
type bare struct {
	events  *driver.Collection
	encoded map[string]bson.Raw
}

func openBare(b *testing.B) *bare {
	b.Helper()
	name := database(b)
	s, err := mongo.Open(b.Context(), mongo.Config{URI: serverURI(b), Database: name})
	if err != nil {
		b.Fatal(err)
	}
	defer func() { _ = s.Close(b.Context()) }()
	if err := s.Prepare(b.Context()); err != nil {
		b.Fatal(err)
	}
	journal := true
	safe := writeconcern.Majority()
	safe.Journal = &journal
	client, err := driver.Connect(options.Client().ApplyURI(serverURI(b)).SetWriteConcern(safe))
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { _ = client.Disconnect(context.WithoutCancel(b.Context())) })
	return &bare{events: client.Database(name).Collection("events")}
}

// encode gets the events first to first+n-1 ready.
func (l *bare) encode(b *testing.B, first, n int) {
	b.Helper()
	l.encoded = make(map[string]bson.Raw, n)
	for _, d := range storetest.Events(first, n) {
		raw, err := mongo.AppendDocument(nil, d)
		if err != nil {
			b.Fatal(err)
		}
		l.encoded[d.ID] = raw
	}
}

func (l *bare) insert(ctx context.Context, docs []*store.Document) error {
	raws := make([]any, len(docs))
	for i, d := range docs {
		raws[i] = l.encoded[d.ID]
	}
	_, err := l.events.InsertMany(ctx, raws, options.InsertMany().SetOrdered(false))
	return err
}

func prepared(b *testing.B) *mongo.Store {
	b.Helper()
	s := open(b, mongo.Config{})
	if err := s.Prepare(b.Context()); err != nil {
		b.Fatal(err)
	}
	return s
}

// BenchmarkWriter compares the write rule with a bare loop on the same server,
// in turns.
func BenchmarkWriter(b *testing.B) {
	n := benchSize(b, "EYE_BENCH_EVENTS", 10_000)
	rule, plain := ruled(prepared(b)), openBare(b)
	var mine, theirs, rounds float64
	for first := 0; b.Loop(); first += n {
		plain.encode(b, first, n)
		theirs += 1 / inBulks(b, first, n, plain.insert)
		mine += 1 / inBulks(b, first, n, rule)
		rounds++
	}
	b.ReportMetric(rounds/mine, "events/s")
	b.ReportMetric(theirs/mine, "of-bare")
}

// BenchmarkDuplicates compares a stream of which every tenth event was written
// before with a fresh one.
func BenchmarkDuplicates(b *testing.B) {
	n := benchSize(b, "EYE_BENCH_EVENTS", 10_000)
	rule := ruled(prepared(b))
	var fresh, mixed, rounds float64
	for first := 0; b.Loop(); first += 3 * n {
		fresh += 1 / inBulks(b, first, n, rule)
		again := func(ctx context.Context, docs []*store.Document) error {
			for i := 0; i < len(docs); i += 10 {
				// The same event once more, from a later place.
				k := *storetest.Event(int(docs[i].Origin.Seq) - 1 - 2*n)
				k.Origin = docs[i].Origin
				docs[i] = &k
			}
			return rule(ctx, docs)
		}
		mixed += 1 / inBulks(b, first+2*n, n, again)
		rounds++
	}
	b.ReportMetric(rounds/mixed, "events/s")
	b.ReportMetric(fresh/mixed, "of-fresh")
}

// BenchmarkReplay rewrites stored events in a higher revision: every document
// takes the insert, the read and the guarded replacement.
func BenchmarkReplay(b *testing.B) {
	n := benchSize(b, "EYE_BENCH_EVENTS", 10_000)
	rule := ruled(prepared(b))
	inBulks(b, 0, n, rule)
	var spent, rounds float64
	for revision := uint64(8); b.Loop(); revision++ {
		spent += 1 / inBulks(b, 0, n, func(ctx context.Context, docs []*store.Document) error {
			for _, d := range docs {
				d.Revision = revision
			}
			return rule(ctx, docs)
		})
		rounds++
	}
	b.ReportMetric(rounds/spent, "events/s")
}

// BenchmarkGrowth compares the rate into a full store with the rate into one of
// a tenth, in turns. EYE_BENCH_STORED is the size of the full one; 1,000,000 is
// of interest.
func BenchmarkGrowth(b *testing.B) {
	full := benchSize(b, "EYE_BENCH_STORED", 20_000)
	part := full / 10
	small, large := ruled(prepared(b)), ruled(prepared(b))
	inBulks(b, 0, part, small)
	inBulks(b, 0, full, large)
	var early, late, rounds float64
	for first := full; b.Loop(); first += part {
		early += 1 / inBulks(b, first, part, small)
		late += 1 / inBulks(b, first, part, large)
		rounds++
	}
	b.ReportMetric(rounds/late, "events/s")
	b.ReportMetric(early/late, "of-early")
}

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

// BenchmarkTimeline reads one session of 20 events.
func BenchmarkTimeline(b *testing.B) {
	n := benchSize(b, "EYE_BENCH_EVENTS", 10_000)
	s := prepared(b)
	inBulks(b, 0, n, ruled(s))
	for i := 0; b.Loop(); i++ {
		docs, err := s.Find(b.Context(), query.Events{Filter: query.Filter{SessionID: storetest.Session(i % (n / 20))}, Limit: 100})
		if err != nil || len(docs) != 20 {
			b.Fatalf("%d events, error %v", len(docs), err)
		}
	}
}

// BenchmarkTypes counts the types of all that is stored, and of a tenth of it.
// EYE_BENCH_STORED is how much that is.
func BenchmarkTypes(b *testing.B) {
	n := benchSize(b, "EYE_BENCH_STORED", 20_000)
	s := prepared(b)
	inBulks(b, 0, n, ruled(s))
	for name, first := range map[string]int{"all": 0, "tenth": n - n/10} {
		b.Run(name, func(b *testing.B) {
			q := query.Aggregate{Filter: query.Filter{From: storetest.Event(first).ReceivedAt}, By: query.ByType, Limit: query.MaxTypes}
			for b.Loop() {
				if types, err := s.Aggregate(b.Context(), q); err != nil || len(types) != 3 {
					b.Fatalf("%d types, error %v", len(types), err)
				}
			}
		})
	}
}
