package daemon

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"os/signal"
	"syscall"
	"time"
)

// DrainLimit bounds how long a program drains after a signal.
const DrainLimit = 15 * time.Second

// sameSignal is the time within which signals count as one: some senders signal
// the process and then its group.
const sameSignal = 100 * time.Millisecond

// errDrain means that a program did not drain in time.
var errDrain = errors.New("not drained in time")

// Supervise runs a program's work and returns its exit code. SIGTERM or an
// interrupt ends the context of run, which then has DrainLimit to return; a
// second one ends the process at once. The error of run is logged here.
func Supervise(log *slog.Logger, run func(context.Context) error) int {
	signals := make(chan os.Signal, 2)
	signal.Notify(signals, os.Interrupt, syscall.SIGTERM)
	defer signal.Stop(signals)
	err := supervise(log, signals, DrainLimit, run)
	var faults Faults
	switch {
	case err == nil:
		log.Info("Stopped")
	case errors.As(err, &faults):
		log.Error("Configuration is not valid", slog.Any("faults", []string(faults)))
	default:
		log.Error("Stopped by a failure", slog.Any("error", err))
	}
	return ExitCode(err)
}

// supervise is Supervise without the process: signals come from a channel.
func supervise(log *slog.Logger, signals <-chan os.Signal, limit time.Duration, run func(context.Context) error) error {
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	done := make(chan error, 1)
	go func() { done <- run(ctx) }()
	select {
	case err := <-done:
		return err
	case sig := <-signals:
		log.Info("Draining", slog.String("signal", sig.String()), slog.Duration("limit", limit))
	}
	cancel()
	began := time.Now()
	late := time.NewTimer(limit)
	defer late.Stop()
	for {
		select {
		case err := <-done:
			if errors.Is(err, context.Canceled) {
				return nil // the regular end
			}
			return err
		case sig := <-signals:
			if time.Since(began) > sameSignal {
				return fmt.Errorf("%w: a second signal (%s)", errDrain, sig)
			}
		case <-late.C:
			return fmt.Errorf("%w: %s", errDrain, limit)
		}
	}
}
