package schema

import "github.com/theeye/theeye/shared/event"

// What becomes of the original of a rejected event.
const (
	// KeepOriginals keeps it, and the data, in the store; the default.
	KeepOriginals = "keep"
	// DropOriginals keeps the reasons alone. The stream has the original as
	// long as it keeps what was sent, so that a replay can still mend.
	DropOriginals = "drop"
)

// Originals is whether the store keeps the originals, and the data, of rejected
// events: KeepOriginals or DropOriginals.
type Originals struct {
	// Default holds for types that Types does not name; "" is KeepOriginals.
	// Types with personal values are dropped whatever it says: an original
	// holds them as they were sent.
	Default string
	// Types holds for single types.
	Types map[Type]string
}

// keep reports whether the original of an event that is rejected is kept.
func (o *Originals) keep(t Type, personal bool) bool {
	if said, ok := o.Types[t]; ok {
		return said == KeepOriginals
	}
	return !personal && o.Default != DropOriginals
}

// marks are the marks that hold for an event of the type: those of what judges
// it and of the newest version. It also reports whether the type has personal
// values, which a schema that cannot be used may well have.
func (r *registered) marks(by judging) (marks both, personal bool) {
	if r == nil {
		return both{}, false
	}
	if r.Schema == nil {
		return both{}, true
	}
	marks[1] = r.Schema.marks
	if by.revision == 0 || by.revision == r.Revision {
		return marks, marks[1] != nil
	}
	if by.schema == nil {
		return marks, true
	}
	marks[0] = by.schema.marks
	return marks, !marks.none()
}

// keep decides what of the event the store keeps.
func (s *Set) keep(v *Verdict, faults []event.Fault, t Type, r *registered, by judging, application string) []event.Fault {
	marks, personal := r.marks(by)
	v.KeepOriginal = s.policy.Originals.keep(t, personal)
	if len(faults) > 0 && !v.KeepOriginal {
		v.Data = nil
	}
	if v.Data == nil || marks.none() {
		return faults
	}
	data, err := redact(v.Data, marks, hasher{s.piiKey, application})
	if err != nil { // nothing of it is kept as it was sent
		v.Data, v.KeepOriginal = nil, false
		return append(faults, event.Fault{
			Code:    event.CodeValidatorFailed,
			Path:    event.Pointer("data"),
			Message: "the personal values of this event cannot be replaced: the registry has no key for them; a replay judges again",
		})
	}
	v.Data = data
	return faults
}
