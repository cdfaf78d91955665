package processor

import (
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/theeye/theeye/shared/event"
	"github.com/theeye/theeye/shared/format"
	"github.com/theeye/theeye/shared/format/foreign"
	"github.com/theeye/theeye/shared/format/native"
	"github.com/theeye/theeye/shared/format/segment"
	"github.com/theeye/theeye/shared/job"
	"github.com/theeye/theeye/shared/store"
	"github.com/theeye/theeye/shared/stream"
)

// oldSegment is the adapter of an earlier version: it loses the data, repeats a member in
// them, or takes one type for another, by the name of the event, and gives each another id.
func oldSegment() format.Format {
	present := segment.New()
	t := present.Translation
	t.Event = func(o native.Value, r event.Receipt) foreign.Event {
		x := present.Translation.Event(o, r)
		switch o.Member("event").Text() {
		case "bought":
			x.Data = []byte(`{}`)
		case "returned":
			x.Data = []byte(`{"a":1,"a":2}`)
		case "sold":
			x.Name = []byte(`"bought"`)
		}
		x.ID, x.IDDerived = foreign.UUID(foreign.EventNamespace, "old", x.ID), true
		return x
	}
	return segment.Format{Translation: t}
}

// acceptEvent publishes an event as the collector of this version does, which accepts
// events that it cannot read, too. It returns the id that the collector answers, if that
// is a derived one.
func (fx *fixture) acceptEvent(f format.Format, raw string) (id string) {
	fx.t.Helper()
	m := stream.Message{
		Application: "demo", Format: f.Name(), Payload: []byte(raw), ReceivedAt: time.Date(2026, 5, 6, 7, 8, 9, 0, time.UTC),
	}
	if head, refusal := f.Inspect(m.Payload, m.Receipt()); refusal == nil && head.Derived {
		m.DerivedID = head.EventID
	}
	fx.publishMsg(m.Msg(stream.Unregistered("demo")))
	return m.DerivedID
}

// replayByNextVersion stops the processor of a version, and replays by that of the next
// one, after a dry run that must report the same.
func (fx *fixture) replayByNextVersion(old *instance, restore func()) job.Changes {
	fx.t.Helper()
	if err := old.stop(); err != nil {
		fx.t.Fatal(err)
	}
	restore()
	fx.startLive()
	id, _ := fx.createJob(job.Job{Kind: job.DryRun})
	predicted := awaitReport[job.Changes](fx, id)
	id, _ = fx.createJob(job.Job{Kind: job.Replay})
	done := awaitReport[job.Changes](fx, id)
	if diff := cmp.Diff(predicted, done); diff != "" {
		fx.t.Errorf("the replay differs from the prediction (-predicted +done):\n%s", diff)
	}
	done.Groups = nil
	return done
}

// Events stay as they were sent: a replay translates them again by a changed adapter, under
// the ids that their senders know, and leaves nothing of the first translation.
func TestReplayRunsAChangedAdapter(t *testing.T) {
	t.Parallel()
	fx := newFixture(t)
	fx.applyFiles(map[string]string{
		"schemas/track/bought.json": `{"type":"object","required":["properties"]}`, "schemas/track/returned.json": `{}`,
	})
	adapter := oldSegment()
	restore := format.Substitute(segment.Name, adapter)
	t.Cleanup(restore)
	ids := map[string]string{}
	for n, name := range []string{"bought", "returned", "sold"} {
		ids[name] = fx.acceptEvent(adapter, fmt.Sprintf(
			`{"type":"track","event":%q,"messageId":"m-%d","anonymousId":"a","properties":{"price":5},"timestamp":"2026-05-06T07:08:08Z"}`, name, n))
	}
	old := fx.startLive()
	fx.awaitSettled()
	if stored, rejected := fx.counts(); stored != 1 || rejected != 2 {
		t.Fatalf("the old adapter has %d stored and %d rejected", stored, rejected)
	}
	hash := fx.lookup("demo/" + ids["bought"]).ContentHash
	if diff := cmp.Diff(job.Changes{NewlyValid: 2, NewlyRejected: 1}, fx.replayByNextVersion(old, restore)); diff != "" {
		t.Errorf("the replay (-want +got):\n%s", diff)
	}
	if stored, rejected := fx.counts(); stored != 2 || rejected != 1 {
		t.Errorf("%d are stored and %d rejected", stored, rejected)
	}
	d := fx.lookup("demo/" + ids["bought"])
	if d == nil || d.Status != store.Stored || d.ContentHash != hash || string(d.Data) != `{"messageId":"m-0","anonymousId":"a","properties":{"price":5}}` {
		t.Errorf("the event without data is %+v", d)
	}
	if d := fx.lookup("demo/" + ids["returned"]); d == nil || d.Status != store.Stored || d.Name != "returned" {
		t.Errorf("the event whose translation was beyond the limits is %+v", d)
	}
	if d := fx.lookup("demo/" + ids["sold"]); d == nil || d.Status != store.Rejected || d.Errors[0].Code != event.CodeUnknownType {
		t.Errorf("the event of another type is %+v", d)
	}
}

// A message in a format that a version does not know is kept by it, and stored by a replay
// by a later version.
func TestReplayRunsAnAddedAdapter(t *testing.T) {
	t.Parallel()
	fx := newFixture(t)
	fx.applyFiles(map[string]string{"schemas/cart/add.json": `{}`})
	restore := format.Substitute(format.Snowplow.Name(), nil)
	t.Cleanup(restore)
	fx.acceptEvent(format.Snowplow, `{"e":"se","se_ca":"cart","se_ac":"add","eid":"560a3961-95f4-459d-8b60-122a8ccbed45","duid":"d","dtm":"1778051288000"}`)
	old := fx.startLive()
	fx.awaitSettled()
	if stored, rejected := fx.counts(); stored != 0 || rejected != 1 {
		t.Fatalf("without the adapter %d are stored and %d rejected", stored, rejected)
	}
	fx.replayByNextVersion(old, restore)
	if d := fx.lookup("demo/560a3961-95f4-459d-8b60-122a8ccbed45"); d == nil || d.Status != store.Stored || d.Category != "cart" {
		t.Errorf("the event is %+v", d)
	}
}
