package replay

import (
	"context"
	"errors"
	"iter"
	"slices"
	"strings"
	"testing"
)

// counting yields 1, 2, … until fault is set, which then ends it, or the caller stops.
func counting(upTo int, fault error, ended *error) func(context.Context) iter.Seq2[int, error] {
	return func(ctx context.Context) iter.Seq2[int, error] {
		return func(yield func(int, error) bool) {
			defer func() { *ended = context.Cause(ctx) }()
			for n := 1; n <= upTo; n++ {
				if !yield(n, nil) {
					return
				}
			}
			if fault != nil {
				yield(0, fault)
			}
		}
	}
}

func TestReadAheadYieldsInOrderUntilTheError(t *testing.T) {
	t.Parallel()
	broken := errors.New("broken")
	for _, fault := range []error{nil, broken} {
		var got []int
		var failed, ended error
		for n, err := range readAhead(t.Context(), counting(5, fault, &ended)) {
			if failed = err; err == nil {
				got = append(got, n)
			}
		}
		if !slices.Equal(got, []int{1, 2, 3, 4, 5}) || !errors.Is(failed, fault) {
			t.Errorf("it yields %v and %v, want five and %v", got, failed, fault)
		}
	}
}

// The next value is made while the caller has one.
func TestReadAheadIsAhead(t *testing.T) {
	t.Parallel()
	made := make(chan int)
	produce := func(context.Context) iter.Seq2[int, error] {
		return func(yield func(int, error) bool) {
			for n := 1; n <= 2; n++ {
				if n == 2 {
					made <- n // blocks for ever unless the caller of 1 takes it
				}
				if !yield(n, nil) {
					return
				}
			}
		}
	}
	for n, err := range readAhead(t.Context(), produce) {
		if err != nil {
			t.Fatal(err)
		}
		if n == 1 {
			<-made
		}
	}
}

// A caller that stops, and an ended context, end the producer before readAhead returns.
func TestReadAheadEndsItsProducer(t *testing.T) {
	t.Parallel()
	var ended error
	for _, err := range readAhead(t.Context(), counting(1000, nil, &ended)) {
		if err != nil {
			t.Error(err)
		}
		break
	}
	if !errors.Is(ended, context.Canceled) {
		t.Errorf("the context of the producer: %v", ended)
	}
	cause := errors.New("the job was taken")
	ctx, cancel := context.WithCancelCause(t.Context())
	defer cancel(nil)
	var last error
	for _, err := range readAhead(ctx, counting(1000, nil, &ended)) {
		cancel(cause)
		last = err
	}
	if !errors.Is(last, cause) || !errors.Is(ended, cause) {
		t.Errorf("after the end of the context it yields %v, and the producer has %v", last, ended)
	}
}

func TestReadAheadTurnsAPanicIntoAnError(t *testing.T) {
	t.Parallel()
	produce := func(context.Context) iter.Seq2[int, error] {
		return func(func(int, error) bool) { panic("on purpose") }
	}
	for _, err := range readAhead(t.Context(), produce) {
		if err == nil || !strings.Contains(err.Error(), "on purpose") {
			t.Errorf("it yields %v", err)
		}
	}
}
