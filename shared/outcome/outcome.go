package outcome

import (
	"runtime/debug"
	"time"

	"github.com/theeye/theeye/shared/event"
	"github.com/theeye/theeye/shared/schema"
	"github.com/theeye/theeye/shared/store"
	"github.com/theeye/theeye/shared/stream"
)

// Rules are the schemas and the policy of one registry revision: *schema.Set.
type Rules interface {
	Revision() uint64
	Validate(ev *event.Event, received time.Time, application string) schema.Verdict
}

// Evaluate returns the document of a message of the stream: a pure function of the
// message, the schemas and policy of one registry revision, and the stream's
// epoch. It does not panic: an event on which the validator does is rejected
// with event.CodeValidatorFailed, and the panic returned beside it, so that
// somebody hears of it. The document's Original aliases m.Payload; it is nil
// where the policy keeps no original of such an event.
func Evaluate(m stream.Raw, set Rules, epoch int64) (*store.Document, *Panic) {
	dec := decode(m)
	ev, failed := dec.event, dec.failed
	v, panicked := validate(set, ev, dec.received, dec.application)
	if panicked != nil {
		failed = panicked
		fault := event.Fault{Code: event.CodeValidatorFailed, Path: event.Pointer(), Message: panicMessage}
		// What the envelope says needs no schema; it is judged alone, by the
		// policy of its type. Where even that fails, nobody knows what is
		// personal in it: neither data nor original are kept outside of the
		// stream.
		v, panicked = validate(set, &event.Event{Head: ev.Head, Faults: append(ev.Faults, fault)}, dec.received, dec.application)
		if panicked != nil {
			v.Faults = []event.Fault{fault}
		}
		v.SchemaVersion = 0 // no schema came to an end with it
	}
	d := &store.Document{
		ID:                dec.id,
		Status:            store.Stored,
		Application:       dec.application,
		EventID:           ev.EventID,
		SessionID:         ev.SessionID,
		Category:          ev.Category,
		Name:              ev.Name,
		Data:              v.Data,
		Timestamp:         ev.Timestamp,
		ReceivedAt:        dec.received.Truncate(time.Millisecond),
		ContentHash:       ev.ContentHash,
		Origin:            store.Origin{Epoch: epoch, Seq: m.Seq},
		Revision:          set.Revision(),
		SchemaVersion:     int64(v.SchemaVersion),
		SentSchemaVersion: ev.SchemaVersion,
	}
	if v.KeepOriginal {
		d.Original = m.Payload
	}
	if len(v.Faults) > 0 {
		d.Status, d.Errors = store.Rejected, v.Faults
	}
	d.ExpiresAt = expiry(d.ReceivedAt, v.Retention)
	d.RejectedExpiresAt = expiry(d.ReceivedAt, v.RejectedRetention)
	return d, failed
}

// expiry is when what is kept for a time may be removed; zero is never.
func expiry(received time.Time, retention time.Duration) time.Time {
	if retention == 0 {
		return time.Time{}
	}
	return received.Add(retention)
}

// validate is Judge of the rules under recover.
func validate(set Rules, ev *event.Event, received time.Time, application string) (v schema.Verdict, failed *Panic) {
	defer func() {
		if value := recover(); value != nil {
			failed = &Panic{Value: value, Stack: debug.Stack()}
		}
	}()
	return set.Validate(ev, received, application), nil
}
