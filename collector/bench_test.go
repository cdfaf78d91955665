package collector

import (
	"bufio"
	"context"
	"fmt"
	"net"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/synadia-io/orbit.go/jetstreamext"

	"github.com/theeye/theeye/shared/api"
	"github.com/theeye/theeye/shared/format"
	"github.com/theeye/theeye/shared/format/native"
	"github.com/theeye/theeye/shared/registry"
)

// bareBatchSize is the size of the reference's atomic batches.
const bareBatchSize = 500

// BenchmarkCommit measures the collector against bare publishers of equal
// messages on the same server, which syncs on every commit, in turns of the
// same run. ratio is events/s through HTTP over events/s of the reference.
func BenchmarkCommit(b *testing.B) {
	for _, c := range []struct {
		name         string
		conns, batch int
		bare         func(w *fixture, msgs []*nats.Msg)
	}{
		{"batches of 100 from 8 connections", 8, 100, (*fixture).publishBatches},
		{"single events from 64 connections", 64, 1, (*fixture).publishSingles},
	} {
		b.Run(c.name, func(b *testing.B) {
			w := newFixture(b)
			bodies := benchBodies(c.batch)
			w.sendLoad(c.conns, bodies, c.batch, 2000) // warm up
			var served, bare, events, bareEvents float64
			b.ResetTimer()
			for range b.N {
				n := 100 * c.batch * 4
				if c.batch == 1 {
					n = 4000
				}
				events += float64(n)
				served += secondsOf(func() { w.sendLoad(c.conns, bodies, c.batch, n) })
				m := n
				if c.batch == 1 {
					m = n / 4
				}
				bareEvents += float64(m)
				msgs := w.newMessages(m)
				bare += secondsOf(func() { c.bare(w, msgs) })
			}
			b.ReportMetric(events/served, "events/s")
			b.ReportMetric(bareEvents/bare, "bare/s")
			b.ReportMetric(events/served*bare/bareEvents, "ratio")
			b.ReportMetric(0, "ns/op")
			w.reportBatches(b)
		})
	}
}

// BenchmarkOpenLoop sends single events at 1,000/s whatever the answers take,
// and reports the latency from the moment each was due.
func BenchmarkOpenLoop(b *testing.B) {
	const rate, conns = 1000, 64
	w := newFixture(b)
	body := benchBodies(1)[0]
	w.sendLoad(conns, [][]byte{body}, 1, 1000) // warm up
	due := make(chan time.Time, 60*rate)
	var mu sync.Mutex
	var took []time.Duration
	var wg sync.WaitGroup
	for range conns {
		wg.Go(func() {
			l := w.dialClient(body)
			defer l.close()
			for at := range due {
				l.postOnce()
				mu.Lock()
				took = append(took, time.Since(at))
				mu.Unlock()
			}
		})
	}
	start := time.Now()
	for i := range b.N * rate { // one second each
		at := start.Add(time.Duration(i) * time.Second / rate)
		<-time.After(time.Until(at))
		due <- at
	}
	close(due)
	wg.Wait()
	slices.Sort(took)
	b.ReportMetric(float64(took[len(took)/2].Microseconds())/1000, "p50-ms")
	b.ReportMetric(float64(took[len(took)*99/100].Microseconds())/1000, "p99-ms")
	b.ReportMetric(0, "ns/op")
}

func secondsOf(f func()) float64 {
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

// sendLoad posts bodies in a closed loop until there are that many events.
func (w *fixture) sendLoad(conns int, bodies [][]byte, batch, events int) {
	var wg sync.WaitGroup
	var sent atomic.Int64
	for i := range conns {
		wg.Go(func() {
			l := w.dialClient(bodies[i%len(bodies)])
			defer l.close()
			for sent.Add(int64(batch)) <= int64(events) {
				l.postOnce()
			}
		})
	}
	wg.Wait()
}

// benchClient is a connection that posts one body again and again with as little work
// as can be: the collector is measured, not its client.
type benchClient struct {
	w       *fixture
	conn    net.Conn
	in      *bufio.Reader
	request []byte
}

func (w *fixture) dialClient(body []byte) *benchClient {
	conn, err := net.Dial("tcp", w.service.Addr().String())
	if err != nil {
		w.t.Error(err)
		return nil
	}
	request := fmt.Appendf(nil, "POST %s HTTP/1.1\r\nHost: eye\r\nX-Write-Key: %s\r\nContent-Length: %d\r\n\r\n%s",
		api.PathEvents, serverKey, len(body), body)
	return &benchClient{w: w, conn: conn, in: bufio.NewReaderSize(conn, 32<<10), request: request}
}

func (l *benchClient) close() { _ = l.conn.Close() }

func (l *benchClient) postOnce() {
	if _, err := l.conn.Write(l.request); err != nil {
		l.w.t.Error(err)
		return
	}
	status, err := l.in.ReadString('\n')
	if err != nil || !strings.Contains(status, " 202 ") {
		l.w.t.Errorf("answer %.40q (%v)", status, err)
		return
	}
	length, chunked := 0, false
	for text := status; text != "\r\n"; {
		if text, err = l.in.ReadString('\n'); err != nil {
			l.w.t.Error(err)
			return
		}
		if value, ok := strings.CutPrefix(text, "Content-Length: "); ok {
			length, _ = strconv.Atoi(strings.TrimSpace(value))
		}
		chunked = chunked || strings.HasPrefix(text, "Transfer-Encoding: chunked")
	}
	if chunked {
		l.w.t.Error("the answer has no length")
	}
	_, _ = l.in.Discard(length)
}

// newMessages are messages as the collector makes them.
func (w *fixture) newMessages(n int) []*nats.Msg {
	a := authenticatedRequest{
		key: registry.Key{Application: "shop"}, snapshot: w.service.registry.Snapshot(), received: time.Now(), format: format.Native,
	}
	msgs := make([]*nats.Msg, n)
	for i := range msgs {
		raw := click("0190163d-8694-739b-aea5-" + strconv.Itoa(i))
		head, refusal := native.Inspect(raw)
		if refusal != nil {
			w.t.Fatal(refusal)
		}
		msgs[i] = a.stampEvent(head, raw, "")
	}
	return msgs
}

// publishBatches publishes atomic batches, one after another.
func (w *fixture) publishBatches(msgs []*nats.Msg) {
	for part := range slices.Chunk(msgs, bareBatchSize) {
		if _, err := jetstreamext.PublishMsgBatch(context.Background(), w.js, part); err != nil {
			w.t.Fatal(err)
		}
	}
}

// publishSingles publishes one by one from 64 goroutines.
func (w *fixture) publishSingles(msgs []*nats.Msg) {
	var wg sync.WaitGroup
	for part := range slices.Chunk(msgs, max(len(msgs)/64, 1)) {
		wg.Go(func() {
			for _, m := range part {
				if _, err := w.js.PublishMsg(context.Background(), m); err != nil {
					w.t.Error(err)
				}
			}
		})
	}
	wg.Wait()
}

// reportBatches tells the mean size and time of a batch.
func (w *fixture) reportBatches(b *testing.B) {
	families, err := w.metrics.Gather()
	w.noError(err)
	for _, f := range families {
		h := f.GetMetric()[0].GetHistogram()
		switch f.GetName() {
		case "eye_collector_batch_events":
			b.ReportMetric(h.GetSampleSum()/float64(h.GetSampleCount()), "events/batch")
		case "eye_collector_batch_seconds":
			b.ReportMetric(1000*h.GetSampleSum()/float64(h.GetSampleCount()), "ms/batch")
		}
	}
}
