package columns

import (
	"slices"

	"github.com/theeye/theeye/shared/query/filter"
)

// node is a member of the data objects: the root, an object, a leaf, or in different
// rows both.
type node struct {
	name     string
	parent   *node
	children map[string]*node
	// first is the first member of the last object that was read, and next the member
	// that followed this one in it: objects of one kind have their members in one order.
	first, next *node
	// leaf is the number of the node's leaf, -1 without one.
	leaf int
	// leafDropped says that a leaf of this very node was left out, belowDropped that
	// one strictly below it was.
	leafDropped, belowDropped bool
}

func newNode(name string, parent *node) *node { return &node{name: name, parent: parent, leaf: -1} }

// child returns the member with a name, nil without one.
func (n *node) child(name string) *node { return n.children[name] }

// childAfter returns the member with a name; before is the one that stands before it, nil
// for the first. It remembers the order.
func (n *node) childAfter(before *node, name []byte) *node {
	hint := &n.first
	if before != nil {
		hint = &before.next
	}
	if *hint == nil || (*hint).name != string(name) {
		c := n.children[string(name)]
		if c == nil {
			return nil
		}
		*hint = c
	}
	return *hint
}

// addChild adds a member.
func (n *node) addChild(name string) *node {
	if n.children == nil {
		n.children = make(map[string]*node)
	}
	c := newNode(name, n)
	n.children[name] = c
	return c
}

// dropLeaf records that a leaf of n itself was left out.
func (n *node) dropLeaf() {
	n.leafDropped = true
	if n.parent != nil {
		n.parent.dropBelow()
	}
}

// dropBelow records that a leaf below n was left out.
func (n *node) dropBelow() {
	for ; n != nil && !n.belowDropped; n = n.parent {
		n.belowDropped = true
	}
}

// isPartial reports whether leaves above or below n were left out.
func (n *node) isPartial() bool {
	partial := n.belowDropped
	for p := n.parent; p != nil; p = p.parent {
		partial = partial || p.leafDropped
	}
	return partial
}

// addPath returns the node at the end of a path, and adds a missing one.
func (n *node) addPath(names []string) *node {
	for _, name := range names {
		c := n.child(name)
		if c == nil {
			c = n.addChild(name)
		}
		n = c
	}
	return n
}

// path returns the names that lead from the root to n.
func (n *node) path() []string {
	var names []string
	for ; n.parent != nil; n = n.parent {
		names = append(names, n.name)
	}
	slices.Reverse(names)
	return names
}

// members returns the children by name.
func (n *node) members() []*node {
	list := make([]*node, 0, len(n.children))
	for _, c := range n.children {
		list = append(list, c)
	}
	slices.SortFunc(list, func(a, b *node) int { return compareText(a.name, b.name) })
	return list
}

// fieldOf returns the field of a leaf. Digits are quoted, since they are a member here.
func fieldOf(names []string) filter.Field {
	f := filter.Field{Name: filter.Data}
	for _, name := range names {
		f.Path = append(f.Path, filter.Segment{Name: name})
	}
	return f
}

// newTree rebuilds the tree of a part from its paths.
func newTree(infos []PathInfo) *node {
	root := newNode("", nil)
	for i := range infos {
		root.addPath(infos[i].Names).leaf = i
	}
	return root
}
