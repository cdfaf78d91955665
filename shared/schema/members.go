package schema

import (
	"slices"
	"strings"

	"github.com/theeye/theeye/shared/event"
)

// Bounds of the members that a schema is known to declare.
const (
	maxMembers     = 1000
	maxMemberDepth = 32
	// maxMemberSteps bounds the schemas that are read: references may lead to one
	// again and again.
	maxMemberSteps = 10_000
)

// Member is a member of the data that a schema declares by name.
type Member struct {
	// Path leads to it, from the data on.
	Path []string
	// Required says that every valid event has it.
	Required bool
}

// Members returns the members that the schema declares under properties, in objects
// within objects too, sorted by their paths and at most 1000. It follows allOf and
// references; what depends on a condition is not among them. The caller must not change
// them. A nil Schema declares nothing.
func (s *Schema) Members() []Member {
	if s == nil {
		return nil
	}
	return s.members
}

// memberReader collects the members of a schema.
type memberReader struct {
	root  any
	found map[string]*Member
	steps int
}

// readMembers returns the members that a checked document declares.
func readMembers(tree any) []Member {
	r := memberReader{root: tree, found: map[string]*Member{}}
	r.readSchema(tree, nil, true, 0)
	members := make([]Member, 0, len(r.found))
	for _, m := range r.found {
		members = append(members, *m)
	}
	slices.SortFunc(members, func(a, b Member) int { return slices.Compare(a.Path, b.Path) })
	return members
}

// readSchema reads the schema of the value at a path; required says that every valid
// event has that value.
func (r *memberReader) readSchema(tree any, path []string, required bool, depth int) {
	schema, ok := tree.(map[string]any)
	if r.steps++; !ok || depth > maxMemberDepth || r.steps > maxMemberSteps {
		return
	}
	if to, ok := schema["$ref"].(string); ok {
		r.readSchema(r.resolve(to), path, required, depth+1)
	}
	names := map[string]bool{}
	list, _ := schema["required"].([]any)
	for _, name := range list {
		if text, ok := name.(string); ok {
			names[text] = true
		}
	}
	properties, _ := schema["properties"].(map[string]any)
	for name, property := range properties {
		member := append(slices.Clone(path), name)
		if r.addMember(member, required && names[name]) {
			r.readSchema(property, member, required && names[name], depth+1)
		}
	}
	if all, ok := schema["allOf"].([]any); ok {
		for _, part := range all {
			r.readSchema(part, path, required, depth+1)
		}
	}
	for name := range names {
		if m := r.found[event.Pointer(append(slices.Clone(path), name)...)]; m != nil && required {
			m.Required = true
		}
	}
}

// addMember reports whether there was room for a member.
func (r *memberReader) addMember(path []string, required bool) bool {
	key := event.Pointer(path...)
	m := r.found[key]
	if m == nil {
		if len(r.found) == maxMembers {
			return false
		}
		m = &Member{Path: path}
		r.found[key] = m
	}
	m.Required = m.Required || required
	return true
}

// resolve returns what a reference into the document points at, nil for any other.
func (r *memberReader) resolve(to string) any {
	pointer, ok := strings.CutPrefix(to, "#")
	if !ok {
		return nil
	}
	at := r.root
	for token := range strings.SplitSeq(strings.TrimPrefix(pointer, "/"), "/") {
		if pointer == "" {
			break
		}
		object, ok := at.(map[string]any)
		if !ok {
			return nil
		}
		at = object[strings.NewReplacer("~1", "/", "~0", "~").Replace(token)]
	}
	return at
}
