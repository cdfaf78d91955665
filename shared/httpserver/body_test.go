package httpserver

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// startServer serves a handler on loopback until the test ends.
func startServer(t *testing.T, h http.Handler) (address string) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- Serve(ctx, l, NewHTTPServer(h, Pace{}, silent)) }()
	t.Cleanup(func() {
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
	return l.Addr().String()
}

// refuse answers every request at once, without its body.
var refuse = http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
	WriteProblem(w, http.StatusUnauthorized, "unauthorized", "no")
})

// writeThenRead sends a request as a whole before it reads the answer, as simple
// clients do, through buffers too small for the body. It returns the status.
func writeThenRead(address, head string, body []byte) (int, error) {
	conn, err := net.Dial("tcp", address)
	if err != nil {
		return 0, err
	}
	defer func() { _ = conn.Close() }()
	_ = conn.SetDeadline(time.Now().Add(time.Minute))
	if tcp, ok := conn.(*net.TCPConn); ok {
		_ = tcp.SetWriteBuffer(16 << 10)
	}
	if _, err := io.WriteString(conn, head); err != nil {
		return 0, fmt.Errorf("the head: %w", err)
	}
	for len(body) > 0 {
		n, err := conn.Write(body[:min(len(body), 64<<10)])
		if err != nil {
			return 0, fmt.Errorf("%d bytes before the end: %w", len(body), err)
		}
		body = body[n:]
	}
	resp, err := http.ReadResponse(bufio.NewReader(conn), nil)
	if err != nil {
		return 0, err
	}
	defer func() { _ = resp.Body.Close() }()
	_, err = io.Copy(io.Discard, resp.Body)
	return resp.StatusCode, err
}

// A client that sends its whole body before it reads gets the status of every
// early answer, also of those that the server itself gives.
func TestEveryEarlyAnswerIsRead(t *testing.T) {
	address := startServer(t, refuse)
	post := func(headers string) string { return "POST / HTTP/1.1\r\nHost: eye\r\n" + headers + "\r\n" }
	length := func(n int) string { return fmt.Sprintf("Content-Length: %d\r\n", n) }
	chunked := func(n int) []byte { return fmt.Appendf(nil, "%x\r\n%s\r\n0\r\n\r\n", n, make([]byte, n)) }
	for name, c := range map[string]struct {
		head string
		body []byte
		want int
	}{
		"1 MB":                   {post(length(1e6)), make([]byte, 1e6), 401},
		"9 MB":                   {post(length(9e6)), make([]byte, 9e6), 401},
		"9 MB, closing":          {post(length(9e6) + "Connection: close\r\n"), make([]byte, 9e6), 401},
		"9 MB, chunked":          {post("Transfer-Encoding: chunked\r\n"), chunked(9e6), 401},
		"9 MB by HTTP/1.0":       {"POST / HTTP/1.0\r\n" + length(9e6) + "\r\n", make([]byte, 9e6), 401},
		"beyond the rest":        {post(length(maxRest + 5e6)), make([]byte, maxRest+5e6), 401},
		"beyond it, chunked":     {post("Transfer-Encoding: chunked\r\n"), chunked(maxRest + 5e6), 401},
		"9 MB, unreadable head":  {post("Bad header\r\n" + length(9e6)), make([]byte, 9e6), 400},
		"9 MB, a long head":      {post("X: " + strings.Repeat("x", 64<<10) + "\r\n" + length(9e6)), make([]byte, 9e6), 431},
		"9 MB, wrong encoding":   {post("Transfer-Encoding: br\r\n"), make([]byte, 9e6), 501},
		"expecting, sent anyway": {post(length(1e6) + "Expect: 100-continue\r\n"), make([]byte, 1e6), 401},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if status, err := writeThenRead(address, c.head, c.body); err != nil || status != c.want {
				t.Errorf("status %d, %v; want %d", status, err, c.want)
			}
		})
	}
}

// The connection of an early answer can be used again once the body is read.
func TestConnectionSurvivesAnEarlyAnswer(t *testing.T) {
	address := startServer(t, refuse)
	conn, err := net.Dial("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close() }()
	_ = conn.SetDeadline(time.Now().Add(time.Minute))
	r := bufio.NewReader(conn)
	for i := range 3 {
		_, err := fmt.Fprintf(conn, "POST / HTTP/1.1\r\nHost: eye\r\nContent-Length: %d\r\n\r\n%s", 1<<20, make([]byte, 1<<20))
		if err != nil {
			t.Fatal(err)
		}
		resp, err := http.ReadResponse(r, nil)
		if err != nil {
			t.Fatalf("request %d: %v", i, err)
		}
		_, _ = io.Copy(io.Discard, resp.Body)
		_ = resp.Body.Close()
		if resp.Close || resp.StatusCode != http.StatusUnauthorized {
			t.Errorf("request %d: %d, close %t", i, resp.StatusCode, resp.Close)
		}
	}
}

// Of more clients than are waited for that never send the rest of their body,
// the oldest are ended, and those that come later get their answer.
func TestStalledBodiesKeepNoOneOut(t *testing.T) {
	address := startServer(t, refuse)
	for range maxResting + 50 {
		conn, err := net.Dial("tcp", address)
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = conn.Close() }()
		if _, err := io.WriteString(conn, "POST / HTTP/1.1\r\nHost: eye\r\nContent-Length: 8000000\r\n\r\n{"); err != nil {
			t.Fatal(err)
		}
	}
	head := "POST / HTTP/1.1\r\nHost: eye\r\nContent-Length: 9000000\r\n\r\n"
	for i := range 20 {
		if status, err := writeThenRead(address, head, make([]byte, 9e6)); err != nil || status != http.StatusUnauthorized {
			t.Errorf("request %d: %d, %v", i, status, err)
		}
	}
}

// pipeListener accepts connections in memory, whose deadlines follow the clock
// of a synctest bubble.
type pipeListener struct {
	conns chan net.Conn
	once  sync.Once
	done  chan struct{}
}

func newPipeListener() *pipeListener {
	return &pipeListener{conns: make(chan net.Conn), done: make(chan struct{})}
}

func (l *pipeListener) Accept() (net.Conn, error) {
	select {
	case c := <-l.conns:
		return c, nil
	case <-l.done:
		return nil, net.ErrClosed
	}
}

func (l *pipeListener) Close() error   { l.once.Do(func() { close(l.done) }); return nil }
func (l *pipeListener) Addr() net.Addr { return &net.UnixAddr{Name: "pipe", Net: "unix"} }

func (l *pipeListener) dial() net.Conn {
	client, server := net.Pipe()
	l.conns <- server
	return client
}

// inBubble runs f with a server whose clock only the test moves.
func inBubble(t *testing.T, h http.Handler, f func(t *testing.T, l *pipeListener)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		l := newPipeListener()
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan error, 1)
		go func() { done <- Serve(ctx, l, NewHTTPServer(h, Pace{}, silent)) }()
		f(t, l)
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
}

// receiveBody answers 200 with the size of the body, or with the reason that it did not
// arrive.
var receiveBody = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
	n, err := io.Copy(io.Discard, r.Body)
	if errors.Is(err, os.ErrDeadlineExceeded) {
		w.WriteHeader(http.StatusRequestTimeout)
		return
	}
	_, _ = fmt.Fprintf(w, "%d", n)
})

// A slow body arrives as long as it makes progress; one that makes none, or less
// than the least rate, or goes on for ever, ends.
func TestBodiesArriveAtTheirPace(t *testing.T) {
	type pattern struct {
		size, piece int
		every       time.Duration
	}
	for name, c := range map[string]struct {
		pattern
		want int
		by   time.Duration
	}{
		"628 KB at 32 KB/s":       {pattern{628 << 10, 32 << 10, time.Second}, 200, 25 * time.Second},
		"8 MiB at 32 KiB/s":       {pattern{8 << 20, 32 << 10, time.Second}, 200, 5 * time.Minute},
		"100 KB at 2 KB/s":        {pattern{100 << 10, 2 << 10, time.Second}, 200, time.Minute},
		"pauses of 12 s":          {pattern{200 << 10, 50 << 10, 12 * time.Second}, 200, time.Minute},
		"nothing for 15 s":        {pattern{2 << 10, 1 << 10, 16 * time.Second}, 408, 16 * time.Second},
		"a byte every 5 s":        {pattern{100, 1, 5 * time.Second}, 408, 35 * time.Second},
		"500 bytes a second":      {pattern{1 << 20, 500, time.Second}, 408, time.Minute},
		"1 KB, pauses of 9 s":     {pattern{1 << 10, 400, 9 * time.Second}, 200, 30 * time.Second},
		"8 MiB at 16 KiB/s, over": {pattern{8 << 20, 16 << 10, time.Second}, 408, 5*time.Minute + time.Second},
	} {
		t.Run(name, func(t *testing.T) {
			inBubble(t, receiveBody, func(t *testing.T, l *pipeListener) {
				conn := l.dial()
				start := time.Now()
				var sender sync.WaitGroup
				defer sender.Wait()
				defer func() { _ = conn.Close() }()
				sender.Go(func() {
					_, _ = fmt.Fprintf(conn, "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n", c.size)
					for sent := 0; sent < c.size; sent += c.piece {
						time.Sleep(c.every)
						if _, err := conn.Write(make([]byte, min(c.piece, c.size-sent))); err != nil {
							return
						}
					}
				})
				resp, err := http.ReadResponse(bufio.NewReader(conn), nil)
				if err != nil {
					t.Fatal(err)
				}
				took := time.Since(start)
				_, _ = io.Copy(io.Discard, resp.Body)
				if resp.StatusCode != c.want || took > c.by {
					t.Errorf("%d after %v, want %d within %v", resp.StatusCode, took, c.want, c.by)
				}
			})
		})
	}
}

// An idle connection outlives the idle time of common proxies.
func TestIdleConnectionsOutliveThoseOfProxies(t *testing.T) {
	ask := func(conn net.Conn, r *bufio.Reader) error {
		if _, err := io.WriteString(conn, "GET / HTTP/1.1\r\nHost: x\r\n\r\n"); err != nil {
			return err
		}
		resp, err := http.ReadResponse(r, nil)
		if err == nil {
			_, err = io.Copy(io.Discard, resp.Body)
		}
		return err
	}
	inBubble(t, refuse, func(t *testing.T, l *pipeListener) {
		conn := l.dial()
		r := bufio.NewReader(conn)
		for range 3 {
			if err := ask(conn, r); err != nil {
				t.Fatal(err)
			}
			time.Sleep(119 * time.Second)
		}
		time.Sleep(2 * time.Second)
		if err := ask(conn, r); err == nil {
			t.Error("a connection is open after 121 s of rest")
		}
		_ = conn.Close()
	})
}

// A deadline of the body does not end the work on the request.
func TestBodyDeadlineEndsWithTheBody(t *testing.T) {
	work := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		select {
		case <-r.Context().Done():
			w.WriteHeader(http.StatusTeapot)
		case <-time.After(20 * time.Second):
		}
	})
	inBubble(t, work, func(t *testing.T, l *pipeListener) {
		conn := l.dial()
		defer func() { _ = conn.Close() }()
		go func() { _, _ = io.WriteString(conn, "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\n{}") }()
		resp, err := http.ReadResponse(bufio.NewReader(conn), nil)
		if err != nil || resp.StatusCode != http.StatusOK {
			t.Errorf("%v, %v", resp, err)
		}
	})
}

// BenchmarkSmallBody measures a small request over a connection that stays open,
// by this server and, as the reference, by a bare one of net/http.
func BenchmarkSmallBody(b *testing.B) {
	request := "POST /v1/events HTTP/1.1\r\nHost: x\r\nContent-Length: 500\r\n\r\n" + strings.Repeat("x", 500)
	for name, bare := range map[string]bool{"this": false, "bare": true} {
		b.Run(name, func(b *testing.B) {
			l, err := net.Listen("tcp", "127.0.0.1:0")
			if err != nil {
				b.Fatal(err)
			}
			srv := NewHTTPServer(receiveBody, Pace{}, silent)
			served := net.Listener(newConnListener(l))
			if bare {
				srv = &http.Server{Handler: receiveBody, ReadHeaderTimeout: headerTimeout, ReadTimeout: time.Minute, WriteTimeout: writeTimeout}
				served = l
			}
			go func() { _ = srv.Serve(served) }()
			defer func() { _ = srv.Close() }()
			conn, err := net.Dial("tcp", l.Addr().String())
			if err != nil {
				b.Fatal(err)
			}
			defer func() { _ = conn.Close() }()
			r := bufio.NewReader(conn)
			b.ReportAllocs()
			for b.Loop() {
				if _, err := io.WriteString(conn, request); err != nil {
					b.Fatal(err)
				}
				resp, err := http.ReadResponse(r, nil)
				if err != nil {
					b.Fatal(err)
				}
				_, _ = io.Copy(io.Discard, resp.Body)
			}
		})
	}
}
