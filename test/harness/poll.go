package harness

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// pollInterval is how often Poll asks.
const pollInterval = 20 * time.Millisecond

type finalError struct{ error }

func (f finalError) Unwrap() error { return f.error }

// Final marks an error that waiting cannot mend: Poll returns it at once.
func Final(err error) error { return finalError{err} }

// Poll calls f until it returns nil. When ctx ends it returns the last error.
func Poll(ctx context.Context, f func() error) error {
	tick := time.NewTicker(pollInterval)
	defer tick.Stop()
	for {
		err := f()
		var final finalError
		if err == nil || errors.As(err, &final) {
			return err
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("gave up waiting: %w", err)
		case <-tick.C:
		}
	}
}
