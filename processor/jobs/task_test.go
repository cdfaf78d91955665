package jobs

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"
)

var errUnavailable, errPermanent = errors.New("unavailable"), errors.New("permanent")

func TestRetryOutlastsTransientErrors(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		began, attempts := time.Now(), 0
		err := Retry(t.Context(), time.Second, func(context.Context) error {
			if attempts++; attempts < 4 {
				return errUnavailable
			}
			return nil
		}, nil)
		if err != nil || attempts != 4 || time.Since(began) != 3*retryDelay {
			t.Errorf("%v after %d attempts and %v", err, attempts, time.Since(began))
		}
	})
}

func TestRetryEndsWithAPermanentErrorOrTheContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		permanent := func(err error) bool { return errors.Is(err, errPermanent) }
		err := Retry(t.Context(), time.Second, func(context.Context) error { return errPermanent }, permanent)
		if !errors.Is(err, errPermanent) {
			t.Errorf("a permanent error: %v", err)
		}
		ctx, cancel := context.WithCancelCause(t.Context())
		time.AfterFunc(10*time.Second, func() { cancel(ErrCancelled) })
		err = Retry(ctx, time.Second, func(ctx context.Context) error {
			<-ctx.Done() // each attempt is bounded
			return ctx.Err()
		}, permanent)
		if !errors.Is(err, ErrCancelled) {
			t.Errorf("a cancelled context: %v", err)
		}
	})
}
