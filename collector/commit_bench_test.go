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
	"github.com/theeye/theeye/shared/format/native"
	"github.com/theeye/theeye/shared/registry"
)

// bareBatchSize is the size of the atomic batches that the reference publishes.
const bareBatchSize = 500

// BenchmarkCommit compares the collector with a reference that publishes equal
// messages without HTTP on the same server, which syncs on every commit. Both
// alternate within a run. ratio is the events/s of the collector over those of
// the reference, and bar its least where one is set.
func BenchmarkCommit(b *testing.B) {
	for _, c := range []struct {
		name         string
		conns, batch int
		bar          float64
		bare         func(f *fixture, msgs []*nats.Msg)
	}{
		{"batches of 100 from 8 connections", 8, 100, 0, (*fixture).publishBatches},
		{"single events from 64 connections", 64, 1, 2.5, (*fixture).publishSingles},
	} {
		b.Run(c.name, func(b *testing.B) {
			f := newFixture(b)
			bodies := benchBodies(c.batch)
			f.sendLoad(c.conns, bodies, c.batch, 2000) // warm up
			var served, bare, events, bareEvents float64
			b.ResetTimer()
			for range b.N {
				n := 100 * c.batch * 4
				if c.batch == 1 {
					n = 4000
				}
				events += float64(n)
				served += secondsOf(func() { f.sendLoad(c.conns, bodies, c.batch, n) })
				m := n
				if c.batch == 1 {
					m = n / 4
				}
				bareEvents += float64(m)
				msgs := f.newMessages(m)
				bare += secondsOf(func() { c.bare(f, msgs) })
			}
			b.ReportMetric(events/served, "events/s")
			b.ReportMetric(bareEvents/bare, "bare/s")
			b.ReportMetric(events/served*bare/bareEvents, "ratio")
			if c.bar > 0 {
				b.ReportMetric(c.bar, "bar")
			}
			b.ReportMetric(0, "ns/op")
			f.reportBatches(b)
		})
	}
}

// BenchmarkOpenLoop sends single events at a constant 1,000/s, independent of the
// answers, and reports the latency from the time at which each event was due.
func BenchmarkOpenLoop(b *testing.B) {
	const rate, conns = 1000, 64
	f := newFixture(b)
	body := benchBodies(1)[0]
	f.sendLoad(conns, [][]byte{body}, 1, 1000) // warm up
	due := make(chan time.Time, 60*rate)
	var mu sync.Mutex
	var took []time.Duration
	var wg sync.WaitGroup
	for range conns {
		wg.Go(func() {
			l := f.dialClient(body)
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

func secondsOf(run func()) float64 {
	start := time.Now()
	run()
	return time.Since(start).Seconds()
}

// benchBodies returns 16 bodies of n events each.
func benchBodies(n int) [][]byte {
	bodies := make([][]byte, 16)
	for i := range bodies {
		if bodies[i] = clicks(fmt.Sprintf("0190163d-8694-739b-aea5-%d", i), n); n == 1 {
			bodies[i] = bodies[i][1 : len(bodies[i])-1]
		}
	}
	return bodies
}

// sendLoad posts bodies on several connections, each in a closed loop, until a
// number of events is sent.
func (f *fixture) sendLoad(conns int, bodies [][]byte, batch, events int) {
	var wg sync.WaitGroup
	var sent atomic.Int64
	for i := range conns {
		wg.Go(func() {
			l := f.dialClient(bodies[i%len(bodies)])
			defer l.close()
			for sent.Add(int64(batch)) <= int64(events) {
				l.postOnce()
			}
		})
	}
	wg.Wait()
}

// benchClient is a connection that posts one body repeatedly with as little work
// as possible, so that a benchmark measures the collector and not its client.
type benchClient struct {
	f       *fixture
	conn    net.Conn
	in      *bufio.Reader
	request []byte
}

func (f *fixture) dialClient(body []byte) *benchClient {
	conn, err := net.Dial("tcp", f.service.Addr().String())
	if err != nil {
		f.t.Error(err)
		return nil
	}
	request := fmt.Appendf(nil, "POST %s HTTP/1.1\r\nHost: eye\r\nX-Write-Key: %s\r\nContent-Length: %d\r\n\r\n%s",
		api.PathEvents, serverKey, len(body), body)
	return &benchClient{f: f, conn: conn, in: bufio.NewReaderSize(conn, 32<<10), request: request}
}

func (l *benchClient) close() { _ = l.conn.Close() }

func (l *benchClient) postOnce() {
	if _, err := l.conn.Write(l.request); err != nil {
		l.f.t.Error(err)
		return
	}
	status, err := l.in.ReadString('\n')
	if err != nil || !strings.Contains(status, " 202 ") {
		l.f.t.Errorf("answer %.40q (%v)", status, err)
		return
	}
	length, chunked := 0, false
	for text := status; text != "\r\n"; {
		if text, err = l.in.ReadString('\n'); err != nil {
			l.f.t.Error(err)
			return
		}
		if value, ok := strings.CutPrefix(text, "Content-Length: "); ok {
			length, _ = strconv.Atoi(strings.TrimSpace(value))
		}
		chunked = chunked || strings.HasPrefix(text, "Transfer-Encoding: chunked")
	}
	if chunked {
		l.f.t.Error("the answer has no length")
	}
	_, _ = l.in.Discard(length)
}

// newMessages returns messages as the collector publishes them.
func (f *fixture) newMessages(n int) []*nats.Msg {
	a := authenticatedRequest{
		key: registry.Key{Application: "shop"}, snapshot: f.service.registry.Snapshot(), received: time.Now(), dialect: nativeDialect,
	}
	msgs := make([]*nats.Msg, n)
	for i := range msgs {
		raw := click("0190163d-8694-739b-aea5-" + strconv.Itoa(i))
		head, refusal := native.Inspect(raw)
		if refusal != nil {
			f.t.Fatal(refusal)
		}
		msgs[i] = a.stampEvent(head, raw, "")
	}
	return msgs
}

// publishBatches publishes atomic batches one after the other.
func (f *fixture) publishBatches(msgs []*nats.Msg) {
	for part := range slices.Chunk(msgs, bareBatchSize) {
		if _, err := jetstreamext.PublishMsgBatch(context.Background(), f.js, part); err != nil {
			f.t.Fatal(err)
		}
	}
}

// publishSingles publishes single messages from 64 goroutines.
func (f *fixture) publishSingles(msgs []*nats.Msg) {
	var wg sync.WaitGroup
	for part := range slices.Chunk(msgs, max(len(msgs)/64, 1)) {
		wg.Go(func() {
			for _, m := range part {
				if _, err := f.js.PublishMsg(context.Background(), m); err != nil {
					f.t.Error(err)
				}
			}
		})
	}
	wg.Wait()
}

// reportBatches reports the mean size and time of a batch.
func (f *fixture) reportBatches(b *testing.B) {
	families, err := f.metrics.Gather()
	f.noError(err)
	for _, family := range families {
		h := family.GetMetric()[0].GetHistogram()
		switch family.GetName() {
		case "eye_collector_batch_events":
			b.ReportMetric(h.GetSampleSum()/float64(h.GetSampleCount()), "events/batch")
		case "eye_collector_batch_seconds":
			b.ReportMetric(1000*h.GetSampleSum()/float64(h.GetSampleCount()), "ms/batch")
		}
	}
}
