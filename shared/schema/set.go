package schema

import (
	"bytes"
	"maps"
	"slices"
)

// Versioned is a schema and the registry revision that put it.
type Versioned struct {
	// Schema is nil where the registry holds a schema that this version of
	// The Eye cannot compile. The type is known then, and its events are
	// rejected with event.CodeValidatorFailed: a replay repairs them.
	Schema   *Schema
	Revision uint64
	// Earlier are the versions before, oldest first, all of lower revisions.
	// The newest MaxEarlier of them judge events that name them. They are
	// not copied and must not change.
	Earlier []*Version
}

// Set is the schemas and the policy of one registry revision. It is immutable
// and safe for concurrent use.
type Set struct {
	revision uint64
	policy   Policy
	types    map[Type]*registered
	piiKey   []byte
}

// NewSet returns a Set. It keeps a copy of types and of the key that personal
// values are hashed with. Without a key, which is nil, events with values to
// hash are rejected with event.CodeValidatorFailed.
func NewSet(revision uint64, policy Policy, types map[Type]Versioned, piiKey []byte) *Set {
	policy.Retention.Types = maps.Clone(policy.Retention.Types)
	policy.Retention.RejectedTypes = maps.Clone(policy.Retention.RejectedTypes)
	policy.Originals.Types = maps.Clone(policy.Originals.Types)
	s := &Set{revision: revision, policy: policy, piiKey: bytes.Clone(piiKey)}
	s.types = make(map[Type]*registered, len(types))
	for t, v := range types {
		s.types[t] = register(v)
	}
	return s
}

// Revision is the registry revision.
func (s *Set) Revision() uint64 { return s.revision }

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
