package daemon_test

import (
	"bytes"
	"log/slog"
	"net"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/theeye/theeye/shared/daemon"
	"github.com/theeye/theeye/shared/natsd"
)

// A service may start before NATS does, and stays when NATS restarts.
func TestConnectNATSBeforeTheServer(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	addr := l.Addr().String()
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	nc, err := daemon.ConnectNATS("nats://"+addr, "collector", slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	defer nc.Close()
	if nc.IsConnected() {
		t.Fatal("connected to nothing")
	}
	dir := t.TempDir()
	for range 2 {
		s, err := natsd.Start(natsd.Config{Dir: dir, Listen: addr, Logger: slog.New(slog.DiscardHandler)})
		if err != nil {
			t.Fatal(err)
		}
		awaitConnected(t, nc.IsConnected, true)
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
		awaitConnected(t, nc.IsConnected, false)
	}
}

// Passwords of URLs do not reach the log.
func TestConnectNATSLogHasNoPassword(t *testing.T) {
	s, err := natsd.Start(natsd.Config{Dir: t.TempDir(), Listen: "127.0.0.1:0", Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = s.Close() }()
	var out lockedBuffer
	addr := strings.TrimPrefix(s.ClientURL(), "nats://")
	nc, err := daemon.ConnectNATS("nats://me:secret@"+addr, "collector", slog.New(slog.NewTextHandler(&out, nil)))
	if err != nil {
		t.Fatal(err)
	}
	defer nc.Close()
	awaitConnected(t, func() bool { return strings.Contains(out.String(), addr) }, true)
	if strings.Contains(out.String(), "secret") {
		t.Error(out.String())
	}
}

type lockedBuffer struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (b *lockedBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.Write(p)
}

func (b *lockedBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.String()
}

func TestConnectNATSWrongURL(t *testing.T) {
	if nc, err := daemon.ConnectNATS("nats://127.0.0.1:port", "x", slog.New(slog.DiscardHandler)); err == nil {
		nc.Close()
		t.Error("a URL that is none is accepted")
	}
}

func awaitConnected(t *testing.T, connected func() bool, want bool) {
	t.Helper()
	deadline := time.NewTimer(time.Minute)
	defer deadline.Stop()
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for connected() != want {
		select {
		case <-deadline.C:
			t.Fatalf("connected = %t, want %t", !want, want)
		case <-tick.C:
		}
	}
}
