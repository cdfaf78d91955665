package queryapi_test

import (
	"encoding/json"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/theeye/theeye/shared/event"
	"github.com/theeye/theeye/shared/job"
	"github.com/theeye/theeye/shared/outcome"
	"github.com/theeye/theeye/shared/registry"
	"github.com/theeye/theeye/shared/store"
	"github.com/theeye/theeye/shared/stream"
)

const pathless = `{"event_id":"x","session_id":"` + aSession + `","category":"c","name":"n","data":{"host":"h"},"timestamp":"2026-01-01T00:00:00Z"}`

// An event that was rejected until its schema was corrected and a replay ran.
func TestTraceShowsOutcomesThroughAReplay(t *testing.T) {
	fx := newFixtureOnMongo(t)
	strict := fx.asOperator(201, "PUT", typePath("c", "n"), pathSchema).Revision
	fx.asOperator(201, "PUT", typePath("other", "n"), pathSchema)
	received := time.Now()
	seq := fx.publish("shop", received, pathless)
	before := fx.processMessage(seq, strict+1)
	lenient := fx.asOperator(200, "PUT", typePath("c", "n"), hostSchema, "If-Match", quoted(strict)).Revision

	fault := []event.Fault{{Code: "schema_violation", Path: "/data/path", Message: "the member is missing"}}
	stored := outcomeItem{Basis: "store", Revision: strict + 1, Status: "rejected", Errors: fault, SchemaVersion: strict}
	first := outcomeItem{
		Basis: "recomputed", Revision: strict + 1, Status: "rejected", Errors: fault, SchemaVersion: strict,
		At: event.FormatTime(received),
	}
	want := traceItem{
		Application: "shop", EventID: "x", ReceivedAt: event.FormatTime(before.ReceivedAt), Origin: before.Origin, Message: "kept",
		Outcomes: []outcomeItem{stored, first},
	}
	if diff := cmp.Diff(want, fx.showTrace("x")); diff != "" {
		t.Errorf("before the replay (-want +got):\n%s", diff)
	}

	replay := fx.startReplay(`{"category":"c","to":"2999-01-01T00:00:00Z"}`, nil)
	fx.processMessage(seq, replay.TargetRevision)
	want.Outcomes = []outcomeItem{
		{Basis: "store", Revision: replay.TargetRevision, Status: "stored", SchemaVersion: lenient},
		first,
		{
			Basis: "recomputed", Revision: replay.TargetRevision, Status: "stored", SchemaVersion: lenient, Job: replay.ID,
			At: event.FormatTime(fx.jobRecord(replay.ID).EndedAt),
		},
	}
	if diff := cmp.Diff(want, fx.showTrace("x")); diff != "" {
		t.Errorf("after the replay (-want +got):\n%s", diff)
	}
	// An event received after the target revision was validated by it, or a later one.
	fx.processMessage(fx.publish("shop", time.Now(), anEvent("later", aSession, "c", "n", "2026-01-01T00:00:00Z")), replay.TargetRevision)
	if got := fx.showTrace("later"); len(got.Outcomes) != 2 || got.Outcomes[1].Revision != replay.TargetRevision || got.Outcomes[1].Job != "" {
		t.Errorf("%+v", got)
	}
}

// Only replays that wrote, and whose selection covers the event, are shown.
func TestTraceShowsReplaysThatCoveredTheEvent(t *testing.T) {
	fx := newFixtureOnMongo(t)
	seq := fx.publish("shop", time.Now(), pathless)
	fx.processMessage(seq, 0)
	for _, body := range []string{
		`{"application":"blog"}`, `{"from_seq":2}`, `{"dry_run":true}`,
	} {
		fx.startReplay(body, nil)
	}
	for _, s := range []job.Selection{ // started before the events of today
		{To: time.Date(2020, 1, 1, 0, 0, 0, 0, time.UTC)}, {From: time.Date(2999, 1, 1, 0, 0, 0, 0, time.UTC)}, {Name: "other"},
	} {
		fx.startReplay(`{}`, func(j *job.Job) { j.Selection = s })
	}
	fx.startJob("/v1/replays", `{}`) // it has not begun
	fx.startReplay(`{}`, func(j *job.Job) { j.TargetRevision = 1000 })
	began := time.Now().UTC().Truncate(time.Millisecond)
	want := []outcomeItem{
		{Job: fx.startReplay(`{"name":"n","to_seq":1}`, nil).ID},
		{Job: fx.startReplay(`{"code":"unknown_type"}`, nil).ID, Maybe: true},
		{Job: fx.startReplay(`{}`, func(j *job.Job) { j.State = job.Cancelled }).ID, Maybe: true},
		{Job: fx.startReplay(`{}`, func(j *job.Job) { j.State = job.Failed }).ID, Maybe: true},
		{Job: fx.startReplay(`{}`, func(j *job.Job) {
			j.State, j.StartedAt, j.EndedAt = job.Running, began, time.Time{}
		}).ID, Maybe: true, At: event.FormatTime(began)},
	}
	tr := fx.showTrace("x")
	if len(tr.Outcomes) != 2+len(want) || tr.Omitted != 1 {
		t.Fatalf("%+v", tr)
	}
	for i, o := range tr.Outcomes[2:] {
		if o.Job != want[i].Job || o.Maybe != want[i].Maybe || want[i].At != "" && o.At != want[i].At || o.Revision <= tr.Outcomes[1+i].Revision {
			t.Errorf("%+v, want %+v", o, want[i])
		}
	}
}

// The revisions of one trace are bounded; the newest replays are shown.
func TestTraceIsBounded(t *testing.T) {
	fx := newFixtureOnMongo(t)
	fx.processMessage(fx.publish("shop", time.Now(), pathless), 0)
	var last jobItem
	for range 25 {
		last = fx.startReplay(`{}`, nil)
	}
	tr := fx.showTrace("x")
	if len(tr.Outcomes) != 21 || tr.Omitted != 6 || tr.Outcomes[20].Job != last.ID || tr.Outcomes[1].Revision != 0 {
		t.Errorf("%d outcomes, %d omitted, %+v", len(tr.Outcomes), tr.Omitted, tr.Outcomes)
	}
}

// Without its message, only the outcome of the store is known.
func TestTraceWithoutMessageShowsTheStore(t *testing.T) {
	fx := newFixtureOnMongo(t)
	fx.putEvents("shop", time.Now(), anEvent("earlier", aSession, "c", "n", "2026-01-01T00:00:00Z")) // of an earlier stream
	seq := fx.publish("shop", time.Now(), pathless)
	fx.processMessage(seq, 0)
	fx.publish("shop", time.Now(), anEvent("y", aSession, "c", "n", "2026-01-01T00:00:00Z"))
	lost := fx.document("shop", time.Now(), anEvent("lost", aSession, "c", "n", "2026-01-01T00:00:00Z"))
	lost.Origin = store.Origin{Epoch: fx.epoch(), Seq: 1000}
	fx.writeDocuments(lost)
	events, err := fx.js.Stream(fx.ctx(), stream.Name)
	if err != nil {
		t.Fatal(err)
	}
	// This stream also has a message at the sequence of the earlier stream.
	for id, want := range map[string]string{"earlier": "purged", "x": "kept"} {
		if got := fx.showTrace(id); got.Message != want || got.Origin.Seq != 1 {
			t.Errorf("%s: %+v", id, got)
		}
	}
	if err := events.Purge(fx.ctx(), jetstream.WithPurgeSequence(seq+1)); err != nil {
		t.Fatal(err)
	}
	for id, want := range map[string]string{"earlier": "purged", "x": "purged", "lost": "lost"} {
		if got := fx.showTrace(id); got.Message != want || len(got.Outcomes) != 1 || got.Outcomes[0].Basis != "store" {
			t.Errorf("%s: %+v", id, got)
		}
	}
}

// A pending event has no outcome, and its first message is its origin.
func TestTraceOfPendingEvent(t *testing.T) {
	fx := newFixtureOnMongo(t)
	received := time.Now()
	seq := fx.publish("shop", received, pathless)
	fx.publish("shop", received, pathless)
	want := traceItem{
		Application: "shop", EventID: "x", ReceivedAt: event.FormatTime(received.Truncate(time.Millisecond)),
		Origin: store.Origin{Epoch: fx.epoch(), Seq: seq}, Message: "kept", Outcomes: []outcomeItem{},
	}
	if diff := cmp.Diff(want, fx.showTrace("x")); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// Other contents under the same id are listed, and not mixed up.
func TestTraceListsConflictingCopies(t *testing.T) {
	fx := newFixtureOnMongo(t)
	fx.processMessage(fx.publish("shop", time.Now(), anEvent("x", aSession, "c", "n", "2026-01-01T00:00:00Z")), 0)
	other := fx.processMessage(fx.publish("shop", time.Now(), pathless), 0)
	for _, app := range []string{"blog", "shop"} { // other events
		for _, raw := range []string{pathless, anEvent("x", anotherOne, "c", "n", "2026-01-01T00:00:00Z")} {
			if app == "shop" {
				raw = strings.Replace(raw, `"x"`, `"y"`, 1)
			}
			fx.processMessage(fx.publish(app, time.Now(), raw), 0)
		}
	}
	tr := fx.showTrace("x")
	if len(tr.Copies) != 1 || tr.Copies[0].Origin != other.Origin || tr.Copies[0].ContentHash != other.ContentHash || tr.Origin.Seq != 1 || len(tr.Outcomes) != 2 {
		t.Errorf("%+v", tr)
	}
	if got := fx.ask("GET", operator, "/v1/events/x/trace", ""); got.status != http.StatusConflict || got.Code != "ambiguous_event" {
		t.Errorf("%s", got.raw)
	}
}

// For any id its own trace is found.
func TestFindsTraceByAnyID(t *testing.T) {
	fx := newFixtureOnMongo(t)
	ids := append([]string{"trace", "x/trace", "/trace", "trace/trace"}, oddIDs...)
	for _, id := range ids {
		fx.putEvents("shop", time.Now(), anEvent(id, aSession, "c", "n", "2026-01-01T00:00:00Z"))
	}
	for _, id := range ids {
		got := fx.ask("GET", operator, "/v1/events/"+everyByteEscaped(id)+"/trace", "")
		if got.status != http.StatusOK || fx.showTrace(id).EventID != id {
			t.Errorf("%q: %d %s", id, got.status, got.raw)
		}
	}
	for target, want := range map[string]int{
		"/v1/events/%FF/trace": 400, "/v1/events/a/b/trace": 404,
		"/v1/events/trace/trace?limit=1": 400, "/v1/events/unknown/trace": 404, "/v1/events/x/traces": 404,
	} {
		if resp, body := fx.do(http.MethodGet, operator, target); resp.StatusCode != want {
			t.Errorf("%s: %d %s", target, resp.StatusCode, body)
		}
	}
}

// Without NATS there is no partial trace.
func TestTraceNeedsNATS(t *testing.T) {
	fx := newFixtureOnMongo(t)
	fx.putEvents("shop", time.Now(), pathless)
	fx.nats.Shutdown()
	eventually(t, "the connection is lost", func() bool { return !fx.js.Conn().IsConnected() })
	got := fx.ask("GET", operator, "/v1/events/x/trace", "")
	if got.status != http.StatusServiceUnavailable || got.Code != "stream_unavailable" || got.header.Get("Retry-After") == "" {
		t.Errorf("%d %s", got.status, got.raw)
	}
}

// traceItem is a trace as an answer has it.
type traceItem struct {
	Application string
	EventID     string `json:"event_id"`
	ReceivedAt  string `json:"received_at"`
	Origin      store.Origin
	Message     string
	Outcomes    []outcomeItem
	Omitted     int `json:"outcomes_omitted"`
	Copies      []struct {
		ReceivedAt  string `json:"received_at"`
		Origin      store.Origin
		ContentHash string `json:"content_hash"`
	}
}

type outcomeItem struct {
	Basis         string
	Revision      uint64
	Status        string
	Errors        []event.Fault
	SchemaVersion uint64 `json:"schema_version"`
	At, Job       string
	Maybe         bool `json:"may_have_touched"`
}

// showTrace returns the trace of an event of shop.
func (fx *fixture) showTrace(id string) traceItem {
	fx.t.Helper()
	resp, body := fx.do(http.MethodGet, shopOnly, "/v1/events/"+url.PathEscape(id)+"/trace?application=shop")
	var tr traceItem
	if err := json.Unmarshal([]byte(body), &tr); err != nil || resp.StatusCode != http.StatusOK {
		fx.t.Fatalf("%d %v %s", resp.StatusCode, err, body)
	}
	return tr
}

// epoch returns the epoch of the stream.
func (fx *fixture) epoch() int64 {
	fx.t.Helper()
	s, err := fx.js.Stream(fx.ctx(), stream.Name)
	if err != nil {
		fx.t.Fatal(err)
	}
	return s.CachedInfo().Created.UnixMicro()
}

// processMessage evaluates a message by a revision and writes it, as processors do.
func (fx *fixture) processMessage(seq, revision uint64) *store.Document {
	fx.t.Helper()
	set, err := registry.At(fx.ctx(), fx.js, revision)
	if err != nil {
		fx.t.Fatal(err)
	}
	var d *store.Document
	for portion, err := range stream.Read(fx.ctx(), fx.js, stream.Range{First: seq, Last: seq}) {
		if err != nil || len(portion) != 1 {
			fx.t.Fatalf("%d messages at %d: %v", len(portion), seq, err)
		}
		d, _ = outcome.Evaluate(portion[0], set, fx.epoch())
	}
	fx.writeDocuments(d)
	return d
}

// startReplay starts a replay and sets its progress by change.
func (fx *fixture) startReplay(body string, change func(*job.Job)) jobItem {
	fx.t.Helper()
	made := fx.startJob("/v1/replays", body)
	fx.updateJob(made.ID, func(j *job.Job) {
		j.State, j.StartedAt, j.EndedAt = job.Done, time.Now().UTC(), time.Now().UTC().Add(time.Second)
		if change != nil {
			change(j)
		}
	})
	return made
}
