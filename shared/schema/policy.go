package schema

import (
	"maps"
	"slices"
	"time"

	"github.com/theeye/theeye/shared/event"
	"github.com/theeye/theeye/shared/when"
)

// Treatments of events of unknown types, and of members that no event has.
const (
	// RejectUnknown rejects the event with event.CodeUnknownType or
	// event.CodeUnknownMember; the default of both.
	RejectUnknown = "reject"
	// StoreUnknown stores events of unknown types, validated by the policy alone.
	StoreUnknown = "store"
	// DropUnknown stores events without their unknown members.
	DropUnknown = "drop"
)

// maxDuration bounds every duration of a policy, so that a time plus one is
// always a time that both stores keep.
const maxDuration = 100 * 365 * 24 * time.Hour

// Policy is the validation policy: one of a registry, for all applications.
type Policy struct {
	// FutureSkew is how far a timestamp may lie after the received time.
	FutureSkew time.Duration
	// ClockCorrection is how far the received time may differ from the time at
	// which a client says it sent a request before timestamps are moved by the
	// difference; 0 is never.
	ClockCorrection time.Duration
	// OldestAge is how far a timestamp may lie before it; 0 is no limit.
	OldestAge time.Duration
	// UnknownTypes is RejectUnknown (also when empty) or StoreUnknown.
	UnknownTypes string
	// UnknownMembers is RejectUnknown (also when empty) or DropUnknown.
	UnknownMembers string
	// Retention is how long outcomes are kept.
	Retention Retention
	// Originals says whether the store keeps the originals of rejected events.
	Originals Originals
}

// Retention is how long outcomes stay in the store, from the received time on;
// 0 is for ever.
type Retention struct {
	// Stored applies to stored events of all types that Types does not name.
	Stored time.Duration
	// Rejected applies to rejected events of all types that RejectedTypes does
	// not name.
	Rejected time.Duration
	// Types applies to stored events of single types, RejectedTypes to rejected
	// ones.
	Types, RejectedTypes map[Type]time.Duration
}

// DefaultPolicy is the policy of a registry that has none: 5 minutes of skew,
// clocks corrected that are off by more than a minute, no oldest age, unknown types
// and members rejected, everything kept for ever.
func DefaultPolicy() Policy {
	return Policy{
		FutureSkew: 5 * time.Minute, ClockCorrection: time.Minute,
		UnknownTypes: RejectUnknown, UnknownMembers: RejectUnknown,
	}
}

// Of returns how long the outcome of an event of a type is kept.
func (r Retention) Of(t Type, rejected bool) time.Duration {
	types, all := r.Types, r.Stored
	if rejected {
		types, all = r.RejectedTypes, r.Rejected
	}
	if d, ok := types[t]; ok {
		return d
	}
	return all
}

// Equal reports whether two retentions keep every outcome for the same time.
func (r Retention) Equal(o Retention) bool {
	return r.Stored == o.Stored && r.Rejected == o.Rejected &&
		maps.Equal(r.exceptions(false), o.exceptions(false)) && maps.Equal(r.exceptions(true), o.exceptions(true))
}

// exceptions returns the retentions of single types that differ from the one of all
// other types.
func (r Retention) exceptions(rejected bool) map[Type]time.Duration {
	types, all := r.Types, r.Stored
	if rejected {
		types, all = r.RejectedTypes, r.Rejected
	}
	different := map[Type]time.Duration{}
	for t, d := range types {
		if d != all {
			different[t] = d
		}
	}
	return different
}

// ParsePolicy parses a policy in the form of policy.json: `{"future_skew": "5m",
// "clock_correction": "1m", "oldest_age": "0s", "unknown_types": "reject",
// "unknown_members": "reject", "retention": {"stored": "0s",
// "rejected": "0s", "types": {"<category>/<name>": {"stored": "720h",
// "rejected": "24h"}}}, "originals": {"default": "keep", "types":
// {"<category>/<name>": "drop"}}}`, every member optional, durations as Go
// writes them, types as Type.String does. A duration instead of a type's retention
// object is the retention of stored events. It returns every fault at once; an
// unknown member is a fault.
func ParsePolicy(raw []byte) (Policy, []event.Fault) {
	p := DefaultPolicy()
	tree, faults := Read(raw)
	if len(faults) > 0 {
		return p, faults
	}
	m := Location{Faults: &faults}
	m.Object(tree, map[string]func(any){
		"future_skew":      func(v any) { p.FutureSkew = duration(m.At("future_skew"), v) },
		"clock_correction": func(v any) { p.ClockCorrection = duration(m.At("clock_correction"), v) },
		"oldest_age":       func(v any) { p.OldestAge = duration(m.At("oldest_age"), v) },
		"unknown_types":    func(v any) { p.UnknownTypes = treatment(m.At("unknown_types"), v, StoreUnknown) },
		"unknown_members":  func(v any) { p.UnknownMembers = treatment(m.At("unknown_members"), v, DropUnknown) },
		"retention":        func(v any) { p.Retention = retention(m.At("retention"), v) },
		"originals":        func(v any) { p.Originals = originals(m.At("originals"), v) },
	})
	return p, faults
}

func retention(m Location, v any) (r Retention) {
	m.Object(v, map[string]func(any){
		"stored":   func(v any) { r.Stored = duration(m.At("stored"), v) },
		"rejected": func(v any) { r.Rejected = duration(m.At("rejected"), v) },
		"types":    func(v any) { r.readTypes(m.At("types"), v) },
	})
	return r
}

func (r *Retention) readTypes(m Location, v any) {
	stored, rejected := map[Type]time.Duration{}, map[Type]time.Duration{}
	eachType(m, v, func(t Type, m Location, v any) {
		if _, ok := v.(map[string]any); !ok {
			stored[t] = duration(m, v)
			return
		}
		m.Object(v, map[string]func(any){
			"stored":   func(v any) { stored[t] = duration(m.At("stored"), v) },
			"rejected": func(v any) { rejected[t] = duration(m.At("rejected"), v) },
		})
	})
	r.Types, r.RejectedTypes = stored, rejected
}

func originals(m Location, v any) (o Originals) {
	m.Object(v, map[string]func(any){
		"default": func(v any) { o.Default = original(m.At("default"), v) },
		"types": func(v any) {
			o.Types = map[Type]string{}
			eachType(m.At("types"), v, func(t Type, m Location, v any) { o.Types[t] = original(m, v) })
		},
	})
	return o
}

func original(m Location, v any) string {
	s, _ := v.(string)
	if s != KeepOriginals && s != DropOriginals {
		m.Faultf("must be %q or %q", KeepOriginals, DropOriginals)
		return DropOriginals
	}
	return s
}

// eachType reads an object by type, in the order of the names.
func eachType(m Location, v any, read func(t Type, m Location, v any)) {
	object, ok := v.(map[string]any)
	if !ok {
		m.Faultf("must be an object with a member for each type")
		return
	}
	for _, key := range slices.Sorted(maps.Keys(object)) {
		t, err := ParseType(key)
		if err != nil {
			m.At(key).Faultf("is not a type: %v", err)
			continue
		}
		read(t, m.At(key), object[key])
	}
}

func duration(m Location, v any) time.Duration {
	s, ok := v.(string)
	if !ok {
		m.Faultf("must be a string: %s", when.DurationForms)
		return 0
	}
	d, err := when.ParseDuration(s)
	switch {
	case err != nil:
		m.Faultf("%v", err)
	case d > maxDuration:
		m.Faultf("must be at most %s", when.FormatDuration(maxDuration))
	default:
		return d
	}
	return 0
}

// treatment reads RejectUnknown or the other treatment of the unknown.
func treatment(m Location, v any, other string) string {
	s, _ := v.(string)
	if s != RejectUnknown && s != other {
		m.Faultf("must be %q or %q", RejectUnknown, other)
		return RejectUnknown
	}
	return s
}
