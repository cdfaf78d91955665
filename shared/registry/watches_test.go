package registry

import (
	"testing"
	"time"
)

// When a snapshot is due: never before every bucket is read whole, at once when
// nothing more is on its way, and after a while even if it is.
func TestDue(t *testing.T) {
	unread := func() *bucketWatch { return &bucketWatch{seen: map[string]bool{}} }
	read := func() *bucketWatch { return &bucketWatch{} }
	behind := func() *bucketWatch { return &bucketWatch{behind: true} }
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
		"more is on its way":  {[]*bucketWatch{read(), read(), behind()}, true, false, false},
		"waited long enough":  {[]*bucketWatch{behind(), read(), behind()}, true, true, true},
		"waited, not changed": {[]*bucketWatch{behind(), read(), read()}, false, true, false},
	} {
		w := watches{all: tc.all, waited: tc.waited, late: time.NewTimer(time.Hour)}
		if got := w.due(tc.changes); got != tc.want {
			t.Errorf("%s: due is %t", name, got)
		}
		if again := w.due(tc.changes); again != tc.want {
			t.Errorf("%s: asked again, due is %t", name, again)
		}
		w.published()
		if w.waited || w.waiting {
			t.Errorf("%s: the waiting does not start anew", name)
		}
	}
}
