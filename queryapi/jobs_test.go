package queryapi_test

import (
	"slices"
	"testing"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
	"github.com/google/go-cmp/cmp"

	"github.com/theeye/theeye/shared/api"
	"github.com/theeye/theeye/shared/event"
	"github.com/theeye/theeye/shared/job"
)

// A replay from its start to its report, as a processor runs it.
func TestReplayIsStartedShownAndCancelled(t *testing.T) {
	fx := newFixture(t)
	fx.runHeartbeat("processor")
	fx.publish("shop", time.Now(), `{}`)
	put := fx.asOperator(201, "PUT", typePath("c", "n"), hostSchema)
	made := fx.startJob("/v1/replays", `{"from":"2026-01-02 03:04:05.123456","to":"2999-02-02T03:04:05+01:00","from_seq":2,"to_seq":900,
		"application":"shop","category":"c","name":"n","only":"rejected","code":"schema_violation","rate":50}`, "X-Eye-Note", "host is optional now")
	at := time.Date(2026, 1, 2, 3, 4, 5, 123456000, time.UTC)
	want := jobItem{
		ID: made.ID, State: job.Queued, TargetRevision: made.TargetRevision, MaxRate: 50, Author: "o", Note: "host is optional now",
		CreatedAt: made.CreatedAt, Selection: job.Selection{
			From: at, To: time.Date(2999, 2, 2, 2, 4, 5, 0, time.UTC), FromSeq: 2, ToSeq: 900,
			Application: "shop", Category: "c", Name: "n", Only: "rejected", Code: "schema_violation",
		},
	}
	if diff := cmp.Diff(want, made); diff != "" || made.TargetRevision <= put.Revision {
		t.Errorf("made (-want +got):\n%s, revision %d after %d", diff, made.TargetRevision, put.Revision)
	}
	if r := fx.jobRecord(made.ID); r.Kind != job.Replay || r.MaxRate != 50 || !cmp.Equal(r.Selection, want.Selection) || r.TargetRevision != made.TargetRevision {
		t.Errorf("%+v", r)
	}
	eventually(t, "the target is a revision", func() bool { return fx.revisionMetric() == made.TargetRevision })

	fault := []event.Fault{{Code: "schema_violation", Path: "/data/host", Message: "the member is missing"}}
	sample := job.Sample{Application: "shop", EventID: "x", Seq: 5, Before: fault, After: []event.Fault{}}
	found := job.Changes{NewlyValid: 1, Unchanged: 3, Groups: []job.Group{{
		Category: "c", Name: "n", Code: "schema_violation", Path: "/data/host", Change: job.NewlyValid, Count: 1, Samples: []job.Sample{sample},
	}}}
	for done := uint64(4); done <= 12; done += 4 {
		fx.updateJob(made.ID, func(j *job.Job) {
			j.State, j.Runner, j.StartedAt, j.Phase = job.Running, "p1", at, "writes"
			j.Done, j.Total, j.Rate, j.Checkpoint = done, 12, 17.5, jsontext.Value(`{"secret":"of the runner"}`)
			found.Unchanged = done - 1
			j.Report = encodeValue(t, found)
		})
		got := fx.showJob("/v1/replays", made.ID)
		var report job.Changes
		fx.decodeReport(got, &report)
		if diff := cmp.Diff(found, report); diff != "" || got.Done != done || got.Total != 12 || got.Rate != 17.5 || got.Phase != "writes" ||
			got.State != job.Running || got.StartedAt != event.FormatTime(at) {
			t.Errorf("after %d events (-want +got):\n%s %+v", done, diff, got)
		}
	}
	fx.updateJob(made.ID, func(j *job.Job) { j.State, j.EndedAt, j.Runner = job.Done, at.Add(time.Second), "" })
	if got := fx.showJob("/v1/replays", made.ID); got.State != job.Done || got.EndedAt != event.FormatTime(at.Add(time.Second)) || got.Report == nil {
		t.Errorf("%+v", got)
	}
	if list := fx.listJobs("/v1/replays"); len(list) != 1 || list[0].Report != nil || list[0].Done != 12 {
		t.Errorf("%+v", list)
	}
	// A finished job is not changed.
	if got := fx.cancelJob("/v1/replays", made.ID); got.State != job.Done || got.Cancelling {
		t.Errorf("%+v", got)
	}
	var changes []entry // they are recorded a moment later
	eventually(t, "the target is among the changes", func() bool {
		changes = fx.asOperator(200, "GET", "/v1/changes?kind=replay", "").Changes
		return len(changes) > 0
	})
	if len(changes) != 1 || changes[0].Revision != made.TargetRevision || changes[0].Note != "host is optional now" {
		t.Errorf("%+v", changes)
	}
}

// Jobs of one kind are queued behind each other; none is refused for that.
func TestJobsOfOneKindQueue(t *testing.T) {
	fx := newFixture(t)
	fx.startReplay(`{}`, nil) // it is done, and waited for no more
	first := fx.startJob("/v1/replays", `{}`)
	second := fx.startJob("/v1/replays", `{}`)
	dry := fx.startJob("/v1/replays", `{"dry_run":true}`)
	audit := fx.startJob("/v1/audits", `{}`)
	if second.TargetRevision <= first.TargetRevision || dry.TargetRevision != 0 || audit.TargetRevision != 0 {
		t.Errorf("targets %d %d, %d of a dry run, %d of an audit", first.TargetRevision, second.TargetRevision, dry.TargetRevision, audit.TargetRevision)
	}
	fx.updateJob(first.ID, func(j *job.Job) { j.State = job.Running })
	third := fx.startJob("/v1/replays", `{}`)
	behind := map[string][]string{second.ID: {first.ID}, third.ID: {first.ID, second.ID}}
	for _, j := range []jobItem{first, second, third} {
		for where, got := range map[string]jobItem{"made": j, "one": fx.showJob("/v1/replays", j.ID)} {
			if where == "made" && j.ID == first.ID {
				continue
			}
			if diff := cmp.Diff(behind[j.ID], got.QueuedBehind); diff != "" {
				t.Errorf("%s waits (-want +got):\n%s", where, diff)
			}
		}
	}
	for _, j := range append(fx.listJobs("/v1/replays"), fx.listJobs("/v1/audits")...) {
		if diff := cmp.Diff(behind[j.ID], j.QueuedBehind); diff != "" {
			t.Errorf("in the list it waits (-want +got):\n%s", diff)
		}
	}
	if diff := cmp.Diff([]string{third.ID, dry.ID, second.ID, first.ID}, jobIDs(fx.listJobs("/v1/replays"))[:4]); diff != "" {
		t.Errorf("replays (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]string{audit.ID}, jobIDs(fx.listJobs("/v1/audits"))); diff != "" {
		t.Errorf("audits (-want +got):\n%s", diff)
	}
	// A job is found in its own collection alone.
	for _, method := range []string{"GET", "DELETE"} {
		fx.asOperator(404, method, "/v1/audits/"+dry.ID, "")
		fx.asOperator(404, method, "/v1/replays/"+audit.ID, "")
	}
	if got := fx.jobRecord(audit.ID); got.State != job.Queued {
		t.Errorf("%+v", got)
	}
}

// A queued job ends at once, a running one when its runner sees the request.
func TestCancelEndsQueuedAndRunningJobs(t *testing.T) {
	fx := newFixture(t)
	for _, path := range []string{"/v1/replays", "/v1/audits", "/v1/retentions"} {
		running := fx.startJob(path, `{}`)
		queued := fx.startJob(path, `{}`)
		fx.updateJob(running.ID, func(j *job.Job) { j.State, j.Runner = job.Running, "p1" })
		if got := fx.cancelJob(path, queued.ID); got.State != job.Cancelled || got.EndedAt == "" || !got.Cancelling {
			t.Errorf("%+v", got)
		}
		if got := fx.cancelJob(path, running.ID); got.State != job.Running || !got.Cancelling {
			t.Errorf("%+v", got)
		}
		fx.updateJob(running.ID, func(j *job.Job) { j.State = job.Cancelled })
		for _, id := range []string{running.ID, queued.ID} {
			if got := fx.showJob(path, id); got.State != job.Cancelled {
				t.Errorf("%+v", got)
			}
		}
	}
}

// An invalid id reads no other key of the bucket.
func TestInvalidJobIDReadsNoOtherKey(t *testing.T) {
	fx := newFixture(t)
	for _, id := range []string{"a", "stream", "audit", "*", "%3E", "..", "%2E%2E", "job.x", "0123456789ABCDEF0", "0123456789abcdef", "0123456789abcdef00", "%00", "é"} {
		fx.asOperator(404, "GET", "/v1/replays/"+id, "")
		fx.asOperator(404, "DELETE", "/v1/audits/"+id, "")
	}
	fx.asOperator(400, "GET", "/v1/replays/%FF", "")
	fx.asOperator(404, "GET", "/v1/replays/a/b", "")
}

// Pages contain every job once, also while jobs are created.
func TestPagesOfJobsHaveEveryJobOnce(t *testing.T) {
	fx := newFixture(t)
	var want []string
	for range 5 {
		want = append(want, fx.startJob("/v1/replays", `{"dry_run":true}`).ID)
	}
	slices.Sort(want)
	slices.Reverse(want)
	var got []string
	for cursor := ""; ; {
		page, next := fx.jobPage("/v1/replays?limit=2" + cursor)
		got = append(got, jobIDs(page)...)
		if next == "" {
			break
		}
		cursor = "&cursor=" + next
		fx.startJob("/v1/replays", `{"dry_run":true}`)
		fx.startJob("/v1/audits", `{}`)
		if f := fx.asOperator(400, "GET", "/v1/audits?limit=2"+cursor, ""); f.Code != "invalid_cursor" {
			t.Errorf("%s", f.raw)
		}
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("jobs (-want +got):\n%s", diff)
	}
	fx.asOperator(400, "GET", "/v1/replays?limit=0", "")
}

// The number of unfinished jobs is bounded, and no revision is made for a job
// that is refused.
func TestUnfinishedJobsAreBounded(t *testing.T) {
	fx := newFixture(t)
	b := fx.jobBucket()
	for range job.MaxUnfinished {
		if _, err := b.Create(fx.ctx(), job.Job{Kind: job.Audit}); err != nil {
			t.Fatal(err)
		}
	}
	for _, path := range []string{"/v1/replays", "/v1/audits", "/v1/retentions"} {
		if f := fx.asOperator(429, "POST", path, `{}`); f.Code != "too_many_jobs" || f.header.Get("Retry-After") == "" {
			t.Errorf("%s", f.raw)
		}
	}
	if at := fx.newestRevision(); at != 0 {
		t.Errorf("revision %d was made", at)
	}
	last := fx.listJobs("/v1/audits?limit=1000")
	fx.asOperator(200, "DELETE", "/v1/audits/"+last[0].ID, "")
	fx.startJob("/v1/replays", `{}`)
	if n := len(last[0].QueuedBehind); n != job.MaxUnfinished-1 {
		t.Errorf("%d jobs are before the last one", n)
	}
}

// A retention job applies the policy that is in force when it is started, and the
// status shows the newest one.
func TestRetentionJobAppliesThePresentPolicy(t *testing.T) {
	fx := newFixture(t)
	fx.runHeartbeat("processor")
	first := fx.startJob("/v1/retentions", `{}`)
	if r := fx.jobRecord(first.ID); r.Kind != job.Retention || string(r.Retention) != `{}` {
		t.Errorf("without a policy: %+v", r)
	}
	put := fx.asOperator(201, "PUT", "/v1/policy", `{"future_skew":"1m","retention":{"stored":"720h"}}`)
	second := fx.startJob("/v1/retentions", `{}`, "X-Eye-Note", "again")
	if r := fx.jobRecord(second.ID); string(r.Retention) != `{"stored":"720h"}` || r.TargetRevision != put.Revision || r.Author != "o" || r.Note != "again" {
		t.Errorf("with a policy: %+v", r)
	}
	fx.updateJob(second.ID, func(j *job.Job) {
		j.State, j.Done, j.Total = job.Running, 3, 9
		j.Report = jsontext.Value(`{"documents":3,"changed":2}`)
	})
	fx.updateJob(first.ID, func(j *job.Job) { j.State = job.Cancelled })
	var status api.Status
	if err := json.Unmarshal([]byte(fx.asOperator(200, "GET", "/v1/status", "").raw), &status); err != nil {
		t.Fatal(err)
	}
	if r := status.Retention; r == nil || r.ID != second.ID || r.Done != 3 || r.Total != 9 || string(r.Report) != `{"documents":3,"changed":2}` {
		t.Errorf("the status shows %+v", r)
	}
}
