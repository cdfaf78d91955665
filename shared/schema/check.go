package schema

import (
	"maps"
	"slices"
	"strings"

	"github.com/theeye/theeye/shared/event"
)

// checker walks a schema once: it notes every fault, builds the graph of its
// subschemas, and copies what the library may see.
type checker struct {
	rules  map[string]keyword
	draft  draft
	nodes  map[string]*node // by JSON pointer
	order  []*node          // parents first
	faults []event.Fault

	examples, rejectExamples []any
	supersedes               []uint64
	marks                    *mark // nil when nothing is marked
	// allowed is the size of the longest list of allowed values, which the
	// library puts into every error.
	allowed int
}

// node is one schema inside of the document.
type node struct {
	pointer string
	index   int // in checker.order
	// weight is what one evaluation costs: at least 1 and at least the number
	// of errors it can give.
	weight int
	// inPlace are the schemas that judge the same value.
	inPlace []*node
	// object and array are those that judge what is inside of it.
	object, array inside
	// ref is the target of $ref as a JSON pointer, where hasRef.
	ref    string
	hasRef bool
}

// inside is which schemas can judge one member of an object, or one element of
// an array: one of either, and all of every.
type inside struct{ either, every []*node }

// place is the checker's Members at a JSON pointer.
func (c *checker) place(pointer string) Members {
	return Members{Path: pointer, Faults: &c.faults}
}

// root checks the whole document.
func (c *checker) root(tree any) any {
	c.draft = defaultDraft
	if object, ok := tree.(map[string]any); ok {
		if v, ok := object["$schema"]; ok {
			c.dialect(v)
		}
	}
	_, copied := c.schema(c.place(""), tree)
	c.resolve()
	return copied
}

func (c *checker) dialect(v any) {
	s, _ := v.(string)
	d, ok := drafts[strings.TrimSuffix(s, "#")]
	if !ok {
		c.place("/$schema").Faultf("wants http://json-schema.org/draft-07/schema#, or draft-06 or draft-04")
		return
	}
	c.draft = d
}

// schema checks one schema. Where it is none, the node is one that judges
// nothing, so that the walk goes on.
func (c *checker) schema(m Members, v any) (*node, any) {
	n := &node{pointer: m.Path, index: len(c.order), weight: 1}
	c.nodes[m.Path] = n
	c.order = append(c.order, n)
	switch v := v.(type) {
	case bool:
		if c.draft < 6 {
			m.Faultf("true and false are schemas from draft 6 on")
		}
		return n, v
	case map[string]any:
		return n, c.object(n, m, v)
	}
	m.Faultf("is no schema: an object is wanted")
	return n, map[string]any{}
}

func (c *checker) object(n *node, m Members, v map[string]any) map[string]any {
	copied := make(map[string]any, len(v))
	for _, name := range slices.Sorted(maps.Keys(v)) {
		switch {
		case name == "$ref":
			copied[name] = c.reference(n, m.At(name), v[name])
		case name == "$schema" || name == c.idKeyword():
			if m.Path != "" {
				m.At(name).Faultf("may stand at the root only")
			}
		case annotation(name):
			c.own(m, name, v[name])
		default:
			rule, ok := c.rules[name]
			if !ok || rule.since > c.draft {
				c.unknown(m.At(name), name, rule.since)
				continue
			}
			n.weight++
			copied[name] = rule.check(c, n, m.At(name), v[name])
		}
	}
	c.together(n, m, v)
	return copied
}

// idKeyword names the schema. Every reference stays inside of the document, so
// it says nothing, and the library does not get it.
func (c *checker) idKeyword() string {
	if c.draft == 4 {
		return "id"
	}
	return "$id"
}

func (c *checker) unknown(m Members, name string, since draft) {
	switch {
	case since > 0:
		m.Faultf("is a keyword from draft %d on; this schema is of draft %d", since, c.draft)
	case name == "id" || name == "$id":
		m.Faultf("is no keyword of draft %d", c.draft)
	case name == "$defs":
		m.Faultf("is no keyword of draft %d; use definitions", c.draft)
	default:
		m.Faultf("is no keyword that is known here")
	}
}

// together checks keywords against each other.
func (c *checker) together(n *node, m Members, v map[string]any) {
	if n.hasRef {
		for _, name := range slices.Sorted(maps.Keys(v)) {
			if _, judges := c.rules[name]; judges && name != "definitions" {
				m.At(name).Faultf("is ignored beside $ref; put both into allOf")
			}
		}
	}
	for _, name := range slices.Sorted(maps.Keys(requires)) {
		need := requires[name]
		_, has := v[name]
		_, hasOther := v[need.other]
		if has && !hasOther && c.draft <= need.until {
			m.At(name).Faultf("judges nothing without %s", need.other)
		}
	}
	for _, pair := range pairs {
		low, ok1 := bound(v[pair[0]])
		high, ok2 := bound(v[pair[1]])
		if ok1 && ok2 && low > high {
			m.At(pair[0]).Faultf("is greater than %s", pair[1])
		}
	}
}
