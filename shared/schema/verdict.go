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
	// SchemaVersion is the revision of the schema that validated the event, 0
	// without one.
	SchemaVersion uint64
	// Data is the data of the event that the store may keep, with personal values
	// treated as the schema says. It is the event's own Data where no value is
	// treated, and nil where the event has no data and for a rejected event whose
	// original is not kept.
	Data []byte
	// KeepOriginal says whether the store may keep the original, should the event
	// be rejected. It is set for a stored event too, which may still be rejected
	// because another content holds its id.
	KeepOriginal bool
	// Retention is how long the outcome is kept, from the received time; 0 is
	// for ever. RejectedRetention is the same for an event that is rejected
	// after all, as one whose id another content holds.
	Retention, RejectedRetention time.Duration
}

// Validate decides the outcome of a decoded event of an application, received at
// received: a pure function of these and the Set. All faults are reported
// together: those of the envelope, then of the timestamp by the policy, then of
// the type, then of the data by the schema. That schema is the version that the
// event names, or the version that supersedes it, else the newest.
func (s *Set) Validate(ev *event.Event, received time.Time, application string) Verdict {
	t := Type{ev.Category, ev.Name}
	faults := slices.Clone(ev.Faults)
	if !ev.Timestamp.IsZero() {
		faults = s.policy.checkTimestamp(faults, ev.Timestamp, received)
	}
	r := s.types[t]
	var by effectiveSchema
	switch {
	case r != nil:
		faults, by = r.validate(faults, ev)
	case t.Category != "" && t.Name != "" && s.policy.UnknownTypes != StoreUnknown:
		faults = append(faults, event.Fault{
			Code: event.CodeUnknownType, Path: "", Message: "the registry has no schema of this category and name",
		})
	}
	v := Verdict{SchemaVersion: by.revision, Data: ev.Data}
	faults = s.applyPrivacy(&v, faults, t, r, by, application)
	v.Faults = event.BoundFaults(faults)
	v.Retention = s.policy.Retention.Of(t, len(faults) > 0)
	v.RejectedRetention = s.policy.Retention.Of(t, true)
	return v
}

// validate checks an event of a known type and returns the schema that applied.
func (r *registeredType) validate(faults []event.Fault, ev *event.Event) ([]event.Fault, effectiveSchema) {
	by, ok := r.schemaFor(uint64(ev.SchemaVersion))
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
			Message: "the registered schema of this type cannot be used by this version; a replay validates it again",
		}), by
	case ev.Tree != nil:
		faults = append(faults, by.schema.allFaults(ev.Tree)...)
	}
	return faults, by
}

// checkTimestamp compares a timestamp with the received time, never with a clock:
// a replay next year decides the same.
func (p *Policy) checkTimestamp(faults []event.Fault, timestamp, received time.Time) []event.Fault {
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
