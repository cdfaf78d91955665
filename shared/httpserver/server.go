package httpserver

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"time"
)

// Limits on the time and memory that a slow or lost client may cost. How long a
// body may take is the Pace of the server.
const (
	headerTimeout = 5 * time.Second
	// writeTimeout runs from the end of the headers. At the end of a body
	// that took longer it begins again.
	writeTimeout = 30 * time.Second
	// answerTimeout bounds the writing of an answer to a body that was not read.
	answerTimeout = 10 * time.Second
	// idleTimeout is longer than that of common proxies, 60 s, which would
	// otherwise send a request on a connection that is just being closed.
	idleTimeout    = 120 * time.Second
	maxHeaderBytes = 48 << 10
	// drainTimeout bounds the requests in flight at shutdown; it leaves the
	// other steps their part of daemon.DrainLimit.
	drainTimeout = 8 * time.Second
)

// Config configures a Server.
type Config struct {
	// Service names the service in errors.
	Service string
	// Listen is the address to bind; "" binds none, and the handler is served
	// by the caller through Handler.
	Listen  string
	Handler http.Handler
	// Hosts are those that the listener answers for; nil is all.
	Hosts *Hosts
	// BodyPace bounds the arrival of bodies; zero fields are the defaults.
	BodyPace Pace
	Logger   *slog.Logger
}

// DefaultBodyPace is the least progress of a body: 15 s without a byte, a mean
// rate of 1 KiB/s, and five minutes for all of it.
var DefaultBodyPace = Pace{Rate: 1 << 10, Stall: 15 * time.Second, Longest: 5 * time.Minute}

// Server is a handler with the listener that serves it. A service embeds it.
type Server struct {
	handler  http.Handler
	hosts    *Hosts
	pace     Pace
	listener net.Listener // nil without an address
	log      *slog.Logger
}

// Bind binds the address of c. Run serves.
func Bind(c Config) (*Server, error) {
	s := &Server{handler: c.Handler, hosts: c.Hosts, pace: c.BodyPace, log: c.Logger}
	if c.Listen == "" {
		return s, nil
	}
	var err error
	if s.listener, err = new(net.ListenConfig).Listen(context.Background(), "tcp", c.Listen); err != nil {
		return nil, fmt.Errorf("%s: %w", c.Service, err)
	}
	return s, nil
}

// Run serves until ctx ends and then lets the requests in flight finish.
// Without an address it only waits for ctx.
func (s *Server) Run(ctx context.Context) error {
	if s.listener == nil {
		<-ctx.Done()
		return nil
	}
	s.log.InfoContext(ctx, "Serving HTTP", slog.String("address", s.listener.Addr().String()))
	h := s.handler
	if s.hosts != nil {
		h = s.hosts.Guard(h)
	}
	err := Serve(ctx, s.listener, NewHTTPServer(h, s.pace, s.log))
	s.log.InfoContext(ctx, "Stopped serving HTTP")
	return err
}

// Addr returns the address of the listener, nil without one.
func (s *Server) Addr() net.Addr {
	if s.listener == nil {
		return nil
	}
	return s.listener.Addr()
}

// Close frees the address of a server that Run never served.
func (s *Server) Close() error {
	if s.listener == nil {
		return nil
	}
	return s.listener.Close()
}

// Handler returns the handler of the API.
func (s *Server) Handler() http.Handler { return s.handler }

// NewHTTPServer returns a server with every limit that net/http leaves open. A
// body arrives by its pace, whose zero fields are those of DefaultBodyPace; what
// the handler leaves of it is read before the answer is sent.
func NewHTTPServer(h http.Handler, pace Pace, log *slog.Logger) *http.Server {
	return &http.Server{
		Handler:           newBodyGuard(h, pace.orElse(DefaultBodyPace)),
		ReadHeaderTimeout: headerTimeout,
		WriteTimeout:      writeTimeout,
		IdleTimeout:       idleTimeout,
		MaxHeaderBytes:    maxHeaderBytes,
		ConnState:         trackState,
		ConnContext:       withConn,
		// Protocol errors of clients are logged for debugging only.
		ErrorLog: slog.NewLogLogger(log.Handler(), slog.LevelDebug),
	}
}

// Serve serves l until ctx ends. Then it accepts no further requests and lets
// those in flight finish, for a bounded time. It closes l. The connection of a
// client that hangs beyond this time is closed, which is no error: the client
// has no answer and repeats its request.
func Serve(ctx context.Context, l net.Listener, srv *http.Server) error {
	return serveUntil(ctx, l, srv, drainTimeout)
}

// stoppingKey is the key of the end of Serve's context in that of a request.
type stoppingKey struct{}

// Stopping returns a channel that is closed when the server of a request begins
// to drain. A handler that would stream for longer than a drain takes ends its
// answer then. The channel is nil, and so never ready, for a request that did not
// come through Serve.
func Stopping(ctx context.Context) <-chan struct{} {
	stopping, _ := ctx.Value(stoppingKey{}).(<-chan struct{})
	return stopping
}

func serveUntil(ctx context.Context, listener net.Listener, srv *http.Server, timeout time.Duration) error {
	l := newConnListener(listener)
	defer l.stopLingering()
	failed := make(chan error, 1)
	srv.BaseContext = func(net.Listener) context.Context {
		return context.WithValue(context.Background(), stoppingKey{}, ctx.Done())
	}
	go func() { failed <- srv.Serve(l) }()
	select {
	case err := <-failed:
		return fmt.Errorf("serve %s: %w", l.Addr(), err)
	case <-ctx.Done():
	}
	drain, cancel := context.WithTimeout(context.WithoutCancel(ctx), timeout)
	defer cancel()
	err := srv.Shutdown(drain)
	if errors.Is(err, context.DeadlineExceeded) {
		err = srv.Close()
	}
	if err != nil {
		return fmt.Errorf("drain %s: %w", l.Addr(), err)
	}
	return nil
}
