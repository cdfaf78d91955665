package job

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/go-json-experiment/json/jsontext"
	"github.com/google/go-cmp/cmp"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/theeye/theeye/shared/natsd/natstest"
	"github.com/theeye/theeye/shared/stream"
)

func open(t *testing.T) (context.Context, *Bucket) {
	t.Helper()
	ctx, _, b := openAll(t)
	return ctx, b
}

func openAll(t *testing.T) (context.Context, jetstream.JetStream, *Bucket) {
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
	return ctx, js, b
}

func create(t *testing.T, b *Bucket, j Job) Entry {
	t.Helper()
	e, err := b.Create(t.Context(), j)
	if err != nil {
		t.Fatal(err)
	}
	return e
}

func TestAJobComesBackAsItWas(t *testing.T) {
	ctx, b := open(t)
	want := create(t, b, Job{
		Kind: Replay, Author: "ops", MaxRate: 100, TargetRevision: 7,
		Selection: Selection{From: time.UnixMicro(1).UTC(), FromSeq: 3, Only: OnlyRejected, Code: "unknown_type"},
		Schemas:   map[string]jsontext.Value{"a/b": jsontext.Value(`{}`)},
	})
	got, err := b.Get(ctx, want.ID)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("it comes back otherwise (-want +got):\n%s", diff)
	}
	if got.State != Queued || got.CreatedAt.IsZero() {
		t.Errorf("it is %s, of %v", got.State, got.CreatedAt)
	}
}

func TestWhatIsNoIDIsNotFound(t *testing.T) {
	ctx, b := open(t)
	for _, id := range []string{"", "*", ">", "a.b", strings.Repeat("0", 17), "0192FFFFFFFabcdef", "\r\n"} {
		if _, err := b.Get(ctx, id); !errors.Is(err, ErrNotFound) {
			t.Errorf("Get(%q) = %v", id, err)
		}
	}
}

// Of many that take a job at once one gets it.
func TestOneOfManyGetsIt(t *testing.T) {
	ctx, b := open(t)
	e := create(t, b, Job{Kind: Audit})
	var won, lost atomic.Int32
	var all sync.WaitGroup
	for i := range 16 {
		all.Go(func() {
			mine := e
			mine.Runner = fmt.Sprint(i)
			switch _, err := b.Update(ctx, mine); {
			case err == nil:
				won.Add(1)
			case errors.Is(err, ErrChanged):
				lost.Add(1)
			default:
				t.Error(err)
			}
		})
	}
	all.Wait()
	if won.Load() != 1 || lost.Load() != 15 {
		t.Errorf("%d got it, %d did not", won.Load(), lost.Load())
	}
}

func TestCancel(t *testing.T) {
	ctx, b := open(t)
	queued := create(t, b, Job{Kind: Replay})
	if e, err := b.Cancel(ctx, queued.ID); err != nil || e.State != Cancelled || e.EndedAt.IsZero() {
		t.Errorf("one that waits: %+v, %v", e, err)
	}
	running := create(t, b, Job{Kind: Replay})
	running.State = Running
	if _, err := b.Update(ctx, running); err != nil {
		t.Fatal(err)
	}
	if e, err := b.Cancel(ctx, running.ID); err != nil || e.State != Running || !e.CancelRequested {
		t.Errorf("one that runs: %+v, %v", e, err)
	}
	if e, err := b.Cancel(ctx, queued.ID); err != nil || e.State != Cancelled || e.CancelRequested != true {
		t.Errorf("one that has ended: %+v, %v", e, err)
	}
	if _, err := b.Cancel(ctx, newID(time.Now())); !errors.Is(err, ErrNotFound) {
		t.Errorf("one that is not there: %v", err)
	}
}

func TestOldJobsGoAndNewOnesAreBounded(t *testing.T) {
	ctx, b := open(t)
	for range MaxKept + 3 {
		e := create(t, b, Job{Kind: Audit})
		e.State = Done
		if _, err := b.Update(ctx, e); err != nil {
			t.Fatal(err)
		}
	}
	for range MaxUnfinished {
		create(t, b, Job{Kind: Replay})
	}
	all, err := b.List(ctx)
	if err != nil {
		t.Fatal(err)
	}
	kept := 0
	for i, e := range all {
		if e.Kind == Audit {
			kept++
		}
		if i > 0 && all[i-1].ID <= e.ID {
			t.Fatalf("job %d is not older than the one before", i)
		}
	}
	if kept != MaxKept-1 { // one more has room
		t.Errorf("%d finished jobs are kept", kept)
	}
	if _, err := b.Create(ctx, Job{Kind: Replay}); !errors.Is(err, ErrTooMany) {
		t.Errorf("one more: %v", err)
	}
}

func TestAJobIsBounded(t *testing.T) {
	ctx, b := open(t)
	if _, err := b.Create(ctx, Job{Kind: Audit, Note: strings.Repeat("n", MaxBytes)}); !errors.Is(err, ErrTooLarge) {
		t.Errorf("a large one: %v", err)
	}
}
