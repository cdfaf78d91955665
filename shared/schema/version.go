package schema

import (
	"encoding/json"
	"slices"
	"sync"

	"github.com/theeye/theeye/shared/event"
)

const (
	// MaxEarlier bounds the earlier versions of one type that can validate events.
	MaxEarlier = 100
	// MaxSupersedes bounds the versions that one version supersedes.
	MaxSupersedes = 100
)

// Version is an earlier version of a type's schema. It is immutable except for the
// compiled schema, which is made when the first event needs it: most earlier
// versions are not used any more. It is safe for concurrent use; all Sets that
// hold the version share it.
type Version struct {
	revision   uint64
	supersedes []uint64

	compile sync.Once
	raw     []byte // nil once it is compiled
	schema  *Schema
}

// NewVersion returns the version that the registry revision put. It reads
// x-eye-supersedes at once, whether or not the rest of raw is a schema, and
// keeps raw, which must not change.
func NewVersion(revision uint64, raw []byte) *Version {
	return &Version{revision: revision, supersedes: readSupersedes(raw), raw: raw}
}

// Revision is the registry revision that put the version.
func (v *Version) Revision() uint64 { return v.revision }

// Supersedes are the revisions that the version supersedes, ascending. The
// caller must not change them.
func (v *Version) Supersedes() []uint64 { return v.supersedes }

// Schema is the compiled schema, nil when it cannot be compiled. The first call
// compiles, which takes milliseconds.
func (v *Version) Schema() *Schema {
	v.compile.Do(func() {
		v.schema, _ = Compile(v.raw)
		v.raw = nil
	})
	return v.schema
}

// Supersedes are the revisions of the type's schema that this one replaces for
// events that name them, ascending. The caller must not change them. A nil
// Schema supersedes nothing.
func (s *Schema) Supersedes() []uint64 {
	if s == nil {
		return nil
	}
	return s.supersedes
}

// readSupersedes reads the list of superseded revisions from an unchecked document.
func readSupersedes(raw []byte) []uint64 {
	tree, faults := Read(raw)
	root, ok := tree.(map[string]any)
	v, has := root[keySupersedes]
	if !ok || !has || len(faults) > 0 {
		return nil
	}
	list := revisions(Location{Faults: &faults}, v)
	if len(faults) > 0 {
		return nil
	}
	return list
}

// revisions reads a list of revisions.
func revisions(m Location, v any) []uint64 {
	list, ok := v.([]any)
	if !ok || len(list) > MaxSupersedes {
		m.Faultf("must be an array of at most %d revisions", MaxSupersedes)
		return nil
	}
	read := make([]uint64, 0, len(list))
	for i, e := range list {
		text, _ := e.(json.Number)
		n, ok := event.ParseNumber([]byte(text))
		if !ok || n.Int < 1 { // Int is 0 for other kinds
			m.Faultf("must hold revisions, which are positive integers; element %d is not", i)
			return nil
		}
		read = append(read, uint64(n.Int))
	}
	slices.Sort(read)
	return slices.Compact(read)
}

// effectiveSchema is the schema that applies to an event, nil where it cannot be
// used, and the revision that put it.
type effectiveSchema struct {
	schema   *Schema
	revision uint64
}

// registeredType is a type of a Set. targets are filled when the first event of the
// type names an earlier version.
type registeredType struct {
	Versioned
	resolve sync.Once
	targets map[uint64]*Version // nil stands for the newest
}

// register keeps at most the newest MaxEarlier earlier versions.
func register(v Versioned) *registeredType {
	for len(v.Earlier) > 0 && v.Earlier[len(v.Earlier)-1].revision >= v.Revision {
		v.Earlier = v.Earlier[:len(v.Earlier)-1]
	}
	v.Earlier = v.Earlier[max(0, len(v.Earlier)-MaxEarlier):]
	return &registeredType{Versioned: v}
}

// schemaFor returns the schema that applies to an event that names the version
// sent, 0 for no version. It reports false for a version that the type never had,
// or does not keep any more.
//
// While the newest version cannot be used, no earlier version applies: the newest
// one decides which versions it supersedes and which values are personal.
func (r *registeredType) schemaFor(sent uint64) (effectiveSchema, bool) {
	newest := effectiveSchema{r.Schema, r.Revision}
	if sent == 0 || sent == r.Revision || r.Schema == nil {
		return newest, true
	}
	r.resolve.Do(r.resolveTargets)
	v, ok := r.targets[sent]
	if !ok {
		return effectiveSchema{}, false
	}
	if v == nil {
		return newest, true
	}
	return effectiveSchema{v.Schema(), v.revision}, true
}

// resolveTargets finds the version that applies in place of every earlier one. It
// goes from the newest to the oldest, so that a superseding version has its own
// target already, and the newest superseding version wins. A list therefore
// affects older versions only, and there are no cycles.
func (r *registeredType) resolveTargets() {
	r.targets = make(map[uint64]*Version, len(r.Earlier))
	superseded := map[uint64]*Version{}
	claim := func(list []uint64, target *Version) {
		for _, n := range list {
			if _, claimed := superseded[n]; !claimed {
				superseded[n] = target
			}
		}
	}
	claim(r.Schema.Supersedes(), nil)
	for _, v := range slices.Backward(r.Earlier) {
		target, ok := superseded[v.revision]
		if !ok {
			target = v
		}
		r.targets[v.revision] = target
		claim(v.supersedes, target)
	}
}
