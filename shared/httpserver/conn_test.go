package httpserver

import (
	"bufio"
	"errors"
	"io"
	"net"
	"net/http"
	"testing"
	"time"
)

// A listener without room closes the oldest connection that has no complete
// request, and serves the new one.
func TestWaitingConnectionsKeepNoOneOut(t *testing.T) {
	const room = 8
	plain, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	l := newConnListener(plain)
	l.limit = room
	srv := NewHTTPServer(refuse, Pace{}, silent)
	done := make(chan error, 1)
	go func() { done <- srv.Serve(l) }()
	defer func() {
		_ = srv.Close()
		if err := <-done; !errors.Is(err, http.ErrServerClosed) {
			t.Errorf("Serve = %v", err)
		}
		l.stopLingering()
	}()
	dial := func(text string) net.Conn {
		conn, err := net.Dial("tcp", plain.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = conn.Close() })
		_ = conn.SetDeadline(time.Now().Add(30 * time.Second))
		if _, err := io.WriteString(conn, text); err != nil {
			t.Fatal(err)
		}
		return conn
	}
	oldest := dial("GET / HTTP/1.1\r\nHo")
	for range 20 * room {
		dial("GET / HTTP/1.1\r\nHo")
		honest := dial("GET / HTTP/1.1\r\nHost: x\r\n\r\n")
		resp, err := http.ReadResponse(bufio.NewReader(honest), nil)
		if err != nil {
			t.Fatalf("an honest client: %v", err)
		}
		_, _ = io.Copy(io.Discard, resp.Body)
		_ = resp.Body.Close()
		if open := l.open.Load(); open > room {
			t.Fatalf("%d connections are open, of %d", open, room)
		}
	}
	if n, err := oldest.Read(make([]byte, 1)); err == nil {
		t.Errorf("the oldest read %d bytes", n)
	}
}

// A connection that is ended leaves its room at once, not only when its server
// has noticed: the next one ends no other.
func TestEndedConnectionsLeaveRoom(t *testing.T) {
	plain, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	l := newConnListener(plain)
	l.limit = 2
	t.Cleanup(func() { _ = l.Close() })
	accept := func() net.Conn {
		client, err := net.Dial("tcp", plain.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = client.Close() })
		accepted, err := l.Accept()
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = accepted.Close() })
		return accepted
	}
	first, second := accept(), accept()
	third := accept() // ends the first
	if err := second.Close(); err != nil {
		t.Fatal(err)
	}
	accept()
	if err := third.SetDeadline(time.Now().Add(time.Minute)); err != nil {
		t.Errorf("the third, which had room: %v", err)
	}
	if err := first.SetDeadline(time.Now().Add(time.Minute)); !errors.Is(err, net.ErrClosed) {
		t.Errorf("the first, which was the oldest of two: %v", err)
	}
	if err := first.Close(); err != nil {
		t.Errorf("closing what was ended: %v", err)
	}
	if open := l.open.Load(); open != 2 {
		t.Errorf("%d connections are counted, 2 are open", open)
	}
}
