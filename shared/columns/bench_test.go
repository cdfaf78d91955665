package columns

import (
	"fmt"
	"math/rand/v2"
	"os"
	"testing"
	"time"

	"github.com/theeye/theeye/shared/query/filter"
	"github.com/theeye/theeye/shared/store"
)

// benchRows is the number of events of a benchmark's part.
const benchRows = 100_000

// benchDocuments returns events as sites send them: 20 a session, 30 types, 8 leaves, a
// value that is nearly always another.
func benchDocuments(n int) []*store.Document {
	r := rand.New(rand.NewPCG(1, 1))
	docs := make([]*store.Document, n)
	plans := []string{"free", "pro", "team"}
	for i := range docs {
		at := dayStart.Add(time.Duration(int64(i) * 86_000_000_000_000 / int64(n)))
		session := i/2000*100 + i%100
		id := fmt.Sprintf("%08x-%04x-7%03x-8%03x-%012x", at.UnixMilli()>>16, at.UnixMilli()&0xffff, r.IntN(4096), r.IntN(4096), r.Int64N(1<<48))
		docs[i] = &store.Document{
			ID: store.DocumentID("shop", id), EventID: id, Status: store.Stored, Application: "shop",
			SessionID: fmt.Sprintf("e2085be5-9137-4e4e-80b5-%012x", uint64(session)*0x9e3779b97f4a7c15>>16),
			Category:  []string{"page interaction", "form interaction", "shop"}[i%3], Name: fmt.Sprintf("name %d", r.IntN(10)),
			Data: fmt.Appendf(nil, `{"host":"www.example.com","path":"/products/%d","element":"button %d","price":%d.5,"items":[%d,2],"visitor":"v%d",`+
				`"user":{"plan":"%s","since":%d,"beta":true}}`, r.IntN(3000), r.IntN(50), r.IntN(2000), r.IntN(30), r.IntN(1<<30), plans[r.IntN(3)], 2010+r.IntN(15)),
			Timestamp: at, ReceivedAt: at.Add(time.Second).Truncate(time.Millisecond), SchemaVersion: 3,
		}
	}
	return docs
}

func BenchmarkBuild(b *testing.B) {
	docs := benchDocuments(benchRows)
	for b.Loop() {
		builder := NewBuilder(testKey)
		for _, d := range docs {
			if err := builder.Add(d); err != nil {
				b.Fatal(err)
			}
		}
		b.ReportMetric(float64(builder.Bytes())/benchRows, "estimated-B/event")
		if _, err := builder.Build(nil); err != nil {
			b.Fatal(err)
		}
	}
	reportEvents(b, benchRows)
}

func reportEvents(b *testing.B, n int) {
	b.ReportMetric(float64(n)*float64(b.N)/b.Elapsed().Seconds(), "events/s")
}

func BenchmarkWrite(b *testing.B) {
	p := buildPart(b, benchDocuments(benchRows))
	file := b.TempDir() + "/part.parquet"
	for b.Loop() {
		if err := p.Write(b.Context(), file, testStore); err != nil {
			b.Fatal(err)
		}
	}
	info, err := os.Stat(file)
	if err != nil {
		b.Fatal(err)
	}
	b.ReportMetric(float64(info.Size())/benchRows, "B/event")
	reportEvents(b, benchRows)
}

func BenchmarkOpen(b *testing.B) {
	_, file := writePart(b, buildPart(b, benchDocuments(benchRows)))
	for b.Loop() {
		if _, err := Open(file, testStore, NewCache(0)); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkColumn loads a column from a file, without a cache.
func BenchmarkColumn(b *testing.B) {
	p, _ := writePart(b, buildPart(b, benchDocuments(benchRows)))
	p.UseCache(NewCache(0))
	for _, text := range []string{
		"data.host", "data.path", "data.price", "data.user.beta", "data.items", "data.items[]", "data.visitor", "data.user", "type", "session_id", "event_id",
	} {
		f, err := filter.ParseField(text)
		if err != nil {
			b.Fatal(err)
		}
		b.Run(text, func(b *testing.B) {
			for b.Loop() {
				if _, err := p.Column(b.Context(), f); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(b.Elapsed().Seconds()*1e3/float64(b.N)*1e6/benchRows, "ms/Mrow")
		})
	}
	for name, load := range map[string]func() error{
		"timestamps": func() error { _, err := p.Timestamps(b.Context()); return err },
		"types":      func() error { _, err := p.TypeCodes(b.Context()); return err },
		"sessions":   func() error { _, err := p.Sessions(b.Context()); return err },
		"event ids":  func() error { _, err := p.EventIDs(b.Context()); return err },
	} {
		b.Run(name, func(b *testing.B) {
			for b.Loop() {
				if err := load(); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(b.Elapsed().Seconds()*1e3/float64(b.N)*1e6/benchRows, "ms/Mrow")
		})
	}
}
