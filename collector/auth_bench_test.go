package collector

import (
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"runtime"
	runtimemetrics "runtime/metrics"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/theeye/theeye/shared/api"
	"github.com/theeye/theeye/shared/registry"
	"github.com/theeye/theeye/shared/stream"
)

// BenchmarkAuthenticate measures the cost of a request apart from its body:
// authentication and the reservation from both rate limits of its key, with
// 10,000 applications. scaling is the throughput of two cores over that of one,
// alternating within a run; wait-ns/op is the time that goroutines on two cores
// waited for locks.
func BenchmarkAuthenticate(b *testing.B) {
	const applications = 10_000
	f := newFixture(b)
	f.putApplications(applications)
	requests := make([]*http.Request, applications)
	for i := range requests {
		requests[i] = httptest.NewRequest(http.MethodPost, api.PathEvents, nil)
		requests[i].Header.Set(api.HeaderWriteKey, benchKey(i))
		requests[i].Header.Set("Origin", benchOrigin(i))
	}
	f.service.limiters.currentTable()

	b.Run("one request", func(b *testing.B) {
		b.ReportAllocs()
		for i := range b.N {
			f.authenticateAndReserve(requests[i%applications])
		}
	})
	b.Run("cores", func(b *testing.B) {
		const turn = 100_000
		var one, two, waited float64
		f.onCores(2, requests, turn) // warm up
		turns := max(b.N/turn, 3)
		for range turns {
			one += f.onCores(1, requests, turn)
			before := lockWaitSeconds()
			two += f.onCores(2, requests, turn)
			waited += lockWaitSeconds() - before
		}
		perOp := 1e9 / float64(turns*turn)
		b.ReportMetric(one*perOp, "1-core-ns/op")
		b.ReportMetric(two*perOp, "2-cores-ns/op")
		b.ReportMetric(one/two, "scaling")
		b.ReportMetric(waited*perOp, "wait-ns/op")
		b.ReportMetric(0, "ns/op")
	})
	b.Run("memory", func(b *testing.B) {
		var snapshot, limiters float64
		for range b.N {
			s, l := f.measureMemory()
			snapshot += s
			limiters += l
		}
		b.ReportMetric(snapshot/float64(b.N)/applications, "registry-B/application")
		b.ReportMetric(limiters/float64(b.N)/applications, "limits-B/application")
		b.ReportMetric(0, "ns/op")
	})
}

// authenticateAndReserve is one measured operation.
func (f *fixture) authenticateAndReserve(r *http.Request) {
	s := f.service
	key, err := authenticateKey(s.currentAccess(), r, s.now())
	if err == nil {
		if err = s.limiters.checkExceeded(key, minCost(r)); err == nil {
			_, err = s.limiters.reserve(key, cost{events: 1, bytes: 300})
		}
	}
	if err != nil {
		f.t.Error(err)
	}
}

// onCores returns the seconds that n requests take, spread over a number of cores.
func (f *fixture) onCores(cores int, requests []*http.Request, n int) float64 {
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(cores))
	return secondsOf(func() {
		var wg sync.WaitGroup
		for core := range cores {
			wg.Go(func() {
				for i := core; i < n; i += cores {
					f.authenticateAndReserve(requests[i*7919%len(requests)])
				}
			})
		}
		wg.Wait()
	})
}

// lockWaitSeconds returns how long goroutines have waited for locks so far.
func lockWaitSeconds() float64 {
	sample := []runtimemetrics.Sample{{Name: "/sync/mutex/wait/total:seconds"}}
	runtimemetrics.Read(sample)
	return sample[0].Value.Float64()
}

// measureMemory returns the bytes of a registry and of the limiters of its keys.
func (f *fixture) measureMemory() (snapshot, limiters float64) {
	before := heapBytes()
	reg := registry.New(registry.Config{JetStream: f.js, Logger: slog.New(slog.DiscardHandler)})
	end := f.runUntilEnd(reg.Run)
	<-reg.Ready()
	loaded := heapBytes()
	all := rateLimiters{access: func() *registry.Access { return reg.Snapshot().Access }, clock: time.Now}
	table := all.currentTable()
	limited := heapBytes()
	runtime.KeepAlive(table)
	runtime.KeepAlive(reg)
	end()
	return loaded - before, limited - loaded
}

// heapBytes returns the bytes of the heap in use.
func heapBytes() float64 {
	runtime.GC()
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return float64(m.HeapAlloc)
}

func benchKey(i int) string    { return "write-key-of-site-" + strconv.Itoa(i) }
func benchOrigin(i int) string { return fmt.Sprintf("https://site-%d.example.com", i) }

// putApplications declares n applications, each with a limited browser key, and
// waits until the service knows them and their changes are recorded.
func (f *fixture) putApplications(n int) {
	f.t.Helper()
	for i := range n {
		name := fmt.Sprintf("site-%d", i)
		record := fmt.Appendf(nil, `{"keys": [{"sha256": %q, "kind": "browser", "origins": [%q], "events_per_second": 1000000000, `+
			`"bytes_per_second": 1000000000000}]}`, sha256Hex(benchKey(i)), benchOrigin(i))
		subject := "$KV." + stream.BucketApplications + "." + name
		_, err := f.js.PublishAsync(subject, record, jetstream.WithStallWait(30*time.Second))
		f.noError(err)
	}
	select {
	case <-f.js.PublishAsyncComplete():
	case <-f.ctx().Done():
		f.t.Fatal("the applications are not written")
	}
	f.waitUntil("all applications are known", func() bool { return len(f.service.currentAccess().Applications()) == n+2 })
	f.waitUntil("their changes are recorded", func() bool {
		changes, err := f.js.Stream(f.ctx(), stream.Changes)
		f.noError(err)
		return changes.CachedInfo().State.Msgs >= uint64(n)
	})
}
