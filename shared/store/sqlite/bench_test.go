package sqlite_test

import (
	"context"
	"database/sql"
	"encoding/json"
	"os"
	"path/filepath"
	"strconv"
	"testing"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/theeye/theeye/shared/query"
	"github.com/theeye/theeye/shared/store"
	"github.com/theeye/theeye/shared/store/sqlite"
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

// inBulks writes the events first to first+n-1 by so many writers and returns
// the rate in events/s. Of a large number it makes a part at a time.
func inBulks(
	b *testing.B, writers, first, n int, write func(context.Context, []*store.Document) error,
) float64 {
	b.Helper()
	var spent time.Duration
	for done := 0; done < n; done += 100_000 {
		list := storetest.Events(first+done, min(100_000, n-done))
		bulks := make(chan []*store.Document, len(list)/benchBulk+1)
		for ; len(list) > 0; list = list[min(benchBulk, len(list)):] {
			bulks <- list[:min(benchBulk, len(list))]
		}
		close(bulks)
		start := time.Now()
		group, ctx := errgroup.WithContext(b.Context())
		for range writers {
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
		spent += time.Since(start)
	}
	return float64(n) / spent.Seconds()
}

// ruled returns the write rule over a store.
func ruled(s store.Backend) func(context.Context, []*store.Document) error {
	w := store.NewWriter(store.WriterConfig{Backend: s})
	return func(ctx context.Context, docs []*store.Document) error {
		_, err := w.Write(ctx, docs)
		return err
	}
}

// openBare returns a plain loop's step: a transaction of 1,000 prepared inserts
// into the same tables with the same settings, and nothing else.
func openBare(b *testing.B) func(context.Context, []*store.Document) error {
	b.Helper()
	path := filepath.Join(b.TempDir(), "events.db")
	prepared(b, sqlite.Config{Path: path})
	db, err := sql.Open("sqlite", path+"?_pragma=journal_mode(WAL)&_pragma=synchronous(FULL)"+
		"&_pragma=wal_autocheckpoint(4000)&_pragma=cache_size(-16000)&_txlock=immediate")
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { _ = db.Close() })
	db.SetMaxOpenConns(1)
	insert, err := db.PrepareContext(b.Context(),
		`INSERT INTO events VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`)
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { _ = insert.Close() })
	return func(_ context.Context, docs []*store.Document) error {
		tx, err := db.Begin() //nolint:noctx // as fast as it goes
		if err != nil {
			return err
		}
		stmt := tx.Stmt(insert) //nolint:noctx // as above
		for _, d := range docs {
			if _, err := stmt.Exec(plainValues(d)...); err != nil { //nolint:noctx // as above
				return err
			}
		}
		return tx.Commit()
	}
}

func plainValues(d *store.Document) []any {
	var faults, original any
	if d.Status == store.Rejected {
		text, _ := json.Marshal(d.Errors)
		faults, original = string(text), d.Original
	}
	return []any{
		d.ID, string(d.Status), d.Application, d.EventID, d.SessionID, d.Category, d.Name, string(d.Data),
		d.Timestamp.UnixMicro(), d.ReceivedAt.UnixMilli(), nil, d.ContentHash, d.Origin.Epoch, int64(d.Origin.Seq),
		int64(d.Revision), d.SchemaVersion, faults, original, d.SentSchemaVersion,
	}
}

// BenchmarkWriter compares the write rule with a bare loop into the same
// tables, in turns.
func BenchmarkWriter(b *testing.B) {
	n := benchSize(b, "EYE_BENCH_EVENTS", 10_000)
	rule, plain := ruled(prepared(b, sqlite.Config{})), openBare(b)
	var mine, theirs, rounds float64
	for first := 0; b.Loop(); first += n {
		theirs += 1 / inBulks(b, 1, first, n, plain)
		mine += 1 / inBulks(b, benchWriters, first, n, rule)
		rounds++
	}
	b.ReportMetric(rounds/mine, "events/s")
	b.ReportMetric(theirs/mine, "of-bare")
}

// BenchmarkDuplicates compares a stream of which every tenth event was written
// before with a fresh one.
func BenchmarkDuplicates(b *testing.B) {
	n := benchSize(b, "EYE_BENCH_EVENTS", 10_000)
	rule := ruled(prepared(b, sqlite.Config{}))
	var fresh, mixed, rounds float64
	for first := 0; b.Loop(); first += 3 * n {
		fresh += 1 / inBulks(b, benchWriters, first, n, rule)
		again := func(ctx context.Context, docs []*store.Document) error {
			for i := 0; i < len(docs); i += 10 {
				// The same event once more, from a later place.
				k := *storetest.Event(int(docs[i].Origin.Seq) - 1 - 2*n)
				k.Origin = docs[i].Origin
				docs[i] = &k
			}
			return rule(ctx, docs)
		}
		mixed += 1 / inBulks(b, benchWriters, first+2*n, n, again)
		rounds++
	}
	b.ReportMetric(rounds/mixed, "events/s")
	b.ReportMetric(fresh/mixed, "of-fresh")
}

// BenchmarkReplay rewrites stored events in a higher revision.
func BenchmarkReplay(b *testing.B) {
	n := benchSize(b, "EYE_BENCH_EVENTS", 10_000)
	rule := ruled(prepared(b, sqlite.Config{}))
	inBulks(b, benchWriters, 0, n, rule)
	var spent, rounds float64
	for revision := uint64(8); b.Loop(); revision++ {
		spent += 1 / inBulks(b, benchWriters, 0, n, func(ctx context.Context, docs []*store.Document) error {
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
	small, large := ruled(prepared(b, sqlite.Config{})), ruled(prepared(b, sqlite.Config{}))
	inBulks(b, benchWriters, 0, part, small)
	inBulks(b, benchWriters, 0, full, large)
	var early, late, rounds float64
	for first := full; b.Loop(); first += part {
		early += 1 / inBulks(b, benchWriters, first, part, small)
		late += 1 / inBulks(b, benchWriters, first, part, large)
		rounds++
	}
	b.ReportMetric(rounds/late, "events/s")
	b.ReportMetric(early/late, "of-early")
}

// BenchmarkTimeline reads one session of 20 events.
func BenchmarkTimeline(b *testing.B) {
	n := benchSize(b, "EYE_BENCH_EVENTS", 10_000)
	s := prepared(b, sqlite.Config{})
	inBulks(b, benchWriters, 0, n, ruled(s))
	for i := 0; b.Loop(); i++ {
		docs, err := s.Find(b.Context(), query.Events{Filter: query.Filter{SessionID: storetest.Session(i % (n / 20))}, Limit: 100})
		if err != nil || len(docs) != 20 {
			b.Fatalf("%d events, error %v", len(docs), err)
		}
	}
}

// BenchmarkTypes counts the types of all that is stored, and of a tenth of it.
// EYE_BENCH_STORED is how much that is; 1,000,000 is of interest.
func BenchmarkTypes(b *testing.B) {
	n := benchSize(b, "EYE_BENCH_STORED", 20_000)
	s := prepared(b, sqlite.Config{})
	inBulks(b, benchWriters, 0, n, ruled(s))
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
