package processor

import (
	"fmt"
	"log/slog"
	"slices"
	"testing"

	"github.com/go-json-experiment/json"

	"github.com/theeye/theeye/shared/daemon"
	"github.com/theeye/theeye/shared/heartbeat"
	"github.com/theeye/theeye/shared/job"
	"github.com/theeye/theeye/shared/outcome/outcometest"
	"github.com/theeye/theeye/shared/registry"
	"github.com/theeye/theeye/shared/registry/editor"
	"github.com/theeye/theeye/shared/store"
)

// startLive starts a processor with a real heartbeat.
func (fx *fixture) startLive(change ...any) *instance {
	fx.t.Helper()
	h := &runningHeartbeat{cfg: heartbeat.Config{Service: "processor", Logger: slog.New(slog.DiscardHandler)}}
	var made *Service
	h.cfg.Oldest = func() uint64 { return made.OldestRevision() }
	r := fx.launchProcessor(slices.Concat([]any{h.configure, func(s *Service) { made = s }}, change)...)
	h.start(fx.t)
	fx.poll("the processor is ready", func() bool {
		return !slices.ContainsFunc(r.Ready(), func(c daemon.Check) bool { return c.Err != nil })
	})
	return r
}

func (fx *fixture) jobBucket() *job.Bucket {
	fx.t.Helper()
	b, err := job.Open(fx.ctx(), fx.js)
	if err != nil {
		fx.t.Fatal(err)
	}
	return b
}

// createJob creates a job; a replay gets a target, as the query API gives it one.
func (fx *fixture) createJob(j job.Job) (id string, target uint64) {
	fx.t.Helper()
	if j.Kind == job.Replay {
		var err error
		j.TargetRevision, err = editor.New(fx.js).Bump(fx.ctx(), registry.ChangeInfo{Author: "test"})
		if err != nil {
			fx.t.Fatal(err)
		}
	}
	e, err := fx.jobBucket().Create(fx.ctx(), j)
	if err != nil {
		fx.t.Fatal(err)
	}
	return e.ID, j.TargetRevision
}

// awaitJob waits until a job fulfils a condition.
func (fx *fixture) awaitJob(id, what string, done func(job.Job) bool) job.Job {
	fx.t.Helper()
	b := fx.jobBucket()
	var last job.Job
	defer func() {
		if fx.t.Failed() {
			fx.t.Logf("the job is %+v", last)
		}
	}()
	fx.poll(what, func() bool {
		e, err := b.Get(fx.ctx(), id)
		if err != nil {
			fx.t.Fatal(err)
		}
		last = e.Job
		return done(last)
	})
	return last
}

// awaitReport waits until a job is done, and returns its report.
func awaitReport[T any](fx *fixture, id string) (report T) {
	fx.t.Helper()
	j := fx.awaitJob(id, "the job ends", func(j job.Job) bool { return j.State.Final() })
	if j.State != job.Done {
		fx.t.Fatalf("the job ended %s: %s", j.State, j.Error)
	}
	if err := json.Unmarshal(j.Report, &report); err != nil {
		fx.t.Fatal(err)
	}
	return report
}

// fixedSchema returns a schema of pageviews that differs from the sample schema in both
// directions: the host may be anything, the path must have two characters.
func fixedSchema() map[string]string {
	return map[string]string{"schemas/page=20interaction/pageview.json": `{"type":"object","required":["host","path"],
		"properties":{"path":{"type":"string","minLength":2}}}`}
}

// caseData is the data of events by the change that the fixed schema makes.
var caseData = map[job.Change]string{
	job.Unchanged:     `{"host":"h","path":"/long"}`,
	job.NewlyRejected: `{"host":"h","path":"/"}`,
	job.NewlyValid:    `{"host":7,"path":"/long"}`,
	job.StillRejected: `{"host":7,"path":"/"}`,
}

// publishCases publishes n events of each case, with the ids <change>-<number>.
func (fx *fixture) publishCases(n int) {
	fx.t.Helper()
	var payloads []string
	for i := range n {
		for change, data := range caseData {
			payloads = append(payloads, outcometest.Event("event_id", fmt.Sprintf(`"%s-%d"`, change, i), "data", data))
		}
	}
	fx.publishAll(payloads)
}

// wantCases fails the test unless every event has the outcome under the fixed schema,
// at a revision or later.
func (fx *fixture) wantCases(n int, revision uint64) {
	fx.t.Helper()
	for change := range caseData {
		ids := make([]string, n)
		for i := range ids {
			ids[i] = fmt.Sprintf("demo/%s-%d", change, i)
		}
		held, err := fx.store.Held(fx.ctx(), ids)
		if err != nil {
			fx.t.Fatal(err)
		}
		want := store.Stored
		if change == job.NewlyRejected || change == job.StillRejected {
			want = store.Rejected
		}
		for _, id := range ids {
			if h, ok := held[id]; !ok || h.Status != want || h.Revision < revision {
				fx.t.Fatalf("%s is held %v as %+v, want it %s at revision %d", id, ok, h, want, revision)
			}
		}
	}
}

// wantEachCase fails the test unless a report counts n events of each case.
func wantEachCase(t testing.TB, report job.Changes, n uint64) {
	t.Helper()
	if report.NewlyValid != n || report.StillRejected != n || report.NewlyRejected != n || report.Unchanged != n {
		t.Errorf("%d newly valid, %d still rejected, %d newly rejected, %d unchanged, want %d of each",
			report.NewlyValid, report.StillRejected, report.NewlyRejected, report.Unchanged, n)
	}
}
