package kv_test

import (
	"errors"
	"maps"
	"testing"
	"testing/synctest"
	"time"

	"github.com/theeye/theeye/shared/kv"
)

// shift is the value of a lease: who works, and how far the work is.
type shift struct {
	Next   int    `json:"next"`
	Holder string `json:"holder,omitzero"`
}

func newLease(b *kv.Bucket, holder string, d time.Duration) *kv.Lease[shift] {
	return kv.NewLease(kv.LeaseConfig[shift]{
		Bucket: b, Key: "shift", Holder: holder, Duration: d,
		HolderOf: func(s *shift) *string { return &s.Holder },
	})
}

// acquire reports whether the lease is this process's after it tried.
func acquire(t *testing.T, l *kv.Lease[shift]) bool {
	t.Helper()
	held, err := l.Acquire(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if held != l.Held() {
		t.Fatalf("Acquire returned %v, and Held %v", held, l.Held())
	}
	return held
}

// poll calls f until it is true.
func poll(t *testing.T, what string, f func() bool) {
	t.Helper()
	for deadline := time.Now().Add(20 * time.Second); !f(); time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("timed out: %s", what)
		}
	}
}

func TestLeaseHasOneHolderUntilItIsReleased(t *testing.T) {
	ctx, b := bucket(t)
	first, second := newLease(b, "first", time.Hour), newLease(b, "second", time.Hour)
	if !acquire(t, first) {
		t.Fatal("a free lease is not acquired")
	}
	if acquire(t, second) {
		t.Fatal("a lease that is held is acquired")
	}
	if err := first.Save(ctx, shift{Next: 7}); err != nil {
		t.Fatal(err)
	}
	if got := string(get(t, b, "shift").Value); got != `{"next":7,"holder":"first"}` {
		t.Errorf("the key is %s", got)
	}
	if err := first.Release(ctx); err != nil || first.Held() {
		t.Errorf("Release returned %v", err)
	}
	if !acquire(t, second) || second.Value().Next != 7 {
		t.Errorf("the second goes on with %+v", second.Value())
	}
}

func TestLeaseOfAHolderThatStoppedSavingIsTakenOver(t *testing.T) {
	ctx, b := bucket(t)
	const duration = 50 * time.Millisecond
	first, second := newLease(b, "first", duration), newLease(b, "second", duration)
	acquire(t, first)
	began := time.Now()
	poll(t, "the lease is taken over", func() bool { return acquire(t, second) })
	if waited := time.Since(began); waited < duration {
		t.Errorf("the lease was taken over after %v", waited)
	}
	// The one that was replaced can save no more, and knows it then.
	if err := first.Save(ctx, shift{Next: 9}); !errors.Is(err, kv.ErrConflict) || first.Held() {
		t.Errorf("Save of the replaced holder returned %v", err)
	}
	if err := first.Release(ctx); err != nil {
		t.Errorf("Release of the replaced holder returned %v", err)
	}
	if got := get(t, b, "shift"); string(got.Value) != `{"next":0,"holder":"second"}` {
		t.Errorf("the key is %s", got.Value)
	}
}

func TestLeaseThatIsSavedDoesNotExpire(t *testing.T) {
	ctx, b := bucket(t)
	const duration = 500 * time.Millisecond
	first, second := newLease(b, "first", duration), newLease(b, "second", duration)
	acquire(t, first)
	for end := time.Now().Add(3 * duration); time.Now().Before(end); time.Sleep(duration / 50) {
		if err := first.Save(ctx, first.Value()); err != nil {
			t.Fatal(err)
		}
		if acquire(t, second) {
			t.Fatal("a lease that is renewed is taken over")
		}
	}
}

func TestLeaseOfOneMomentIsAcquiredOnce(t *testing.T) {
	_, b := bucket(t)
	won := make(chan string, 8)
	for _, name := range []string{"a", "b", "c", "d", "e", "f", "g", "h"} {
		go func() {
			held, err := newLease(b, name, time.Hour).Acquire(t.Context())
			if err != nil {
				t.Error(err)
			}
			if !held {
				name = ""
			}
			won <- name
		}()
	}
	holders := 0
	for range cap(won) {
		if <-won != "" {
			holders++
		}
	}
	if holders != 1 {
		t.Errorf("%d processes hold the lease", holders)
	}
}

func TestLeaseWithAnUnreadableValueIsNotTaken(t *testing.T) {
	ctx, b := bucket(t)
	replace(t, b, "shift", "[]", 0)
	if held, err := newLease(b, "first", 0).Acquire(ctx); err == nil || held {
		t.Errorf("Acquire returned %v, %v", held, err)
	}
}

func TestObservationsAgeWhileTheRevisionStays(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var o kv.Observations
		refresh := func(revisions map[string]uint64) { o.Refresh(maps.All(revisions)) }
		refresh(map[string]uint64{"a": 1, "b": 2})
		time.Sleep(time.Second)
		refresh(map[string]uint64{"a": 1, "b": 3})
		time.Sleep(time.Second)
		for key, want := range map[string]time.Duration{"a": 2 * time.Second, "b": time.Second, "c": 0} {
			if got := o.Age(key); got != want {
				t.Errorf("%s has its revision for %v, want %v", key, got, want)
			}
		}
		refresh(nil)
		refresh(map[string]uint64{"a": 1})
		if got := o.Age("a"); got != 0 {
			t.Errorf("a key that comes back has its revision for %v", got)
		}
	})
}
