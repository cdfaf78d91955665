package natsd

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"time"

	"github.com/nats-io/nats-server/v2/server"
)

const (
	// watchInterval is the time between two health checks of the server.
	watchInterval = 500 * time.Millisecond
	// minRestartDelay and maxRestartDelay bound the delay before a restart. It
	// doubles with each restart, so that a broken disk is not overloaded, and
	// falls to the minimum once the server was healthy for maxRestartDelay.
	minRestartDelay = 250 * time.Millisecond
	maxRestartDelay = 30 * time.Second
)

// Guard returns nil, or the reason why nothing may be published now: free space
// below the floor (ErrNoSpace), or a server that must be restarted. It is cheap
// enough to be called for every request.
func (s *Server) Guard() error {
	if err := s.space.checkFloor(); err != nil {
		return err
	}
	if why := s.failure.Load(); why != nil {
		return fmt.Errorf("natsd: the stream cannot be written: %s", *why)
	}
	if s.currentServer() == nil {
		return errDown
	}
	return nil
}

// Run watches the server until ctx ends and restarts it after write errors once
// there is space. Then it stops the server and unlocks the folder. It returns
// early, with an error, when a server does not stop.
func (s *Server) Run(ctx context.Context) error {
	err := s.watchHealth(ctx)
	return errors.Join(err, s.Close())
}

func (s *Server) watchHealth(ctx context.Context) error {
	tick := time.NewTicker(watchInterval)
	defer tick.Stop()
	delay, healthySince := minRestartDelay, time.Now()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
		why := s.restartReason()
		if why == "" {
			if s.staging != nil {
				s.staging.place()
			}
			if time.Since(healthySince) >= maxRestartDelay {
				delay, healthySince = minRestartDelay, time.Now()
			}
			continue
		}
		if !s.mayRestart(ctx, delay) {
			continue
		}
		s.cfg.Logger.Warn("NATS server is restarted after a write error", slog.String("error", why))
		if err := s.restartServer(); err != nil {
			return err
		}
		delay, healthySince = min(2*delay, maxRestartDelay), time.Now()
	}
}

// restartReason returns why the server must be restarted, "" if it need not be.
func (s *Server) restartReason() string {
	if why := s.failure.Load(); why != nil {
		return *why
	}
	srv := s.currentServer()
	if srv == nil {
		return errDown.Error()
	}
	why := writeError(srv)
	if why != "" {
		s.failure.CompareAndSwap(nil, &why) // Guard refuses from here on
	}
	return why
}

// writeError returns the write error in the server's health report, "" without
// one. Other errors, such as that of a stream that is being created, need no
// restart.
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

// mayRestart waits for the delay and returns whether there is space for a restart:
// a server that starts on a full disk fails again, and its recovery may fail to
// write files.
func (s *Server) mayRestart(ctx context.Context, delay time.Duration) bool {
	wait := time.NewTimer(delay)
	defer wait.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-wait.C:
	}
	return s.space.checkFloor() == nil
}

// restartServer replaces the server. Connections reconnect by themselves. An error
// is final: the old server has not stopped, and a second one would share its
// folder. The start of a server that fails is repeated by watchHealth.
func (s *Server) restartServer() error {
	s.mu.Lock()
	srv := s.current
	s.current = nil
	s.mu.Unlock()
	if srv != nil {
		if err := s.stopServer(srv); err != nil {
			return err
		}
	}
	err := s.launchServer()
	switch {
	case errors.Is(err, errNotStopped):
		return err
	case err != nil:
		s.cfg.Logger.Error("NATS server does not start; the start is repeated", slog.Any("error", err))
	default:
		s.cfg.Logger.Info("NATS server is running again")
	}
	return nil
}

// ErrNoSpace means that the free space of the disk is below the floor.
var ErrNoSpace = errors.New("free disk space is below the floor")

// spaceMaxAge is how long a measurement of the free space is used. A fast collector
// writes some 20 MB in this time, a small part of the floor.
const spaceMaxAge = 200 * time.Millisecond

// diskSpace measures the free space of a disk from time to time.
type diskSpace struct {
	dir   string
	floor uint64

	mu   sync.Mutex // guards what follows
	at   time.Time
	free uint64
	err  error
}

// freeBytes returns the free bytes, measured at most spaceMaxAge ago.
func (s *diskSpace) freeBytes() (uint64, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if now := time.Now(); s.at.IsZero() || now.Sub(s.at) >= spaceMaxAge {
		s.free, s.err = freeSpace(s.dir)
		s.at = now
	}
	return s.free, s.err
}

// checkFloor returns ErrNoSpace below the floor. A disk whose free space cannot be
// measured must not be written to.
func (s *diskSpace) checkFloor() error {
	free, err := s.freeBytes()
	if err != nil {
		return fmt.Errorf("natsd: free disk space of %s: %w", s.dir, err)
	}
	if free < s.floor {
		return fmt.Errorf("%w: %d of %d bytes in %s", ErrNoSpace, free, s.floor, s.dir)
	}
	return nil
}

// Room returns how many bytes may be written into the data folder until its disk
// falls below the floor.
func (s *Server) Room() (uint64, error) {
	free, err := s.space.freeBytes()
	return free - min(free, s.space.floor), err
}

// Free returns the free space of the data folder's disk in bytes, for metrics.
func (s *Server) Free() (uint64, error) { return s.space.freeBytes() }
