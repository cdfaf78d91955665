package collector

import (
	"time"

	"github.com/nats-io/nats.go"

	"github.com/theeye/theeye/shared/event"
	"github.com/theeye/theeye/shared/format"
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
	// format is the one of the route that the request came by.
	format format.Format
}

// result is what became of one event at the door.
type result struct {
	eventID string
	refusal *event.Refusal
}

// accept checks each event of a batch and stamps those that can be carried.
// Messages alias the body.
func (a admission) accept(split event.Batch) ([]*nats.Msg, []result) {
	msgs := make([]*nats.Msg, 0, len(split.Items))
	results := make([]result, len(split.Items))
	for i, item := range split.Items {
		head, refusal := a.inspect(item)
		results[i] = result{eventID: head.EventID, refusal: refusal}
		if refusal == nil {
			msgs = append(msgs, a.stamp(head, item.Raw, split.SentAt))
		}
	}
	return msgs, results
}

func (a admission) inspect(item event.Item) (event.Head, *event.Refusal) {
	if item.Refusal != nil {
		return event.Head{}, item.Refusal
	}
	return a.format.Inspect(item.Raw)
}

// stamp makes the message of an event: its exact bytes, and in headers what
// else is known.
func (a admission) stamp(head event.Head, raw []byte, sentAt string) *nats.Msg {
	m := stream.Message{
		Application: a.key.Application,
		ReceivedAt:  a.received,
		SentAt:      sentAt,
		Format:      a.format.Name(),
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
