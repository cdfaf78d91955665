package job

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/go-json-experiment/json/jsontext"
	"github.com/google/go-cmp/cmp"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/theeye/theeye/shared/kv"
	"github.com/theeye/theeye/shared/natsd/natstest"
)

func TestOpenNeedsTheBucket(t *testing.T) {
	js := natstest.Start(t).JetStream()
	if _, err := Open(t.Context(), js); !errors.Is(err, jetstream.ErrBucketNotFound) {
		t.Errorf("Open returned %v, want ErrBucketNotFound", err)
	}
}

func TestGetReturnsTheJobAsItWasCreated(t *testing.T) {
	f := newFixture(t)
	want := f.create(Job{
		Kind: Replay, Author: "ops", MaxRate: 100, TargetRevision: 7,
		Selection: Selection{From: time.UnixMicro(1).UTC(), FromSeq: 3, Only: OnlyRejected, Code: "unknown_type"},
		Schemas:   map[string]jsontext.Value{"a/b": jsontext.Value(`{}`)},
	})
	got := f.get(want.ID)
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("the job (-created +read):\n%s", diff)
	}
	if got.State != Queued || got.CreatedAt.IsZero() {
		t.Errorf("it is %s, created at %v", got.State, got.CreatedAt)
	}
}

// The caller decides neither the id nor the state of a new job.
func TestCreateQueuesTheJobUnderANewID(t *testing.T) {
	f := newFixture(t)
	first := f.create(Job{Kind: Audit, ID: "chosen", State: Done})
	second := f.create(first.Job)
	for _, e := range []Entry{first, second} {
		if !validID(e.ID) || e.State != Queued {
			t.Errorf("the job has id %q and state %s", e.ID, e.State)
		}
	}
	if first.ID == second.ID {
		t.Errorf("two jobs have the id %s", first.ID)
	}
}

func TestIDsSortByTime(t *testing.T) {
	at := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	var ids []string
	for i := range 100 {
		ids = append(ids, newID(at.Add(time.Duration(i*i)*time.Millisecond+time.Duration(i)*time.Hour)))
	}
	if !slices.IsSorted(ids) {
		t.Errorf("ids of growing times: %v", ids)
	}
	for _, id := range ids {
		if !validID(id) {
			t.Errorf("%q is no valid id", id)
		}
	}
}

func TestTextsThatAreNoIDsAreNotFound(t *testing.T) {
	f := newFixture(t)
	for _, id := range []string{"", "*", ">", "a.b", strings.Repeat("0", 16), strings.Repeat("0", 17), "0192FFFFFFFabcdef", "\r\n"} {
		if _, err := f.bucket.Get(f.ctx, id); !errors.Is(err, ErrNotFound) {
			t.Errorf("Get(%q) returned %v, want ErrNotFound", id, err)
		}
		if _, err := f.bucket.Cancel(f.ctx, id); !errors.Is(err, ErrNotFound) {
			t.Errorf("Cancel(%q) returned %v, want ErrNotFound", id, err)
		}
	}
}

// A record is what other versions of The Eye read: its names stay.
func TestRecordKeepsItsForm(t *testing.T) {
	at := time.Date(2026, 1, 2, 3, 4, 5, 6_000_000, time.UTC)
	raw, err := encodeJob(Job{
		ID: "0123456789abcdef0", Kind: DryRun, State: Running, Selection: Selection{From: at, FromSeq: 1, Category: "c", Only: OnlyRejected},
		MaxRate: 5, TargetRevision: 7, Author: "ann", Note: "because", CreatedAt: at, StartedAt: at,
		Done: 1, Total: 2, Rate: 0.5, Phase: "reading", CancelRequested: true, Runner: "p1", Runs: 2,
		Checkpoint: jsontext.Value(`{"next":3}`),
	})
	want := `{"id":"0123456789abcdef0","kind":"dry_run","state":"running",` +
		`"selection":{"from":"2026-01-02T03:04:05.006Z","from_seq":1,"category":"c","only":"rejected"},"max_rate":5,"target_revision":7,` +
		`"author":"ann","note":"because","created_at":"2026-01-02T03:04:05.006Z","started_at":"2026-01-02T03:04:05.006Z",` +
		`"done":1,"total":2,"rate":0.5,"phase":"reading","cancel_requested":true,"runner":"p1","runs":2,"checkpoint":{"next":3}}`
	if diff := cmp.Diff(want, string(raw)); diff != "" || err != nil {
		t.Errorf("%v; record (-want +got):\n%s", err, diff)
	}
}

func TestUpdateOfOneVersionSucceedsOnce(t *testing.T) {
	f := newFixture(t)
	e := f.create(Job{Kind: Audit})
	var won, lost atomic.Int32
	var all sync.WaitGroup
	for i := range 16 {
		all.Go(func() {
			mine := e
			mine.Runner = fmt.Sprint(i)
			switch _, err := f.bucket.Update(f.ctx, mine); {
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
		t.Errorf("%d updates succeeded, %d were too late", won.Load(), lost.Load())
	}
}

func TestUpdateReturnsTheVersionForTheNextUpdate(t *testing.T) {
	f := newFixture(t)
	first := f.create(Job{Kind: Replay})
	second := f.update(first, func(j *Job) { j.Done = 1 })
	third := f.update(second, func(j *Job) { j.Done = 2 })
	if first.Version >= second.Version || second.Version >= third.Version || f.get(first.ID).Version != third.Version {
		t.Errorf("versions %d, %d, %d", first.Version, second.Version, third.Version)
	}
	if stale, err := f.bucket.Update(f.ctx, second); !errors.Is(err, ErrChanged) || stale.Version != second.Version {
		t.Errorf("the update of an older version returned version %d, %v", stale.Version, err)
	}
	if got := f.get(first.ID); got.Done != 2 {
		t.Errorf("the job has done %d", got.Done)
	}
}

func TestUpdateNeverBringsBackARemovedJob(t *testing.T) {
	f := newFixture(t)
	e := f.create(Job{Kind: Audit})
	if err := f.bucket.records.Purge(f.ctx, keyPrefix+e.ID); err != nil {
		t.Fatal(err)
	}
	if _, err := f.bucket.Update(f.ctx, e); !errors.Is(err, ErrChanged) {
		t.Errorf("Update returned %v, want ErrChanged", err)
	}
	if _, err := f.bucket.Get(f.ctx, e.ID); !errors.Is(err, ErrNotFound) {
		t.Errorf("Get returned %v, want ErrNotFound", err)
	}
	if _, err := f.bucket.Cancel(f.ctx, e.ID); !errors.Is(err, ErrNotFound) {
		t.Errorf("Cancel returned %v, want ErrNotFound", err)
	}
	if all := f.list(); len(all) != 0 {
		t.Errorf("List returns %+v", all)
	}
}

func TestCancelEndsAQueuedJobAtOnce(t *testing.T) {
	f := newFixture(t)
	e, err := f.bucket.Cancel(f.ctx, f.create(Job{Kind: Replay}).ID)
	if err != nil || e.State != Cancelled || e.EndedAt.IsZero() || !e.CancelRequested {
		t.Errorf("Cancel returned %+v, %v", e, err)
	}
	if diff := cmp.Diff(e, f.get(e.ID)); diff != "" {
		t.Errorf("the job (-returned +read):\n%s", diff)
	}
}

func TestCancelAsksTheRunnerOfARunningJob(t *testing.T) {
	f := newFixture(t)
	running := f.update(f.create(Job{Kind: Replay}), func(j *Job) { j.State, j.Runner = Running, "p1" })
	e, err := f.bucket.Cancel(f.ctx, running.ID)
	if err != nil || e.State != Running || !e.CancelRequested || e.Runner != "p1" || !e.EndedAt.IsZero() {
		t.Errorf("Cancel returned %+v, %v", e, err)
	}
	// The runner learns of it at its next save, and can end the job then.
	if _, err := f.bucket.Update(f.ctx, running); !errors.Is(err, ErrChanged) {
		t.Errorf("the runner's save returned %v, want ErrChanged", err)
	}
	if got := f.get(running.ID); !got.CancelRequested {
		t.Errorf("the runner reads %+v", got)
	}
	f.update(e, func(j *Job) { j.State = Cancelled })
}

func TestCancelLeavesAFinishedJobAsItIs(t *testing.T) {
	f := newFixture(t)
	for _, state := range []State{Done, Cancelled, Failed} {
		before := f.update(f.create(Job{Kind: Replay}), func(j *Job) { j.State = state })
		after, err := f.bucket.Cancel(f.ctx, before.ID)
		if diff := cmp.Diff(before, after); diff != "" || err != nil {
			t.Errorf("%s: %v (-before +after):\n%s", state, err, diff)
		}
	}
}

func TestCancelOfAnUnknownJobIsNotFound(t *testing.T) {
	f := newFixture(t)
	if _, err := f.bucket.Cancel(f.ctx, newID(time.Now())); !errors.Is(err, ErrNotFound) {
		t.Errorf("Cancel returned %v, want ErrNotFound", err)
	}
}

// A runner that saves all the time and an operator who cancels lose nothing of
// each other.
func TestCancelAndSavesOfTheRunnerKeepEachOther(t *testing.T) {
	f := newFixture(t)
	e := f.update(f.create(Job{Kind: Replay}), func(j *Job) { j.State, j.Runner = Running, "p1" })
	id, saved := e.ID, make(chan uint64)
	go func() {
		defer close(saved)
		for {
			e.Done++
			next, err := f.bucket.Update(f.ctx, e)
			if errors.Is(err, ErrChanged) {
				saved <- e.Done - 1
				return
			}
			if err != nil {
				t.Error(err)
				return
			}
			e = next
		}
	}()
	// All attempts of one call may come too late beside a runner that never pauses;
	// a caller may repeat it.
	_, err := f.bucket.Cancel(f.ctx, id)
	for errors.Is(err, ErrChanged) {
		_, err = f.bucket.Cancel(f.ctx, id)
	}
	if err != nil {
		t.Fatal(err)
	}
	done := <-saved
	if got := f.get(id); !got.CancelRequested || got.Done != done || got.Runner != "p1" {
		t.Errorf("the job is %+v; its runner had saved %d", got, done)
	}
}

// racing is a connection on which another writer is always faster.
type racing struct {
	jetstream.JetStream
	before func()
	tries  int
}

func (r *racing) PublishMsg(ctx context.Context, m *nats.Msg, options ...jetstream.PublishOpt) (*jetstream.PubAck, error) {
	r.tries++
	r.before()
	return r.JetStream.PublishMsg(ctx, m, options...)
}

func TestCancelGivesUpAfterMaxAttempts(t *testing.T) {
	f := newFixture(t)
	e := f.update(f.create(Job{Kind: Replay}), func(j *Job) { j.State = Running })
	slow := &racing{JetStream: f.js, before: func() { e = f.update(e, func(j *Job) { j.Done++ }) }}
	b, err := Open(f.ctx, slow)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := b.Cancel(f.ctx, e.ID); !errors.Is(err, ErrChanged) || slow.tries != kv.MaxAttempts {
		t.Errorf("after %d attempts Cancel returned %v", slow.tries, err)
	}
	if got := f.get(e.ID); got.CancelRequested || got.Done != kv.MaxAttempts {
		t.Errorf("the job is %+v", got)
	}
}

// awaitNextMillisecond returns when the clock has reached another millisecond.
func awaitNextMillisecond() {
	for now := time.Now().UnixMilli(); time.Now().UnixMilli() == now; {
		runtime.Gosched()
	}
}

func TestListIsNewestFirst(t *testing.T) {
	f := newFixture(t)
	var want []string
	for range 5 {
		want = append([]string{f.create(Job{Kind: Replay}).ID}, want...)
		awaitNextMillisecond() // ids sort by milliseconds
	}
	var got []string
	for _, e := range f.list() {
		got = append(got, e.ID)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("ids (-want +got):\n%s", diff)
	}
}

// The bucket has keys that are no jobs, and a later version may write jobs that
// this one cannot read.
func TestListSkipsOtherKeysAndUnreadableRecords(t *testing.T) {
	f := newFixture(t)
	e := f.create(Job{Kind: Replay})
	unreadable := newID(time.Now())
	f.put("stream", `{}`)
	f.put(keyPrefix+unreadable, `{"selection": 7}`)
	if all := f.list(); len(all) != 1 || all[0].ID != e.ID {
		t.Errorf("List returns %+v", all)
	}
	if _, err := f.bucket.Get(f.ctx, unreadable); err == nil || errors.Is(err, ErrNotFound) {
		t.Errorf("Get of an unreadable job returned %v", err)
	}
	if _, err := f.bucket.Cancel(f.ctx, unreadable); err == nil || errors.Is(err, ErrNotFound) {
		t.Errorf("Cancel of an unreadable job returned %v", err)
	}
}

func TestListEndsWithItsContext(t *testing.T) {
	f := newFixture(t)
	ctx, cancel := context.WithCancel(f.ctx)
	cancel()
	if all, err := f.bucket.List(ctx); err == nil {
		t.Errorf("List returns %+v under a context that has ended", all)
	}
}

func TestCreateKeepsTheNewestFinishedJobsOfEachKind(t *testing.T) {
	f := newFixture(t)
	finish := func(kind Kind, n int) {
		for range n {
			f.update(f.create(Job{Kind: kind}), func(j *Job) { j.State = Done })
		}
	}
	finish(DryRun, 3)
	waiting := f.create(Job{Kind: Audit})
	finish(Audit, MaxKept+3)
	last := f.create(Job{Kind: Replay})
	kept := map[Kind]int{}
	for _, e := range f.list() {
		if e.State.Final() {
			kept[e.Kind]++
		}
	}
	if kept[Audit] != MaxKept-1 { // so that one more has room
		t.Errorf("%d finished audits are kept", kept[Audit])
	}
	if kept[DryRun] != 3 {
		t.Errorf("%d of 3 finished dry runs are kept: there are few of that kind", kept[DryRun])
	}
	for _, e := range []Entry{waiting, last} {
		if _, err := f.bucket.Get(f.ctx, e.ID); err != nil {
			t.Errorf("a job that waits: %v", err)
		}
	}
}

func TestCreateBoundsTheUnfinishedJobs(t *testing.T) {
	f := newFixture(t)
	var e Entry
	for i := range MaxUnfinished {
		e = f.create(Job{Kind: []Kind{Replay, DryRun, Audit}[i%3]})
	}
	if _, err := f.bucket.Create(f.ctx, Job{Kind: Replay}); !errors.Is(err, ErrTooMany) {
		t.Errorf("one more: error %v, want ErrTooMany", err)
	}
	f.update(e, func(j *Job) { j.State = Running })
	if _, err := f.bucket.Create(f.ctx, Job{Kind: Replay}); !errors.Is(err, ErrTooMany) {
		t.Errorf("one more while one runs: error %v, want ErrTooMany", err)
	}
	if _, err := f.bucket.Cancel(f.ctx, f.list()[1].ID); err != nil {
		t.Fatal(err)
	}
	f.create(Job{Kind: Replay})
}

func TestRecordsAreBounded(t *testing.T) {
	f := newFixture(t)
	large := strings.Repeat("n", MaxBytes)
	if _, err := f.bucket.Create(f.ctx, Job{Kind: Audit, Note: large}); !errors.Is(err, ErrTooLarge) {
		t.Errorf("Create of a large job: error %v, want ErrTooLarge", err)
	}
	e := f.create(Job{Kind: Audit})
	grown := e
	grown.Report = jsontext.Value(`"` + large + `"`)
	if same, err := f.bucket.Update(f.ctx, grown); !errors.Is(err, ErrTooLarge) || same.Version != e.Version {
		t.Errorf("Update with a large report: version %d, error %v, want ErrTooLarge", same.Version, err)
	}
	// The job was not touched: its runner can still say that it failed.
	f.update(e, func(j *Job) { j.State, j.Error = Failed, "the report is too large" })
	largest := f.create(Job{Kind: Audit})
	raw, err := encodeJob(largest.Job)
	if err != nil {
		t.Fatal(err)
	}
	f.update(largest, func(j *Job) { j.Note = strings.Repeat("n", MaxBytes-len(raw)-len(`"note":"",`)) })
}

func TestFinalStates(t *testing.T) {
	for state, want := range map[State]bool{Queued: false, Running: false, Done: true, Cancelled: true, Failed: true, "": false} {
		if got := state.Final(); got != want {
			t.Errorf("%q is final: %v", state, got)
		}
	}
}
