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

// startRunner starts a process that runs audits; the returned function ends it as a
// signal would.
func (fx *fixture) startRunner(name string, a *Auditor) (stop func()) {
	fx.t.Helper()
	r := jobs.New(jobs.Config{
		JetStream: fx.js, Instance: name, Tasks: map[job.Kind]jobs.Task{job.Audit: a.Audit},
		Logger: slog.New(slog.DiscardHandler), SaveEvery: 20 * time.Millisecond,
	})
	ctx, cancel := context.WithCancel(fx.ctx)
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		if err := r.Run(ctx); err != nil {
			fx.t.Error(err)
		}
	}()
	stop = func() { cancel(); <-ended }
	fx.t.Cleanup(stop)
	return stop
}

// createAudit creates an audit, which the next runner claims.
func (fx *fixture) createAudit(s job.Selection) (*job.Bucket, string) {
	fx.t.Helper()
	bucket, err := job.Open(fx.ctx, fx.js)
	fx.must(err)
	e, err := bucket.Create(fx.ctx, job.Job{Kind: job.Audit, Selection: s})
	fx.must(err)
	return bucket, e.ID
}

// awaitJob waits until a job fulfils a condition.
func (fx *fixture) awaitJob(bucket *job.Bucket, id string, done func(job.Job) bool) (last job.Job) {
	fx.t.Helper()
	fx.poll("the job fulfils the condition", func() bool {
		// Requests to a server that is starting time out.
		ctx, cancel := context.WithTimeout(fx.ctx, time.Second)
		defer cancel()
		e, err := bucket.Get(ctx, id)
		if err == nil {
			last = e.Job
		}
		return err == nil && done(last)
	})
	return last
}

func ended(j job.Job) bool { return j.State.Final() }

// reportOf returns the account of a job.
func (fx *fixture) reportOf(j job.Job) (a job.Account) {
	fx.t.Helper()
	fx.must(json.Unmarshal(j.Report, &a))
	return a
}

// publishMixed publishes n events, valid ones, rejected ones and duplicates, and
// settles them. The store misses some.
func (fx *fixture) publishMixed(n int) {
	fx.t.Helper()
	for i := range n / 100 {
		events := pageviews(fmt.Sprintf("p%d-", i), 97)
		fx.publish(append(events, events[0], pageview(events[1], "data", `5`), pageview(fmt.Sprint(i), "data", `5`))...)
	}
	fx.settleNext(n, func(seq uint64) bool { return seq%101 != 7 })
}

// gateReads blocks an audit after so many portions until it is opened.
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

// An audit that another process has continued ends with the same account.
func TestAuditResumesAtItsCheckpoint(t *testing.T) {
	fx := newFixture(t)
	fx.publishMixed(4000)
	want := fx.auditAll()
	if want.Missing == 0 || want.Duplicate == 0 || want.Rejected == 0 {
		t.Fatalf("there is nothing to see: %+v", want)
	}
	bucket, id := fx.createAudit(job.Selection{})
	first := fx.auditor()
	reached, _ := gateReads(first, 2)
	stop := fx.startRunner("first", first)
	fx.awaitClosed("the audit is in the middle", reached)
	fx.awaitJob(bucket, id, func(j job.Job) bool { return j.Checkpoint != nil && j.Total == 4000 })
	stop()
	// Events that are accepted since do not belong to the range.
	fx.publish(pageviews("since", 10)...)
	fx.startRunner("second", fx.auditor())
	j := fx.awaitJob(bucket, id, ended)
	if j.State != job.Done || j.Runs != 2 || j.Done != 4000 || j.Total != 4000 {
		t.Errorf("it ended as %+v", j)
	}
	fx.wantAccount(fx.reportOf(j), want)
}

// The report covers exactly the sequences before the checkpoint, at any time.
func TestCheckpointAndReportAreOfOneMoment(t *testing.T) {
	fx := newFixture(t)
	fx.publishMixed(3000)
	want := fx.auditAll()
	for portions := range int64(4) {
		a := fx.auditor()
		l := &report{}
		p, err := a.selectRange(fx.ctx, job.Selection{}, l)
		fx.must(err)
		ctx, cancel := context.WithCancel(fx.ctx)
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
		fx.must(a.newScan(l).accountFor(fx.ctx, span{p.Next, p.Last}, func(uint64) error { return nil }))
		fx.wantAccount(l.snapshot(), want)
	}
}

func TestCancelEndsAnAudit(t *testing.T) {
	fx := newFixture(t)
	fx.publishMixed(3000)
	bucket, id := fx.createAudit(job.Selection{})
	a := fx.auditor()
	reached, _ := gateReads(a, 1)
	fx.startRunner("one", a)
	fx.awaitClosed("the audit is in the middle", reached)
	_, err := bucket.Cancel(fx.ctx, id)
	fx.must(err)
	if j := fx.awaitJob(bucket, id, ended); j.State != job.Cancelled {
		t.Errorf("it ended as %+v", j)
	}
}

// NATS restarts in the middle of an audit: no event is called lost.
func TestAuditOutlastsARestartOfNATS(t *testing.T) {
	fx := newFixture(t)
	fx.publishMixed(3000)
	want := fx.auditAll()
	bucket, id := fx.createAudit(job.Selection{})
	a := fx.auditor()
	reached, open := gateReads(a, 1)
	fx.startRunner("one", a)
	fx.awaitClosed("the audit is in the middle", reached)
	fx.nats.Shutdown()
	open()
	fx.nats.Restart()
	j := fx.awaitJob(bucket, id, ended)
	if j.State != job.Done {
		t.Fatalf("it ended as %+v", j)
	}
	fx.wantAccount(fx.reportOf(j), want)
}

// flakyReader is a store that fails a number of times.
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

// An audit waits for an unavailable store, and fails if the store refuses its
// configuration.
func TestAuditWaitsForTheStore(t *testing.T) {
	fx := newFixture(t)
	fx.publishMixed(2000)
	want := fx.auditAll()
	for _, c := range []struct {
		err   error
		state job.State
	}{{store.ErrUnavailable, job.Done}, {store.ErrConfiguration, job.Failed}} {
		away := &flakyReader{Reader: fx.store, err: c.err}
		away.failures.Store(2)
		bucket, id := fx.createAudit(job.Selection{})
		stop := fx.startRunner("one", fx.auditor(func(cfg *Config) { cfg.Store = away }))
		j := fx.awaitJob(bucket, id, ended)
		stop()
		if j.State != c.state {
			t.Errorf("after %v it ended as %+v", c.err, j)
		}
		if c.state == job.Done {
			fx.wantAccount(fx.reportOf(j), want)
		}
	}
}

// An audit covers whole ranges: by sequence, and by time at least all events that were
// received then.
func TestSelectionIsARange(t *testing.T) {
	fx := newFixture(t)
	fx.publish(pageviews("a", 100)...)
	fx.settleNext(100, nil)
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
		got := fx.auditSelection(fx.auditor(), c.s, false)
		if got.FromSeq != c.first || got.ToSeq != c.last || got.Stored != c.last+1-c.first {
			t.Errorf("%+v: %+v", c.s, got)
		}
	}
	bucket, id := fx.createAudit(job.Selection{Application: "demo"})
	fx.startRunner("one", fx.auditor())
	if j := fx.awaitJob(bucket, id, ended); j.State != job.Failed || !strings.Contains(j.Error, "every event") {
		t.Errorf("a part of the events: %+v", j)
	}
}
