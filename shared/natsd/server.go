package natsd

import (
	"errors"
	"fmt"
	"net"
	"os"
	"sync"
	"sync/atomic"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"
)

const (
	// startLimit bounds one start of the server, which after a crash reads all
	// of the stream's files: 16 GiB at the speed of a slow disk.
	startLimit = 10 * time.Minute
	// stopLimit bounds the stop of the server.
	stopLimit = 30 * time.Second
)

// errDown is what a connection attempt gets while the server restarts.
var errDown = errors.New("natsd: the embedded server is not running")

// errStuck says that a server did not stop in time.
var errStuck = errors.New("natsd: the server does not stop")

// Server is an embedded NATS server. Its methods may be called concurrently.
type Server struct {
	cfg  Config
	lock *folderLock

	// wrong holds why the present server has to be restarted, nil when it need
	// not be.
	wrong atomic.Pointer[string]
	space space

	mu      sync.Mutex // guards what follows
	current *server.Server
	port    int // kept over restarts; 0 before the first start
}

// Start locks the folder and starts the server. It returns ErrLocked when
// another process uses the folder. Call Run afterwards, which also frees
// everything, or Close.
func Start(cfg Config) (*Server, error) {
	cfg, err := cfg.withDefaults()
	if err != nil {
		return nil, err
	}
	if err := os.MkdirAll(cfg.Dir, 0o700); err != nil {
		return nil, fmt.Errorf("natsd: data folder: %w", err)
	}
	lock, err := lockFolder(cfg.Dir)
	if err != nil {
		return nil, err
	}
	s := &Server{cfg: cfg, lock: lock, space: space{dir: cfg.Dir, floor: cfg.MinFree}}
	if err := s.launch(); err != nil {
		return nil, errors.Join(err, lock.close())
	}
	return s, nil
}

// launch starts one server and makes it the present one.
func (s *Server) launch() error {
	opts, err := s.cfg.options()
	if err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.port != 0 {
		opts.Port = s.port
	}
	srv, err := server.NewServer(opts)
	if err != nil {
		return fmt.Errorf("natsd: %w", err)
	}
	s.wrong.Store(nil)
	var fatal atomic.Pointer[string]
	srv.SetLoggerV2(&serverLog{
		log:    s.cfg.Logger,
		failed: func(what string) { s.wrong.CompareAndSwap(nil, &what) },
		fatal:  func(why string) { fatal.CompareAndSwap(nil, &why) },
	}, false, false, false)
	go srv.Start()
	if err := awaitStart(srv, &fatal); err != nil {
		return errors.Join(err, stop(srv))
	}
	if a, ok := srv.Addr().(*net.TCPAddr); ok {
		s.port = a.Port
	}
	s.current = srv
	return nil
}

// awaitStart returns when srv takes connections and JetStream is up.
func awaitStart(srv *server.Server, fatal *atomic.Pointer[string]) error {
	const step = 50 * time.Millisecond
	for waited := time.Duration(0); waited < startLimit; waited += step {
		if srv.ReadyForConnections(step) {
			break
		}
		if why := fatal.Load(); why != nil {
			return fmt.Errorf("natsd: the server did not start: %s", *why)
		}
	}
	if why := fatal.Load(); why != nil {
		return fmt.Errorf("natsd: the server did not start: %s", *why)
	}
	if !srv.JetStreamEnabled() {
		return errors.New("natsd: the server started without JetStream")
	}
	return nil
}

// stop shuts srv down and waits for it, so that no second server opens the
// folder beside it.
func stop(srv *server.Server) error {
	down := make(chan struct{})
	go func() {
		srv.Shutdown()
		srv.WaitForShutdown()
		close(down)
	}()
	late := time.NewTimer(stopLimit)
	defer late.Stop()
	select {
	case <-down:
		return nil
	case <-late.C:
		return fmt.Errorf("%w: waited %s", errStuck, stopLimit)
	}
}

// InProcessConn opens a connection to the server that runs now. The NATS
// client calls it again for every reconnection.
func (s *Server) InProcessConn() (net.Conn, error) {
	srv := s.running()
	if srv == nil {
		return nil, errDown
	}
	return srv.InProcessConn()
}

// Connect connects within the process. The connection outlives restarts of
// the server; the caller closes it.
func (s *Server) Connect(opts ...nats.Option) (*nats.Conn, error) {
	all := append([]nats.Option{
		nats.InProcessServer(s),
		nats.MaxReconnects(-1),
		nats.RetryOnFailedConnect(true),
		nats.ReconnectWait(100 * time.Millisecond),
		nats.ReconnectJitter(50*time.Millisecond, 50*time.Millisecond),
	}, opts...)
	nc, err := nats.Connect("", all...)
	if err != nil {
		return nil, fmt.Errorf("natsd: connect: %w", err)
	}
	return nc, nil
}

// ClientURL is the address for other processes of this machine, or "" when
// the server does not listen.
func (s *Server) ClientURL() string {
	srv := s.running()
	if srv == nil || s.cfg.Listen == "" {
		return ""
	}
	return srv.ClientURL()
}

// Close stops the server and frees the folder. Run does it by itself.
func (s *Server) Close() error {
	s.mu.Lock()
	srv := s.current
	s.current = nil
	s.mu.Unlock()
	var err error
	if srv != nil {
		err = stop(srv)
	}
	if cerr := s.lock.close(); cerr != nil && !errors.Is(cerr, os.ErrClosed) {
		err = errors.Join(err, cerr)
	}
	return err
}

func (s *Server) running() *server.Server {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.current
}
