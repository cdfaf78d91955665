package job

import (
	"context"
	"testing"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/theeye/theeye/shared/natsd/natstest"
	"github.com/theeye/theeye/shared/stream"
)

// fixture is a bucket of jobs on a server of its own.
type fixture struct {
	t      *testing.T
	ctx    context.Context //nolint:containedctx // ends with the test
	js     jetstream.JetStream
	bucket *Bucket
}

func newFixture(t *testing.T) *fixture {
	t.Helper()
	js := natstest.Start(t).JetStream()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	t.Cleanup(cancel)
	if err := stream.Ensure(ctx, js, stream.Config{MaxBytes: 1 << 20}); err != nil {
		t.Fatal(err)
	}
	b, err := Open(ctx, js)
	if err != nil {
		t.Fatal(err)
	}
	return &fixture{t, ctx, js, b}
}

func (f *fixture) create(j Job) Entry {
	f.t.Helper()
	e, err := f.bucket.Create(f.ctx, j)
	if err != nil {
		f.t.Fatal(err)
	}
	return e
}

func (f *fixture) get(id string) Entry {
	f.t.Helper()
	e, err := f.bucket.Get(f.ctx, id)
	if err != nil {
		f.t.Fatal(err)
	}
	return e
}

// update saves a job after a change of it.
func (f *fixture) update(e Entry, change func(j *Job)) Entry {
	f.t.Helper()
	change(&e.Job)
	e, err := f.bucket.Update(f.ctx, e)
	if err != nil {
		f.t.Fatal(err)
	}
	return e
}

func (f *fixture) list() []Entry {
	f.t.Helper()
	all, err := f.bucket.List(f.ctx)
	if err != nil {
		f.t.Fatal(err)
	}
	return all
}

// put writes a value into the bucket as it is.
func (f *fixture) put(key, value string) {
	f.t.Helper()
	kv, err := f.js.KeyValue(f.ctx, stream.BucketJobs)
	if err != nil {
		f.t.Fatal(err)
	}
	if _, err := kv.PutString(f.ctx, key, value); err != nil {
		f.t.Fatal(err)
	}
}
