package refresh

import (
	"encoding/binary"
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"testing"
	"time"

	"github.com/theeye/theeye/shared/event"
	"github.com/theeye/theeye/shared/store"
	"github.com/theeye/theeye/shared/store/sqlite"
)

// benchDays is how many days the events of benchmarks cover, up to benchEnd.
const benchDays = 90

var benchEnd = time.Date(2026, 11, 27, 0, 0, 0, 0, time.UTC)

// benchEvents is how many events the benchmarks have: 200,000, or as EYE_BENCH_EVENTS
// says.
func benchEvents(b *testing.B) int {
	b.Helper()
	text := os.Getenv("EYE_BENCH_EVENTS")
	if text == "" {
		return 200_000
	}
	n, err := strconv.Atoi(text)
	if err != nil {
		b.Fatal(err)
	}
	return n
}

// openBenchStore returns a store with benchEvents events: that in the folder
// EYE_BENCH_STORE, which is made or completed, or a new one.
func openBenchStore(b *testing.B) *sqlite.Store {
	b.Helper()
	dir := os.Getenv("EYE_BENCH_STORE")
	if dir == "" {
		dir = b.TempDir()
	}
	s, err := sqlite.Open(b.Context(), sqlite.Config{Path: filepath.Join(dir, "events.db"), SweepEvery: -1})
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { _ = s.Close(b.Context()) })
	if err := s.Prepare(b.Context()); err != nil {
		b.Fatal(err)
	}
	each := benchEvents(b) / benchDays
	marks, err := s.DayMarks(b.Context(), nil, 0, math.MaxInt64)
	if err != nil {
		b.Fatal(err)
	}
	done := 0 // whole days; the last one may be cut
	if len(marks) > 0 {
		done = len(marks) - 1
	}
	w := store.NewWriter(store.WriterConfig{Backend: s})
	until := time.Now().Add(fillFor())
	for day := done; day < benchDays; day++ {
		for docs := range slices.Chunk(benchDay(day, each), 1000) {
			if _, err := w.Write(b.Context(), docs); err != nil {
				b.Fatal(err)
			}
		}
		if time.Now().After(until) {
			b.Skipf("%d of %d days are there: run again", day+1, benchDays)
		}
	}
	return s
}

// fillFor is how long a run adds events at most: EYE_BENCH_FILL, or as long as it takes.
func fillFor() time.Duration {
	d, err := time.ParseDuration(os.Getenv("EYE_BENCH_FILL"))
	if err != nil {
		return math.MaxInt64 / 4
	}
	return d
}

// benchDay returns the events that were received on one day, in that order, as sites
// send them: sessions of 20 on the average, more at noon than at night, 30 types, 8
// leaves, one text that is nearly always another, clocks that are off by up to half a
// minute, and two in a hundred rejected.
func benchDay(day, n int) []*store.Document {
	r := rand.New(rand.NewPCG(uint64(day), 11))
	start := benchEnd.AddDate(0, 0, day-benchDays)
	pages, products := rand.NewZipf(r, 1.2, 8, 3000), rand.NewZipf(r, 1.1, 100, 145_000)
	docs := make([]*store.Document, 0, n)
	for len(docs) < n {
		at := start.Add(dayMoment(r))
		session, visitor := uuidOf(r), r.IntN(40*n+1)
		skew := time.Duration(r.NormFloat64() * float64(10*time.Second))
		for range min(1+int(r.ExpFloat64()*19), n-len(docs)) {
			if at = at.Add(time.Duration(r.ExpFloat64() * float64(30*time.Second))); !at.Before(start.Add(dayLength)) {
				break
			}
			docs = append(docs, benchDocument(r, session, visitor, at.Truncate(time.Millisecond), at.Add(skew).Truncate(time.Microsecond), pages.Uint64(), products.Uint64()))
		}
	}
	slices.SortFunc(docs, func(x, y *store.Document) int { return x.ReceivedAt.Compare(y.ReceivedAt) })
	for i, d := range docs {
		d.Origin = store.Origin{Epoch: 1, Seq: uint64(day)<<32 + uint64(i) + 1}
	}
	return docs
}

// dayMoment returns a moment of a day: noon is five times as likely as midnight.
func dayMoment(r *rand.Rand) time.Duration {
	for {
		x := r.Float64()
		if r.Float64()*5 <= 3-2*math.Cos(2*math.Pi*x) {
			return time.Duration(x * float64(dayLength-time.Minute))
		}
	}
}

func uuidOf(r *rand.Rand) string {
	return fmt.Sprintf("%08x-%04x-4%03x-8%03x-%012x", r.Uint32(), r.IntN(1<<16), r.IntN(4096), r.IntN(4096), r.Uint64()>>16)
}

func benchDocument(r *rand.Rand, session string, visitor int, received, at time.Time, page, product uint64) *store.Document {
	ms := uint64(at.UnixMilli())
	id := fmt.Sprintf("%08x-%04x-7%03x-8%03x-%012x", ms>>16, ms&0xffff, r.IntN(4096), r.IntN(4096), r.Uint64()>>16)
	kind := r.IntN(30)
	d := &store.Document{
		ID: store.DocumentID("demo", id), EventID: id, Status: store.Stored, Application: "demo", SessionID: session,
		Category: [...]string{"page interaction", "form interaction", "shop"}[kind%3], Name: "name " + strconv.Itoa(kind),
		Timestamp: at, ReceivedAt: received, Revision: 7, SchemaVersion: 3, ContentHash: hashOf(r),
		Data: fmt.Appendf(nil, `{"host":"www.example.com","path":"/pages/%d","product":"product %d","price":%d.5,"items":[%d,2],"visitor":"v%d",`+
			`"user":{"plan":"%s","since":%d,"beta":true}}`, page, product, r.IntN(2000), r.IntN(30), visitor,
			[...]string{"free", "pro", "team"}[r.IntN(3)], 2010+r.IntN(15)),
	}
	if r.IntN(50) == 0 {
		d.Status, d.SchemaVersion, d.Original = store.Rejected, 0, d.Data
		d.Errors = []event.Fault{{Code: event.CodeSchemaViolation, Path: "/data/" + strconv.Itoa(r.IntN(8)), Message: "is required"}}
	}
	return d
}

func hashOf(r *rand.Rand) string {
	var b [16]byte
	binary.LittleEndian.PutUint64(b[:], r.Uint64())
	binary.LittleEndian.PutUint64(b[8:], r.Uint64())
	return fmt.Sprintf("%x", b)
}

// Making the events of the benchmarks, in portions of EYE_BENCH_FILL.
func BenchmarkFillStore(b *testing.B) {
	s := openBenchStore(b)
	for b.Loop() {
		if err := s.Ready(b.Context()); err != nil {
			b.Fatal(err)
		}
	}
}
