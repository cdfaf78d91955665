package collector

import (
	"mime"
	"net/http"
	"time"

	"github.com/nats-io/nats.go"

	"github.com/theeye/theeye/shared/event"
	"github.com/theeye/theeye/shared/registry"
	"github.com/theeye/theeye/shared/stream"
)

// maxEvents bounds the events of a request.
const maxEvents = 1000

// overhead is about what an event costs beside its bytes while its request is
// at work: message, headers, result.
const overhead = 1 << 10

// admission is what a request wants to put where.
type admission struct {
	key      registry.Key
	snapshot *registry.Snapshot
	received time.Time
}

// result is what became of one event at the door.
type result struct {
	eventID string
	refusal *event.Refusal
}

// accept takes a body apart, checks each event and stamps those that can be
// carried. Messages alias the text. An error means that nothing can be said
// about single events.
func (a admission) accept(text []byte, ndjson bool) ([]*nats.Msg, []result, error) {
	split, err := event.Split(text, ndjson, maxEvents)
	if err != nil {
		return nil, nil, err
	}
	msgs := make([]*nats.Msg, 0, len(split.Items))
	results := make([]result, len(split.Items))
	for i, item := range split.Items {
		head, refusal := inspect(item)
		results[i] = result{eventID: head.EventID, refusal: refusal}
		if refusal == nil {
			msgs = append(msgs, a.stamp(head, item.Raw, split.SentAt))
		}
	}
	return msgs, results, nil
}

func inspect(item event.Item) (event.Head, *event.Refusal) {
	if item.Refusal != nil {
		return event.Head{}, item.Refusal
	}
	return event.Inspect(item.Raw)
}

// stamp makes the message of an event: its exact bytes, and in headers what
// else is known.
func (a admission) stamp(head event.Head, raw []byte, sentAt string) *nats.Msg {
	m := stream.Message{
		Application: a.key.Application,
		ReceivedAt:  a.received,
		SentAt:      sentAt,
		Format:      event.FormatNative,
		Payload:     raw,
	}
	if head.Derived {
		m.DerivedID = head.EventID
	}
	return m.Msg(a.subject(head))
}

// subject names the type only where the registry knows it: nobody outside can
// make subjects.
func (a admission) subject(head event.Head) string {
	if a.snapshot.Schemas.Known(head.Category, head.Name) {
		return stream.Subject(a.key.Application, head.Category, head.Name)
	}
	return stream.Unregistered(a.key.Application)
}

// saysNDJSON reports whether the content type says that each line is an event.
// No other type decides anything: beacons send text/plain.
func saysNDJSON(h http.Header) bool {
	media, _, err := mime.ParseMediaType(h.Get("Content-Type"))
	if err != nil {
		return false
	}
	switch media {
	case "application/x-ndjson", "application/ndjson", "application/jsonl",
		"application/x-jsonlines", "application/jsonlines", "application/json-lines":
		return true
	}
	return false
}
