package sqlite_test

import (
	"database/sql"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/theeye/theeye/shared/store/sqlite"
	"github.com/theeye/theeye/shared/store/storetest"
)

// never is a number of pages that no write-ahead log reaches.
const never = 1 << 30

// BenchmarkCheckpoints shows what the checkpoints of the store do to a log on the same
// disk that is synced after every append, as the stream is: the time of such a sync,
// with no store, and with a store that takes 4,000 events/s and copies its write-ahead
// log into the database in steps of a number of pages, or never.
func BenchmarkCheckpoints(b *testing.B) {
	for _, pages := range []int{0, 250, 1000, 4000, 16000, never} {
		b.Run(fmt.Sprintf("pages=%d", pages), func(b *testing.B) {
			l := newCheckpointLoad(b)
			if pages > 0 {
				l.store(pages)
			}
			reportQuantiles(b, "sync", durationsOf(l.syncs()))
			if pages > 0 {
				reportQuantiles(b, "insert", durationsOf(l.inserts))
			}
		})
	}
}

// BenchmarkCheckpointsBeside has every checkpoint done by a connection of its own after a
// number of events, and compares the syncs of the log, and the inserts, that overlap a
// checkpoint with the others of the same run.
func BenchmarkCheckpointsBeside(b *testing.B) {
	for _, events := range []int{400, 4000} {
		b.Run(fmt.Sprintf("events=%d", events), func(b *testing.B) {
			l := newCheckpointLoad(b)
			l.store(never)
			l.checkpointBeside(events)
			syncs := l.syncs()
			during, outside := splitBy(syncs, l.checkpoints)
			reportQuantiles(b, "sync-during", during)
			reportQuantiles(b, "sync-outside", outside)
			during, outside = splitBy(l.inserts, l.checkpoints)
			reportQuantiles(b, "insert-during", during)
			reportQuantiles(b, "insert-outside", outside)
			reportQuantiles(b, "checkpoint", durationsOf(l.checkpoints))
		})
	}
}

// span is when something ran.
type span struct{ start, end time.Time }

// checkpointLoad is a store under load beside a log, on one disk.
type checkpointLoad struct {
	b       *testing.B
	dir     string
	stop    chan struct{}
	running sync.WaitGroup
	stored  chan int // gets the number of events stored

	inserts, checkpoints []span
}

func newCheckpointLoad(b *testing.B) *checkpointLoad {
	b.Helper()
	return &checkpointLoad{b: b, dir: b.TempDir(), stop: make(chan struct{}), stored: make(chan int, 1)}
}

// store begins to store 4,000 events/s.
func (l *checkpointLoad) store(pages int) {
	s := openPrepared(l.b, sqlite.WithCheckpointPages(sqlite.Config{Path: filepath.Join(l.dir, "events.db")}, pages))
	l.running.Go(func() {
		tick := time.NewTicker(50 * time.Millisecond)
		defer tick.Stop()
		for n := 0; ; n += 200 {
			select {
			case <-l.stop:
				return
			case <-tick.C:
			}
			start := time.Now()
			if _, err := s.Insert(l.b.Context(), storetest.Events(n, 200)); err != nil {
				l.b.Error(err)
				return
			}
			l.inserts = append(l.inserts, span{start, time.Now()})
			select {
			case <-l.stored:
			default:
			}
			l.stored <- n
		}
	})
}

// checkpointBeside begins to checkpoint after a number of events each time.
func (l *checkpointLoad) checkpointBeside(events int) {
	db, err := sql.Open("sqlite", "file:"+filepath.Join(l.dir, "events.db")+"?_pragma=busy_timeout(5000)")
	if err != nil {
		l.b.Fatal(err)
	}
	l.running.Go(func() {
		defer func() { _ = db.Close() }()
		for done := 0; ; {
			select {
			case <-l.stop:
				return
			case n := <-l.stored:
				if n < done+events {
					continue
				}
				done = n
			}
			start := time.Now()
			if _, err := db.ExecContext(l.b.Context(), `PRAGMA wal_checkpoint(PASSIVE)`); err != nil {
				l.b.Error(err)
				return
			}
			l.checkpoints = append(l.checkpoints, span{start, time.Now()})
		}
	})
}

// syncs appends to the log for as long as the benchmark runs, then ends the load.
func (l *checkpointLoad) syncs() (took []span) {
	log, err := os.Create(filepath.Join(l.dir, "log"))
	if err != nil {
		l.b.Fatal(err)
	}
	defer func() { _ = log.Close() }()
	for l.b.Loop() {
		start := time.Now()
		if _, err := log.Write(make([]byte, 500)); err != nil {
			l.b.Fatal(err)
		}
		if err := log.Sync(); err != nil {
			l.b.Fatal(err)
		}
		took = append(took, span{start, time.Now()})
	}
	close(l.stop)
	l.running.Wait()
	return took
}

// splitBy returns how long the spans took that overlap one of others, and how long those
// that do not.
func splitBy(spans, others []span) (during, outside []time.Duration) {
	for _, s := range spans {
		overlaps := slices.ContainsFunc(others, func(o span) bool { return s.start.Before(o.end) && o.start.Before(s.end) })
		if overlaps {
			during = append(during, s.end.Sub(s.start))
		} else {
			outside = append(outside, s.end.Sub(s.start))
		}
	}
	return during, outside
}

func durationsOf(spans []span) []time.Duration {
	during, outside := splitBy(spans, nil)
	return append(during, outside...)
}

func reportQuantiles(b *testing.B, what string, took []time.Duration) {
	b.Helper()
	b.ReportMetric(0, "ns/op")
	b.ReportMetric(float64(len(took)), what+"s")
	if len(took) == 0 {
		return
	}
	slices.Sort(took)
	for _, q := range []struct {
		name string
		q    float64
	}{{"p50", 0.5}, {"p99", 0.99}, {"p999", 0.999}, {"max", 1}} {
		at := min(int(q.q*float64(len(took))), len(took)-1)
		b.ReportMetric(float64(took[at].Microseconds())/1000, what+"-"+q.name+"-ms")
	}
}
