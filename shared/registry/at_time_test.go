package registry

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/theeye/theeye/shared/natsd/natstest"
	"github.com/theeye/theeye/shared/stream"
)

// At the time of each version, and until right before the next one, it is the
// newest; so it is what At rebuilds for that time.
func TestRevisionAt(t *testing.T) {
	e, js := edited(t)
	revisionAt := func(at time.Time) uint64 {
		t.Helper()
		revision, err := RevisionAt(bounded(t), js, at)
		if err != nil {
			t.Fatal(err)
		}
		return revision
	}
	for _, at := range []time.Time{{}, time.Unix(0, 0), time.Now(), time.Now().Add(time.Hour)} {
		if got := revisionAt(at); got != 0 {
			t.Errorf("an empty registry is at revision %d at %s", got, at)
		}
	}
	var last uint64
	for i := range 4 {
		last = putType(t, e, someType, fmt.Sprintf(`{"minProperties": %d}`, i), last)
	}
	if _, err := e.DeleteSchema(bounded(t), someType, Any, ann); err != nil {
		t.Fatal(err)
	}
	if _, err := e.Touch(bounded(t), ann); err != nil {
		t.Fatal(err)
	}
	bucket, err := js.Stream(bounded(t), stream.BucketStream(stream.BucketSchemas))
	if err != nil {
		t.Fatal(err)
	}
	for revision := uint64(1); revision <= 6; revision++ {
		m, err := bucket.GetMsg(bounded(t), revision)
		if err != nil {
			t.Fatal(err)
		}
		for at, want := range map[time.Time]uint64{m.Time: revision, m.Time.Add(-time.Nanosecond): revision - 1} {
			if got := revisionAt(at); got != want {
				t.Errorf("at %s it is revision %d, want %d", at, got, want)
			}
		}
	}
	if got := revisionAt(time.Now().Add(time.Hour)); got != 6 {
		t.Errorf("the newest is %d", got)
	}
	if got := revisionAt(time.Unix(0, 0)); got != 0 {
		t.Errorf("before the first it is %d", got)
	}
}

// Nothing is claimed of a registry that is not there.
func TestRevisionAtWithoutRegistry(t *testing.T) {
	js := natstest.Start(t).JetStream()
	if got, err := RevisionAt(bounded(t), js, time.Now()); !errors.Is(err, jetstream.ErrStreamNotFound) {
		t.Errorf("%d, %v", got, err)
	}
}
