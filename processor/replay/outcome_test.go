package replay

import (
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/nats-io/nats.go"

	"github.com/theeye/theeye/shared/event"
	"github.com/theeye/theeye/shared/job"
	"github.com/theeye/theeye/shared/store"
	"github.com/theeye/theeye/shared/stream"
)

// withoutGroups returns the counts without the groups.
func withoutGroups(c job.Changes) job.Changes {
	c.Groups, c.OmittedGroups = nil, 0
	return c
}

// A dry run predicts the changes of the replay after it, in both directions. A second
// replay changes nothing.
func TestReplayChangesOutcomesAsTheDryRunPredicts(t *testing.T) {
	t.Parallel()
	fx := newFixture(t)
	told := map[job.Change]uint64{}
	fx.startRunner("one", func(cfg *Config) { cfg.OnChange = func(change job.Change, events uint64) { told[change] += events } })
	fx.requireMember("a")
	events := slices.Concat(testEvents("gains", 30, "b"), testEvents("loses", 20, "a"), testEvents("keeps", 10, "ab"), testEvents("never", 5, "c"))
	fx.publish(events...)
	fx.settleAll()
	before := fx.requireMember("b")

	dry := fx.awaitDone(fx.createJob(job.DryRun, job.Selection{}))
	want := job.Changes{NewlyValid: 30, NewlyRejected: 20, Unchanged: 10, StillRejected: 5}
	if diff := cmp.Diff(want, withoutGroups(fx.reportOf(dry))); diff != "" {
		t.Errorf("the dry run (-want +got):\n%s", diff)
	}
	if dry.TargetRevision != before || dry.Done != 65 || dry.Total != 65 {
		t.Errorf("it judged by %d and not by %d; %d of %d", dry.TargetRevision, before, dry.Done, dry.Total)
	}
	if n := fx.documentStates(events); len(n) != 2 || n["stored at 2"] != 30 || n["rejected at 2"] != 35 {
		t.Errorf("after the dry run: %v", n)
	}

	done := fx.awaitDone(fx.createJob(job.Replay, job.Selection{}))
	if diff := cmp.Diff(fx.reportOf(dry), fx.reportOf(done)); diff != "" {
		t.Errorf("the replay did otherwise than the dry run said (-said +did):\n%s", diff)
	}
	if diff := cmp.Diff(map[job.Change]uint64{job.NewlyValid: 30, job.NewlyRejected: 20, job.Unchanged: 10, job.StillRejected: 5}, told); diff != "" {
		t.Errorf("it told (-want +got):\n%s", diff)
	}
	if done.Done != 65 || done.Total != 65 || done.Phase != "" {
		t.Errorf("it ended at %d of %d, %q", done.Done, done.Total, done.Phase)
	}
	for id, h := range fx.heldByID(ids(events)...) {
		if wantStored := id[5] == 'g' || id[5] == 'k'; h.Revision != done.TargetRevision || (h.Status == store.Stored) != wantStored {
			t.Errorf("%s is %s at %d", id, h.Status, h.Revision)
		}
	}
	again := fx.awaitDone(fx.createJob(job.Replay, job.Selection{}))
	if diff := cmp.Diff(job.Changes{Unchanged: 40, StillRejected: 25}, withoutGroups(fx.reportOf(again))); diff != "" {
		t.Errorf("the second replay (-want +got):\n%s", diff)
	}
	if names := fx.consumerNames(); len(names) != 0 {
		t.Errorf("consumers stay: %v", names)
	}
}

// Copies, conflicts, unreadable messages and events that no processor has written are
// counted in the report, and a replay writes each of them at its origin.
func TestReportCountsEveryKindOfMessage(t *testing.T) {
	t.Parallel()
	fx := newFixture(t)
	fx.startRunner("one")
	fx.requireMember("a")
	fx.publish(
		testEvent{id: "copied", has: "b"}, testEvent{id: "copied", has: "b"}, testEvent{id: "copied", has: "b"},
		testEvent{id: "contested", has: "a"}, testEvent{id: "contested", has: "b"},
	)
	foreign := nats.NewMsg(stream.Unregistered("demo"))
	foreign.Data = []byte("\x00 nothing that a collector wrote")
	broken := testEvent{id: "broken", has: "a"}.msg(fx.began)
	broken.Data = broken.Data[:40]
	headless := nats.NewMsg("events.who.knows.what")
	fx.publishMsg(foreign, broken, headless)
	fx.settleAll()
	fx.requireMember("b")
	fx.publish(testEvent{id: "waits", has: "b"}) // no processor takes it
	want := job.Changes{NewlyValid: 1, Duplicates: 2, NewlyRejected: 1, StillRejected: 4, Pending: 1}

	dry := fx.awaitDone(fx.createJob(job.DryRun, job.Selection{}))
	if diff := cmp.Diff(want, withoutGroups(fx.reportOf(dry))); diff != "" {
		t.Errorf("the dry run (-want +got):\n%s", diff)
	}
	done := fx.awaitDone(fx.createJob(job.Replay, job.Selection{}))
	if diff := cmp.Diff(want, withoutGroups(fx.reportOf(done))); diff != "" {
		t.Errorf("the replay (-want +got):\n%s", diff)
	}
	codes := map[string]uint64{}
	for _, g := range fx.reportOf(done).Groups {
		codes[string(g.Change)+" "+g.Code] += g.Count
	}
	if diff := cmp.Diff(map[string]uint64{
		"newly_valid " + event.CodeSchemaViolation: 1, "newly_rejected " + event.CodeSchemaViolation: 1,
		"still_rejected " + event.CodeIDConflict: 1, "still_rejected " + event.CodeInvalidMessage: 2,
		"still_rejected " + event.CodeInvalidJSON: 1,
	}, codes); diff != "" {
		t.Errorf("groups (-want +got):\n%s", diff)
	}
	for id, status := range map[string]store.Status{"copied": store.Stored, "contested": store.Rejected, "waits": store.Stored} {
		if h := fx.heldByID(id)[id]; h.Status != status || h.Revision != done.TargetRevision {
			t.Errorf("%s is %s at %d", id, h.Status, h.Revision)
		}
	}
	if h := fx.heldByID("copied")["copied"]; h.Origin.Seq != 1 {
		t.Errorf("the copies' place is %d", h.Origin.Seq)
	}
}

// If the store holds the later copy of an event, it gets the first one, and the event
// counts once.
func TestFirstCopyReplacesALaterOne(t *testing.T) {
	t.Parallel()
	fx := newFixture(t)
	fx.startRunner("one")
	fx.requireMember("a")
	fx.publish(testEvent{id: "e", has: "b"}, testEvent{id: "e", has: "b"})
	set := fx.reg.Snapshot().Schemas
	for portion, err := range stream.Read(fx.ctx, fx.js, stream.Range{First: 2}) {
		fx.must(err)
		_, err = fx.write(fx.ctx, set.Revision(), []*store.Document{fx.evaluate(portion[0], set)}, nil)
		fx.must(err)
	}
	fx.requireMember("b")
	want := job.Changes{NewlyValid: 1, Duplicates: 1}
	for _, kind := range []job.Kind{job.DryRun, job.Replay} {
		if diff := cmp.Diff(want, withoutGroups(fx.reportOf(fx.awaitDone(fx.createJob(kind, job.Selection{}))))); diff != "" {
			t.Errorf("%s (-want +got):\n%s", kind, diff)
		}
	}
	if h := fx.heldByID("e")["e"]; h.Status != store.Stored || h.Origin.Seq != 1 {
		t.Errorf("it is %s, of place %d", h.Status, h.Origin.Seq)
	}
}

// A replay does not write an expired event again, and leaves a document alone that has
// expired under the new retention.
func TestExpiredEventsAreNotWritten(t *testing.T) {
	t.Parallel()
	fx := newFixture(t)
	fx.startRunner("one")
	fx.requireMember("a")
	old := []testEvent{{id: "held", has: "a", received: -3 * time.Hour}, {id: "fresh", has: "a"}}
	fx.publish(old...)
	fx.settleAll()
	revision := fx.apply(map[string]string{"policy.json": `{"retention":{"stored":"1h","rejected":"1h"}}`})
	fx.publish(testEvent{id: "gone", has: "a", received: -2 * time.Hour})
	want := job.Changes{Unchanged: 1, Expired: 2}
	for _, kind := range []job.Kind{job.DryRun, job.Replay} {
		if diff := cmp.Diff(want, withoutGroups(fx.reportOf(fx.awaitDone(fx.createJob(kind, job.Selection{}))))); diff != "" {
			t.Errorf("%s (-want +got):\n%s", kind, diff)
		}
	}
	held := fx.heldByID("held", "fresh", "gone")
	if h, ok := held["held"]; !ok || h.Revision >= revision {
		t.Errorf("what was held is at %d", h.Revision)
	}
	if _, ok := held["gone"]; ok || held["fresh"].Revision <= revision {
		t.Errorf("the others are %v", held)
	}
}

// The unpublished schemas of a dry run may be those of new types.
func TestDryRunValidatesAgainstUnpublishedSchemas(t *testing.T) {
	t.Parallel()
	fx := newFixture(t)
	fx.startRunner("one")
	fx.requireMember("a")
	fx.publish(slices.Concat(testEvents("loses", 7, "a"), []testEvent{{id: "new1", name: "brand new", has: "z"}, {id: "new2", name: "brand new", has: "y"}})...)
	fx.settleAll()
	done := fx.awaitDone(fx.createJob(job.DryRun, job.Selection{}, func(j *job.Job) {
		j.Schemas = map[string]jsonValue{"page/view": jsonValue(`{"required":["b"]}`), "page/brand=20new": jsonValue(`{"required":["z"]}`)}
	}))
	got := fx.reportOf(done)
	if diff := cmp.Diff(job.Changes{NewlyRejected: 7, NewlyValid: 1, StillRejected: 1}, withoutGroups(got)); diff != "" {
		t.Errorf("counts (-want +got):\n%s", diff)
	}
	if fx.reg.Snapshot().Schemas.Known("page", "brand new") {
		t.Error("the dry run has published a type")
	}
	g := got.Groups[0]
	if g.Change != job.NewlyRejected || g.Count != 7 || len(g.Samples) != job.MaxSamples || g.Category != "page" || g.Name != "view" {
		t.Errorf("the largest group is %+v", g)
	}
	for i, s := range g.Samples {
		want := job.Sample{Application: "demo", EventID: testEvents("loses", 7, "a")[i].id, Seq: uint64(i + 1), After: s.After}
		if diff := cmp.Diff(want, s, cmpopts.EquateEmpty()); diff != "" || len(s.After) != 1 || s.After[0].Code != event.CodeSchemaViolation {
			t.Errorf("sample %d (-want +got):\n%s", i, diff)
		}
	}
	for text, says := range map[string]string{"page": "schemas: ", "page/view": "has 1 faults"} {
		failed := fx.awaitJob(fx.createJob(job.DryRun, job.Selection{}, func(j *job.Job) {
			j.Schemas = map[string]jsonValue{text: jsonValue(`{"type":1}`)}
		}), "it fails", func(j job.Job) bool { return j.State == job.Failed })
		if !containsText(failed.Error, says) {
			t.Errorf("a schema of %q: %q", text, failed.Error)
		}
	}
}
