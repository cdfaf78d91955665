package schema

import (
	"maps"
	"slices"
	"strings"

	"github.com/theeye/theeye/shared/event"
)

// checker walks a schema once: it records every fault, builds the graph of its
// subschemas, and copies the keywords that the library evaluates.
type checker struct {
	rules  map[string]keyword
	draft  draft
	nodes  map[string]*node // by JSON pointer
	order  []*node          // parents first
	faults []event.Fault

	examples, rejectExamples []any
	supersedes               []uint64
	marks                    *piiMark // nil without a mark
	// allowed is the size of the longest list of allowed values, which the
	// library puts into every error.
	allowed int
}

// node is one schema inside the document.
type node struct {
	pointer string
	index   int // in checker.order
	// weight is the cost of one evaluation: at least 1, and at least the number
	// of errors that it can report.
	weight int
	// inPlace are the schemas that apply to the same value.
	inPlace []*node
	// object and array are the schemas that apply to its members and elements.
	object, array childSchemas
	// ref is the target of $ref as a JSON pointer, where hasRef.
	ref    string
	hasRef bool
}

// childSchemas are the schemas that can apply to one member of an object, or to
// one element of an array: one of either, and all of every.
type childSchemas struct{ either, every []*node }

// at returns the Location of a JSON pointer.
func (c *checker) at(pointer string) Location {
	return Location{Path: pointer, Faults: &c.faults}
}

// checkDocument checks the whole document and returns the copy for the library.
func (c *checker) checkDocument(tree any) any {
	c.draft = defaultDraft
	if object, ok := tree.(map[string]any); ok {
		if v, ok := object["$schema"]; ok {
			c.readDraft(v)
		}
	}
	_, copied := c.checkSchema(c.at(""), tree)
	c.resolveReferences()
	return copied
}

func (c *checker) readDraft(v any) {
	s, _ := v.(string)
	d, ok := drafts[strings.TrimSuffix(s, "#")]
	if !ok {
		c.at("/$schema").Faultf("must be http://json-schema.org/draft-07/schema#, or draft-06 or draft-04")
		return
	}
	c.draft = d
}

// checkSchema checks one schema. A value that is not a schema is a fault and
// yields a node without constraints, so that the walk continues.
func (c *checker) checkSchema(m Location, v any) (*node, any) {
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
		return n, c.checkKeywords(n, m, v)
	}
	m.Faultf("must be an object (a schema)")
	return n, map[string]any{}
}

func (c *checker) checkKeywords(n *node, m Location, v map[string]any) map[string]any {
	copied := make(map[string]any, len(v))
	for _, name := range slices.Sorted(maps.Keys(v)) {
		switch {
		case name == "$ref":
			copied[name] = c.checkReference(n, m.At(name), v[name])
		case name == "$schema" || name == c.idKeyword():
			if m.Path != "" {
				m.At(name).Faultf("may stand at the root only")
			}
		case isAnnotation(name):
			c.checkAnnotation(m, name, v[name])
		default:
			rule, ok := c.rules[name]
			if !ok || rule.since > c.draft {
				c.refuseUnknownKeyword(m.At(name), name, rule.since)
				continue
			}
			n.weight++
			copied[name] = rule.check(c, n, m.At(name), v[name])
		}
	}
	c.checkCombinations(n, m, v)
	return copied
}

// idKeyword is the keyword that identifies a schema. Every reference stays inside
// the document, so it has no effect, and the library does not get it.
func (c *checker) idKeyword() string {
	if c.draft == 4 {
		return "id"
	}
	return "$id"
}

func (c *checker) refuseUnknownKeyword(m Location, name string, since draft) {
	switch {
	case since > 0:
		m.Faultf("is a keyword from draft %d on; this schema is of draft %d", since, c.draft)
	case name == "id" || name == "$id":
		m.Faultf("is not a keyword of draft %d", c.draft)
	case name == "$defs":
		m.Faultf("is not a keyword of draft %d; use definitions", c.draft)
	default:
		m.Faultf("is not a known keyword")
	}
}

// checkCombinations checks keywords against each other.
func (c *checker) checkCombinations(n *node, m Location, v map[string]any) {
	if n.hasRef {
		for _, name := range slices.Sorted(maps.Keys(v)) {
			if _, constrains := c.rules[name]; constrains && name != "definitions" {
				m.At(name).Faultf("is ignored beside $ref; put both into allOf")
			}
		}
	}
	for _, name := range slices.Sorted(maps.Keys(companions)) {
		need := companions[name]
		_, has := v[name]
		_, hasOther := v[need.other]
		if has && !hasOther && c.draft <= need.until {
			m.At(name).Faultf("has no effect without %s", need.other)
		}
	}
	for _, pair := range orderedBounds {
		low, ok1 := readCount(v[pair[0]])
		high, ok2 := readCount(v[pair[1]])
		if ok1 && ok2 && low > high {
			m.At(pair[0]).Faultf("is greater than %s", pair[1])
		}
	}
}
