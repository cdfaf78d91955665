package schema

import (
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/theeye/theeye/shared/event"
)

// ParsePolicy reads a policy as policy.json has it: `{"future_skew": "5m",
// "oldest_age": "0s", "unknown_types": "reject", "retention": {"stored": "0s",
// "rejected": "0s", "types": {"<category>/<name>": {"stored": "720h",
// "rejected": "24h"}}}, "originals": {"default": "keep", "types":
// {"<category>/<name>": "drop"}}}`, every member optional, durations as Go
// writes them, types as Type.String does. A duration in the place of a type's
// retention is that of stored events. It returns every fault at once; a member
// it does not know is one.
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
		"originals":     func(v any) { p.Originals = originals(m.At("originals"), v) },
	})
	return p, faults
}

func retention(m Members, v any) (r Retention) {
	m.Object(v, map[string]func(any){
		"stored":   func(v any) { r.Stored = duration(m.At("stored"), v) },
		"rejected": func(v any) { r.Rejected = duration(m.At("rejected"), v) },
		"types":    func(v any) { r.types(m.At("types"), v) },
	})
	return r
}

func (r *Retention) types(m Members, v any) {
	stored, rejected := map[Type]time.Duration{}, map[Type]time.Duration{}
	eachType(m, v, func(t Type, m Members, v any) {
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

func originals(m Members, v any) (o Originals) {
	m.Object(v, map[string]func(any){
		"default": func(v any) { o.Default = original(m.At("default"), v) },
		"types": func(v any) {
			o.Types = map[Type]string{}
			eachType(m.At("types"), v, func(t Type, m Members, v any) { o.Types[t] = original(m, v) })
		},
	})
	return o
}

func original(m Members, v any) string {
	s, _ := v.(string)
	if s != KeepOriginals && s != DropOriginals {
		m.Faultf("wants %q or %q", KeepOriginals, DropOriginals)
		return DropOriginals
	}
	return s
}

// eachType reads an object by type, in the order of the names.
func eachType(m Members, v any, read func(t Type, m Members, v any)) {
	object, ok := v.(map[string]any)
	if !ok {
		m.Faultf("wants an object by type")
		return
	}
	for _, key := range slices.Sorted(maps.Keys(object)) {
		t, err := ParseType(key)
		if err != nil {
			m.At(key).Faultf("is no type: %v", err)
			continue
		}
		read(t, m.At(key), object[key])
	}
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
