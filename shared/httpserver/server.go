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

// Limits on the time and memory that a slow or lost client may cost.
const (
	headerTimeout = 5 * time.Second
	readTimeout   = 15 * time.Second
	// writeTimeout runs from the end of the headers: after the slowest body
	// there is time left to answer 408.
	writeTimeout   = 30 * time.Second
	idleTimeout    = 60 * time.Second
	maxHeaderBytes = 32 << 10
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
	Logger  *slog.Logger
}

// Server is a handler with the listener that serves it. A service embeds it.
type Server struct {
	handler  http.Handler
	listener net.Listener // nil without an address
	log      *slog.Logger
}

// Bind binds the address of c. Run serves.
func Bind(c Config) (*Server, error) {
	s := &Server{handler: c.Handler, log: c.Logger}
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
	err := Serve(ctx, s.listener, NewHTTPServer(s.handler, s.log))
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

// NewHTTPServer returns a server with every limit that net/http leaves open.
func NewHTTPServer(h http.Handler, log *slog.Logger) *http.Server {
	return &http.Server{
		Handler:           h,
		ReadHeaderTimeout: headerTimeout,
		ReadTimeout:       readTimeout,
		WriteTimeout:      writeTimeout,
		IdleTimeout:       idleTimeout,
		MaxHeaderBytes:    maxHeaderBytes,
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

func serveUntil(ctx context.Context, l net.Listener, srv *http.Server, timeout time.Duration) error {
	failed := make(chan error, 1)
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
