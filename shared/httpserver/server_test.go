package httpserver

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

var silent = slog.New(slog.DiscardHandler)

// A request in flight at shutdown is answered; a later one is not accepted.
func TestServeDrains(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	entered, release := make(chan struct{}), make(chan struct{})
	srv := NewHTTPServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		close(entered)
		<-release
		_, _ = io.WriteString(w, "answered")
	}), Pace{}, silent)
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- Serve(ctx, l, srv) }()

	conn, err := net.Dial("tcp", l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close() }()
	if _, err := io.WriteString(conn, "GET / HTTP/1.1\r\nHost: x\r\n\r\n"); err != nil {
		t.Fatal(err)
	}
	<-entered
	cancel()
	for { // until the listener is closed
		late, err := net.Dial("tcp", l.Addr().String())
		if err != nil {
			break
		}
		_ = late.Close()
	}
	close(release)
	resp, err := http.ReadResponse(bufio.NewReader(conn), nil)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = resp.Body.Close() }()
	if body, err := io.ReadAll(resp.Body); err != nil || string(body) != "answered" {
		t.Errorf("answer %q, %v", body, err)
	}
	if err := <-done; err != nil {
		t.Errorf("Serve = %v", err)
	}
}

// A client that never completes its request does not delay the shutdown beyond
// the drain timeout, which is no error.
func TestServeCutsHangingClients(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	entered := make(chan struct{})
	srv := NewHTTPServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		close(entered)
		_, _ = io.ReadAll(r.Body)
	}), Pace{}, silent)
	srv.ReadTimeout, srv.WriteTimeout = 0, 0 // the drain alone may cut it
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- serveUntil(ctx, l, srv, 10*time.Millisecond) }()
	conn, err := net.Dial("tcp", l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close() }()
	if _, err := io.WriteString(conn, "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\n1"); err != nil {
		t.Fatal(err)
	}
	<-entered
	cancel()
	if err := <-done; err != nil {
		t.Errorf("Serve = %v", err)
	}
	_, _ = io.ReadAll(conn) // ends: the connection is cut
}

func TestServeReportsClosedListener(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	if err := Serve(t.Context(), l, NewHTTPServer(http.NotFoundHandler(), Pace{}, silent)); err == nil || !strings.Contains(err.Error(), l.Addr().String()) {
		t.Errorf("Serve = %v", err)
	}
}

// A service without an address is served by the caller, and runs as long.
func TestServerWithoutAnAddressOnlyWaits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, err := Bind(Config{Service: "x", Handler: http.NotFoundHandler(), Logger: silent})
		if err != nil {
			t.Fatal(err)
		}
		if s.Addr() != nil || s.Handler() == nil {
			t.Errorf("address %v, handler %v", s.Addr(), s.Handler())
		}
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan error, 1)
		go func() { done <- s.Run(ctx) }()
		synctest.Wait()
		select {
		case err := <-done:
			t.Errorf("it ended before its context: %v", err)
		default:
		}
		cancel()
		if err := errors.Join(<-done, s.Close()); err != nil {
			t.Error(err)
		}
	})
}

func TestServerServesUntilItsContextEnds(t *testing.T) {
	s, err := Bind(Config{Service: "x", Listen: "127.0.0.1:0", Logger: silent, Handler: http.HandlerFunc(
		func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "served") })})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	done := make(chan error, 1)
	go func() { done <- s.Run(ctx) }()
	address := s.Addr().String()
	resp, err := http.Get("http://" + address)
	if err != nil {
		t.Fatal(err)
	}
	body, err := io.ReadAll(resp.Body)
	_ = resp.Body.Close()
	if err != nil || string(body) != "served" {
		t.Errorf("%q, %v", body, err)
	}
	cancel()
	if err := <-done; err != nil {
		t.Error(err)
	}
	again, err := Bind(Config{Service: "x", Listen: address})
	if err != nil {
		t.Fatalf("the address is still bound: %v", err)
	}
	_ = again.Close()
}

func TestCloseFreesTheAddress(t *testing.T) {
	s, err := Bind(Config{Service: "first", Listen: "127.0.0.1:0"})
	if err != nil {
		t.Fatal(err)
	}
	taken := Config{Service: "second", Listen: s.Addr().String()}
	if _, err := Bind(taken); err == nil || !strings.HasPrefix(err.Error(), "second: ") || !strings.Contains(err.Error(), taken.Listen) {
		t.Errorf("the error does not name the service and the address: %v", err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	again, err := Bind(taken)
	if err != nil {
		t.Fatal(err)
	}
	_ = again.Close()
}

// A client can cause protocol errors at will.
func TestProtocolErrorsAreLoggedForDebuggingOnly(t *testing.T) {
	for level, want := range map[slog.Level]bool{slog.LevelInfo: false, slog.LevelDebug: true} {
		var log bytes.Buffer
		NewHTTPServer(nil, Pace{}, slog.New(slog.NewTextHandler(&log, &slog.HandlerOptions{Level: level}))).ErrorLog.Print("malformed")
		if got := strings.Contains(log.String(), "malformed"); got != want {
			t.Errorf("at level %s: %q", level, &log)
		}
	}
}

func TestEveryTimeoutIsSet(t *testing.T) {
	s := NewHTTPServer(http.NotFoundHandler(), Pace{}, silent)
	if s.ReadHeaderTimeout <= 0 || s.WriteTimeout <= 0 || s.IdleTimeout != 120*time.Second || s.MaxHeaderBytes <= 0 {
		t.Errorf("open ends: %+v", s)
	}
}
