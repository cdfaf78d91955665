package audit

import (
	"context"
	"fmt"
	"iter"
	"log/slog"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/theeye/theeye/processor/jobs"
	"github.com/theeye/theeye/shared/job"
	"github.com/theeye/theeye/shared/store"
	"github.com/theeye/theeye/shared/stream"
)

// runner starts a process that does audits; the returned function ends it as a
// signal would.
func (w *world) runner(name string, a *Auditor) (stop func()) {
	w.t.Helper()
	r := jobs.New(jobs.Config{
		JetStream: w.js, Instance: name, Tasks: map[job.Kind]jobs.Task{job.Audit: a.Audit},
		Logger: slog.New(slog.DiscardHandler), SaveEvery: 20 * time.Millisecond,
	})
	ctx, cancel := context.WithCancel(w.ctx)
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		if err := r.Run(ctx); err != nil {
			w.t.Error(err)
		}
	}()
	stop = func() { cancel(); <-ended }
	w.t.Cleanup(stop)
	return stop
}

// start makes an audit that the next runner takes up.
func (w *world) start(s job.Selection) (*job.Bucket, string) {
	w.t.Helper()
	bucket, err := job.Open(w.ctx, w.js)
	w.must(err)
	e, err := bucket.Create(w.ctx, job.Job{Kind: job.Audit, Selection: s})
	w.must(err)
	return bucket, e.ID
}

// await waits until a job is as wanted.
func (w *world) await(bucket *job.Bucket, id string, wanted func(job.Job) bool) (last job.Job) {
	w.t.Helper()
	w.poll("the job is as wanted", func() bool {
		// A server that starts lets questions time out.
		ctx, cancel := context.WithTimeout(w.ctx, time.Second)
		defer cancel()
		e, err := bucket.Get(ctx, id)
		if err == nil {
			last = e.Job
		}
		return err == nil && wanted(last)
	})
	return last
}

func ended(j job.Job) bool { return j.State.Final() }

// reportOf is the account of a job.
func (w *world) reportOf(j job.Job) (a job.Account) {
	w.t.Helper()
	w.must(json.Unmarshal(j.Report, &a))
	return a
}

// mixed is a stream with something of everything, and its account.
func (w *world) mixed(n int) {
	w.t.Helper()
	for i := range n / 100 {
		events := pageviews(fmt.Sprintf("p%d-", i), 97)
		w.publish(append(events, events[0], pageview(events[1], "data", `5`), pageview(fmt.Sprint(i), "data", `5`))...)
	}
	w.settle(n, func(seq uint64) bool { return seq%101 != 7 })
}

// gate lets an audit read so many portions.
func gate(a *Auditor, portions int64) (wait <-chan struct{}, open func()) {
	var read atomic.Int64
	reached, opened := make(chan struct{}), make(chan struct{})
	next := a.read
	a.read = func(ctx context.Context, js jetstream.JetStream, r stream.Range) iter.Seq2[[]stream.Raw, error] {
		return func(yield func([]stream.Raw, error) bool) {
			for portion, err := range next(ctx, js, r) {
				if read.Add(1) == portions+1 {
					close(reached)
				}
				if read.Load() > portions {
					select {
					case <-opened:
					case <-ctx.Done():
						yield(nil, context.Cause(ctx))
						return
					}
				}
				if !yield(portion, err) {
					return
				}
			}
		}
	}
	return reached, func() { close(opened) }
}

// An audit that another process goes on with comes to the same account.
func TestAnAuditGoesOnElsewhere(t *testing.T) {
	w := newWorld(t)
	w.mixed(4000)
	want := w.audit()
	if want.Missing == 0 || want.Duplicate == 0 || want.Rejected == 0 {
		t.Fatalf("there is nothing to see: %+v", want)
	}
	bucket, id := w.start(job.Selection{})
	first := w.auditor()
	reached, _ := gate(first, 2)
	stop := w.runner("first", first)
	w.wait("the audit is in the middle", reached)
	w.await(bucket, id, func(j job.Job) bool { return j.Checkpoint != nil && j.Total == 4000 })
	stop()
	// What is accepted since is not of the range.
	w.publish(pageviews("since", 10)...)
	w.runner("second", w.auditor())
	j := w.await(bucket, id, ended)
	if j.State != job.Done || j.Runs != 2 || j.Done != 4000 || j.Total != 4000 {
		t.Errorf("it ended as %+v", j)
	}
	w.want(w.reportOf(j), want)
}

// A checkpoint is where the report ends, whenever it is noted.
func TestCheckpointAndReportAreOfOneMoment(t *testing.T) {
	w := newWorld(t)
	w.mixed(3000)
	want := w.audit()
	for portions := range int64(4) {
		a := w.auditor()
		l := &ledger{}
		p, err := a.extent(w.ctx, job.Selection{}, l)
		w.must(err)
		ctx, cancel := context.WithCancel(w.ctx)
		left, noted := portions, l.report()
		err = a.newWalk(l).run(ctx, span{p.Next, p.Last}, func(seq uint64) error {
			p.Next, noted = seq+1, l.report()
			if left--; left <= 0 {
				cancel()
			}
			return nil
		})
		if err == nil && p.Next <= p.Last {
			t.Fatal("it did not stop")
		}
		cancel()
		l = &ledger{Account: noted}
		w.must(a.newWalk(l).run(w.ctx, span{p.Next, p.Last}, func(uint64) error { return nil }))
		w.want(l.report(), want)
	}
}

func TestCancel(t *testing.T) {
	w := newWorld(t)
	w.mixed(3000)
	bucket, id := w.start(job.Selection{})
	a := w.auditor()
	reached, _ := gate(a, 1)
	w.runner("one", a)
	w.wait("the audit is in the middle", reached)
	_, err := bucket.Cancel(w.ctx, id)
	w.must(err)
	if j := w.await(bucket, id, ended); j.State != job.Cancelled {
		t.Errorf("it ended as %+v", j)
	}
}

// The server ends in the middle and comes back: nothing is called lost.
func TestNATSRestarts(t *testing.T) {
	w := newWorld(t)
	w.mixed(3000)
	want := w.audit()
	bucket, id := w.start(job.Selection{})
	a := w.auditor()
	reached, open := gate(a, 1)
	w.runner("one", a)
	w.wait("the audit is in the middle", reached)
	w.nats.stop()
	open()
	w.must(w.nats.start())
	j := w.await(bucket, id, ended)
	if j.State != job.Done {
		t.Fatalf("it ended as %+v", j)
	}
	w.want(w.reportOf(j), want)
}

// unsteady is a store that fails for a while.
type unsteady struct {
	jobs.Reader
	failures atomic.Int64
	err      error
}

// Held implements jobs.Reader.
func (u *unsteady) Held(ctx context.Context, ids []string) (map[string]store.Held, error) {
	if u.failures.Add(-1) >= 0 {
		return nil, fmt.Errorf("test: %w", u.err)
	}
	return u.Reader.Held(ctx, ids)
}

// A store that is away is waited for, one that wants a person is told.
func TestTheStoreIsAway(t *testing.T) {
	w := newWorld(t)
	w.mixed(2000)
	want := w.audit()
	for _, c := range []struct {
		err   error
		state job.State
	}{{store.ErrUnavailable, job.Done}, {store.ErrConfiguration, job.Failed}} {
		away := &unsteady{Reader: w.store, err: c.err}
		away.failures.Store(2)
		bucket, id := w.start(job.Selection{})
		stop := w.runner("one", w.auditor(func(cfg *Config) { cfg.Store = away }))
		j := w.await(bucket, id, ended)
		stop()
		if j.State != c.state {
			t.Errorf("after %v it ended as %+v", c.err, j)
		}
		if c.state == job.Done {
			w.want(w.reportOf(j), want)
		}
	}
}

// An audit is of whole ranges: by sequence, and by time at least of all that
// was received then.
func TestSelections(t *testing.T) {
	w := newWorld(t)
	w.publish(pageviews("a", 100)...)
	w.settle(100, nil)
	for _, c := range []struct {
		s           job.Selection
		first, last uint64
	}{
		{job.Selection{}, 1, 100},
		{job.Selection{FromSeq: 7, ToSeq: 9}, 7, 9},
		{job.Selection{FromSeq: 90, ToSeq: 900}, 90, 100},
		{job.Selection{From: time.Now().Add(-time.Hour), To: time.Now().Add(time.Hour)}, 1, 100},
		{job.Selection{From: time.Now().Add(2 * time.Hour)}, 101, 100},
		{job.Selection{To: time.Now().Add(-2 * time.Hour)}, 1, 0},
	} {
		got := w.account(w.auditor(), c.s, false)
		if got.FromSeq != c.first || got.ToSeq != c.last || got.Stored != c.last+1-c.first {
			t.Errorf("%+v: %+v", c.s, got)
		}
	}
	bucket, id := w.start(job.Selection{Application: "demo"})
	w.runner("one", w.auditor())
	if j := w.await(bucket, id, ended); j.State != job.Failed || !strings.Contains(j.Error, "every event") {
		t.Errorf("a part of the events: %+v", j)
	}
}
