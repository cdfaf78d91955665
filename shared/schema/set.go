package schema

import (
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
}

// Set is the schemas and the policy of one registry revision. It is immutable
// and safe for concurrent use.
type Set struct {
	revision uint64
	policy   Policy
	types    map[Type]Versioned
}

// NewSet returns a Set. It keeps a copy of types.
func NewSet(revision uint64, policy Policy, types map[Type]Versioned) *Set {
	policy.Retention.Types = maps.Clone(policy.Retention.Types)
	return &Set{revision: revision, policy: policy, types: maps.Clone(types)}
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
func (s *Set) Version(t Type) uint64 { return s.types[t].Revision }

// Schema returns the schema of a type, nil when the type is unknown or its
// schema cannot be used.
func (s *Set) Schema(t Type) *Schema { return s.types[t].Schema }

// Types returns the known types, by category and name.
func (s *Set) Types() []Type {
	return slices.SortedFunc(maps.Keys(s.types), compareTypes)
}
