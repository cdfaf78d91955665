package schema

import (
	"net/url"
	"strings"
)

// checkReference checks $ref: "#", or "#/…", a JSON pointer into the same document.
func (c *checker) checkReference(n *node, m Location, v any) any {
	n.hasRef = true
	text, _ := v.(string)
	u, err := url.Parse(text)
	if err != nil || !strings.HasPrefix(text, "#") || u.Fragment != "" && u.Fragment[0] != '/' {
		m.Faultf(`must stay in the document: "#" or "#/…"`)
		n.hasRef = false
		return "#"
	}
	n.ref = u.Fragment
	return (&url.URL{Fragment: u.Fragment}).String()
}

// resolveReferences links the references to their targets and refuses cycles that
// do not descend into the data.
func (c *checker) resolveReferences() {
	for _, n := range c.order {
		if !n.hasRef {
			continue
		}
		target, ok := c.nodes[n.ref]
		if !ok {
			c.at(n.pointer+"/$ref").Faultf("there is no schema at %q", "#"+n.ref)
			continue
		}
		n.inPlace = append(n.inPlace, target)
	}
	c.refuseCycles()
}

// The states of a node in the search for cycles.
const (
	unseen = iota
	open
	closed
)

// refuseCycles finds schemas that apply to the same value again through
// themselves: the library would not return from them.
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
