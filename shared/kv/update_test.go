package kv_test

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"sync"
	"testing"

	"github.com/theeye/theeye/shared/kv"
)

// increment adds 1 to a number.
func increment(now kv.Entry) (kv.Write, error) {
	n := 0
	if now.Exists() {
		var err error
		if n, err = strconv.Atoi(string(now.Value)); err != nil {
			return kv.Write{}, err
		}
	}
	return kv.Write{Value: []byte(strconv.Itoa(n + 1))}, nil
}

func TestUpdateLosesNoChangeOfConcurrentWriters(t *testing.T) {
	ctx, b := bucket(t)
	const writers, updates = 4, 10
	var all sync.WaitGroup
	for range writers {
		all.Go(func() {
			for range updates {
				for {
					_, err := b.Update(ctx, "n", increment)
					if err == nil {
						break
					}
					if !errors.Is(err, kv.ErrConflict) {
						t.Error(err)
						return
					}
				}
			}
		})
	}
	all.Wait()
	if e := get(t, b, "n"); string(e.Value) != strconv.Itoa(writers*updates) {
		t.Errorf("after %d updates the number is %s", writers*updates, e.Value)
	}
}

// A change is made of the entry that it replaces, however often others are first.
func TestUpdateCallsChangeAgainWhenAnotherWriterCameBetween(t *testing.T) {
	ctx, b := bucket(t)
	calls := 0
	revision, err := b.Update(ctx, "n", func(now kv.Entry) (kv.Write, error) {
		if calls++; calls <= 3 {
			replace(t, b, "n", strconv.Itoa(10*calls), now.Revision)
		}
		return increment(now)
	})
	e := get(t, b, "n")
	if err != nil || calls != 4 || string(e.Value) != "31" || e.Revision != revision {
		t.Errorf("after %d calls the key is %s at revision %d; Update returned %d, %v", calls, e.Value, e.Revision, revision, err)
	}
}

func TestUpdateGivesUpAfterMaxAttempts(t *testing.T) {
	ctx, b := bucket(t)
	calls := 0
	_, err := b.Update(ctx, "n", func(now kv.Entry) (kv.Write, error) {
		calls++
		replace(t, b, "n", "0", now.Revision)
		return increment(now)
	})
	if !errors.Is(err, kv.ErrConflict) || calls != kv.MaxAttempts {
		t.Errorf("after %d calls Update returned %v", calls, err)
	}
}

func TestUpdateReturnsTheErrorOfChangeAndWritesNothing(t *testing.T) {
	ctx, b := bucket(t)
	first := replace(t, b, "n", "1", 0)
	if _, err := b.Update(ctx, "n", func(kv.Entry) (kv.Write, error) { return kv.Write{}, kv.ErrUnchanged }); !errors.Is(err, kv.ErrUnchanged) {
		t.Errorf("Update returned %v", err)
	}
	if e := get(t, b, "n"); e.Revision != first {
		t.Errorf("the key is at revision %d, want %d", e.Revision, first)
	}
}

func TestUpdateStopsWaitingWhenItsContextEnds(t *testing.T) {
	_, b := bucket(t)
	ctx, cancel := context.WithCancel(t.Context())
	calls := 0
	_, err := b.Update(ctx, "n", func(now kv.Entry) (kv.Write, error) {
		if calls++; calls == 2 {
			cancel()
		}
		replace(t, b, "n", "0", now.Revision)
		return increment(now)
	})
	if !errors.Is(err, context.Canceled) {
		t.Errorf("after %d calls Update returned %v", calls, err)
	}
}

func TestMessagesReadVersionsOfOneSubject(t *testing.T) {
	ctx, b := bucket(t)
	first := replace(t, b, "a", "1", 0)
	replace(t, b, "b", "x", 0)
	second := replace(t, b, "a", "2", first)
	subject := kv.SubjectPrefix(b.Name()) + "a"

	var down []string
	for below := uint64(0); ; {
		m, err := b.Messages().LastBelow(ctx, subject, below)
		if err != nil {
			t.Fatal(err)
		}
		if m == nil {
			break
		}
		down = append(down, string(kv.NewEntry(m).Value))
		below = m.Sequence
	}
	if fmt.Sprint(down) != "[2 1]" {
		t.Errorf("LastBelow goes down by %v", down)
	}
	up, err := kv.MessagesOf(b.JetStream(), kv.StreamOf(b.Name())).Range(ctx, subject, 1, second+1)
	if err != nil || len(up) != 2 || up[0].Sequence != first || up[1].Sequence != second {
		t.Errorf("Range returns %v, %v", up, err)
	}
	if none, err := b.Messages().Range(ctx, subject, second+1, second+10); err != nil || len(none) != 0 {
		t.Errorf("behind the end Range returns %v, %v", none, err)
	}
	if seq, err := b.Messages().FirstAfter(ctx, up[0].Time); err != nil || seq != first+1 {
		t.Errorf("FirstAfter returns %d, %v", seq, err)
	}
	if seq, err := b.Messages().FirstAfter(ctx, up[1].Time); err != nil || seq != 0 {
		t.Errorf("behind the end FirstAfter returns %d, %v", seq, err)
	}
}
