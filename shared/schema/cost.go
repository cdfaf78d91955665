package schema

import (
	"slices"

	"github.com/theeye/theeye/shared/event"
)

const (
	// maxCost bounds the evaluations of keywords that one schema can cause for one
	// value, without its parts. A plain type has a handful; forty alternatives with
	// twenty required members each have about 1,000.
	maxCost = 2000
	// maxDeepCost is the same for a value inside of nested data, which each of
	// several recursive schemas can reach again. How long an evaluation takes is
	// bounded by MaxWork, by the data of each event.
	maxDeepCost = 1 << 28
)

// checkCost returns the highest cost of any one value of an event, and refuses one
// over the limits. It finds a schema whose references double at each step, whether in
// place or from one level of the data to the next, without expanding it. The graph
// must not have a cycle of inPlace edges.
func (c *checker) checkCost(root *node) int {
	level := c.costsInPlace()
	most := level[root.index]
	inPlace := slices.Max(level)
	for range event.MaxDepth {
		level = c.costsBelow(level)
		most = max(most, level[root.index])
	}
	if inPlace > maxCost || most > maxDeepCost {
		c.at("").Faultf("one value can be evaluated too often: references, alternatives and patterns multiply to a cost over %d", maxCost)
	}
	return most
}

// costVector holds, for each node, the cost of one value some levels below the
// value that the node applies to.
type costVector []int // by node.index

// costsInPlace returns the cost that each node causes for the value itself.
func (c *checker) costsInPlace() costVector {
	return c.totalCosts(func(n *node) int { return n.weight })
}

// costsBelow returns the cost that each node causes one level deeper, through its
// schemas for members or for elements: a value is an object or an array for all of
// them.
func (c *checker) costsBelow(above costVector) costVector {
	below := c.totalCosts(func(n *node) int { return n.object.maxCost(above) })
	elements := c.totalCosts(func(n *node) int { return n.array.maxCost(above) })
	for i := range below {
		below[i] = max(below[i], elements[i])
	}
	return below
}

// maxCost is the sum of every and the maximum of either.
func (i childSchemas) maxCost(above costVector) int {
	total := 0
	for _, n := range i.either {
		total = max(total, above[n.index])
	}
	for _, n := range i.every {
		total = add(total, above[n.index])
	}
	return total
}

// totalCosts adds to the own cost of each node that of all nodes in place.
func (c *checker) totalCosts(own func(*node) int) costVector {
	known := make(costVector, len(c.order))
	for i := range known {
		known[i] = unknownCost
	}
	var visit func(n *node) int
	visit = func(n *node) int {
		if total := known[n.index]; total != unknownCost {
			return total
		}
		total := add(0, own(n))
		for _, next := range n.inPlace {
			total = add(total, visit(next))
		}
		known[n.index] = total
		return total
	}
	for _, n := range c.order {
		visit(n)
	}
	return known
}

// unknownCost marks a node that is not visited yet.
const unknownCost = -1

// add saturates at maxDeepCost+1.
func add(a, b int) int { return min(a+b, maxDeepCost+1) }
