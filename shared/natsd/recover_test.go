package natsd

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"

	"github.com/theeye/theeye/shared/daemon/daemontest"
)

// An open connection and a durable consumer survive a restart of the server
// inside the process.
func TestConnectionSurvivesRestart(t *testing.T) {
	s := startServer(t, Config{Dir: t.TempDir()})
	nc, err := s.Connect()
	if err != nil {
		t.Fatal(err)
	}
	defer nc.Close()
	publishMessages(t, nc, 2)
	why := "critical write error: made up"
	s.failure.Store(&why)
	if err := s.Guard(); err == nil {
		t.Error("a wedged server may be published to")
	}
	runServer(t, s)
	await(t, "Guard", s.Guard)
	publishMessages(t, nc, 2)
	if got := storedMessages(t, nc); got != 4 {
		t.Errorf("%d messages, want 4", got)
	}
}

// JetStream that the server has disabled is detected without its log.
func TestDisabledJetStreamIsRestarted(t *testing.T) {
	s := startServer(t, Config{Dir: t.TempDir()})
	nc, err := s.Connect()
	if err != nil {
		t.Fatal(err)
	}
	defer nc.Close()
	publishMessages(t, nc, 1)
	if err := s.currentServer().ShutdownJetStream(); err != nil {
		t.Fatal(err)
	}
	runServer(t, s)
	await(t, "publishing", func() error { return tryPublish(nc) })
}

// No restart on a full disk: it would fail again.
func TestNoRestartBelowTheFloor(t *testing.T) {
	s := startServer(t, Config{Dir: t.TempDir(), MinFree: 1 << 60})
	if s.mayRestart(t.Context(), time.Nanosecond) {
		t.Error("restarts without space")
	}
	s.space.floor = 1
	if !s.mayRestart(t.Context(), time.Nanosecond) {
		t.Error("does not restart with space")
	}
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	if s.mayRestart(ended, time.Hour) {
		t.Error("restarts after the end")
	}
}

func TestLogRecognisesWriteErrors(t *testing.T) {
	var failed []string
	l := &serverLog{
		log:          slog.New(slog.DiscardHandler),
		onWriteError: func(what string) { failed = append(failed, what) },
		onFatal:      func(string) {},
	}
	l.Errorf("Filestore [%s] Critical write error: %v", "EVENTS", "disk quota exceeded")
	l.Errorf("JetStream out of %s resources, will be DISABLED", "file")
	l.Warnf("Filesystem permission denied while writing msg, disabling JetStream: %v", "x")
	l.Warnf("Filestore [%s] Stream state checksum did not match", "EVENTS")
	l.Noticef("will be disabled")
	if len(failed) != 3 || !strings.Contains(failed[0], "quota") {
		t.Errorf("recognised as write errors: %q", failed)
	}
}

// The start of a server that fails is repeated until it succeeds: here another
// listener has its port for a while.
func TestRestartIsRepeatedUntilItSucceeds(t *testing.T) {
	s := startServer(t, Config{Dir: t.TempDir(), Listen: daemontest.FreeAddr()})
	nc, err := s.Connect()
	if err != nil {
		t.Fatal(err)
	}
	defer nc.Close()
	publishMessages(t, nc, 3)
	addr := strings.TrimPrefix(s.ClientURL(), "nats://")

	srv := s.currentServer()
	s.mu.Lock()
	s.current = nil
	s.mu.Unlock()
	if err := s.stopServer(srv); err != nil {
		t.Fatal(err)
	}
	l, err := net.Listen("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	if err := s.restartServer(); err != nil {
		t.Fatalf("restartServer = %v, want another attempt later", err)
	}
	if err := s.Guard(); err == nil {
		t.Error("a server that is down may be published to")
	}
	if s.ClientURL() != "" {
		t.Error("a server that is down has an address")
	}
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	runServer(t, s)
	await(t, "Guard", s.Guard)
	await(t, "publishing", func() error { return tryPublish(nc) })
	if got := storedMessages(t, nc); got < 4 {
		t.Errorf("%d of 4 messages", got)
	}
}

// connProbe notes whether the server runs when the connection is closed.
type connProbe struct {
	net.Conn
	of      *server.Server
	running bool
}

func (p *connProbe) Close() error {
	p.running = p.of.Running()
	return p.Conn.Close()
}

// No acknowledgement of a server that stops reaches this process: the server may send one
// without a sync then.
func TestConnectionsCloseBeforeTheServerStops(t *testing.T) {
	s := startServer(t, Config{Dir: t.TempDir()})
	ours, theirs := net.Pipe()
	defer func() { _ = theirs.Close() }()
	probe := &connProbe{Conn: ours, of: s.currentServer()}
	s.conns.addConn(probe)
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if !probe.running {
		t.Fatal("a connection was open while the server stopped")
	}
	if _, err := ours.Read(make([]byte, 1)); !errors.Is(err, io.ErrClosedPipe) {
		t.Errorf("a read after the stop = %v", err)
	}
}
