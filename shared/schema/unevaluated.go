package schema

import "maps"

// The keywords unevaluatedProperties and unevaluatedItems apply to the members and
// elements that no other keyword of the schema evaluates, nor a schema that matches
// the same value in place. The evaluated parts are noted on the way, so that nothing
// is evaluated again for it.

// evaluatedParts notes the members or elements of one value that are evaluated. A nil
// one notes nothing.
type evaluatedParts struct {
	all      bool
	members  map[string]bool
	elements map[int]bool
}

func (p *evaluatedParts) addAll() {
	if p != nil {
		p.all = true
	}
}

func (p *evaluatedParts) addMember(name string) {
	if p == nil || p.all {
		return
	}
	if p.members == nil {
		p.members = map[string]bool{}
	}
	p.members[name] = true
}

func (p *evaluatedParts) addElement(i int) {
	if p == nil || p.all {
		return
	}
	if p.elements == nil {
		p.elements = map[int]bool{}
	}
	p.elements[i] = true
}

// inner returns what notes the parts that an alternative evaluates, which count only
// if it matches; then addFrom adds them.
func (p *evaluatedParts) inner() *evaluatedParts {
	if p == nil {
		return nil
	}
	return &evaluatedParts{}
}

func (p *evaluatedParts) addFrom(inner *evaluatedParts) {
	if p == nil {
		return
	}
	p.all = p.all || inner.all
	if p.members == nil {
		p.members = inner.members
	} else {
		maps.Copy(p.members, inner.members)
	}
	if p.elements == nil {
		p.elements = inner.elements
	} else {
		maps.Copy(p.elements, inner.elements)
	}
}

// inPlaceKeywords are those whose schemas can evaluate members and elements, too.
var inPlaceKeywords = []string{"$ref", "allOf", "anyOf", "oneOf", "if", "dependencies", "dependentSchemas"}

// hasAny reports whether the schema has one of the keywords.
func (n *node) hasAny(names ...string) bool {
	for _, name := range names {
		if _, ok := n.keywords[name]; ok {
			return true
		}
	}
	return false
}

func (c *checker) checkUnevaluatedProperties(n *node, m Location, v any) any {
	if !n.hasAny("additionalProperties") && !n.hasAny(inPlaceKeywords...) {
		return c.checkAdditionalProperties(n, m, v) // says the same
	}
	c.markInexact()
	c.tracks = true
	child, copied := c.checkRemaining(m, v)
	n.object.either = append(n.object.either, child)
	n.evaluated.unevaluatedMembers = child.evaluated
	return copied
}

func (c *checker) checkUnevaluatedItems(n *node, m Location, v any) any {
	c.markInexact()
	c.tracks = true
	child, copied := c.checkRemaining(m, v)
	n.array.either = append(n.array.either, child)
	n.evaluated.unevaluatedElements = child.evaluated
	return copied
}

// tracksEvaluated reports whether the evaluation needs the parts that others evaluate.
func (s *subschema) tracksEvaluated() bool {
	return s.unevaluatedMembers != nil || s.unevaluatedElements != nil
}

// applyUnevaluated evaluates the parts that are not noted, and notes all of them.
func (r *report) applyUnevaluated(s *subschema, v any, at *place, noted *evaluatedParts) {
	switch v := v.(type) {
	case map[string]any:
		if s.unevaluatedMembers == nil || noted.all {
			return
		}
		for name, member := range v {
			if !noted.members[name] {
				r.applyRemaining(s.unevaluatedMembers, member, &place{at, name}, "the member is not allowed")
			}
		}
		noted.addAll()
	case []any:
		if s.unevaluatedElements == nil || noted.all {
			return
		}
		for i, e := range v {
			if !noted.elements[i] {
				r.applyRemaining(s.unevaluatedElements, e, atIndex(at, i), "the element is not allowed")
			}
		}
		noted.addAll()
	}
}

// applyRemaining evaluates what no other keyword names; refusal is the text where
// the schema is false.
func (r *report) applyRemaining(s *subschema, v any, at *place, refusal string) {
	if s.allowsNothing() {
		r.addf(at, "%s", refusal)
		return
	}
	r.apply(s, v, at, nil)
}

// allowsNothing reports whether the schema is false.
func (s *subschema) allowsNothing() bool { return s != nil && s.boolean != nil && !*s.boolean }
