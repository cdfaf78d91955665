package daemon_test

import (
	"bytes"
	"errors"
	"log/slog"
	"net"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"

	"github.com/theeye/theeye/shared/daemon"
	"github.com/theeye/theeye/shared/natsd"
	"github.com/theeye/theeye/shared/natsd/natstest"
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

// A wrong password is mended by a person, who must read of it, and never read
// the password.
func TestConnectNATSTellsOfARefusal(t *testing.T) {
	srv := natstest.Start(t, natstest.Listening(), func(o *server.Options) {
		o.Users = []*server.User{{Username: "collector", Password: "right"}}
	}).NATSServer()
	var out lockedBuffer
	nc, err := daemon.ConnectNATS("nats://collector:wrong@"+srv.Addr().String(), "collector", slog.New(slog.NewTextHandler(&out, nil)))
	if err != nil {
		t.Fatal(err)
	}
	defer nc.Close()
	// It goes on trying: the password may be mended at the server.
	awaitConnected(t, func() bool {
		seen, err := srv.Varz(&server.VarzOptions{})
		return err == nil && seen.TotalConnections > 4
	}, true)
	awaitConnected(t, func() bool { return strings.Contains(out.String(), "Authorization Violation") }, true)
	if strings.Contains(out.String(), "wrong") {
		t.Errorf("logged: %s", out.String())
	}
}

// nobody is a network on which nobody answers.
type nobody struct{ asked atomic.Int32 }

func (n *nobody) Dial(string, string) (net.Conn, error) {
	n.asked.Add(1)
	return nil, errors.New("nobody is there")
}

// Of a server that is away for hours the log tells once.
func TestConnectNATSTellsOfFailuresOnce(t *testing.T) {
	var out lockedBuffer
	var network nobody
	nc, err := daemon.ConnectNATS("nats://127.0.0.1:4222", "collector", slog.New(slog.NewTextHandler(&out, nil)), nats.SetCustomDialer(&network))
	if err != nil {
		t.Fatal(err)
	}
	defer nc.Close()
	awaitConnected(t, func() bool { return network.asked.Load() > 4 }, true)
	if s := out.String(); strings.Count(s, "nobody is there") != 1 {
		t.Errorf("logged: %s", s)
	}
}

// A server may allow each service to hear its own answers alone: what a service
// asks with must be its inbox, also where a library makes it.
func TestConnectNATSInboxIsTheServices(t *testing.T) {
	s, err := natsd.Start(natsd.Config{Dir: t.TempDir(), Listen: "127.0.0.1:0", Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = s.Close() }()
	nc, err := daemon.ConnectNATS(s.ClientURL(), "queryapi", slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	defer nc.Close()
	for _, inbox := range []string{nc.NewInbox(), nc.NewRespInbox()} {
		if !strings.HasPrefix(inbox, "_INBOX_queryapi.") {
			t.Errorf("answers come to %s", inbox)
		}
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
