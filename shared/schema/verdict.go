package schema

import (
	"cmp"
	"slices"
	"time"

	"github.com/theeye/theeye/shared/event"
)

// Verdict is the outcome of an event.
type Verdict struct {
	// Faults are the reasons of a rejection, within event.BoundFaults; an
	// event without any is stored.
	Faults []event.Fault
	// Timestamp is the event's, moved by ClockOffsetMS; the zero time when it is
	// invalid.
	Timestamp time.Time
	// ClockOffsetMS is how far the clock of the client was behind, in
	// milliseconds, where the policy corrects it; else 0.
	ClockOffsetMS int64
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
	// Work is the estimated work of the validation.
	Work Work
}

// Validate decides the outcome of a decoded event of an application, received at
// received: a pure function of these and the Set. All faults are reported
// together: those of the envelope, then by the policy those of the timestamp and of
// unknown members, then of the type, then of the data by the schema. That schema is the version that the
// event names, or the version that supersedes it, else the newest.
func (s *Set) Validate(ev *event.Event, received time.Time, application string) Verdict {
	v, _ := s.ValidateWithin(ev, received, application, MaxWork)
	return v
}

// ValidateWithin is Validate for an event whose work is not over a limit, or
// negligible. Otherwise it returns false, and of the Verdict the Work alone.
func (s *Set) ValidateWithin(ev *event.Event, received time.Time, application string, limit Work) (Verdict, bool) {
	t := Type{ev.Category, ev.Name}
	faults := slices.Clone(ev.Faults)
	var v Verdict
	faults = s.policy.judgeTimestamp(&v, faults, ev, received)
	if s.policy.UnknownMembers != DropUnknown {
		faults = append(faults, ev.UnknownMembers...)
	}
	r := cmp.Or(s.types[t], s.removed[t])
	var by effectiveSchema
	var work Work
	switch {
	case r != nil && (!r.Removed || ev.SchemaVersion != 0):
		var ok bool
		if faults, by, work, ok = r.validate(faults, ev, limit); !ok {
			return Verdict{Work: work}, false
		}
	case t.Category != "" && t.Name != "" && s.policy.UnknownTypes != StoreUnknown:
		faults = append(faults, event.Fault{Code: event.CodeUnknownType, Path: event.Pointer(), Message: s.explainUnknown(t)})
	}
	v.SchemaVersion, v.Data, v.Work = by.revision, ev.Data, work
	faults = s.applyPrivacy(&v, faults, t, r, by, application)
	v.Faults = event.BoundFaults(faults)
	v.Retention = s.policy.Retention.Of(t, len(faults) > 0)
	v.RejectedRetention = s.policy.Retention.Of(t, true)
	return v, true
}

// validate checks an event of a known type and returns the schema that applied, and
// the work. It returns false where that is over the limit.
func (r *registeredType) validate(
	faults []event.Fault, ev *event.Event, limit Work,
) (_ []event.Fault, _ effectiveSchema, work Work, within bool) {
	by, ok := r.schemaFor(uint64(ev.SchemaVersion))
	switch {
	case !ok:
		return append(faults, event.Fault{
			Code:    event.CodeUnknownSchemaVersion,
			Path:    event.Pointer("schema_version"),
			Message: "the registry has no such version of the schema of this type, or keeps it no longer",
		}), by, 0, true
	case by.schema == nil:
		return append(faults, event.Fault{
			Code:    event.CodeValidatorFailed,
			Path:    event.Pointer("data"),
			Message: "the registered schema of this type cannot be used by this version; a replay validates it again",
		}), by, 0, true
	case ev.Tree != nil:
		found, work, ok := by.schema.findFaults(ev.Tree, limit)
		return append(faults, found...), by, work, ok
	}
	return faults, by, 0, true
}
