package registry

import (
	"testing"
	"time"
)

// A snapshot is never due before every bucket was read to its end. It is due at
// once if no more changes follow, and after a delay even if they do.
func TestSnapshotIsDueWhenNoMoreChangesFollow(t *testing.T) {
	unread := func() *bucketWatch { return &bucketWatch{seen: map[string]bool{}} }
	read := func() *bucketWatch { return &bucketWatch{} }
	pending := func() *bucketWatch { return &bucketWatch{pending: true} }
	for name, tc := range map[string]struct {
		all     []*bucketWatch
		changes bool
		waited  bool
		want    bool
	}{
		"nothing changed":     {[]*bucketWatch{read(), read(), read()}, false, false, false},
		"read and changed":    {[]*bucketWatch{read(), read(), read()}, true, false, true},
		"one is not read":     {[]*bucketWatch{read(), unread(), read()}, true, false, false},
		"not read, waited":    {[]*bucketWatch{read(), read(), unread()}, true, true, false},
		"more is on its way":  {[]*bucketWatch{read(), read(), pending()}, true, false, false},
		"waited long enough":  {[]*bucketWatch{pending(), read(), pending()}, true, true, true},
		"waited, not changed": {[]*bucketWatch{pending(), read(), read()}, false, true, false},
	} {
		w := watchSet{all: tc.all, delayed: tc.waited, delay: time.NewTimer(time.Hour)}
		if got := w.snapshotDue(tc.changes); got != tc.want {
			t.Errorf("%s: due is %t", name, got)
		}
		if again := w.snapshotDue(tc.changes); again != tc.want {
			t.Errorf("%s: asked again, due is %t", name, again)
		}
		w.resetDelay()
		if w.delayed || w.delaying {
			t.Errorf("%s: the delay does not start again", name)
		}
	}
}
