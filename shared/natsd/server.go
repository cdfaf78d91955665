package natsd

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"

	"github.com/theeye/theeye/shared/folderlock"
)

const (
	// startTimeout bounds one start of the server. After a crash it reads all
	// files of the stream: 16 GiB at the speed of a slow disk.
	startTimeout = 10 * time.Minute
	// stopTimeout bounds the stop of the server.
	stopTimeout = 30 * time.Second
)

// errDown is the error of a connection attempt while the server restarts.
var errDown = errors.New("natsd: the embedded server is not running")

// errNotStopped means that a server did not stop in time.
var errNotStopped = errors.New("natsd: the server does not stop")

// Server is an embedded NATS server. Its methods may be called concurrently.
type Server struct {
	cfg  Config
	lock *folderlock.Lock

	// failure is why the current server must be restarted, nil if it need not
	// be.
	failure atomic.Pointer[string]
	space   diskSpace
	// staging is nil if no stream is staged in memory.
	staging *staging
	conns   openConns

	mu      sync.Mutex // guards what follows
	current *server.Server
	port    int // kept over restarts; 0 before the first start
}

// Start locks the folder and starts the server. It returns ErrLocked when
// another process uses the folder. The caller must call Run, which also stops
// the server and unlocks the folder, or Close.
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
	s := &Server{cfg: cfg, lock: lock, space: diskSpace{dir: cfg.Dir, floor: cfg.MinFree}}
	if cfg.StageInMemory != "" {
		s.staging = newStaging(cfg, cfg.StageInMemory)
	}
	if err := s.launchServer(); err != nil {
		return nil, errors.Join(err, lock.Close())
	}
	if s.staging != nil {
		s.staging.removeStale()
	}
	return s, nil
}

// launchServer starts a server and makes it the current one.
func (s *Server) launchServer() error {
	opts, err := s.cfg.serverOptions()
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
	s.failure.Store(nil)
	var fatal atomic.Pointer[string]
	srv.SetLoggerV2(&serverLog{
		log:          s.cfg.Logger,
		onWriteError: s.noteWriteError,
		onFatal:      func(why string) { fatal.CompareAndSwap(nil, &why) },
	}, false, false, false)
	if s.staging != nil {
		s.staging.beforeStart()
	}
	go srv.Start()
	if err := awaitStart(srv, &fatal); err != nil {
		return errors.Join(err, s.stopServer(srv))
	}
	if a, ok := srv.Addr().(*net.TCPAddr); ok {
		s.port = a.Port
	}
	if s.staging != nil {
		s.staging.afterStart()
	}
	s.current = srv
	return nil
}

// awaitStart returns when srv accepts connections and JetStream is running.
func awaitStart(srv *server.Server, fatal *atomic.Pointer[string]) error {
	const step = 50 * time.Millisecond
	for waited := time.Duration(0); waited < startTimeout; waited += step {
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

// noteWriteError notes that the server must be restarted, unless the error is of a batch
// that is staged in memory.
func (s *Server) noteWriteError(text string) {
	if s.staging == nil || !s.staging.noteError(text) {
		s.failure.CompareAndSwap(nil, &text)
	}
}

// stopServer shuts srv down and waits for its end, so that no second server opens
// its folder.
//
// It closes the connections of this process first. The server stops a stream while a
// batch is being committed, and then acknowledges the batch without a sync.
func (s *Server) stopServer(srv *server.Server) error {
	s.conns.closeAll()
	down := make(chan struct{})
	go func() {
		srv.Shutdown()
		srv.WaitForShutdown()
		close(down)
	}()
	late := time.NewTimer(stopTimeout)
	defer late.Stop()
	select {
	case <-down:
		return nil
	case <-late.C:
		return fmt.Errorf("%w: waited %s", errNotStopped, stopTimeout)
	}
}

// InProcessConn opens a connection to the current server. The NATS client calls
// it for every reconnection.
func (s *Server) InProcessConn() (net.Conn, error) {
	srv := s.currentServer()
	if srv == nil {
		return nil, errDown
	}
	conn, err := srv.InProcessConn()
	if err != nil {
		return nil, err
	}
	added := s.conns.addConn(conn)
	if s.currentServer() != srv { // which stops, and has closed the others
		_ = added.Close()
		return nil, errDown
	}
	return added, nil
}

// openConns are the connections within the process.
type openConns struct {
	mu   sync.Mutex
	open map[*openConn]struct{}
}

// openConn leaves its set when it is closed.
type openConn struct {
	net.Conn
	set *openConns
}

func (c *openConns) addConn(conn net.Conn) *openConn {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.open == nil {
		c.open = make(map[*openConn]struct{})
	}
	o := &openConn{conn, c}
	c.open[o] = struct{}{}
	return o
}

// Close implements net.Conn.
func (o *openConn) Close() error {
	o.set.mu.Lock()
	delete(o.set.open, o)
	o.set.mu.Unlock()
	return o.Conn.Close()
}

// closeAll closes every connection. Nothing that the server sends afterwards arrives.
func (c *openConns) closeAll() {
	c.mu.Lock()
	defer c.mu.Unlock()
	for o := range c.open {
		_ = o.Conn.Close()
	}
	clear(c.open)
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

// ClientURL returns the address for other processes of this machine, "" if the
// server does not listen.
func (s *Server) ClientURL() string {
	srv := s.currentServer()
	if srv == nil || s.cfg.Listen == "" {
		return ""
	}
	return srv.ClientURL()
}

// Close stops the server and unlocks the folder. Run does the same at its end.
func (s *Server) Close() error {
	s.mu.Lock()
	srv := s.current
	s.current = nil
	s.mu.Unlock()
	var err error
	if srv != nil {
		err = s.stopServer(srv)
	}
	if s.staging != nil && err == nil {
		s.staging.afterStop()
	}
	if cerr := s.lock.Close(); cerr != nil && !errors.Is(cerr, os.ErrClosed) {
		err = errors.Join(err, cerr)
	}
	return err
}

func (s *Server) currentServer() *server.Server {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.current
}

// serverLog is the logger of the server. The server's notices are meant for a
// terminal and have level debug here.
type serverLog struct {
	log *slog.Logger
	// onWriteError is called with a message that reports a write error. Healthz
	// reports most of them too, but not those of files outside the streams.
	onWriteError func(what string)
	// onFatal is called with the reason why the server could not start.
	onFatal func(why string)
}

// writeErrors are the texts in messages of a server that has stopped writing.
var writeErrors = []string{"critical write error", "will be disabled", "disabling jetstream"}

func (l *serverLog) Noticef(format string, v ...any) { l.logLine(slog.LevelDebug, format, v) }
func (l *serverLog) Debugf(format string, v ...any)  { l.logLine(slog.LevelDebug, format, v) }
func (l *serverLog) Tracef(format string, v ...any)  { l.logLine(slog.LevelDebug, format, v) }
func (l *serverLog) Warnf(format string, v ...any) {
	l.checkWriteError(l.logLine(slog.LevelWarn, format, v))
}

func (l *serverLog) Errorf(format string, v ...any) {
	l.checkWriteError(l.logLine(slog.LevelError, format, v))
}

// Fatalf is called when the server cannot start. It does not end the process.
func (l *serverLog) Fatalf(format string, v ...any) { l.onFatal(l.logLine(slog.LevelError, format, v)) }

func (l *serverLog) checkWriteError(text string) {
	lower := strings.ToLower(text)
	for _, words := range writeErrors {
		if strings.Contains(lower, words) {
			l.onWriteError(text)
			return
		}
	}
}

func (l *serverLog) logLine(level slog.Level, format string, v []any) string {
	text := fmt.Sprintf(format, v...)
	l.log.Log(context.Background(), level, "NATS server", slog.String("says", text))
	return text
}
