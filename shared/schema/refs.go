package schema

import (
	"maps"
	"net/url"
	"reflect"
	"regexp"
	"slices"
	"strings"
)

// anchorSyntax is the syntax of $anchor, and of the fragment of an $id of an older
// draft.
var anchorSyntax = regexp.MustCompile(`^[A-Za-z_][-A-Za-z0-9._:]*$`)

// isIdentifier reports whether a keyword names a dialect or a schema.
func isIdentifier(name string) bool {
	switch name {
	case "$schema", "$id", "id", "$anchor", "$dynamicAnchor":
		return true
	}
	return false
}

// checkIdentifiers reads $schema, $id and $anchor. References are resolved by them
// inside the document; the library does not get them.
func (c *checker) checkIdentifiers(n *node, m Location) {
	if v, ok := n.keywords["$schema"]; ok && m.Path != "" {
		if d, ok := parseDraft(v); !ok || d != c.draft {
			m.At("$schema").Faultf("must be the same in the whole document")
		}
	}
	keyword := "$id"
	if c.draft == 4 {
		keyword = "id"
	}
	_, hasRef := n.keywords["$ref"]
	if v, ok := n.keywords[keyword]; ok && (!hasRef || c.draft >= draft2019) {
		c.checkIdentifier(n, m.At(keyword), v)
	}
	if c.draft < draft2019 {
		return
	}
	for _, name := range []string{"$anchor", "$dynamicAnchor"} {
		if v, ok := n.keywords[name]; ok {
			c.addAnchor(n, m.At(name), v)
		}
	}
}

func (c *checker) checkIdentifier(n *node, m Location, v any) {
	text, ok := v.(string)
	id, err := url.Parse(text)
	if !ok || err != nil {
		m.Faultf("must be a URI reference")
		return
	}
	fragment := id.Fragment
	if id.Fragment = ""; text != "" && text[0] != '#' {
		n.resource, n.base = n, n.base.ResolveReference(id)
		if _, taken := c.resources[n.base.String()]; taken {
			m.Faultf("identifies two schemas of the document")
		}
		c.resources[n.base.String()] = n
	}
	switch {
	case fragment == "":
	case c.draft >= draft2019:
		m.Faultf("must not have a fragment; use $anchor")
	case fragment[0] == '/': // generators write the place of the schema here
	default:
		c.addAnchor(n, m, fragment)
	}
}

func (c *checker) addAnchor(n *node, m Location, v any) {
	name, _ := v.(string)
	if !anchorSyntax.MatchString(name) {
		m.Faultf("must be a name: a letter, then letters, digits, and any of -_.:")
		return
	}
	key := n.base.String() + "#" + name
	if other := c.anchors[key]; other != nil && other != n {
		m.Faultf("names two schemas of the document")
	}
	c.anchors[key] = n
}

// checkReference reads $ref. Its target must be inside of the document.
func (c *checker) checkReference(n *node, m Location, v any) {
	text, ok := v.(string)
	ref, err := url.Parse(text)
	if !ok || err != nil {
		m.Faultf(`must be a URI reference, as "#/definitions/address"`)
		return
	}
	n.ref, n.hasRef = ref, true
	for _, open := range c.open {
		open.refers = true
	}
	if c.draft >= draft2019 {
		c.markInexact()
	}
}

// target returns the schema that a reference names, nil without one, and whether
// its document is this one.
func (c *checker) target(n *node) (target *node, inside bool) {
	resolved := n.base.ResolveReference(n.ref)
	fragment := resolved.Fragment
	resolved.Fragment, resolved.RawFragment = "", ""
	resource, inside := c.resources[resolved.String()]
	if !inside {
		resource = c.addMetaschema(resolved.String())
		inside = resource != nil
	}
	switch {
	case !inside:
	case fragment == "":
		return resource, true
	case fragment[0] == '/':
		return c.nodes[resource.pointer+fragment], true
	default:
		return c.anchors[resolved.String()+"#"+fragment], true
	}
	return nil, inside
}

// resolveReferences links the references to their targets and refuses cycles that
// do not descend into the data.
func (c *checker) resolveReferences() {
	for i := 0; i < len(c.order); i++ { // a metaschema adds more
		n := c.order[i]
		if !n.hasRef {
			continue
		}
		target, inside := c.target(n)
		switch at := c.at(n.pointer + "/$ref"); {
		case !inside:
			at.Faultf(`must stay in the document: "#" or "#/…", or what an $id inside of it names`)
			continue
		case target == nil:
			at.Faultf("there is no schema at %q", n.ref.String())
			continue
		}
		c.checkSiblings(n, target)
		n.inPlace = append(n.inPlace, target)
		n.evaluated.ref = target.evaluated
		n.copied["$ref"] = (&url.URL{Fragment: target.pointer}).String()
		if strings.Contains(target.pointer, "/$defs/") || target.isOutside {
			c.order[0].inexact = true // the library does not get the target
		}
	}
	c.refuseCycles()
}

// checkSiblings refuses keywords beside $ref where the draft ignores them and they
// would add something to the target.
func (c *checker) checkSiblings(n, target *node) {
	if c.draft >= draft2019 || n.isOutside {
		return
	}
	for _, name := range slices.Sorted(maps.Keys(n.keywords)) {
		_, constrains := c.rules[name]
		if !constrains || name == "definitions" || name == "$defs" || reflect.DeepEqual(n.keywords[name], target.keywords[name]) {
			continue
		}
		c.at(n.pointer).At(name).Faultf("is ignored beside $ref; put both into allOf")
	}
}

// The states of a node in the search for cycles.
const (
	unseen = iota
	open
	closed
)

// refuseCycles finds schemas that apply to the same value again through
// themselves: an evaluation would not return from them.
func (c *checker) refuseCycles() {
	states := make([]int, len(c.order))
	var visit func(n *node)
	visit = func(n *node) {
		states[n.index] = open
		for _, next := range n.inPlace {
			switch states[next.index] {
			case unseen:
				visit(next)
			case open:
				c.at(n.pointer).Faultf("refers back to %q before it goes into the data", "#"+next.pointer)
			}
		}
		states[n.index] = closed
	}
	for _, n := range c.order {
		if states[n.index] == unseen {
			visit(n)
		}
	}
}
