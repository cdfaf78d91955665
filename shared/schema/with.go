package schema

import (
	"crypto/sha256"
	"maps"
	"slices"
)

// With returns the Set that this one would become if the schema were put as the
// newest version of a type: its revision is one more.
func (s *Set) With(t Type, schema *Schema) *Set {
	next := *s
	next.revision++
	next.types = maps.Clone(s.types)
	if next.piiKey == nil {
		// The registry makes one when it is needed first. Which one decides
		// nothing but the hashes.
		next.piiKey = make([]byte, sha256.Size)
	}
	v := Versioned{Schema: schema, Revision: next.revision}
	if last := s.types[t]; last != nil {
		v.Earlier = append(slices.Clone(last.Earlier), compiledVersion(last.Versioned))
	}
	next.types[t] = register(v)
	return &next
}

// compiledVersion is the newest version as an earlier one.
func compiledVersion(v Versioned) *Version {
	earlier := &Version{revision: v.Revision, supersedes: v.Schema.Supersedes(), schema: v.Schema}
	earlier.compile.Do(func() {}) // it is
	return earlier
}
