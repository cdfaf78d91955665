package storetest

import (
	"context"
	"fmt"
	"os"
	"slices"
	"strconv"
	"testing"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/theeye/theeye/shared/query"
	"github.com/theeye/theeye/shared/store"
)

// Shape of the load of the benchmarks: two writers, 1,000 documents a bulk, received at
// about the rate at which they are written. The events are made in portions, so that
// their memory is bounded.
const (
	BenchWriters = 2
	benchBulk    = 1000
	benchPortion = 100_000
	benchReceive = 100 * time.Microsecond // from one event to the next
)

// BulkFunc writes one bulk of new documents.
type BulkFunc func(ctx context.Context, docs []*store.Document) error

// benchSize returns a number of events that the environment may enlarge:
// EYE_BENCH_EVENTS for events written, EYE_BENCH_STORED for events present.
func benchSize(b *testing.B, variable string, small int) int {
	b.Helper()
	text := os.Getenv(variable)
	if text == "" {
		return small
	}
	n, err := strconv.Atoi(text)
	if err != nil || n < BenchWriters*benchBulk {
		b.Fatalf("%s=%q is no number of at least %d", variable, text, BenchWriters*benchBulk)
	}
	return n
}

// writeEvents writes the events first to first+n-1 and returns the time per
// event. Making the events is not counted.
func writeEvents(b *testing.B, writers, first, n int, write BulkFunc) float64 {
	b.Helper()
	var spent time.Duration
	for done := 0; done < n; done += benchPortion {
		list := Events(first+done, min(benchPortion, n-done))
		for i, d := range list {
			d.ReceivedAt = Start().Add(time.Duration(first+done+i) * benchReceive).Truncate(time.Millisecond)
		}
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
	return spent.Seconds() / float64(n)
}

// byRule returns the write rule over a store.
func byRule(s store.Backend) BulkFunc {
	w := store.NewWriter(store.WriterConfig{Backend: s})
	return func(ctx context.Context, docs []*store.Document) error {
		_, err := w.Write(ctx, docs)
		return err
	}
}

// BenchWriter compares the write rule with a bare loop on the same database, in
// turns. bare prepares the events first to first+n-1, which is not counted, and
// returns the loop's step, which bareWriters run at once.
func BenchWriter(b *testing.B, s store.Store, bareWriters int, bare func(first, n int) BulkFunc) {
	b.Helper()
	n := benchSize(b, "EYE_BENCH_EVENTS", 10_000)
	rule := byRule(s)
	var mine, theirs, rounds float64
	for first := 0; b.Loop(); first += n {
		theirs += writeEvents(b, bareWriters, first, n, bare(first, n))
		mine += writeEvents(b, BenchWriters, first, n, rule)
		rounds++
	}
	b.ReportMetric(rounds/mine, "events/s")
	b.ReportMetric(theirs/mine, "of-bare")
}

// BenchDuplicates compares a stream of which every tenth event was written
// before with a fresh one.
func BenchDuplicates(b *testing.B, s store.Store) {
	b.Helper()
	n := benchSize(b, "EYE_BENCH_EVENTS", 10_000)
	rule := byRule(s)
	var fresh, mixed, rounds float64
	for first := 0; b.Loop(); first += 3 * n {
		fresh += writeEvents(b, BenchWriters, first, n, rule)
		repeated := func(ctx context.Context, docs []*store.Document) error {
			for i := 0; i < len(docs); i += 10 {
				// The same event once more, from a later position.
				k := *Event(int(docs[i].Origin.Seq) - 1 - 2*n)
				k.Origin = docs[i].Origin
				docs[i] = &k
			}
			return rule(ctx, docs)
		}
		mixed += writeEvents(b, BenchWriters, first+2*n, n, repeated)
		rounds++
	}
	b.ReportMetric(rounds/mixed, "events/s")
	b.ReportMetric(fresh/mixed, "of-fresh")
}

// BenchReplay rewrites stored events in a higher revision: every document takes
// the read and the guarded replacement.
func BenchReplay(b *testing.B, s store.Store) {
	b.Helper()
	n := benchSize(b, "EYE_BENCH_EVENTS", 10_000)
	rule := byRule(s)
	writeEvents(b, BenchWriters, 0, n, rule)
	var spent, rounds float64
	for revision := uint64(8); b.Loop(); revision++ {
		spent += writeEvents(b, BenchWriters, 0, n, func(ctx context.Context, docs []*store.Document) error {
			for _, d := range docs {
				d.Revision = revision
			}
			return rule(ctx, docs)
		})
		rounds++
	}
	b.ReportMetric(rounds/spent, "events/s")
}

// BenchGrowth compares the rate into a full store with the rate into one of a
// tenth, in turns. EYE_BENCH_STORED is the size of the full one; 1,000,000 is of
// interest.
func BenchGrowth(b *testing.B, small, large store.Store) {
	b.Helper()
	full := benchSize(b, "EYE_BENCH_STORED", 20_000)
	part := full / 10
	intoSmall, intoLarge := byRule(small), byRule(large)
	writeEvents(b, BenchWriters, 0, part, intoSmall)
	writeEvents(b, BenchWriters, 0, full, intoLarge)
	var early, late, rounds float64
	for first := full; b.Loop(); first += part {
		early += writeEvents(b, BenchWriters, first, part, intoSmall)
		late += writeEvents(b, BenchWriters, first, part, intoLarge)
		rounds++
	}
	b.ReportMetric(rounds/late, "events/s")
	b.ReportMetric(early/late, "of-early")
}

// BenchTimeline reads one session of 20 events.
func BenchTimeline(b *testing.B, s store.Store) {
	b.Helper()
	n := benchSize(b, "EYE_BENCH_EVENTS", 10_000)
	writeEvents(b, BenchWriters, 0, n, byRule(s))
	for i := 0; b.Loop(); i++ {
		q := query.Events{Filter: query.Filter{SessionID: Session(i % (n / 20))}, Limit: 100}
		if docs, err := s.Find(b.Context(), q); err != nil || len(docs) != 20 {
			b.Fatalf("%d events, error %v", len(docs), err)
		}
	}
}

// BenchRareType reads pages of a type with few events in a category with many, and
// pages of the whole category. EYE_BENCH_STORED is how many events are stored;
// 1,000,000 is of interest.
func BenchRareType(b *testing.B, s store.Store) {
	b.Helper()
	n := benchSize(b, "EYE_BENCH_STORED", 20_000)
	const rare = 2000 // events of the rare type
	rule := byRule(s)
	writeEvents(b, BenchWriters, 0, n, func(ctx context.Context, docs []*store.Document) error {
		for _, d := range docs {
			if i := int(d.Origin.Seq); i%max(1, n/rare) == 0 {
				d.Name = "rare"
			}
		}
		return rule(ctx, docs)
	})
	category := Event(0).Category
	for name, f := range map[string]query.Filter{
		"rare":      {Category: category, Name: "rare"},
		"frequent":  {Category: category, Name: "submit"},
		"category":  {Category: category},
		"name":      {Name: "rare"},
		"one app's": {Category: category, Name: "rare", Applications: []string{"demo"}},
		"none":      {Category: category, Name: "nosuch"},
	} {
		for _, pages := range []int{1, 19} {
			b.Run(fmt.Sprintf("%s/page %d", name, pages), func(b *testing.B) { benchPage(b, s, f, pages) })
		}
	}
}

// benchPage reads the last page of so many, each of 100 events, the newest first.
func benchPage(b *testing.B, s store.Store, f query.Filter, pages int) {
	b.Helper()
	q := query.Events{Filter: f, Descending: true, Limit: 100}
	for range pages - 1 {
		docs, err := s.Find(b.Context(), q)
		if err != nil {
			b.Fatal(err)
		}
		if len(docs) > 0 {
			at := docs[len(docs)-1].Position()
			q.After = &at
		}
	}
	for b.Loop() {
		if docs, err := s.Find(b.Context(), q); err != nil || len(docs) != q.Limit && f.Name != "nosuch" {
			b.Fatalf("%d events, error %v", len(docs), err)
		}
	}
}

// BenchRetention applies changed retentions to all stored events, and reports the
// documents a second. EYE_BENCH_STORED is how many are stored.
func BenchRetention(b *testing.B, s store.Store) {
	b.Helper()
	n := benchSize(b, "EYE_BENCH_STORED", 20_000)
	writeEvents(b, BenchWriters, 0, n, byRule(s))
	year := 365 * 24 * time.Hour
	rounds := 0
	for b.Loop() {
		rounds++
		changed := store.RetentionPortion{Retention: keepFor(uint64(retentionRevision+rounds), year+time.Duration(rounds)*time.Second, 0), Limit: 500}
		if _, n := ApplyAll(b, s, changed); n == 0 {
			b.Fatal("nothing was changed")
		}
	}
	b.ReportMetric(float64(n*rounds)/b.Elapsed().Seconds(), "documents/s")
	b.StopTimer()
	same := store.RetentionPortion{Retention: keepFor(uint64(retentionRevision+rounds+1), year+time.Duration(rounds)*time.Second, 0), Limit: 500}
	begin := time.Now()
	if _, n := ApplyAll(b, s, same); n != 0 {
		b.Fatalf("%d were changed again", n)
	}
	b.ReportMetric(float64(n)/time.Since(begin).Seconds(), "read/s")
}

// BenchRetentionBeside compares the latency of writes alone with that of writes beside
// a retention that is applied as a job does: 500 documents at once, and a rest as long
// as that took. EYE_BENCH_STORED is how many documents it changes.
func BenchRetentionBeside(b *testing.B, s store.Store) {
	b.Helper()
	n := benchSize(b, "EYE_BENCH_STORED", 20_000)
	rule := byRule(s)
	writeEvents(b, BenchWriters, 0, n, rule)
	next := n
	median := func() (p50, p99 time.Duration) {
		const bulks = 200
		var took []time.Duration
		for range bulks {
			docs := Events(next, 100)
			next += len(docs)
			begin := time.Now()
			if err := rule(b.Context(), docs); err != nil {
				b.Fatal(err)
			}
			took = append(took, time.Since(begin))
		}
		slices.Sort(took)
		return took[bulks/2], took[bulks*99/100]
	}
	for b.Loop() {
		alone50, alone99 := median()
		ctx, stop := context.WithCancel(b.Context())
		ended := make(chan struct{})
		go func() {
			defer close(ended)
			for revision := uint64(retentionRevision); ctx.Err() == nil; revision++ {
				p := store.RetentionPortion{Retention: keepFor(revision, time.Duration(revision)*365*24*time.Hour, 0), Limit: 500}
				for more := true; more && ctx.Err() == nil; more = p.After != "" {
					begin := time.Now()
					r, err := s.ApplyRetention(ctx, p)
					if err != nil {
						return // the end of ctx
					}
					p.After = r.Next
					time.Sleep(time.Since(begin))
				}
			}
		}()
		beside50, beside99 := median()
		stop()
		<-ended
		for name, d := range map[string]time.Duration{
			"ms-p50-alone": alone50, "ms-p99-alone": alone99, "ms-p50-beside": beside50, "ms-p99-beside": beside99,
		} {
			b.ReportMetric(float64(d.Microseconds())/1000, name)
		}
	}
}
