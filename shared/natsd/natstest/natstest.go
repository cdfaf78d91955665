// Package natstest runs a NATS server with JetStream inside a test. The server
// can be stopped and started again under the connections that a test has.
package natstest

import (
	"errors"
	"net"
	"net/netip"
	"sync"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"go.uber.org/goleak"

	"github.com/theeye/theeye/shared/daemon/daemontest"
)

// readyLimit bounds one start of the server.
const readyLimit = time.Minute

// errStopped is what a connection attempt gets while the server is stopped.
var errStopped = errors.New("natstest: the server is stopped")

// VerifyTestMain runs the tests of a package and fails when they leave
// goroutines behind. It ignores those that a stopped server leaves for some
// seconds: of a batch that was cut off, and of one stream that sources another. And it
// ignores a fetch of a client that was left before its end, which its wait ends.
func VerifyTestMain(m *testing.M) {
	const pkg = "github.com/nats-io/nats-server/v2/server"
	goleak.VerifyTestMain(m,
		goleak.IgnoreAnyFunction(pkg+".(*msgBlock).flushLoop"),
		goleak.IgnoreAnyFunction(pkg+".(*fileStore).flushStreamStateLoop"),
		goleak.IgnoreAnyFunction(pkg+".(*stream).trySetupSourceConsumer.func3"),
		goleak.IgnoreAnyFunction(pkg+"/ats.Register.func1"),
		goleak.IgnoreAnyFunction("github.com/nats-io/nats.go/jetstream.(*pullConsumer).fetch.func1"))
}

// Option changes the options of the server.
type Option func(*server.Options)

// Listening makes the server listen on a free port of the loopback interface,
// for tests that connect by address. The server keeps the port over restarts: no
// connection can take it in between.
func Listening() Option {
	return func(o *server.Options) {
		addr := netip.MustParseAddrPort(daemontest.FreeAddr())
		o.DontListen, o.Host, o.Port = false, addr.Addr().String(), int(addr.Port())
	}
}

// MaxPayload sets the largest message in bytes; the default is 2 MiB, as in
// production.
func MaxPayload(bytes int32) Option {
	return func(o *server.Options) { o.MaxPayload = bytes }
}

// SyncAlways makes the server sync every write, as in production.
func SyncAlways() Option {
	return func(o *server.Options) { o.SyncAlways = true }
}

// Server is an embedded NATS server. Restart and RestartEmpty are for one
// goroutine at a time; connections may be made and used during a restart.
type Server struct {
	tb      testing.TB
	options server.Options

	mu      sync.Mutex     // guards what follows
	current *server.Server // nil while stopped
}

// Start starts a server that stores its files in a temporary directory and is
// reached within the process alone. It is stopped when the test ends.
func Start(tb testing.TB, options ...Option) *Server {
	tb.Helper()
	s := &Server{tb: tb, options: server.Options{
		JetStream: true, StoreDir: tb.TempDir(), DontListen: true, NoSigs: true, NoLog: true, MaxPayload: 2 << 20,
	}}
	for _, set := range options {
		set(&s.options)
	}
	s.Restart()
	tb.Cleanup(s.Shutdown)
	return s
}

// Restart starts the server on the directory and the port that it had, after a
// Shutdown where it runs.
func (s *Server) Restart() {
	s.tb.Helper()
	s.Shutdown()
	opts := s.options // NewServer changes its argument
	srv, err := server.NewServer(&opts)
	if err != nil {
		s.tb.Fatal(err)
	}
	srv.Start()
	if !srv.ReadyForConnections(readyLimit) {
		s.tb.Fatal("natstest: the server is not ready")
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.current = srv
}

// RestartEmpty is Restart with nothing stored, as after the loss of a disk.
func (s *Server) RestartEmpty() {
	s.tb.Helper()
	s.options.StoreDir = s.tb.TempDir()
	s.Restart()
}

// Shutdown stops the server and returns when it has stopped. A stopped server
// stays stopped.
func (s *Server) Shutdown() {
	s.mu.Lock()
	srv := s.current
	s.current = nil
	s.mu.Unlock()
	if srv != nil {
		srv.Shutdown()
		srv.WaitForShutdown()
	}
}

// NATSServer is the server that runs now, nil while it is stopped.
func (s *Server) NATSServer() *server.Server {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.current
}

// StoreDir is the directory of the server's files.
func (s *Server) StoreDir() string { return s.options.StoreDir }

// ClientURL is the address of a server that listens and has not been stopped.
func (s *Server) ClientURL() string { return s.NATSServer().ClientURL() }

// InProcessConn implements nats.InProcessConnProvider: it connects to the
// server that runs now.
func (s *Server) InProcessConn() (net.Conn, error) {
	srv := s.NATSServer()
	if srv == nil {
		return nil, errStopped
	}
	return srv.InProcessConn()
}

// Connect connects within the process, or by address where the server listens.
// The connection outlives restarts and is closed when the test ends.
func (s *Server) Connect(options ...nats.Option) *nats.Conn {
	s.tb.Helper()
	closed := make(chan struct{})
	all := []nats.Option{
		nats.MaxReconnects(-1), nats.ReconnectWait(10 * time.Millisecond), nats.ReconnectJitter(0, 0),
		nats.ClosedHandler(func(*nats.Conn) { close(closed) }),
	}
	url := ""
	if s.options.DontListen {
		all = append(all, nats.InProcessServer(s))
	} else {
		url = s.ClientURL()
	}
	nc, err := nats.Connect(url, append(all, options...)...)
	if err != nil {
		s.tb.Fatal(err)
	}
	s.tb.Cleanup(func() { nc.Close(); <-closed }) // no goroutine is left behind
	return nc
}

// requestLimit bounds a request to JetStream whose context has no deadline. The default
// of the library, five seconds, may pass on a busy machine.
const requestLimit = 30 * time.Second

// JetStream is JetStream over a connection of its own.
func (s *Server) JetStream(options ...nats.Option) jetstream.JetStream {
	s.tb.Helper()
	js, err := jetstream.New(s.Connect(options...), jetstream.WithDefaultTimeout(requestLimit))
	if err != nil {
		s.tb.Fatal(err)
	}
	return js
}
