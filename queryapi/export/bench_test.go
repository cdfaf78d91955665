package export_test

import (
	"context"
	"fmt"
	"io"
	"testing"
	"time"

	"github.com/theeye/theeye/queryapi/export"
	"github.com/theeye/theeye/shared/query"
	"github.com/theeye/theeye/shared/store"
	"github.com/theeye/theeye/shared/store/sqlite"
)

// benchEvents are the events of one iteration.
const benchEvents = 50_000

// usualDocuments are events as sites send them.
func usualDocuments(n int) []*store.Document {
	docs := make([]*store.Document, n)
	first := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	for i := range docs {
		id := fmt.Sprintf("019b7600-0000-7000-8000-%012x", i)
		docs[i] = &store.Document{
			ID: store.DocumentID("shop", id), Status: store.Stored, Application: "shop", EventID: id,
			SessionID: fmt.Sprintf("e2085be5-9137-4e4e-80b5-%012d", i/20), Category: "page interaction", Name: fmt.Sprint("name ", i%30),
			Data:      fmt.Appendf(nil, `{"host":"www.example.com","path":"/products/%d","plan":"pro","total":%d.5,"element":"chat bubble","cart":{"items":%d}}`, i%1000, i, i%7),
			Timestamp: first.Add(time.Duration(i) * time.Second), ReceivedAt: first, ContentHash: fmt.Sprintf("%032x", i),
			Origin: store.Origin{Epoch: 1_700_000_000_000_000, Seq: uint64(i + 1)}, Revision: 1, SchemaVersion: 1,
		}
	}
	return docs
}

// BenchmarkExport compares exports with a bare cursor over the same documents:
// "ratio" is how much of its rate an export reaches. The bars are 0.6 for NDJSON and
// 0.4 for Parquet.
func BenchmarkExport(b *testing.B) {
	s, err := sqlite.Open(b.Context(), sqlite.Config{Path: b.TempDir() + "/eye.db"})
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { _ = s.Close(context.Background()) })
	fill(b, s, usualDocuments(benchEvents))
	measure := func(read func()) time.Duration {
		start := time.Now()
		read()
		return time.Since(start)
	}
	for _, c := range []struct {
		format  string
		encoder func(io.Writer, []*store.Document) export.Encoder
	}{
		{"ndjson", ndjson},
		{"csv", surveyed},
		{"parquet", parquetPlain},
		{"parquet-columns", func(w io.Writer, _ []*store.Document) export.Encoder {
			columns, err := export.ParseColumns("data.path,data.plan,data.total")
			if err != nil {
				b.Fatal(err)
			}
			return export.NewParquet(w, columns)
		}},
	} {
		b.Run(c.format, func(b *testing.B) {
			var bare, exported time.Duration
			for b.Loop() {
				bare += measure(func() { readBare(b, s) })
				exported += measure(func() { exportAll(b, s, c.encoder) })
			}
			b.ReportMetric(bare.Seconds()/exported.Seconds(), "ratio")
			b.ReportMetric(float64(b.N)*benchEvents/exported.Seconds(), "events/s")
		})
	}
}

// readBare reads every document by a cursor, as an export does, and drops it.
func readBare(b *testing.B, s store.Reader) {
	var after *query.Position
	for n := 0; ; {
		docs, err := s.Find(b.Context(), query.Events{After: after, Limit: query.MaxEvents, MaxBytes: 1 << 20})
		if err != nil {
			b.Fatal(err)
		}
		if n += len(docs); len(docs) < query.MaxEvents {
			if n != benchEvents {
				b.Fatalf("%d events", n)
			}
			return
		}
		end := docs[len(docs)-1].Position()
		after = &end
	}
}

func exportAll(b *testing.B, s export.Finder, encoder func(io.Writer, []*store.Document) export.Encoder) {
	source := export.Open(b.Context(), s, export.Query{})
	defer source.Close()
	first, err := source.Peek()
	if err != nil {
		b.Fatal(err)
	}
	run := export.Run{Source: source, Encoder: encoder(io.Discard, first)}
	if err := run.Write(b.Context()); err != nil {
		b.Fatal(err)
	}
	if err := run.Encoder.End(""); err != nil || run.Events != benchEvents {
		b.Fatal(err, run.Events)
	}
}
