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

// startRunner starts a process that does audits; the returned function ends it as a
// signal would.
func (w *fixture) startRunner(name string, a *Auditor) (stop func()) {
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

// createAudit makes an audit that the next runner takes up.
func (w *fixture) createAudit(s job.Selection) (*job.Bucket, string) {
	w.t.Helper()
	bucket, err := job.Open(w.ctx, w.js)
	w.must(err)
	e, err := bucket.Create(w.ctx, job.Job{Kind: job.Audit, Selection: s})
	w.must(err)
	return bucket, e.ID
}

// awaitJob waits until a job is as wanted.
func (w *fixture) awaitJob(bucket *job.Bucket, id string, wanted func(job.Job) bool) (last job.Job) {
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
func (w *fixture) reportOf(j job.Job) (a job.Account) {
	w.t.Helper()
	w.must(json.Unmarshal(j.Report, &a))
	return a
}

// publishMixed is a stream with something of everything, and its account.
func (w *fixture) publishMixed(n int) {
	w.t.Helper()
	for i := range n / 100 {
		events := pageviews(fmt.Sprintf("p%d-", i), 97)
		w.publish(append(events, events[0], pageview(events[1], "data", `5`), pageview(fmt.Sprint(i), "data", `5`))...)
	}
	w.settleNext(n, func(seq uint64) bool { return seq%101 != 7 })
}

// gateReads lets an audit read so many portions.
func gateReads(a *Auditor, portions int64) (wait <-chan struct{}, open func()) {
	var read atomic.Int64
	reached, opened := make(chan struct{}), make(chan struct{})
	next := a.readStream
	a.readStream = func(ctx context.Context, js jetstream.JetStream, r stream.Range) iter.Seq2[[]stream.Raw, error] {
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
	w := newFixture(t)
	w.publishMixed(4000)
	want := w.auditAll()
	if want.Missing == 0 || want.Duplicate == 0 || want.Rejected == 0 {
		t.Fatalf("there is nothing to see: %+v", want)
	}
	bucket, id := w.createAudit(job.Selection{})
	first := w.auditor()
	reached, _ := gateReads(first, 2)
	stop := w.startRunner("first", first)
	w.awaitClosed("the audit is in the middle", reached)
	w.awaitJob(bucket, id, func(j job.Job) bool { return j.Checkpoint != nil && j.Total == 4000 })
	stop()
	// What is accepted since is not of the range.
	w.publish(pageviews("since", 10)...)
	w.startRunner("second", w.auditor())
	j := w.awaitJob(bucket, id, ended)
	if j.State != job.Done || j.Runs != 2 || j.Done != 4000 || j.Total != 4000 {
		t.Errorf("it ended as %+v", j)
	}
	w.wantAccount(w.reportOf(j), want)
}

// A checkpoint is where the report ends, whenever it is noted.
func TestCheckpointAndReportAreOfOneMoment(t *testing.T) {
	w := newFixture(t)
	w.publishMixed(3000)
	want := w.auditAll()
	for portions := range int64(4) {
		a := w.auditor()
		l := &report{}
		p, err := a.selectRange(w.ctx, job.Selection{}, l)
		w.must(err)
		ctx, cancel := context.WithCancel(w.ctx)
		left, noted := portions, l.snapshot()
		err = a.newScan(l).accountFor(ctx, span{p.Next, p.Last}, func(seq uint64) error {
			p.Next, noted = seq+1, l.snapshot()
			if left--; left <= 0 {
				cancel()
			}
			return nil
		})
		if err == nil && p.Next <= p.Last {
			t.Fatal("it did not stop")
		}
		cancel()
		l = &report{Account: noted}
		w.must(a.newScan(l).accountFor(w.ctx, span{p.Next, p.Last}, func(uint64) error { return nil }))
		w.wantAccount(l.snapshot(), want)
	}
}

func TestCancel(t *testing.T) {
	w := newFixture(t)
	w.publishMixed(3000)
	bucket, id := w.createAudit(job.Selection{})
	a := w.auditor()
	reached, _ := gateReads(a, 1)
	w.startRunner("one", a)
	w.awaitClosed("the audit is in the middle", reached)
	_, err := bucket.Cancel(w.ctx, id)
	w.must(err)
	if j := w.awaitJob(bucket, id, ended); j.State != job.Cancelled {
		t.Errorf("it ended as %+v", j)
	}
}

// The server ends in the middle and comes back: nothing is called lost.
func TestNATSRestarts(t *testing.T) {
	w := newFixture(t)
	w.publishMixed(3000)
	want := w.auditAll()
	bucket, id := w.createAudit(job.Selection{})
	a := w.auditor()
	reached, open := gateReads(a, 1)
	w.startRunner("one", a)
	w.awaitClosed("the audit is in the middle", reached)
	w.nats.Shutdown()
	open()
	w.nats.Restart()
	j := w.awaitJob(bucket, id, ended)
	if j.State != job.Done {
		t.Fatalf("it ended as %+v", j)
	}
	w.wantAccount(w.reportOf(j), want)
}

// flakyReader is a store that fails for a while.
type flakyReader struct {
	jobs.Reader
	failures atomic.Int64
	err      error
}

// Held implements jobs.Reader.
func (u *flakyReader) Held(ctx context.Context, ids []string) (map[string]store.Held, error) {
	if u.failures.Add(-1) >= 0 {
		return nil, fmt.Errorf("test: %w", u.err)
	}
	return u.Reader.Held(ctx, ids)
}

// A store that is away is waited for, one that wants a person is told.
func TestTheStoreIsAway(t *testing.T) {
	w := newFixture(t)
	w.publishMixed(2000)
	want := w.auditAll()
	for _, c := range []struct {
		err   error
		state job.State
	}{{store.ErrUnavailable, job.Done}, {store.ErrConfiguration, job.Failed}} {
		away := &flakyReader{Reader: w.store, err: c.err}
		away.failures.Store(2)
		bucket, id := w.createAudit(job.Selection{})
		stop := w.startRunner("one", w.auditor(func(cfg *Config) { cfg.Store = away }))
		j := w.awaitJob(bucket, id, ended)
		stop()
		if j.State != c.state {
			t.Errorf("after %v it ended as %+v", c.err, j)
		}
		if c.state == job.Done {
			w.wantAccount(w.reportOf(j), want)
		}
	}
}

// An audit is of whole ranges: by sequence, and by time at least of all that
// was received then.
func TestSelections(t *testing.T) {
	w := newFixture(t)
	w.publish(pageviews("a", 100)...)
	w.settleNext(100, nil)
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
		got := w.auditSelection(w.auditor(), c.s, false)
		if got.FromSeq != c.first || got.ToSeq != c.last || got.Stored != c.last+1-c.first {
			t.Errorf("%+v: %+v", c.s, got)
		}
	}
	bucket, id := w.createAudit(job.Selection{Application: "demo"})
	w.startRunner("one", w.auditor())
	if j := w.awaitJob(bucket, id, ended); j.State != job.Failed || !strings.Contains(j.Error, "every event") {
		t.Errorf("a part of the events: %+v", j)
	}
}
