package schema

import (
	"bytes"
	"cmp"
	"crypto/sha256"
	"maps"
	"slices"
)

// Versioned is a schema and the registry revision that put it.
type Versioned struct {
	// Schema is nil where the registry holds a schema that this version of
	// The Eye cannot compile. The type is known then, and its events are
	// rejected with event.CodeValidatorFailed; a replay validates them again.
	Schema   *Schema
	Revision uint64
	// Earlier are the previous versions, oldest first, all of lower revisions.
	// The newest MaxEarlier of them validate events that name them. They are
	// not copied and must not change.
	Earlier []*Version
	// Removed says that the schema was removed after Revision put it. The type is
	// unknown then to events that name no version; the versions validate those
	// that name one. The marks of personal values apply to all of them.
	Removed bool
}

// Set holds the schemas and the policy of one registry revision. It is immutable
// and safe for concurrent use.
type Set struct {
	revision uint64
	policy   Policy
	types    map[Type]*registeredType
	removed  map[Type]*registeredType
	piiKey   []byte
	known    *knownTypes
}

// NewSet returns a Set. It keeps a copy of types and of piiKey, the key that
// personal values are hashed with. With a nil key, events with values to hash are
// rejected with event.CodeValidatorFailed.
func NewSet(revision uint64, policy Policy, types map[Type]Versioned, piiKey []byte) *Set {
	policy.Retention.Types = maps.Clone(policy.Retention.Types)
	policy.Retention.RejectedTypes = maps.Clone(policy.Retention.RejectedTypes)
	policy.Originals.Types = maps.Clone(policy.Originals.Types)
	s := &Set{revision: revision, policy: policy, piiKey: bytes.Clone(piiKey), known: new(knownTypes)}
	s.types = make(map[Type]*registeredType, len(types))
	s.removed = map[Type]*registeredType{}
	for t, v := range types {
		if v.Removed {
			s.removed[t] = register(v)
			continue
		}
		s.types[t] = register(v)
	}
	return s
}

// Revision is the registry revision.
func (s *Set) Revision() uint64 { return s.revision }

// Retention is that of the policy. Its maps must not change.
func (s *Set) Retention() Retention { return s.policy.Retention }

// Known reports whether the registry has a schema of the type.
func (s *Set) Known(category, name string) bool {
	_, ok := s.types[Type{category, name}]
	return ok
}

// Version returns the revision that put the schema of a type, 0 when the type
// is unknown.
func (s *Set) Version(t Type) uint64 {
	if r := s.types[t]; r != nil {
		return r.Revision
	}
	return 0
}

// Schema returns the schema of a type, nil when the type is unknown or its
// schema cannot be used.
func (s *Set) Schema(t Type) *Schema {
	if r := s.types[t]; r != nil {
		return r.Schema
	}
	return nil
}

// Types returns the known types, by category and name.
func (s *Set) Types() []Type {
	return slices.SortedFunc(maps.Keys(s.types), compareTypes)
}

// With returns the Set that this one would become if the schema were put as the
// newest version of a type: its revision is one more.
func (s *Set) With(t Type, schema *Schema) *Set {
	next := *s
	next.revision++
	next.types, next.known = maps.Clone(s.types), new(knownTypes)
	if next.piiKey == nil {
		// The registry creates the key when it is first needed. Its value only
		// affects the hashes.
		next.piiKey = make([]byte, sha256.Size)
	}
	v := Versioned{Schema: schema, Revision: next.revision}
	if last := cmp.Or(s.types[t], s.removed[t]); last != nil {
		v.Earlier = append(slices.Clone(last.Earlier), earlierVersion(last.Versioned))
	}
	next.types[t] = register(v)
	next.removed = maps.Clone(s.removed)
	delete(next.removed, t)
	return &next
}

// earlierVersion returns the newest version as an earlier one, already compiled.
func earlierVersion(v Versioned) *Version {
	earlier := &Version{revision: v.Revision, supersedes: v.Schema.Supersedes(), schema: v.Schema}
	earlier.compile.Do(func() {}) // it is compiled
	return earlier
}
