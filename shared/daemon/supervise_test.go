package daemon

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"syscall"
	"testing"
	"testing/synctest"
	"time"
)

var silent = slog.New(slog.DiscardHandler)

func TestSuperviseReturnsExitCodeOfError(t *testing.T) {
	for want, err := range map[int]error{
		ExitOK:          nil,
		ExitFailure:     errors.New("x"),
		ExitUsage:       fmt.Errorf("port: %w", ErrUsage),
		ExitUnreachable: fmt.Errorf("store: %w", ErrUnreachable),
	} {
		if got := Supervise(silent, func(context.Context) error { return err }); got != want {
			t.Errorf("exit code for %v = %d, want %d", err, got, want)
		}
	}
}

// A signal ends the context; the result of the drain counts.
func TestSuperviseDrains(t *testing.T) {
	lost := errors.New("lost while draining")
	for _, c := range []struct{ returned, want error }{{nil, nil}, {context.Canceled, nil}, {lost, lost}} {
		signals := make(chan os.Signal, 1)
		signals <- syscall.SIGTERM
		err := supervise(silent, signals, time.Minute, func(ctx context.Context) error {
			<-ctx.Done()
			return c.returned
		})
		if !errors.Is(err, c.want) {
			t.Errorf("supervise = %v, want %v", err, c.want)
		}
	}
}

// A second signal ends the program at once; signals in quick succession count as
// one.
func TestSuperviseEndsAtSecondSignal(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		signals, release := make(chan os.Signal), make(chan struct{})
		began := time.Now()
		go func() {
			signals <- syscall.SIGTERM
			signals <- syscall.SIGTERM
			time.Sleep(time.Second)
			signals <- os.Interrupt
		}()
		err := supervise(silent, signals, time.Hour, func(context.Context) error { <-release; return nil })
		if waited := time.Since(began); !errors.Is(err, errDrain) || ExitCode(err) != ExitFailure || waited != time.Second {
			t.Errorf("supervise = %v after %s", err, waited)
		}
		close(release)
	})
}

func TestSuperviseEndsAtDrainLimit(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		signals, release := make(chan os.Signal, 1), make(chan struct{})
		signals <- syscall.SIGTERM
		began := time.Now()
		err := supervise(silent, signals, DrainLimit, func(context.Context) error { <-release; return nil })
		if waited := time.Since(began); !errors.Is(err, errDrain) || waited != DrainLimit {
			t.Errorf("supervise = %v after %s", err, waited)
		}
		close(release)
	})
}
