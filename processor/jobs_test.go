package processor

import (
	"context"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/go-json-experiment/json/jsontext"
	"github.com/google/go-cmp/cmp"

	"github.com/theeye/theeye/shared/event"
	"github.com/theeye/theeye/shared/job"
	"github.com/theeye/theeye/shared/outcome/outcometest"
	"github.com/theeye/theeye/shared/store"
)

// After a schema was fixed, a replay changes the outcomes that the dry run predicted, in
// both directions, while two processors share the work.
func TestReplayChangesOutcomesAsTheDryRunPredicted(t *testing.T) {
	t.Parallel()
	fx := newFixture(t)
	const n = 300
	first, second := fx.startLive(), fx.startLive()
	fx.publishCases(n)
	fx.awaitSettled()
	if stored, rejected := fx.counts(); stored != 2*n || rejected != 2*n {
		t.Fatalf("before it %d are stored and %d rejected", stored, rejected)
	}
	unpublished := map[string]jsontext.Value{"page=20interaction/pageview": jsontext.Value(fixedSchema()["schemas/page=20interaction/pageview.json"])}
	id, _ := fx.createJob(job.Job{Kind: job.DryRun, Schemas: unpublished})
	before := awaitReport[job.Changes](fx, id)
	wantEachCase(t, before, n)
	fx.applyFiles(fixedSchema())
	id, target := fx.createJob(job.Job{Kind: job.Replay})
	wantEachCase(t, awaitReport[job.Changes](fx, id), n)
	fx.wantCases(n, target)

	// The report of the replay is that of the dry run.
	after := fx.awaitJob(id, "the job is kept", func(j job.Job) bool { return j.State == job.Done })
	if after.Done != after.Total || after.Runner != "" {
		t.Errorf("it ended at %d of %d, run by %q", after.Done, after.Total, after.Runner)
	}
	if diff := cmp.Diff(before, awaitReport[job.Changes](fx, id)); diff != "" {
		t.Errorf("the replay differs from the prediction (-predicted +done):\n%s", diff)
	}
	for _, change := range []job.Change{job.NewlyValid, job.StillRejected, job.NewlyRejected, job.Unchanged} {
		label := "change=" + string(change)
		if got := first.sumMetric("replayed_total", label) + second.sumMetric("replayed_total", label); got != n {
			t.Errorf("%v events were replayed as %s, want %d", got, change, n)
		}
	}
	id, _ = fx.createJob(job.Job{Kind: job.DryRun})
	now := awaitReport[job.Changes](fx, id)
	if now.NewlyValid != 0 || now.NewlyRejected != 0 || now.Unchanged != 2*n || now.StillRejected != 2*n {
		t.Errorf("after the replay a dry run reports %+v", now)
	}
}

// The process that runs a replay dies, and another one completes it.
func TestReplayOutlivesItsProcess(t *testing.T) {
	t.Parallel()
	fx := newFixture(t)
	const n = 300
	runners := map[string]*instance{}
	for range 2 {
		r := fx.startLive(func(c *Config) { c.jobLease = 3 * time.Second })
		runners[r.cfg.Heartbeat.Instance()] = r
	}
	fx.publishCases(n)
	fx.awaitSettled()
	fx.applyFiles(fixedSchema())
	id, target := fx.createJob(job.Job{Kind: job.Replay, MaxRate: 200})
	j := fx.awaitJob(id, "it is in the middle", func(j job.Job) bool { return j.Done > 0 && j.Done < j.Total })
	dead := runners[j.Runner]
	if dead == nil {
		t.Fatalf("it is run by %q", j.Runner)
	}
	if got := dead.sumMetric("jobs_running", "kind=replay"); got != 1 {
		t.Errorf("%v replays run there", got)
	}
	dead.nc.Close()
	_ = dead.awaitEnd() // with the error of the closed connection, or without
	report := awaitReport[job.Changes](fx, id)
	fx.wantCases(n, target)
	if total := report.NewlyValid + report.StillRejected + report.NewlyRejected + report.Unchanged; total < 4*n {
		t.Errorf("%d events are counted of %d", total, 4*n)
	}
	if e, err := fx.jobBucket().Get(fx.ctx(), id); err != nil || e.Runs < 2 {
		t.Errorf("it ran %d times (%v)", e.Runs, err)
	}
	if got := dead.sumMetric("jobs_running", "kind=replay"); got != 0 {
		t.Errorf("%v replays run in the dead process", got)
	}
}

func TestReplayByCodeChangesNoOtherEvents(t *testing.T) {
	t.Parallel()
	fx := newFixture(t)
	const n = 50
	r := fx.startLive()
	old := r.worker.validator.rules().Revision()
	fx.publishCases(n)
	for i := range n {
		fx.publish(unknownTypeEvent(fmt.Sprintf("new-%d", i)))
	}
	fx.awaitSettled()
	fx.applyFiles(fixedSchema())
	fx.applyFiles(knownTypeFiles())
	id, target := fx.createJob(job.Job{Kind: job.Replay, Selection: job.Selection{Only: job.OnlyRejected, Code: event.CodeUnknownType}})
	report := awaitReport[job.Changes](fx, id)
	if report.NewlyValid != n || report.StillRejected+report.NewlyRejected+report.Unchanged != 0 {
		t.Errorf("it reports %+v", report)
	}
	for i := range n {
		if d := fx.lookup(fmt.Sprintf("demo/new-%d", i)); d == nil || d.Status != store.Stored || d.Revision < target {
			t.Fatalf("one of the unknown types is %+v", d)
		}
		for change := range caseData {
			if d := fx.lookup(fmt.Sprintf("demo/%s-%d", change, i)); d.Revision != old {
				t.Fatalf("%s is at revision %d, it was validated against %d", d.ID, d.Revision, old)
			}
		}
	}
}

// A replay fails when the store refuses its configuration; the processor goes on.
func TestFailedJobDoesNotStopTheProcessor(t *testing.T) {
	t.Parallel()
	fx := newFixture(t)
	refusing := &hookedStore{Store: fx.store}
	r := fx.startLive(withStore(refusing))
	fx.publishCases(5)
	fx.awaitSettled()
	fx.applyFiles(fixedSchema())
	refusing.held = func() error { return store.ErrConfiguration }
	id, _ := fx.createJob(job.Job{Kind: job.Replay})
	j := fx.awaitJob(id, "it ends", func(j job.Job) bool { return j.State.Final() })
	if j.State != job.Failed || j.Error == "" {
		t.Errorf("it ended %s, and says %q", j.State, j.Error)
	}
	fx.publish(outcometest.Pageview("later"))
	fx.awaitSettled()
	for _, c := range r.Ready() {
		if c.Err != nil {
			t.Errorf("%s: %v", c.Name, c.Err)
		}
	}
}

// Held fails if the hook returns an error.
func (h *hookedStore) Held(ctx context.Context, ids []string) (map[string]store.Held, error) {
	if h.held != nil {
		if err := h.held(); err != nil {
			return nil, err
		}
	}
	return h.Store.Held(ctx, slices.Clone(ids))
}
