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

// testEvent is one event of a test. Its data has the members named in has, one
// letter each.
type testEvent struct {
	app, id, name, has string
	// received is that long after the world began.
	received time.Duration
	// typed puts it under the subject of its type.
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

// publish puts events into the stream, in this order.
func (w *fixture) publish(events ...testEvent) {
	w.Helper()
	msgs := make([]*nats.Msg, len(events))
	for i, e := range events {
		msgs[i] = e.msg(w.began)
	}
	w.publishMsg(msgs...)
}

func (w *fixture) publishMsg(msgs ...*nats.Msg) {
	w.Helper()
	for portion := range slices.Chunk(msgs, 1000) {
		futures := make([]jetstream.PubAckFuture, len(portion))
		for i, m := range portion {
			var err error
			futures[i], err = w.js.PublishMsgAsync(m)
			w.must(err)
		}
		for _, f := range futures {
			select {
			case <-f.Ok():
			case err := <-f.Err():
				w.Fatal(err)
			case <-time.After(patience):
				w.Fatal("a message is not acknowledged")
			}
		}
	}
}

// testEvents are n events with ids from a prefix on.
func testEvents(prefix string, n int, has string) []testEvent {
	all := make([]testEvent, n)
	for i := range all {
		all[i] = testEvent{id: fmt.Sprintf("%s%06d", prefix, i), has: has, typed: i%2 == 0}
	}
	return all
}

// heldByID is what the store holds of demo's events.
func (w *fixture) heldByID(ids ...string) map[string]store.Held {
	w.Helper()
	out := make(map[string]store.Held, len(ids))
	for portion := range slices.Chunk(ids, 1000) {
		keys := make([]string, len(portion))
		for i, id := range portion {
			keys[i] = id
			if !strings.ContainsAny(id, "/#") {
				keys[i] = store.DocumentID("demo", id)
			}
		}
		held, err := w.store.Held(w.ctx, keys)
		w.must(err)
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

// documentStates counts what the store holds by status and revision.
func (w *fixture) documentStates(events []testEvent) map[string]int {
	w.Helper()
	n := map[string]int{}
	held := w.heldByID(ids(events)...)
	for _, h := range held {
		n[fmt.Sprintf("%s at %d", h.Status, h.Revision)]++
	}
	if missing := len(events) - len(held); missing > 0 {
		n["missing"] = missing
	}
	return n
}

// reportOf is the report of a job.
func (w *fixture) reportOf(j job.Job) job.Changes {
	w.Helper()
	var c job.Changes
	if err := json.Unmarshal(j.Report, &c); err != nil {
		w.Fatalf("the report is %s: %v", j.Report, err)
	}
	return c
}

// consumerNames are the names of the replays' consumers.
func (w *fixture) consumerNames() (names []string) {
	w.Helper()
	s, err := w.js.Stream(w.ctx, stream.Name)
	w.must(err)
	all := s.ConsumerNames(w.ctx)
	for name := range all.Name() {
		if name != stream.Consumer {
			names = append(names, name)
		}
	}
	w.must(all.Err())
	return names
}

type jsonValue = jsontext.Value

func containsText(s, part string) bool { return strings.Contains(s, part) }
