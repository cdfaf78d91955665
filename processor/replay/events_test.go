package replay

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/theeye/theeye/shared/event"
	"github.com/theeye/theeye/shared/format/native"
	"github.com/theeye/theeye/shared/job"
	"github.com/theeye/theeye/shared/store"
	"github.com/theeye/theeye/shared/stream"
)

// testEvent is one event of a test. Its data has the members that has names, one
// letter each.
type testEvent struct {
	app, id, name, has string
	// received is the received time, relative to fixture.began.
	received time.Duration
	// typed publishes it under the subject of its type.
	typed bool
}

func (s testEvent) msg(began time.Time) *nats.Msg {
	members := make([]string, 0, len(s.has))
	for _, m := range strings.Split(s.has, "") {
		members = append(members, fmt.Sprintf("%q:1", m))
	}
	at := began.Add(s.received)
	app, name := cmp.Or(s.app, "demo"), cmp.Or(s.name, "view")
	m := stream.Message{
		Application: app, ReceivedAt: at, Format: native.Name,
		Payload: fmt.Appendf(nil, `{"event_id":%q,"session_id":"e2085be5-9137-4e4e-80b5-f1ffddc25423","category":"page",`+
			`"name":%q,"data":{%s},"timestamp":%q}`, s.id, name, strings.Join(members, ","), event.FormatTime(at)),
	}
	if s.typed {
		return m.Msg(stream.Subject(app, "page", name))
	}
	return m.Msg(stream.Unregistered(app))
}

// publish publishes events in this order.
func (fx *fixture) publish(events ...testEvent) {
	fx.Helper()
	msgs := make([]*nats.Msg, len(events))
	for i, e := range events {
		msgs[i] = e.msg(fx.began)
	}
	fx.publishMsg(msgs...)
}

func (fx *fixture) publishMsg(msgs ...*nats.Msg) {
	fx.Helper()
	for portion := range slices.Chunk(msgs, 1000) {
		futures := make([]jetstream.PubAckFuture, len(portion))
		for i, m := range portion {
			var err error
			futures[i], err = fx.js.PublishMsgAsync(m)
			fx.must(err)
		}
		for _, f := range futures {
			select {
			case <-f.Ok():
			case err := <-f.Err():
				fx.Fatal(err)
			case <-time.After(patience):
				fx.Fatal("a message is not acknowledged")
			}
		}
	}
}

// testEvents returns n events whose ids have a prefix.
func testEvents(prefix string, n int, has string) []testEvent {
	all := make([]testEvent, n)
	for i := range all {
		all[i] = testEvent{id: fmt.Sprintf("%s%06d", prefix, i), has: has, typed: i%2 == 0}
	}
	return all
}

// heldByID looks up events of application demo in the store.
func (fx *fixture) heldByID(ids ...string) map[string]store.Held {
	fx.Helper()
	out := make(map[string]store.Held, len(ids))
	for portion := range slices.Chunk(ids, 1000) {
		keys := make([]string, len(portion))
		for i, id := range portion {
			keys[i] = id
			if !strings.ContainsAny(id, "/#") {
				keys[i] = store.DocumentID("demo", id)
			}
		}
		held, err := fx.store.Held(fx.ctx, keys)
		fx.must(err)
		for i, id := range portion {
			if h, ok := held[keys[i]]; ok {
				out[id] = h
			}
		}
	}
	return out
}

func ids(events []testEvent) []string {
	all := make([]string, len(events))
	for i, e := range events {
		all[i] = store.DocumentID(cmp.Or(e.app, "demo"), e.id)
	}
	return all
}

// documentStates counts the documents of events by status and revision.
func (fx *fixture) documentStates(events []testEvent) map[string]int {
	fx.Helper()
	n := map[string]int{}
	held := fx.heldByID(ids(events)...)
	for _, h := range held {
		n[fmt.Sprintf("%s at %d", h.Status, h.Revision)]++
	}
	if missing := len(events) - len(held); missing > 0 {
		n["missing"] = missing
	}
	return n
}

// reportOf returns the report of a job.
func (fx *fixture) reportOf(j job.Job) job.Changes {
	fx.Helper()
	var c job.Changes
	if err := json.Unmarshal(j.Report, &c); err != nil {
		fx.Fatalf("the report is %s: %v", j.Report, err)
	}
	return c
}

// consumerNames returns the names of the consumers of replays.
func (fx *fixture) consumerNames() (names []string) {
	fx.Helper()
	s, err := fx.js.Stream(fx.ctx, stream.Name)
	fx.must(err)
	all := s.ConsumerNames(fx.ctx)
	for name := range all.Name() {
		if name != stream.Consumer {
			names = append(names, name)
		}
	}
	fx.must(all.Err())
	return names
}

type jsonValue = jsontext.Value

func containsText(s, part string) bool { return strings.Contains(s, part) }
