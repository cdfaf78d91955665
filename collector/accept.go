package collector

import (
	"github.com/nats-io/nats.go"

	"github.com/theeye/theeye/shared/event"
	"github.com/theeye/theeye/shared/stream"
)

// maxEvents bounds the events of a request.
const maxEvents = 1000

// eventOverhead estimates the memory of an event beside its bytes while its
// request is being served: message, headers, result.
const eventOverhead = 1 << 10

// result says whether an event was accepted or refused.
type result struct {
	eventID string
	refusal *event.Refusal // nil if accepted
}

// acceptEvents inspects each event of a request and stamps those that are not
// refused. The messages alias the body.
func (a authenticatedRequest) acceptEvents(events event.Batch) ([]*nats.Msg, []result) {
	msgs := make([]*nats.Msg, 0, len(events.Items))
	results := make([]result, len(events.Items))
	for i, item := range events.Items {
		head, refusal := a.inspectItem(item, a.receipt(events.SentAt))
		if a.keepsRefused && refusal != nil && len(item.Raw) <= event.MaxBytes {
			refusal = nil // the processor rejects it for the same reason, and keeps it
		}
		results[i] = result{eventID: head.EventID, refusal: refusal}
		if refusal == nil {
			msgs = append(msgs, a.stampEvent(head, item.Raw, events.SentAt))
		}
	}
	return msgs, results
}

func (a authenticatedRequest) inspectItem(item event.Item, r event.Receipt) (event.Head, *event.Refusal) {
	if item.Refusal != nil {
		return event.Head{}, item.Refusal
	}
	return a.format.Inspect(item.Raw, r)
}

// stampEvent returns the message of an event: its exact bytes, with headers for
// everything else that is known about it.
func (a authenticatedRequest) stampEvent(head event.Head, raw []byte, sentAt string) *nats.Msg {
	m := stream.Message{
		Application:    a.key.Application,
		ReceivedAt:     a.received,
		SentAt:         sentAt,
		Format:         a.format.Name(),
		Payload:        raw,
		MissingSession: a.missingSession(),
	}
	if head.Derived {
		m.DerivedID = head.EventID
	}
	return m.Msg(a.subjectOf(head))
}

// subjectOf names the type only if the registry knows it, so that clients
// cannot create subjects.
func (a authenticatedRequest) subjectOf(head event.Head) string {
	if a.snapshot.Schemas.Known(head.Category, head.Name) {
		return stream.Subject(a.key.Application, head.Category, head.Name)
	}
	return stream.Unregistered(a.key.Application)
}
