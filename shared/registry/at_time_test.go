package registry

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/theeye/theeye/shared/natsd/natstest"
	"github.com/theeye/theeye/shared/registry/registrytest"
	"github.com/theeye/theeye/shared/stream"
)

// At the time of each version, and until right before the next one, it is the
// newest; so it is what At rebuilds for that time.
func TestRevisionAtIsTheNewestOfItsTime(t *testing.T) {
	_, js := registrytest.Start(t)
	revisionAt := func(at time.Time) uint64 {
		t.Helper()
		revision, err := RevisionAt(registrytest.Context(t), js, at)
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
	key := keyOf(t, registrytest.SomeType)
	for i := range 4 {
		registrytest.Put(t, js, stream.BucketSchemas, key, fmt.Sprintf(`{"schema": {"minProperties": %d}}`, i))
	}
	if err := registrytest.Bucket(t, js, stream.BucketSchemas).Delete(registrytest.Context(t), key); err != nil {
		t.Fatal(err)
	}
	registrytest.Put(t, js, stream.BucketSchemas, stream.KeyReplay, `{}`)
	bucket, err := js.Stream(registrytest.Context(t), stream.BucketStream(stream.BucketSchemas))
	if err != nil {
		t.Fatal(err)
	}
	for revision := uint64(1); revision <= 6; revision++ {
		m, err := bucket.GetMsg(registrytest.Context(t), revision)
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

func TestRevisionAtOfAMissingRegistryIsAnError(t *testing.T) {
	js := natstest.Start(t).JetStream()
	if got, err := RevisionAt(registrytest.Context(t), js, time.Now()); !errors.Is(err, jetstream.ErrStreamNotFound) {
		t.Errorf("%d, %v", got, err)
	}
}
