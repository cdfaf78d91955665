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
	"github.com/theeye/theeye/shared/daemon/daemontest"
	"github.com/theeye/theeye/shared/natsd"
	"github.com/theeye/theeye/shared/natsd/natstest"
)

// A service may start before the NATS server, and survives restarts of it.
func TestConnectNATSWaitsForTheServer(t *testing.T) {
	addr := daemontest.FreeAddr()
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

// The password of a URL is not logged.
func TestConnectNATSLogsNoPassword(t *testing.T) {
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

// A refused login is logged without the password, so that an operator corrects
// it, and is repeated.
func TestConnectNATSLogsRefusedLogin(t *testing.T) {
	srv := natstest.Start(t, natstest.Listening(), func(o *server.Options) {
		o.Users = []*server.User{{Username: "collector", Password: "right"}}
	}).NATSServer()
	var out lockedBuffer
	nc, err := daemon.ConnectNATS("nats://collector:wrong@"+srv.Addr().String(), "collector", slog.New(slog.NewTextHandler(&out, nil)))
	if err != nil {
		t.Fatal(err)
	}
	defer nc.Close()
	// The attempts continue: the password may be corrected at the server.
	awaitConnected(t, func() bool {
		seen, err := srv.Varz(&server.VarzOptions{})
		return err == nil && seen.TotalConnections > 4
	}, true)
	awaitConnected(t, func() bool { return strings.Contains(out.String(), "Authorization Violation") }, true)
	if strings.Contains(out.String(), "wrong") {
		t.Errorf("logged: %s", out.String())
	}
}

// deadNetwork is a network on which no connection is possible.
type deadNetwork struct{ attempts atomic.Int32 }

func (n *deadNetwork) Dial(string, string) (net.Conn, error) {
	n.attempts.Add(1)
	return nil, errors.New("no route to host")
}

// Failed attempts to connect are logged once, however many follow.
func TestConnectNATSLogsFailedAttemptsOnce(t *testing.T) {
	var out lockedBuffer
	var network deadNetwork
	nc, err := daemon.ConnectNATS("nats://127.0.0.1:4222", "collector", slog.New(slog.NewTextHandler(&out, nil)), nats.SetCustomDialer(&network))
	if err != nil {
		t.Fatal(err)
	}
	defer nc.Close()
	awaitConnected(t, func() bool { return network.attempts.Load() > 4 }, true)
	if s := out.String(); strings.Count(s, "no route to host") != 1 {
		t.Errorf("logged: %s", s)
	}
}

// A server may restrict each service to its own replies: every inbox has the
// service's prefix, also one that a library creates.
func TestConnectNATSUsesInboxOfTheService(t *testing.T) {
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
			t.Errorf("the inbox is %s", inbox)
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

func TestConnectNATSRejectsInvalidURL(t *testing.T) {
	if nc, err := daemon.ConnectNATS("nats://127.0.0.1:port", "x", slog.New(slog.DiscardHandler)); err == nil {
		nc.Close()
		t.Error("an invalid URL is accepted")
	}
}

// awaitConnected polls until connected returns want.
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
