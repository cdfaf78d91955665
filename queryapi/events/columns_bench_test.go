package events

import (
	"fmt"
	"math/rand/v2"
	"os"
	"strconv"
	"testing"
	"time"

	"github.com/theeye/theeye/queryapi/analytics"
	"github.com/theeye/theeye/shared/columns"
	"github.com/theeye/theeye/shared/query"
	"github.com/theeye/theeye/shared/store"
)

// pageBar is the time that a page with a filter on a data field may take, with its
// documents, of ten million events over 90 days.
const pageBar = 100 * time.Millisecond

// pageColumns are columns of a million events over 90 days, or as EYE_BENCH_ROWS says, and
// the documents of the user 77, one in 5000. Only these need be in a store to read a page
// of them.
func pageColumns(b *testing.B) (*columns.Snapshot, []*store.Document) {
	b.Helper()
	const days = 90
	rows, err := strconv.Atoi(os.Getenv("EYE_BENCH_ROWS"))
	if err != nil {
		rows = 1_000_000
	}
	var matching []*store.Document
	r, cache := rand.New(rand.NewPCG(3, 4)), columns.NewCache(2<<30)
	start := time.Date(2026, 8, 3, 0, 0, 0, 0, time.UTC)
	views := make([]columns.View, days)
	for day := range views {
		builder := columns.NewBuilder(columns.Key{Application: "shop", Day: start.Unix()/86400 + int64(day)})
		builder.MaxBytes = 8 << 30
		var at time.Time
		for i := range rows / days {
			if i%20 == 0 {
				at = start.AddDate(0, 0, day).Add(time.Duration(r.Int64N(int64(23 * time.Hour))))
			}
			at = at.Add(time.Duration(r.Int64N(int64(time.Minute)))).Truncate(time.Microsecond)
			user := r.IntN(5000)
			d := &store.Document{
				Status: store.Stored, Application: "shop", EventID: fmt.Sprintf("%d-%d", day, i), SessionID: fmt.Sprintf("%08x-0000-4000-8000-%012d", i/20*7919, day),
				Category: "page", Name: fmt.Sprint("name ", r.IntN(30)), Timestamp: at, ReceivedAt: at.Truncate(time.Millisecond),
				ContentHash: "h", Revision: 1, Origin: store.Origin{Epoch: 1, Seq: uint64(day*rows + i + 1)},
				Data: fmt.Appendf(nil, `{"user":%d,"path":"/p/%d","plan":"p%d","pad":"some text of the usual length of a title"}`, user, r.IntN(200), r.IntN(3)),
			}
			d.ID = store.DocumentID(d.Application, d.EventID)
			if err := builder.Add(d); err != nil {
				b.Fatal(err)
			}
			if user == 77 {
				matching = append(matching, d)
			}
		}
		if views[day].Part, err = builder.Build(nil); err != nil {
			b.Fatal(err)
		}
		views[day].Part.UseCache(cache)
	}
	now := start.AddDate(0, 0, days)
	return &columns.Snapshot{AsOf: now, Now: now, Applications: []columns.ApplicationViews{{Name: "shop", Views: views}}}, matching
}

// BenchmarkFilteredPage reads the newest page of the events that a filter on a data field
// matches, documents included, and compares it with a bare lookup of its documents.
func BenchmarkFilteredPage(b *testing.B) {
	snapshot, matching := pageColumns(b)
	match := parseFilter(b, "data.user=77")
	for name, open := range map[string]func(testing.TB) store.Store{"sqlite": openSQLite, "mongo": openMongo} {
		b.Run(name, func(b *testing.B) {
			s := open(b)
			if _, err := store.NewWriter(store.WriterConfig{Backend: s}).Write(b.Context(), matching); err != nil {
				b.Fatal(err)
			}
			f := New(Config{Store: s, Analytics: analytics.New(heldSource{snapshot: snapshot})})
			q := query.Events{Descending: true, Limit: 100}
			q.Applications = []string{"shop"}
			read := func() []string {
				page, err := f.columnPage(b.Context(), q, match)
				if err != nil || len(page.Documents) != 100 {
					b.Fatal(len(page.Documents), err)
				}
				ids := make([]string, len(page.Documents))
				for i, d := range page.Documents {
					ids[i] = d.ID
				}
				return ids
			}
			ids := read()
			for b.Loop() {
				read()
			}
			spent := b.Elapsed() / time.Duration(b.N)
			bare := time.Duration(1 << 60)
			for range 5 {
				start := time.Now()
				if docs, err := s.Lookup(b.Context(), ids); err != nil || len(docs) != len(ids) {
					b.Fatal(len(docs), err)
				}
				bare = min(bare, time.Since(start))
			}
			b.ReportMetric(spent.Seconds()/bare.Seconds(), "lookups")
			b.ReportMetric(pageBar.Seconds()*1e3, "bar-ms")
			if spent > pageBar {
				b.Logf("above the bar: %v, the bar is %v with 10000000 events", spent, pageBar)
			}
		})
	}
}
