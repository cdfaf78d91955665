package queryapi_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/theeye/theeye/shared/event"
	"github.com/theeye/theeye/shared/job"
	"github.com/theeye/theeye/shared/store"
	"github.com/theeye/theeye/shared/stream"
)

const pathless = `{"event_id":"x","session_id":"` + aSession + `","category":"c","name":"n","data":{"host":"h"},"timestamp":"2026-01-01T00:00:00Z"}`

// An event that was rejected until its schema was mended and a replay came by.
func TestTraceThroughAReplay(t *testing.T) {
	w := newWorld(t)
	strict := w.operate(201, "PUT", typePath("c", "n"), pathSchema).Revision
	w.operate(201, "PUT", typePath("other", "n"), pathSchema)
	received := time.Now()
	seq := w.publish("shop", received, pathless)
	before := w.process(seq, strict+1)
	lenient := w.operate(200, "PUT", typePath("c", "n"), hostSchema, "If-Match", quoted(strict)).Revision

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
	if diff := cmp.Diff(want, w.trace("x")); diff != "" {
		t.Errorf("before the replay (-want +got):\n%s", diff)
	}

	replay := w.replayed(`{"category":"c","to":"2999-01-01T00:00:00Z"}`, nil)
	w.process(seq, replay.TargetRevision)
	want.Outcomes = []outcomeItem{
		{Basis: "store", Revision: replay.TargetRevision, Status: "stored", SchemaVersion: lenient},
		first,
		{
			Basis: "recomputed", Revision: replay.TargetRevision, Status: "stored", SchemaVersion: lenient, Job: replay.ID,
			At: event.FormatTime(w.record(replay.ID).EndedAt),
		},
	}
	if diff := cmp.Diff(want, w.trace("x")); diff != "" {
		t.Errorf("after the replay (-want +got):\n%s", diff)
	}
	// What came after the target was made was judged by it, or later.
	w.process(w.publish("shop", time.Now(), anEvent("later", aSession, "c", "n", "2026-01-01T00:00:00Z")), replay.TargetRevision)
	if got := w.trace("later"); len(got.Outcomes) != 2 || got.Outcomes[1].Revision != replay.TargetRevision || got.Outcomes[1].Job != "" {
		t.Errorf("%+v", got)
	}
}

// Only replays that wrote, and whose selection covers the event, are shown.
func TestTraceShowsTheReplaysThatCovered(t *testing.T) {
	w := newWorld(t)
	seq := w.publish("shop", time.Now(), pathless)
	w.process(seq, 0)
	for _, body := range []string{
		`{"application":"blog"}`, `{"from_seq":2}`, `{"to":"2020-01-01T00:00:00Z"}`, `{"from":"2999-01-01T00:00:00Z"}`, `{"name":"other"}`, `{"dry_run":true}`,
	} {
		w.replayed(body, nil)
	}
	w.start("/v1/replays", `{}`) // it has not begun
	w.replayed(`{}`, func(j *job.Job) { j.TargetRevision = 1000 })
	began := time.Now().UTC().Truncate(time.Millisecond)
	want := []outcomeItem{
		{Job: w.replayed(`{"name":"n","to_seq":1}`, nil).ID},
		{Job: w.replayed(`{"code":"unknown_type"}`, nil).ID, Maybe: true},
		{Job: w.replayed(`{}`, func(j *job.Job) { j.State = job.Cancelled }).ID, Maybe: true},
		{Job: w.replayed(`{}`, func(j *job.Job) { j.State = job.Failed }).ID, Maybe: true},
		{Job: w.replayed(`{}`, func(j *job.Job) {
			j.State, j.StartedAt, j.EndedAt = job.Running, began, time.Time{}
		}).ID, Maybe: true, At: event.FormatTime(began)},
	}
	tr := w.trace("x")
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
	w := newWorld(t)
	w.process(w.publish("shop", time.Now(), pathless), 0)
	var last jobItem
	for range 25 {
		last = w.replayed(`{}`, nil)
	}
	tr := w.trace("x")
	if len(tr.Outcomes) != 21 || tr.Omitted != 6 || tr.Outcomes[20].Job != last.ID || tr.Outcomes[1].Revision != 0 {
		t.Errorf("%d outcomes, %d omitted, %+v", len(tr.Outcomes), tr.Omitted, tr.Outcomes)
	}
}

// Without its message nothing is known but what the store holds.
func TestTraceWithoutMessage(t *testing.T) {
	w := newWorld(t)
	w.put("shop", time.Now(), anEvent("earlier", aSession, "c", "n", "2026-01-01T00:00:00Z")) // of an earlier stream
	seq := w.publish("shop", time.Now(), pathless)
	w.process(seq, 0)
	w.publish("shop", time.Now(), anEvent("y", aSession, "c", "n", "2026-01-01T00:00:00Z"))
	lost := w.document("shop", time.Now(), anEvent("lost", aSession, "c", "n", "2026-01-01T00:00:00Z"))
	lost.Origin = store.Origin{Epoch: w.epoch(), Seq: 1000}
	w.write(lost)
	events, err := w.js.Stream(w.ctx(), stream.Name)
	if err != nil {
		t.Fatal(err)
	}
	// This stream has a message at the sequence of the earlier one, too.
	for id, want := range map[string]string{"earlier": "purged", "x": "kept"} {
		if got := w.trace(id); got.Message != want || got.Origin.Seq != 1 {
			t.Errorf("%s: %+v", id, got)
		}
	}
	if err := events.Purge(w.ctx(), jetstream.WithPurgeSequence(seq+1)); err != nil {
		t.Fatal(err)
	}
	for id, want := range map[string]string{"earlier": "purged", "x": "purged", "lost": "lost"} {
		if got := w.trace(id); got.Message != want || len(got.Outcomes) != 1 || got.Outcomes[0].Basis != "store" {
			t.Errorf("%s: %+v", id, got)
		}
	}
}

// An event that waits has no outcome, and its first message is its place.
func TestTraceOfAPendingEvent(t *testing.T) {
	w := newWorld(t)
	received := time.Now()
	seq := w.publish("shop", received, pathless)
	w.publish("shop", received, pathless)
	want := traceItem{
		Application: "shop", EventID: "x", ReceivedAt: event.FormatTime(received.Truncate(time.Millisecond)),
		Origin: store.Origin{Epoch: w.epoch(), Seq: seq}, Message: "kept", Outcomes: []outcomeItem{},
	}
	if diff := cmp.Diff(want, w.trace("x")); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// Other contents under the same id are named, and not mixed up.
func TestTraceNamesOtherContents(t *testing.T) {
	w := newWorld(t)
	w.process(w.publish("shop", time.Now(), anEvent("x", aSession, "c", "n", "2026-01-01T00:00:00Z")), 0)
	other := w.process(w.publish("shop", time.Now(), pathless), 0)
	for _, app := range []string{"blog", "shop"} { // what is not of this event
		for _, raw := range []string{pathless, anEvent("x", anotherOne, "c", "n", "2026-01-01T00:00:00Z")} {
			if app == "shop" {
				raw = strings.Replace(raw, `"x"`, `"y"`, 1)
			}
			w.process(w.publish(app, time.Now(), raw), 0)
		}
	}
	tr := w.trace("x")
	if len(tr.Copies) != 1 || tr.Copies[0].Origin != other.Origin || tr.Copies[0].ContentHash != other.ContentHash || tr.Origin.Seq != 1 || len(tr.Outcomes) != 2 {
		t.Errorf("%+v", tr)
	}
	if got := w.ask("GET", operator, "/v1/events/x/trace", ""); got.status != http.StatusConflict || got.Code != "ambiguous_event" {
		t.Errorf("%s", got.raw)
	}
}

// Whatever the id, its trace is found and no other.
func TestTraceByAnyID(t *testing.T) {
	w := newWorld(t)
	ids := append([]string{"trace", "x/trace", "/trace", "trace/trace"}, oddIDs...)
	for _, id := range ids {
		w.put("shop", time.Now(), anEvent(id, aSession, "c", "n", "2026-01-01T00:00:00Z"))
	}
	for _, id := range ids {
		got := w.ask("GET", operator, "/v1/events/"+everyByteEscaped(id)+"/trace", "")
		if got.status != http.StatusOK || w.trace(id).EventID != id {
			t.Errorf("%q: %d %s", id, got.status, got.raw)
		}
	}
	for target, want := range map[string]int{
		"/v1/events//trace": 404, "/v1/events/%FF/trace": 400, "/v1/events/a/b/trace": 404, "/v1/events/trace/": 404,
		"/v1/events/trace/trace?limit=1": 400, "/v1/events/unknown/trace": 404, "/v1/events/x/traces": 404,
	} {
		if resp, body := w.do(http.MethodGet, operator, target); resp.StatusCode != want {
			t.Errorf("%s: %d %s", target, resp.StatusCode, body)
		}
	}
}

// Without NATS nothing is told by half.
func TestTraceWithoutNATS(t *testing.T) {
	w := newWorld(t)
	w.put("shop", time.Now(), pathless)
	w.nats.Shutdown()
	eventually(t, "the connection is lost", func() bool { return !w.js.Conn().IsConnected() })
	got := w.ask("GET", operator, "/v1/events/x/trace", "")
	if got.status != http.StatusServiceUnavailable || got.Code != "stream_unavailable" || got.header.Get("Retry-After") == "" {
		t.Errorf("%d %s", got.status, got.raw)
	}
}
