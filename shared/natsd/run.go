package natsd

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"time"

	"github.com/nats-io/nats-server/v2/server"
)

const (
	// watchEvery is how often Run asks the server for its health.
	watchEvery = 500 * time.Millisecond
	// firstPause and lastPause bound the wait before a restart. It doubles
	// with each restart that does not last, so that a broken disk is not
	// hammered, and starts anew once the server stayed well for lastPause.
	firstPause = 250 * time.Millisecond
	lastPause  = 30 * time.Second
)

// Guard returns nil, or why nothing may be published now: free space below
// the floor (ErrNoSpace), or a server that is about to be restarted. It is
// cheap enough to be asked for every request.
func (s *Server) Guard() error {
	if err := s.space.check(); err != nil {
		return err
	}
	if why := s.wrong.Load(); why != nil {
		return fmt.Errorf("natsd: the stream cannot be written: %s", *why)
	}
	if s.running() == nil {
		return errDown
	}
	return nil
}

// Run watches the server until ctx ends, restarts it after write errors once
// there is space, and then stops it and frees the folder. It returns early,
// with an error, when a server does not stop.
func (s *Server) Run(ctx context.Context) error {
	err := s.watch(ctx)
	return errors.Join(err, s.Close())
}

func (s *Server) watch(ctx context.Context) error {
	tick := time.NewTicker(watchEvery)
	defer tick.Stop()
	pause, well := firstPause, time.Now()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
		why := s.sick()
		if why == "" {
			if time.Since(well) >= lastPause {
				pause, well = firstPause, time.Now()
			}
			continue
		}
		if !s.mayRestart(ctx, pause) {
			continue
		}
		s.cfg.Logger.Warn("NATS server is restarted after a write error", slog.String("error", why))
		if err := s.restart(); err != nil {
			return err
		}
		pause, well = min(2*pause, lastPause), time.Now()
	}
}

// sick says why the server has to be restarted, "" when it need not be.
func (s *Server) sick() string {
	if why := s.wrong.Load(); why != nil {
		return *why
	}
	srv := s.running()
	if srv == nil {
		return errDown.Error()
	}
	why := writeError(srv)
	if why != "" {
		s.wrong.CompareAndSwap(nil, &why) // Guard refuses from here on
	}
	return why
}

// writeError asks the server for what it will not write any more. Other
// complaints, such as a folder of a stream that is just being created, are no
// reason to restart.
func writeError(srv *server.Server) string {
	if !srv.JetStreamEnabled() {
		return "JetStream is disabled"
	}
	for _, e := range srv.Healthz(&server.HealthzOptions{Details: true}).Errors {
		if e.Type == server.HealthzErrorStream && strings.Contains(e.Error, "write error") {
			return e.Error
		}
	}
	return ""
}

// mayRestart waits, and says whether there is space to restart on: a server
// that starts on a full disk fails again, and may fail to write what recovery
// makes anew.
func (s *Server) mayRestart(ctx context.Context, pause time.Duration) bool {
	wait := time.NewTimer(pause)
	defer wait.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-wait.C:
	}
	return s.space.check() == nil
}

// restart replaces the server. Connections come back by themselves. An error
// is final: without the end of the old server a second one would share its
// folder. A server that does not start is tried again.
func (s *Server) restart() error {
	s.mu.Lock()
	srv := s.current
	s.current = nil
	s.mu.Unlock()
	if srv != nil {
		if err := stop(srv); err != nil {
			return err
		}
	}
	err := s.launch()
	switch {
	case errors.Is(err, errStuck):
		return err
	case err != nil:
		s.cfg.Logger.Error("NATS server does not start; it is tried again", slog.Any("error", err))
	default:
		s.cfg.Logger.Info("NATS server is back")
	}
	return nil
}
