package schema

import (
	"maps"
	"net/url"
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
	open   []*node          // the schemas around the one that is checked
	faults []event.Fault

	// known is what keywordNames returns.
	known []string
	// tracks is set where a schema needs to know what another evaluates.
	tracks bool
	// anyRoot allows a document whose values are not objects.
	anyRoot bool
	// resources and anchors are the schemas with an identifier, by its URL.
	resources, anchors map[string]*node
	// names are the names of members that the schema holds.
	names map[string]bool
	// patterns are the patterns as they were written, by their translation.
	patterns map[string]string

	examples, rejectExamples []any
	supersedes               []uint64
	marks                    *piiMark // nil without a mark
	// allowed is the size of the longest list of allowed values, which the
	// library puts into every error.
	allowed int
}

func newChecker(faults []event.Fault) *checker {
	return &checker{
		rules: keywords, draft: defaultDraft, faults: faults,
		nodes: map[string]*node{}, resources: map[string]*node{}, anchors: map[string]*node{},
		names: map[string]bool{}, patterns: map[string]string{},
	}
}

// node is one schema inside the document.
type node struct {
	pointer string
	index   int // in checker.order
	draft   draft
	// keywords are the members of the schema, copied those for the library.
	keywords map[string]any
	copied   map[string]any
	// evaluated is the schema as this package evaluates it.
	evaluated *subschema
	// inexact is set where the schema, or one inside, has a keyword that only this
	// package evaluates; refers where it has a reference.
	inexact, refers bool
	// resource is the schema whose identifier is the base of references, base its URL.
	resource *node
	base     *url.URL
	// isOutside is set for a schema of a metaschema, which is not in the document.
	isOutside bool
	// weight is the cost of one evaluation: at least 1, and at least the number
	// of errors that it can report.
	weight int
	// inPlace are the schemas that apply to the same value.
	inPlace []*node
	// object and array are the schemas that apply to its members and elements.
	object, array childSchemas
	// ref is the target of $ref, where hasRef.
	ref    *url.URL
	hasRef bool
}

// childSchemas are the schemas that can apply to one member of an object, or to
// one element of an array: one of either, and all of every.
type childSchemas struct{ either, every []*node }

// at returns the Location of a JSON pointer.
func (c *checker) at(pointer string) Location {
	return Location{Path: pointer, Faults: &c.faults}
}

// checkDocument checks the whole document and returns its root and the copy for the
// library.
func (c *checker) checkDocument(tree any) (*node, any) {
	if object, ok := tree.(map[string]any); ok {
		if v, ok := object["$schema"]; ok {
			c.readDraft(v)
		}
	}
	root, copied := c.checkSchema(c.at(""), tree)
	c.resolveReferences()
	if !c.anyRoot {
		c.checkRoot(root)
	}
	return root, copied
}

func (c *checker) readDraft(v any) {
	d, ok := parseDraft(v)
	if !ok {
		c.at("/$schema").Faultf("must be https://json-schema.org/draft/2020-12/schema, draft/2019-09/schema, or http://json-schema.org/draft-07/schema#, draft-06 or draft-04")
		return
	}
	c.draft = d
}

// checkSchema checks one schema. A value that is not a schema is a fault and
// yields a node without constraints, so that the walk continues.
func (c *checker) checkSchema(m Location, v any) (*node, any) {
	n := c.addNode(m.Path)
	c.open = append(c.open, n)
	defer func() { c.open = c.open[:len(c.open)-1] }()
	switch v := v.(type) {
	case bool:
		if c.draft < 6 {
			m.Faultf("true and false are schemas from draft 6 on")
		}
		n.evaluated.boolean = &v
		return n, v
	case map[string]any:
		n.keywords = v
		c.checkKeywords(n, m)
		return n, n.copied
	}
	m.Faultf("must be an object (a schema)")
	return n, n.copied
}

// addNode adds a schema without constraints.
func (c *checker) addNode(pointer string) *node {
	n := &node{
		pointer: pointer, index: len(c.order), draft: c.draft, weight: 1,
		keywords: map[string]any{}, copied: map[string]any{}, evaluated: &subschema{minContains: 1, maxContains: maxCount},
	}
	if len(c.open) > 0 {
		parent := c.open[len(c.open)-1]
		n.resource, n.base, n.isOutside = parent.resource, parent.base, parent.isOutside
	} else if len(c.order) > 0 {
		n.resource, n.base, n.isOutside = n, &url.URL{}, true
	} else {
		n.resource, n.base = n, &url.URL{Scheme: "eye", Path: "/schema"}
		c.resources[n.base.String()] = n
	}
	c.nodes[pointer] = n
	c.order = append(c.order, n)
	return n
}

// markInexact notes a keyword that only this package evaluates.
func (c *checker) markInexact() {
	for _, n := range c.open {
		n.inexact = true
	}
}

func (c *checker) checkKeywords(n *node, m Location) {
	c.checkIdentifiers(n, m)
	for _, name := range slices.Sorted(maps.Keys(n.keywords)) {
		v := n.keywords[name]
		rule, isKeyword := c.rules[name]
		switch {
		case name == "$ref":
			c.checkReference(n, m.At(name), v)
		case isIdentifier(name):
		case isAnnotation(name):
			c.checkAnnotation(m, name, v)
		case isKeyword && rule.since <= c.draft && (rule.until == 0 || rule.until >= c.draft):
			n.weight++
			n.copied[name] = rule.check(c, n, m.At(name), v)
		default:
			c.checkUnknownKeyword(m.At(name), name, rule)
		}
	}
	c.checkCombinations(n, m)
	c.translate(n)
}

// translate renames the keywords of later drafts in the copy for the library.
func (c *checker) translate(n *node) {
	rename := func(from, to string) {
		if v, ok := n.copied[from]; ok {
			delete(n.copied, from)
			n.copied[to] = v
		}
	}
	if _, ok := n.copied["prefixItems"]; ok {
		rename("items", "additionalItems")
		rename("prefixItems", "items")
	}
	rename("unevaluatedProperties", "additionalProperties")
	rename("dependentRequired", "dependencies")
	rename("dependentSchemas", "dependencies")
}

func (c *checker) checkUnknownKeyword(m Location, name string, rule keyword) {
	switch reason, foreign := foreignKeywords[name]; {
	case rule.since > c.draft:
		m.Faultf("is a keyword from draft %s on; this schema is of draft %s, see $schema", rule.since, c.draft)
	case rule.until > 0:
		m.Faultf("is a keyword until draft %s; this schema is of draft %s: use items beside prefixItems", rule.until, c.draft)
	case foreign:
		m.Faultf("%s", reason)
	default:
		if nearest := nearestName(name, c.keywordNames()); nearest != "" {
			m.Faultf("is not a known keyword; did you mean %s? A keyword of your own starts with x-", nearest)
		}
	}
}

// keywordNames returns the keywords that constrain data in the draft.
func (c *checker) keywordNames() []string {
	if c.known != nil {
		return c.known
	}
	names := []string{"$ref"}
	for name, rule := range c.rules {
		if rule.since <= c.draft && (rule.until == 0 || rule.until >= c.draft) {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	c.known = names
	return names
}

// checkCombinations checks keywords against each other.
func (c *checker) checkCombinations(n *node, m Location) {
	for _, name := range slices.Sorted(maps.Keys(companions)) {
		need := companions[name]
		_, has := n.keywords[name]
		_, hasOther := n.keywords[need.other]
		if has && !hasOther && c.draft <= need.until {
			m.At(name).Faultf("has no effect without %s", need.other)
		}
	}
	c.checkContradictions(n, m)
}

// nearestName returns the name that differs from an unknown one by a typing mistake,
// or "".
func nearestName(unknown string, names []string) string {
	best, nearest := 4, ""
	folded := strings.ToLower(strings.Trim(unknown, "$_ "))
	for _, name := range names {
		d := editDistance(folded, strings.ToLower(strings.Trim(name, "$")), best)
		if d < best && d <= len(name)/4 {
			best, nearest = d, name
		}
	}
	return nearest
}

// editDistance returns the number of inserted, removed, replaced or swapped bytes
// between two names, or limit where it is at least that.
func editDistance(a, b string, limit int) int {
	if len(a)-len(b) >= limit || len(b)-len(a) >= limit {
		return limit
	}
	var above, before []int // the last two rows
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := 1; i <= len(a); i++ {
		above, before, row = before, row, make([]int, len(b)+1)
		row[0] = i
		for j := 1; j <= len(b); j++ {
			cost := 1
			if a[i-1] == b[j-1] {
				cost = 0
			}
			row[j] = min(before[j]+1, row[j-1]+1, before[j-1]+cost)
			if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
				row[j] = min(row[j], above[j-2]+1)
			}
		}
	}
	return min(row[len(b)], limit)
}
