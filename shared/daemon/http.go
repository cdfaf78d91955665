package daemon

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"time"
)

// What a slow or lost client may cost.
const (
	headerTimeout = 5 * time.Second
	readTimeout   = 15 * time.Second
	// writeTimeout runs from the end of the headers: after the slowest body
	// there is time left to answer 408.
	writeTimeout   = 30 * time.Second
	idleTimeout    = 60 * time.Second
	maxHeaderBytes = 32 << 10
	// httpDrain bounds the requests in flight when the end comes; it leaves
	// the other steps their part of DrainLimit.
	httpDrain = 8 * time.Second
)

// HTTPServer is a server with every limit set that net/http leaves open.
func HTTPServer(h http.Handler, log *slog.Logger) *http.Server {
	return &http.Server{
		Handler:           h,
		ReadHeaderTimeout: headerTimeout,
		ReadTimeout:       readTimeout,
		WriteTimeout:      writeTimeout,
		IdleTimeout:       idleTimeout,
		MaxHeaderBytes:    maxHeaderBytes,
		// What clients do wrong is worth a line for those who look for it.
		ErrorLog: slog.NewLogLogger(log.Handler(), slog.LevelDebug),
	}
}

// Serve serves l until ctx ends. Then it takes no more requests and lets those
// in flight finish, for a bounded time. It closes l. A client that hangs beyond
// it is cut off, which is no failure: it has no answer and sends again.
func Serve(ctx context.Context, l net.Listener, srv *http.Server) error {
	return serve(ctx, l, srv, httpDrain)
}

func serve(ctx context.Context, l net.Listener, srv *http.Server, patience time.Duration) error {
	failed := make(chan error, 1)
	go func() { failed <- srv.Serve(l) }()
	select {
	case err := <-failed:
		return fmt.Errorf("serve %s: %w", l.Addr(), err)
	case <-ctx.Done():
	}
	drain, cancel := context.WithTimeout(context.WithoutCancel(ctx), patience)
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
