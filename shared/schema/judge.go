package schema

import (
	"fmt"
	"slices"
	"time"

	"github.com/theeye/theeye/shared/event"
)

// Verdict is the outcome of an event.
type Verdict struct {
	// Faults are the reasons of a rejection, within event.BoundFaults; an
	// event without any is stored.
	Faults []event.Fault
	// SchemaVersion is the revision of the schema that judged, 0 without one.
	SchemaVersion uint64
	// Data is what the store may keep of the event's data: what the schema
	// says of personal values is done. It is the event's own Data where
	// nothing is to be done. It is nil where the event has none, and for a
	// rejected event whose original is not kept.
	Data []byte
	// KeepOriginal says whether the original may stand in the store, should
	// the event be rejected; a stored event has it too, as it may still turn
	// out to be rejected because of another one of its id.
	KeepOriginal bool
	// Retention is how long the outcome is kept from the received time on; 0
	// is for ever. RejectedRetention is the same for an event that is rejected
	// after all, as one whose id another content holds.
	Retention, RejectedRetention time.Duration
}

// Validate decides what becomes of a decoded event of an application that was
// received at received: a pure function of these and the Set. All faults are
// reported together: those of the envelope, then the timestamp against the
// policy, then the type, then the data against the schema: that of the version
// that the event names, or of what supersedes it, else the newest.
func (s *Set) Validate(ev *event.Event, received time.Time, application string) Verdict {
	t := Type{ev.Category, ev.Name}
	faults := slices.Clone(ev.Faults)
	if !ev.Timestamp.IsZero() {
		faults = s.policy.judgeTime(faults, ev.Timestamp, received)
	}
	r := s.types[t]
	var by judging
	switch {
	case r != nil:
		faults, by = r.judge(faults, ev)
	case t.Category != "" && t.Name != "" && s.policy.UnknownTypes != StoreUnknown:
		faults = append(faults, event.Fault{
			Code: event.CodeUnknownType, Path: "", Message: "the registry has no schema of this category and name",
		})
	}
	v := Verdict{SchemaVersion: by.revision, Data: ev.Data}
	faults = s.keep(&v, faults, t, r, by, application)
	v.Faults = event.BoundFaults(faults)
	v.Retention = s.policy.Retention.Of(t, len(faults) > 0)
	v.RejectedRetention = s.policy.Retention.Of(t, true)
	return v
}

// judge judges an event of a known type and says what judged.
func (r *registered) judge(faults []event.Fault, ev *event.Event) ([]event.Fault, judging) {
	by, ok := r.pick(uint64(ev.SchemaVersion))
	switch {
	case !ok:
		return append(faults, event.Fault{
			Code:    event.CodeUnknownSchemaVersion,
			Path:    event.Pointer("schema_version"),
			Message: "the registry has no such version of the schema of this type, or keeps it no longer",
		}), by
	case by.schema == nil:
		return append(faults, event.Fault{
			Code:    event.CodeValidatorFailed,
			Path:    event.Pointer("data"),
			Message: "the registered schema of this type cannot be used by this version; a replay judges again",
		}), by
	case ev.Tree != nil:
		faults = append(faults, by.schema.violations(ev.Tree)...)
	}
	return faults, by
}

// judgeTime judges a timestamp against the received time, never against a
// clock: a replay next year decides the same.
func (p *Policy) judgeTime(faults []event.Fault, timestamp, received time.Time) []event.Fault {
	path := event.Pointer("timestamp")
	if timestamp.After(received.Add(p.FutureSkew)) {
		return append(faults, event.Fault{
			Code: event.CodeTimestampInFuture, Path: path,
			Message: fmt.Sprintf("timestamp is more than %s after the event was received", p.FutureSkew),
		})
	}
	if p.OldestAge > 0 && timestamp.Before(received.Add(-p.OldestAge)) {
		return append(faults, event.Fault{
			Code: event.CodeTimestampTooOld, Path: path,
			Message: fmt.Sprintf("timestamp is more than %s before the event was received", p.OldestAge),
		})
	}
	return faults
}
