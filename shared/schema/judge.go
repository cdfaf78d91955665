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
	// Retention is how long the outcome is kept from the received time on; 0
	// is for ever. RejectedRetention is the same for an event that is rejected
	// after all, as one whose id another content holds.
	Retention, RejectedRetention time.Duration
}

// Judge decides what becomes of a decoded event that was received at received:
// a pure function of these and the Set. All faults are reported together: those
// of the envelope, then the timestamp against the policy, then the type, then
// the data against the type's schema.
func (s *Set) Judge(ev *event.Event, received time.Time) Verdict {
	t := Type{ev.Category, ev.Name}
	faults := slices.Clone(ev.Faults)
	if !ev.Timestamp.IsZero() {
		faults = s.policy.judgeTime(faults, ev.Timestamp, received)
	}
	v, known := s.types[t]
	switch {
	case known && v.Schema == nil:
		faults = append(faults, event.Fault{
			Code:    event.CodeValidatorFailed,
			Path:    event.Pointer("data"),
			Message: "the registered schema of this type cannot be used by this version; a replay judges again",
		})
	case known && ev.Tree != nil:
		faults = append(faults, v.Schema.violations(ev.Tree)...)
	case !known && t.Category != "" && t.Name != "" && s.policy.UnknownTypes != StoreUnknown:
		faults = append(faults, event.Fault{
			Code: event.CodeUnknownType, Path: "", Message: "the registry has no schema of this category and name",
		})
	}
	return Verdict{
		Faults:            event.BoundFaults(faults),
		SchemaVersion:     v.Revision,
		Retention:         s.policy.retention(t, len(faults) > 0),
		RejectedRetention: s.policy.retention(t, true),
	}
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
