package bench

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/theeye/theeye/shared/natsd"
	"github.com/theeye/theeye/shared/stream"
	"github.com/theeye/theeye/test/harness"
)

// loneConnections is how many clients send lone events, each the next one when the
// last is answered.
const loneConnections = 64

// loneRate is the rate of accepted events a second from loneConnections that each send
// one event a request. took gets the time of every answer.
func loneRate(ctx context.Context, p *harness.Pipeline, d time.Duration, took *latencies) (float64, error) {
	return inParallel(d, func() (func() error, func(), error) {
		c, err := dialLone(ctx, p)
		if err != nil {
			return nil, nil, err
		}
		post := func() error {
			start := time.Now()
			err := c.postEvent()
			took.addSample(time.Since(start))
			return err
		}
		return post, c.hangUp, nil
	})
}

// inParallel calls what makes returns from loneConnections for d, and returns the calls
// a second.
func inParallel(d time.Duration, makes func() (call func() error, end func(), err error)) (float64, error) {
	var calls atomic.Int64
	var wg sync.WaitGroup
	errs := make(chan error, loneConnections)
	start := time.Now()
	for range loneConnections {
		wg.Go(func() {
			call, end, err := makes()
			if err != nil {
				errs <- err
				return
			}
			defer end()
			for time.Since(start) < d {
				if err := call(); err != nil {
					errs <- err
					return
				}
				calls.Add(1)
			}
		})
	}
	wg.Wait()
	elapsed := time.Since(start)
	close(errs)
	return float64(calls.Load()) / elapsed.Seconds(), <-errs
}

// loneClient is a connection that posts lone events with little work, for it shares
// the cores with the pipeline.
type loneClient struct {
	conn   net.Conn
	in     *bufio.Reader
	head   string
	events source
	out    []byte
}

func dialLone(ctx context.Context, p *harness.Pipeline) (*loneClient, error) {
	address := strings.TrimPrefix(p.Collector, "http://")
	conn, err := (&net.Dialer{}).DialContext(ctx, "tcp", address)
	if err != nil {
		return nil, err
	}
	head := "POST /v1/events HTTP/1.1\r\nHost: " + address + "\r\nAuthorization: Bearer " + p.Key + "\r\nContent-Length: "
	return &loneClient{conn: conn, in: bufio.NewReader(conn), head: head}, nil
}

func (c *loneClient) hangUp() { _ = c.conn.Close() }

func (c *loneClient) postEvent() error {
	event := c.events.appendEvent(nil)
	c.out = fmt.Appendf(c.out[:0], "%s%d\r\n\r\n%s", c.head, len(event), event)
	if _, err := c.conn.Write(c.out); err != nil {
		return err
	}
	resp, err := http.ReadResponse(c.in, nil)
	if err != nil {
		return err
	}
	defer func() { _ = resp.Body.Close() }()
	text, err := io.ReadAll(resp.Body)
	if err == nil && resp.StatusCode != http.StatusAccepted {
		err = fmt.Errorf("the collector answers %d: %s", resp.StatusCode, text)
	}
	return err
}

// bareStream is a server of the same disk with the stream of the pipeline, which syncs
// every message.
type bareStream struct {
	server *natsd.Server
	conn   *nats.Conn
	js     jetstream.JetStream
}

func openBareStream(ctx context.Context, dir string) (*bareStream, error) {
	server, err := natsd.Start(natsd.Config{Dir: filepath.Join(dir, "bare-nats")})
	if err != nil {
		return nil, err
	}
	b := &bareStream{server: server}
	if b.conn, err = server.Connect(); err == nil {
		b.js, err = jetstream.New(b.conn)
	}
	if err == nil {
		err = stream.Ensure(ctx, b.js, stream.Config{MaxBytes: 4 << 30})
	}
	if err != nil {
		return nil, errors.Join(err, b.stopServer())
	}
	return b, nil
}

func (b *bareStream) stopServer() error {
	if b.conn != nil {
		b.conn.Close()
	}
	return b.server.Close()
}

// singlesRate is the rate of single synced publishes a second from as many publishers
// as there are connections.
func (b *bareStream) singlesRate(ctx context.Context, d time.Duration) (float64, error) {
	return inParallel(d, func() (func() error, func(), error) {
		events := source{}
		return func() error {
			m := stream.Message{Application: "demo", ReceivedAt: time.Now(), Format: "native", Payload: events.appendEvent(nil)}
			_, err := b.js.PublishMsg(ctx, m.Msg(stream.Unregistered("demo")))
			return err
		}, func() {}, nil
	})
}
