package schema

import "github.com/theeye/theeye/shared/event"

// maxCost bounds the evaluations of keywords that one value of an event can
// cause. A plain type has a handful; forty alternatives with twenty required
// members each have about 1,000. The dearest schema that is taken judges the
// largest event in seconds.
const maxCost = 2000

// cost returns the most that any one value of an event can cost, up to
// maxCost+1. A schema whose references double at each step, whether in place
// or from one level of the data to the next, is so found without being
// expanded. The graph must have no cycle in place.
func (c *checker) cost(root *node) int {
	level := c.levelZero()
	most := level[root.index]
	for range event.MaxDepth {
		level = c.nextLevel(level)
		most = max(most, level[root.index])
	}
	return most
}

// costs is what a node makes one value cost, some levels below the value that
// the node judges.
type costs []int // by node.index

// levelZero is what nodes make the value itself cost.
func (c *checker) levelZero() costs {
	return c.sum(func(n *node) int { return n.weight })
}

// nextLevel is what they make values one level deeper cost, by way of their
// schemas for what is inside.
func (c *checker) nextLevel(above costs) costs {
	return c.sum(func(n *node) int {
		return max(n.object.cost(above), n.array.cost(above))
	})
}

// cost adds every and the dearest of either.
func (i inside) cost(above costs) int {
	total := 0
	for _, n := range i.either {
		total = max(total, above[n.index])
	}
	for _, n := range i.every {
		total = add(total, above[n.index])
	}
	return total
}

// sum gives every node its own share and that of all nodes in place.
func (c *checker) sum(own func(*node) int) costs {
	known := make(costs, len(c.order))
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

// unknownCost is that of a node that is not visited yet.
const unknownCost = -1

// add adds, up to maxCost+1.
func add(a, b int) int { return min(a+b, maxCost+1) }
