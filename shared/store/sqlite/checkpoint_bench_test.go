package sqlite_test

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/theeye/theeye/shared/store/sqlite"
	"github.com/theeye/theeye/shared/store/storetest"
)

// BenchmarkCheckpoints shows what the checkpoints of the store do to a log on the same
// disk that is synced after every append, as the stream is: the time of such a sync,
// with no store, and with a store that takes 4,000 events/s and copies its write-ahead
// log into the database in steps of a number of pages.
func BenchmarkCheckpoints(b *testing.B) {
	for _, pages := range []int{0, 250, 1000, 4000, 16000} {
		b.Run(fmt.Sprintf("pages=%d", pages), func(b *testing.B) {
			dir := b.TempDir()
			stop, stored := make(chan struct{}), make(chan struct{})
			if pages > 0 {
				s := openPrepared(b, sqlite.WithCheckpointPages(sqlite.Config{Path: filepath.Join(dir, "events.db")}, pages))
				go func() {
					defer close(stored)
					tick := time.NewTicker(50 * time.Millisecond)
					defer tick.Stop()
					for n := 0; ; n += 200 {
						select {
						case <-stop:
							return
						case <-tick.C:
						}
						if _, err := s.Insert(b.Context(), storetest.Events(n, 200)); err != nil {
							b.Error(err)
							return
						}
					}
				}()
			} else {
				close(stored)
			}
			log, err := os.Create(filepath.Join(dir, "log"))
			if err != nil {
				b.Fatal(err)
			}
			var took []time.Duration
			for b.Loop() {
				start := time.Now()
				if _, err := log.Write(make([]byte, 500)); err != nil {
					b.Fatal(err)
				}
				if err := log.Sync(); err != nil {
					b.Fatal(err)
				}
				took = append(took, time.Since(start))
			}
			close(stop)
			<-stored
			slices.Sort(took)
			for _, q := range []struct {
				name string
				q    float64
			}{{"p50", 0.5}, {"p99", 0.99}, {"p999", 0.999}, {"max", 1}} {
				at := min(int(q.q*float64(len(took))), len(took)-1)
				b.ReportMetric(float64(took[at].Microseconds())/1000, "sync-"+q.name+"-ms")
			}
			b.ReportMetric(0, "ns/op")
			_ = log.Close()
		})
	}
}
