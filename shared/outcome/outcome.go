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
	// ValidateWithin reports false for an event that takes more work than limit.
	ValidateWithin(ev *event.Event, received time.Time, application string, limit schema.Work) (schema.Verdict, bool)
}

// Panic is a panic of the decoder or the validator on one message.
type Panic struct {
	Value any
	Stack []byte
}

// Evaluate returns the document of a message of the stream. The document is a
// pure function of the message, the schemas and policy of one registry revision,
// and the stream's epoch. Evaluate does not panic: an event on which the decoder or
// the validator panics is rejected with event.CodeValidatorFailed, and the panic is
// returned for the caller to report. The document's Original aliases m.Payload; it
// is nil if the policy keeps no original of such an event.
func Evaluate(m stream.Raw, set Rules, epoch int64) (*store.Document, *Panic) {
	d, _, reported := EvaluateWithin(m, set, epoch, schema.MaxWork)
	return d, reported
}

// EvaluateWithin is Evaluate for a message that takes no more work than limit, or
// negligible work. Otherwise the document is nil. It returns the work of the message.
func EvaluateWithin(m stream.Raw, set Rules, epoch int64, limit schema.Work) (*store.Document, schema.Work, *Panic) {
	dec := decodeMessage(m)
	ev, reported := dec.event, dec.panicked
	v, within, panicked := validateRecovering(set, ev, dec, limit)
	if panicked != nil {
		reported = panicked
		fault := event.Fault{Code: event.CodeValidatorFailed, Path: event.Pointer(), Message: messageValidatorFailed}
		// The envelope needs no schema: it is validated alone, by the policy
		// of its type. If that panics too, it is unknown which values are
		// personal, so neither data nor original are kept outside the stream.
		v, within, panicked = validateRecovering(set, envelopeOf(ev, fault), dec, limit)
		if panicked != nil {
			v.Faults, v.Timestamp, within = []event.Fault{fault}, ev.Timestamp, true
		}
		v.SchemaVersion = 0 // no schema has validated it
	}
	if !within {
		return nil, v.Work, nil
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
		Timestamp:         v.Timestamp,
		ClockOffsetMS:     v.ClockOffsetMS,
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
	d.ExpiresAt = expiresAt(d.ReceivedAt, v.Retention)
	d.RejectedExpiresAt = expiresAt(d.ReceivedAt, v.RejectedRetention)
	return d, v.Work, reported
}

// expiresAt returns the end of a retention, the zero time if that is unlimited.
func expiresAt(received time.Time, retention time.Duration) time.Time {
	if retention == 0 {
		return time.Time{}
	}
	return received.Add(retention)
}

// validateRecovering validates an event of a message and recovers from panics.
func validateRecovering(
	set Rules, ev *event.Event, of decodedMessage, limit schema.Work,
) (v schema.Verdict, within bool, panicked *Panic) {
	defer func() {
		if value := recover(); value != nil {
			panicked = &Panic{Value: value, Stack: debug.Stack()}
		}
	}()
	v, within = set.ValidateWithin(ev, of.received, of.application, limit)
	return v, within, nil
}

// IDs returns the ids under which the document of a message may be: that of its
// event, and the one where another content came first. Both depend on the message
// alone.
func IDs(m stream.Raw) (id, conflict string) {
	dec := decodeMessage(m)
	return dec.id, store.ConflictID(dec.application, dec.event.ContentHash, dec.event.EventID)
}
