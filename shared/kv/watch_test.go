package kv_test

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/theeye/theeye/shared/kv"
)

// nextUpdate waits for an entry and formats it; "end" is the nil after the entries
// that the bucket had, "closed" the end of the watch.
func nextUpdate(t *testing.T, w *kv.Watcher) string {
	t.Helper()
	select {
	case e, ok := <-w.Updates():
		switch {
		case !ok:
			return "closed"
		case e == nil:
			return "end"
		}
		return fmt.Sprintf("%s %d %s %v", e.Key, e.Revision, e.Value, e.Removed)
	case <-time.After(20 * time.Second):
		t.Fatal("no entry came")
		return ""
	}
}

func watch(t *testing.T, b *kv.Bucket, history bool) *kv.Watcher {
	t.Helper()
	w, err := b.Watch(t.Context(), history)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(w.Stop)
	return w
}

func TestWatchReadsABucketAndFollowsIt(t *testing.T) {
	ctx, b := bucket(t)
	replace(t, b, "b", "1", 0)
	replace(t, b, "a", "2", 0)
	replace(t, b, "b", "3", 1)
	all, newest := watch(t, b, true), watch(t, b, false)
	for name, c := range map[string]struct {
		watcher *kv.Watcher
		want    []string
	}{
		"with history": {all, []string{"b 1 1 false", "a 2 2 false", "b 3 3 false", "end"}},
		"newest":       {newest, []string{"a 2 2 false", "b 3 3 false", "end"}},
	} {
		var got []string
		for range c.want {
			got = append(got, nextUpdate(t, c.watcher))
		}
		if !slices.Equal(got, c.want) {
			t.Errorf("%s: read are %q, want %q", name, got, c.want)
		}
	}
	replace(t, b, "c", "4", 0)
	if err := b.Purge(ctx, "b"); err != nil {
		t.Fatal(err)
	}
	for _, w := range []*kv.Watcher{all, newest} {
		for _, want := range []string{"c 4 4 false", "b 5  true"} {
			if got := nextUpdate(t, w); got != want {
				t.Errorf("then %q follows, want %q", got, want)
			}
		}
	}
	all.Stop()
	for got := ""; got != "closed"; {
		got = nextUpdate(t, all)
	}
}

// More entries than one answer has come in order, each once, and say whether more
// follow.
func TestWatchReadsManyEntries(t *testing.T) {
	_, b := bucket(t)
	const many = 700
	for i := range many {
		replace(t, b, fmt.Sprintf("key-%03d", i), "x", 0)
	}
	for _, history := range []bool{true, false} {
		w := watch(t, b, history)
		for i := range many {
			e := <-w.Updates()
			if e == nil || e.Key != fmt.Sprintf("key-%03d", i) {
				t.Fatalf("entry %d is %+v", i, e)
			}
			if history && e.More != (i < many-1) {
				t.Errorf("entry %d of %d: more follow %v", i, many, e.More)
			}
		}
		if got := nextUpdate(t, w); got != "end" {
			t.Errorf("at the end came %q", got)
		}
	}
}

// A watch of a bucket that was deleted, or deleted and created again, ends: to
// follow the new one means to read it from its start.
func TestWatchOfAReplacedBucketEnds(t *testing.T) {
	ctx, b := bucket(t)
	replace(t, b, "a", "1", 0)
	for name, create := range map[string]bool{"deleted": false, "created again": true} {
		w := watch(t, b, true)
		nextUpdate(t, w)
		nextUpdate(t, w)
		if err := b.JetStream().DeleteKeyValue(ctx, b.Name()); err != nil {
			t.Fatal(err)
		}
		if create {
			if _, err := b.JetStream().CreateKeyValue(ctx, jetstream.KeyValueConfig{Bucket: b.Name()}); err != nil {
				t.Fatal(err)
			}
		}
		if got := nextUpdate(t, w); got != "closed" {
			t.Errorf("%s: the watch goes on with %q", name, got)
		}
		if !create {
			if _, err := b.JetStream().CreateKeyValue(ctx, jetstream.KeyValueConfig{Bucket: b.Name(), History: 20}); err != nil {
				t.Fatal(err)
			}
		}
		replace(t, b, "a", "1", 0)
	}
}

func TestHistoryHasEveryVersionOfOneKey(t *testing.T) {
	ctx, b := bucket(t)
	replace(t, b, "a", "1", 0)
	replace(t, b, "b", "x", 0)
	replace(t, b, "a", "2", 1)
	versions, err := b.History(ctx, "a")
	if err != nil || len(versions) != 2 || string(versions[0].Value) != "1" || string(versions[1].Value) != "2" {
		t.Errorf("the versions are %+v, %v", versions, err)
	}
	if none, err := b.History(ctx, "c"); err != nil || len(none) != 0 {
		t.Errorf("those of a key that never was are %+v, %v", none, err)
	}
}
