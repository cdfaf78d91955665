package collector

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/synadia-io/orbit.go/jetstreamext"

	"github.com/theeye/theeye/shared/event"
	"github.com/theeye/theeye/shared/registry"
)

// bareBatch is the size of the reference's atomic batches.
const bareBatch = 500

// BenchmarkCommit measures the collector against bare publishers of equal
// messages on the same server, which syncs on every commit, in turns of the
// same run. ratio is events/s through HTTP over events/s of the reference.
func BenchmarkCommit(b *testing.B) {
	for _, c := range []struct {
		name         string
		conns, batch int
		bare         func(w *world, events int)
	}{
		{"batches of 100 from 8 connections", 8, 100, (*world).bareBatches},
		{"single events from 64 connections", 64, 1, (*world).bareSingles},
	} {
		b.Run(c.name, func(b *testing.B) {
			w := newWorld(b)
			bodies := benchBodies(c.batch)
			w.load(c.conns, bodies, c.batch, 2000) // warm up
			var served, bare, events, bareEvents float64
			b.ResetTimer()
			for range b.N {
				n := 100 * c.batch * 4
				if c.batch == 1 {
					n = 4000
				}
				events += float64(n)
				served += seconds(func() { w.load(c.conns, bodies, c.batch, n) })
				m := n
				if c.batch == 1 {
					m = n / 4
				}
				bareEvents += float64(m)
				bare += seconds(func() { c.bare(w, m) })
			}
			b.ReportMetric(events/served, "events/s")
			b.ReportMetric(bareEvents/bare, "bare/s")
			b.ReportMetric(events/served*bare/bareEvents, "ratio")
			b.ReportMetric(0, "ns/op")
		})
	}
}

// BenchmarkOpenLoop sends single events at 1,000/s whatever the answers take,
// and reports the latency from the moment each was due.
func BenchmarkOpenLoop(b *testing.B) {
	const interval = time.Millisecond
	w := newWorld(b)
	body := benchBodies(1)[0]
	var mu sync.Mutex
	var took []time.Duration
	for range b.N {
		var wg sync.WaitGroup
		start := time.Now()
		tick := time.NewTicker(interval)
		for i := range 3000 {
			<-tick.C
			due := start.Add(time.Duration(i+1) * interval)
			wg.Go(func() {
				w.post(body)
				mu.Lock()
				defer mu.Unlock()
				took = append(took, time.Since(due))
			})
		}
		tick.Stop()
		wg.Wait()
	}
	slices.Sort(took)
	b.ReportMetric(float64(took[len(took)/2].Microseconds())/1000, "p50-ms")
	b.ReportMetric(float64(took[len(took)*99/100].Microseconds())/1000, "p99-ms")
	b.ReportMetric(0, "ns/op")
}

func seconds(f func()) float64 {
	start := time.Now()
	f()
	return time.Since(start).Seconds()
}

// benchBodies are some bodies of n events each.
func benchBodies(n int) [][]byte {
	bodies := make([][]byte, 16)
	for i := range bodies {
		if bodies[i] = clicks(fmt.Sprintf("0190163d-8694-739b-aea5-%d", i), n); n == 1 {
			bodies[i] = bodies[i][1 : len(bodies[i])-1]
		}
	}
	return bodies
}

// load posts bodies in a closed loop until there are that many events.
func (w *world) load(conns int, bodies [][]byte, batch, events int) {
	var wg sync.WaitGroup
	var sent atomic.Int64
	for i := range conns {
		wg.Go(func() {
			for sent.Add(int64(batch)) <= int64(events) {
				w.post(bodies[i%len(bodies)])
			}
		})
	}
	wg.Wait()
}

func (w *world) post(body []byte) {
	if r, err := w.try(pathEvents, body); err != nil || r.status != http.StatusAccepted {
		w.t.Errorf("answer %d %s (%v)", r.status, r.text, err)
	}
}

// bareMessages are messages as the collector makes them.
func (w *world) bareMessages(n int) []*nats.Msg {
	a := admission{
		key: registry.Key{Application: "shop"}, snapshot: w.service.registry.Snapshot(), received: time.Now(),
	}
	msgs := make([]*nats.Msg, n)
	for i := range msgs {
		raw := click("0190163d-8694-739b-aea5-" + strconv.Itoa(i))
		head, refusal := event.Inspect(raw)
		if refusal != nil {
			w.t.Fatal(refusal)
		}
		msgs[i] = a.stamp(head, raw, "")
	}
	return msgs
}

// bareBatches publishes atomic batches, one after another.
func (w *world) bareBatches(events int) {
	for n := 0; n < events; n += bareBatch {
		if _, err := jetstreamext.PublishMsgBatch(context.Background(), w.js, w.bareMessages(bareBatch)); err != nil {
			w.t.Fatal(err)
		}
	}
}

// bareSingles publishes one by one from 64 goroutines.
func (w *world) bareSingles(events int) {
	var wg sync.WaitGroup
	msgs := w.bareMessages(events)
	var next atomic.Int64
	for range 64 {
		wg.Go(func() {
			for i := next.Add(1) - 1; i < int64(events); i = next.Add(1) - 1 {
				if _, err := w.js.PublishMsg(context.Background(), msgs[i]); err != nil {
					w.t.Error(err)
				}
			}
		})
	}
	wg.Wait()
}
