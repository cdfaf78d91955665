package heartbeat

import (
	"context"
	"errors"
	"net"
	"sync"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"go.uber.org/goleak"

	"github.com/theeye/theeye/shared/stream"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// patience bounds whatever a test waits for.
const patience = 20 * time.Second

// natsServer is an embedded server that can be stopped and started again under
// the same connections.
type natsServer struct {
	t   *testing.T
	dir string

	mu      sync.Mutex
	current *server.Server // nil while stopped
}

// startServer starts a server with everything that stream.Ensure makes.
func startServer(t *testing.T) (*natsServer, jetstream.JetStream) {
	t.Helper()
	s := &natsServer{t: t, dir: t.TempDir()}
	s.start()
	t.Cleanup(s.stop)
	js := s.connect()
	if err := stream.Ensure(bounded(t), js, stream.Config{MaxBytes: 1 << 20}); err != nil {
		t.Fatal(err)
	}
	return s, js
}

func (s *natsServer) start() {
	s.t.Helper()
	srv, err := server.NewServer(&server.Options{
		JetStream: true, StoreDir: s.dir, DontListen: true, NoSigs: true, NoLog: true,
	})
	if err != nil {
		s.t.Fatal(err)
	}
	srv.Start()
	if !srv.ReadyForConnections(patience) {
		s.t.Fatal("nats-server is not ready")
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.current = srv
}

func (s *natsServer) stop() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.current != nil {
		s.current.Shutdown()
		s.current.WaitForShutdown()
		s.current = nil
	}
}

// InProcessConn makes a connection to the server that runs now.
func (s *natsServer) InProcessConn() (net.Conn, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.current == nil {
		return nil, errors.New("the server is stopped")
	}
	return s.current.InProcessConn()
}

func (s *natsServer) connect() jetstream.JetStream {
	s.t.Helper()
	closed := make(chan struct{})
	nc, err := nats.Connect("", nats.InProcessServer(s), nats.MaxReconnects(-1),
		nats.ReconnectWait(10*time.Millisecond), nats.ReconnectJitter(0, 0),
		nats.ClosedHandler(func(*nats.Conn) { close(closed) }))
	if err != nil {
		s.t.Fatal(err)
	}
	s.t.Cleanup(func() { nc.Close(); <-closed })
	js, err := jetstream.New(nc)
	if err != nil {
		s.t.Fatal(err)
	}
	return js
}

func bounded(t *testing.T) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	t.Cleanup(cancel)
	return ctx
}

// until polls until done says so.
func until(t *testing.T, what string, done func() bool) {
	t.Helper()
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for ctx := bounded(t); !done(); {
		select {
		case <-tick.C:
		case <-ctx.Done():
			t.Fatalf("it never happened that %s", what)
		}
	}
}
