package schema

import (
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/theeye/theeye/shared/event"
)

// What a policy does with events of types that the registry does not know.
const (
	// RejectUnknown rejects them with event.CodeUnknownType; the default.
	RejectUnknown = "reject"
	// StoreUnknown stores them, judged by the policy alone.
	StoreUnknown = "store"
)

// maxDuration bounds every duration of a policy, so that a time plus one is
// always a time that both stores keep.
const maxDuration = 100 * 365 * 24 * time.Hour

// Policy is the validation policy: one of a registry, for all applications.
type Policy struct {
	// FutureSkew is how far a timestamp may lie after the received time.
	FutureSkew time.Duration
	// OldestAge is how far a timestamp may lie before it; 0 is no limit.
	OldestAge time.Duration
	// UnknownTypes is RejectUnknown (also when empty) or StoreUnknown.
	UnknownTypes string
	// Retention is how long outcomes are kept.
	Retention Retention
}

// Retention is how long outcomes stay in the store, from the received time on;
// 0 is for ever.
type Retention struct {
	// Stored holds for stored events of all types that Types does not name.
	Stored time.Duration
	// Rejected holds for rejected events of every type.
	Rejected time.Duration
	// Types holds for stored events of single types.
	Types map[Type]time.Duration
}

// DefaultPolicy is the policy of a registry that has none: 5 minutes of skew,
// no oldest age, unknown types rejected, everything kept for ever.
func DefaultPolicy() Policy {
	return Policy{FutureSkew: 5 * time.Minute, UnknownTypes: RejectUnknown}
}

// retention returns how long one outcome is kept.
func (p *Policy) retention(t Type, rejected bool) time.Duration {
	if rejected {
		return p.Retention.Rejected
	}
	if d, ok := p.Retention.Types[t]; ok {
		return d
	}
	return p.Retention.Stored
}

// ParsePolicy reads a policy as policy.json has it: `{"future_skew": "5m",
// "oldest_age": "0s", "unknown_types": "reject", "retention": {"stored": "0s",
// "rejected": "0s", "types": {"<category>/<name>": "720h"}}}`, every member
// optional, durations as Go writes them, types as Type.String does. It returns
// every fault at once; a member it does not know is one.
func ParsePolicy(raw []byte) (Policy, []event.Fault) {
	p := DefaultPolicy()
	tree, faults := Read(raw)
	if len(faults) > 0 {
		return p, faults
	}
	m := Members{Faults: &faults}
	m.Object(tree, map[string]func(any){
		"future_skew":   func(v any) { p.FutureSkew = duration(m.At("future_skew"), v) },
		"oldest_age":    func(v any) { p.OldestAge = duration(m.At("oldest_age"), v) },
		"unknown_types": func(v any) { p.UnknownTypes = unknownTypes(m.At("unknown_types"), v) },
		"retention":     func(v any) { p.Retention = retention(m.At("retention"), v) },
	})
	return p, faults
}

func retention(m Members, v any) (r Retention) {
	m.Object(v, map[string]func(any){
		"stored":   func(v any) { r.Stored = duration(m.At("stored"), v) },
		"rejected": func(v any) { r.Rejected = duration(m.At("rejected"), v) },
		"types":    func(v any) { r.Types = retentionTypes(m.At("types"), v) },
	})
	return r
}

func retentionTypes(m Members, v any) map[Type]time.Duration {
	object, ok := v.(map[string]any)
	if !ok {
		m.Faultf("wants an object of durations by type")
		return nil
	}
	types := make(map[Type]time.Duration, len(object))
	for _, key := range slices.Sorted(maps.Keys(object)) {
		t, err := ParseType(key)
		if err != nil {
			m.At(key).Faultf("is no type: %v", err)
			continue
		}
		types[t] = duration(m.At(key), object[key])
	}
	return types
}

func duration(m Members, v any) time.Duration {
	s, _ := v.(string)
	d, err := time.ParseDuration(s)
	switch {
	case err != nil:
		m.Faultf(`wants a duration such as "5m" or "720h"`)
	case d < 0 || d > maxDuration:
		m.Faultf("wants a duration between 0s and %s", fmt.Sprint(maxDuration))
	default:
		return d
	}
	return 0
}

func unknownTypes(m Members, v any) string {
	s, _ := v.(string)
	if s != RejectUnknown && s != StoreUnknown {
		m.Faultf("wants %q or %q", RejectUnknown, StoreUnknown)
		return RejectUnknown
	}
	return s
}
