package retry_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/theeye/theeye/shared/retry"
)

var (
	errTest      = errors.New("not yet")
	errPermanent = errors.New("never")
	errCause     = errors.New("the service stops")
)

func TestSleepWaitsForTheDuration(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		began := time.Now()
		if err := retry.Sleep(t.Context(), time.Minute); err != nil {
			t.Errorf("Sleep returned %v", err)
		}
		if d := time.Since(began); d != time.Minute {
			t.Errorf("Sleep took %v, want 1m", d)
		}
	})
}

func TestSleepReturnsTheCauseWhenTheContextEnds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancelCause(t.Context())
		time.AfterFunc(time.Second, func() { cancel(errCause) })
		began := time.Now()
		if err := retry.Sleep(ctx, time.Hour); !errors.Is(err, errCause) {
			t.Errorf("Sleep returned %v, want the cause", err)
		}
		if d := time.Since(began); d != time.Second {
			t.Errorf("Sleep took %v, want 1s", d)
		}
	})
}

// An ended context wins also where nothing is left to wait for.
func TestSleepPrefersTheEndOfTheContext(t *testing.T) {
	ctx, cancel := context.WithCancelCause(t.Context())
	cancel(errCause)
	for range 100 {
		if err := retry.Sleep(ctx, 0); !errors.Is(err, errCause) {
			t.Fatalf("Sleep returned %v, want the cause", err)
		}
	}
}

func TestJitterStaysAroundTheDuration(t *testing.T) {
	for range 1000 {
		if d := retry.Jitter(time.Second); d < time.Second/2 || d >= 3*time.Second/2 {
			t.Fatalf("Jitter(1s) = %v", d)
		}
	}
}

func TestSleepJitterWaitsAroundTheDuration(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		began := time.Now()
		if err := retry.SleepJitter(t.Context(), time.Second); err != nil {
			t.Errorf("SleepJitter returned %v", err)
		}
		if d := time.Since(began); d < time.Second/2 || d >= 3*time.Second/2 {
			t.Errorf("SleepJitter took %v", d)
		}
	})
}

// attempts returns a function that fails with errTest until it was called n times, and
// the moments of its calls.
func attempts(n int) (do func(context.Context) error, moments *[]time.Duration) {
	began, moments := time.Now(), new([]time.Duration)
	return func(context.Context) error {
		*moments = append(*moments, time.Since(began))
		if len(*moments) < n {
			return errTest
		}
		return nil
	}, moments
}

func TestUntilDoublesTheWaitUpToItsBound(t *testing.T) {
	for name, c := range map[string]struct {
		policy retry.Policy
		want   string
	}{
		"constant": {retry.Policy{First: time.Second}, "[0s 1s 2s 3s 4s]"},
		"doubled":  {retry.Policy{First: time.Second, Most: 3 * time.Second}, "[0s 1s 3s 6s 9s]"},
	} {
		synctest.Test(t, func(t *testing.T) {
			do, moments := attempts(5)
			if err := retry.Until(t.Context(), c.policy, do); err != nil {
				t.Errorf("%s: %v", name, err)
			}
			if got := fmt.Sprint(*moments); got != c.want {
				t.Errorf("%s: attempts at %s, want %s", name, got, c.want)
			}
		})
	}
}

func TestUntilSpreadsWaitsByJitter(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		do, moments := attempts(2)
		if err := retry.Until(t.Context(), retry.Policy{First: time.Second, Jitter: true}, do); err != nil {
			t.Error(err)
		}
		if d := (*moments)[1]; d < time.Second/2 || d >= 3*time.Second/2 {
			t.Errorf("the second attempt came after %v", d)
		}
	})
}

func TestUntilReturnsPermanentErrorsAtOnce(t *testing.T) {
	n := 0
	err := retry.Until(t.Context(), retry.Policy{
		First: time.Microsecond, Permanent: func(err error) bool { return errors.Is(err, errPermanent) },
	}, func(context.Context) error {
		if n++; n < 3 {
			return errTest
		}
		return errPermanent
	})
	if !errors.Is(err, errPermanent) || n != 3 {
		t.Errorf("Until returned %v after %d attempts", err, n)
	}
}

func TestUntilReturnsTheCauseWhenTheContextEnds(t *testing.T) {
	for name, after := range map[string]time.Duration{
		"during the second wait": 90 * time.Second,
		"during the first wait":  time.Second,
	} {
		synctest.Test(t, func(t *testing.T) {
			ctx, cancel := context.WithCancelCause(t.Context())
			time.AfterFunc(after, func() { cancel(errCause) })
			began := time.Now()
			err := retry.Until(ctx, retry.Policy{First: time.Minute}, func(context.Context) error { return errTest })
			if !errors.Is(err, errCause) || time.Since(began) != after {
				t.Errorf("%s: Until returned %v after %v", name, err, time.Since(began))
			}
		})
	}
}

// A failure that the end of the context brought about is not reported as one of
// the attempt, permanent or not.
func TestUntilPrefersTheEndOfTheContextToAnError(t *testing.T) {
	ctx, cancel := context.WithCancelCause(t.Context())
	err := retry.Until(ctx, retry.Policy{Permanent: func(error) bool { return true }}, func(context.Context) error {
		cancel(errCause)
		return errPermanent
	})
	if !errors.Is(err, errCause) {
		t.Errorf("Until returned %v, want the cause", err)
	}
}

func TestUntilBoundsEachAttempt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		began, n := time.Now(), 0
		err := retry.Until(t.Context(), retry.Policy{First: time.Second, AttemptTimeout: 5 * time.Second}, func(ctx context.Context) error {
			if n++; n == 3 {
				return nil
			}
			<-ctx.Done()
			return ctx.Err()
		})
		if err != nil || time.Since(began) != 12*time.Second {
			t.Errorf("Until returned %v after %v; want two attempts of 5s with waits of 1s", err, time.Since(began))
		}
	})
}

func ExampleUntil() {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	attempt := 0
	err := retry.Until(ctx, retry.Policy{First: time.Millisecond, Most: time.Second}, func(context.Context) error {
		attempt++
		if attempt < 3 {
			return errors.New("the server is starting")
		}
		return nil
	})
	fmt.Println(attempt, err)
	// Output: 3 <nil>
}
