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

// BenchmarkAdmission measures what each request pays before its body is read
// and after it was taken apart: authentication, and the charge of both limits
// of its key, with 10,000 applications. scaling is the throughput of two cores
// over that of one, in turns of the same run; wait-ns/op is the time that
// goroutines waited for locks with two.
func BenchmarkAdmission(b *testing.B) {
	const applications = 10_000
	w := newWorld(b)
	w.putApplications(applications)
	requests := make([]*http.Request, applications)
	for i := range requests {
		requests[i] = httptest.NewRequest(http.MethodPost, api.PathEvents, nil)
		requests[i].Header.Set(api.HeaderWriteKey, benchKey(i))
		requests[i].Header.Set("Origin", benchOrigin(i))
	}
	w.service.limiters.currentTable()

	b.Run("one request", func(b *testing.B) {
		b.ReportAllocs()
		for i := range b.N {
			w.admitAndCharge(requests[i%applications])
		}
	})
	b.Run("cores", func(b *testing.B) {
		const turn = 100_000
		var one, two, waited float64
		w.onCores(2, requests, turn) // warm up
		turns := max(b.N/turn, 3)
		for range turns {
			one += w.onCores(1, requests, turn)
			before := lockWait()
			two += w.onCores(2, requests, turn)
			waited += lockWait() - before
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
			s, l := w.memory()
			snapshot += s
			limiters += l
		}
		b.ReportMetric(snapshot/float64(b.N)/applications, "registry-B/application")
		b.ReportMetric(limiters/float64(b.N)/applications, "limits-B/application")
		b.ReportMetric(0, "ns/op")
	})
}

// admitAndCharge is what is measured.
func (w *world) admitAndCharge(r *http.Request) {
	s := w.service
	key, err := authenticateKey(s.currentAccess(), r, s.now())
	if err == nil {
		if err = s.limiters.checkExceeded(key, minCost(r)); err == nil {
			_, err = s.limiters.reserve(key, cost{events: 1, bytes: 300})
		}
	}
	if err != nil {
		w.t.Error(err)
	}
}

// onCores returns the seconds that n requests take, spread over that many
// processors.
func (w *world) onCores(cores int, requests []*http.Request, n int) float64 {
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(cores))
	return seconds(func() {
		var wg sync.WaitGroup
		for core := range cores {
			wg.Go(func() {
				for i := core; i < n; i += cores {
					w.admitAndCharge(requests[i*7919%len(requests)])
				}
			})
		}
		wg.Wait()
	})
}

// lockWait is how long goroutines have waited for locks so far, in seconds.
func lockWait() float64 {
	sample := []runtimemetrics.Sample{{Name: "/sync/mutex/wait/total:seconds"}}
	runtimemetrics.Read(sample)
	return sample[0].Value.Float64()
}

// memory returns the bytes that a registry holds, and the limiters of its keys.
func (w *world) memory() (snapshot, limiters float64) {
	before := heap()
	reg := registry.New(registry.Config{JetStream: w.js, Logger: slog.New(slog.DiscardHandler)})
	end := w.run(reg.Run)
	<-reg.Ready()
	loaded := heap()
	allowances := rateLimiters{access: func() *registry.Access { return reg.Snapshot().Access }, clock: time.Now}
	table := allowances.currentTable()
	limited := heap()
	runtime.KeepAlive(table)
	runtime.KeepAlive(reg)
	end()
	return loaded - before, limited - loaded
}

// heap is the bytes that are in use.
func heap() float64 {
	runtime.GC()
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return float64(m.HeapAlloc)
}

func benchKey(i int) string    { return "write-key-of-site-" + strconv.Itoa(i) }
func benchOrigin(i int) string { return fmt.Sprintf("https://site-%d.example.com", i) }

// putApplications declares that many, each with a limited browser key, and
// waits until the service knows them and the server is done with them.
func (w *world) putApplications(n int) {
	w.t.Helper()
	for i := range n {
		name := fmt.Sprintf("site-%d", i)
		record := fmt.Appendf(nil, `{"keys": [{"sha256": %q, "kind": "browser", "origins": [%q], "events_per_second": 1000000000, `+
			`"bytes_per_second": 1000000000000}]}`, sumOf(benchKey(i)), benchOrigin(i))
		subject := "$KV." + stream.BucketApplications + "." + name
		_, err := w.js.PublishAsync(subject, record, jetstream.WithStallWait(30*time.Second))
		w.must(err)
	}
	select {
	case <-w.js.PublishAsyncComplete():
	case <-w.ctx().Done():
		w.t.Fatal("the applications are not written")
	}
	w.eventually("all applications are known", func() bool { return len(w.service.currentAccess().Applications()) == n+2 })
	w.eventually("their changes are kept", func() bool {
		changes, err := w.js.Stream(w.ctx(), stream.Changes)
		w.must(err)
		return changes.CachedInfo().State.Msgs >= uint64(n)
	})
}
