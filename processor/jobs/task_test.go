package jobs

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"
)

var errAway, errFinal = errors.New("away"), errors.New("final")

func TestRetryWaitsOutWhatPasses(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		began, attempts := time.Now(), 0
		err := Retry(t.Context(), time.Second, func(context.Context) error {
			if attempts++; attempts < 4 {
				return errAway
			}
			return nil
		}, nil)
		if err != nil || attempts != 4 || time.Since(began) != 3*retryDelay {
			t.Errorf("%v after %d attempts and %v", err, attempts, time.Since(began))
		}
	})
}

func TestRetryEnds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		final := func(err error) bool { return errors.Is(err, errFinal) }
		err := Retry(t.Context(), time.Second, func(context.Context) error { return errFinal }, final)
		if !errors.Is(err, errFinal) {
			t.Errorf("a final failure: %v", err)
		}
		ctx, cancel := context.WithCancelCause(t.Context())
		time.AfterFunc(10*time.Second, func() { cancel(ErrCancelled) })
		err = Retry(ctx, time.Second, func(ctx context.Context) error {
			<-ctx.Done() // an attempt is bounded
			return ctx.Err()
		}, final)
		if !errors.Is(err, ErrCancelled) {
			t.Errorf("a cancelled one: %v", err)
		}
	})
}
