package schema

import (
	"iter"
	"maps"
	"slices"

	"github.com/theeye/theeye/shared/event"
)

// workBound bounds the work of any data by its size alone.
type workBound struct {
	value    Work // of each value, and of each member
	digit    Work // of each digit of a number
	kib      Work // of each KiB of strings and names
	compared Work // how often a value is compared as a whole
	repeated Work // how often a value is evaluated again
}

// workOf returns an upper bound of the work of data of a size, saturated at MaxWork.
func (b workBound) workOf(size extent) Work {
	values, bytes, digits := float64(size.values), float64(size.bytes), float64(size.digits)
	total := values*float64(b.value) + digits*float64(b.digit) + (bytes/1024+1)*float64(b.kib)
	if b.compared > 0 { // a value is compared with every value around it
		all := values*float64(compareValue) + (bytes+digits)/1024*float64(comparePerKiB)
		total += float64(b.compared) * float64(size.depth) * all
	}
	return Work(min(total*float64(1+b.repeated), float64(MaxWork)))
}

// boundWork returns the bound of the schema at root. In it, a value counts as the
// most expensive one of its level, of every type at once.
func (b *workBuilder) boundWork(root *workNode) workBound {
	most := func(own func(*workNode) Work) Work { return b.maxAtAnyLevel(root, own) }
	return workBound{
		value: most(func(n *workNode) Work {
			total := visitWork + n.base + n.text.base + n.text.regexKiB
			for _, p := range n.text.patterns {
				total += patternWork + p.most
			}
			if b.hasTests {
				total += errorWork * (1 + n.errors)
			}
			return total + numberWork + n.number.base + n.number.operands/digitShare + n.number.keywords
		}) + most(func(n *workNode) Work { return n.member }),
		digit: most(func(n *workNode) Work { return digitWork + n.number.keywords }),
		kib: most(func(n *workNode) Work {
			total := n.text.perKiB
			for _, p := range n.text.patterns {
				total += 1024 * p.most
			}
			return total
		}),
		compared: most(func(n *workNode) Work { return n.compared }),
		repeated: b.maxRepeated(root, map[*workNode]Work{}),
	}
}

// maxRepeated returns the longest chain of alternatives inside of alternatives. A
// reference that leads back has one of any length.
func (b *workBuilder) maxRepeated(n *workNode, known map[*workNode]Work) Work {
	if most, ok := known[n]; ok {
		return most
	}
	known[n] = MaxWork // while the schemas inside are visited
	var most Work
	for _, next := range n.alternatives {
		most = max(most, min(1+b.maxRepeated(next, known), MaxWork))
	}
	for next := range n.children() {
		most = max(most, b.maxRepeated(next, known))
	}
	known[n] = most
	return most
}

// children yields the schemas inside of n other than alternatives.
func (n *workNode) children() iter.Seq[*workNode] {
	return func(yield func(*workNode) bool) {
		lists := [][]*workNode{n.inPlace, n.tests, n.testedItem, slices.Collect(maps.Values(n.properties)), n.everyMember, n.everyName, n.first, n.everyItem}
		for _, list := range append(lists, []*workNode{n.additional, n.rest}) {
			for _, next := range list {
				if next != nil && !yield(next) {
					return
				}
			}
		}
	}
}

// maxAtAnyLevel returns the highest sum of own over the schemas that can apply to one
// value. It saturates at MaxWork.
func (b *workBuilder) maxAtAnyLevel(root *workNode, own func(*workNode) Work) Work {
	level := b.sumInPlace(own)
	most := level[root.index]
	for range event.MaxDepth {
		below := b.sumInPlace(func(n *workNode) Work { return n.maxBelow(level) })
		if slices.Equal(below, level) {
			break
		}
		level = below
		most = max(most, level[root.index])
	}
	return most
}

// maxBelow returns the highest sum of a member, of a name and of an element, by the
// sums of the level above.
func (n *workNode) maxBelow(above []Work) Work {
	member, item := sumOf(above, n.everyMember), Work(0)
	for _, p := range n.properties {
		item = max(item, above[p.index])
	}
	if n.additional != nil {
		item = max(item, above[n.additional.index])
	}
	member += item
	item = 0
	for _, p := range n.first {
		item = max(item, above[p.index])
	}
	if n.rest != nil {
		item = max(item, above[n.rest.index])
	}
	return max(member, item+sumOf(above, n.everyItem)+sumOf(above, n.testedItem), sumOf(above, n.everyName))
}

func sumOf(above []Work, nodes []*workNode) Work {
	var total Work
	for _, n := range nodes {
		total = min(total+above[n.index], MaxWork)
	}
	return total
}

// sumInPlace returns for each node the sum of own over it and the nodes that apply to
// the same value.
func (b *workBuilder) sumInPlace(own func(*workNode) Work) []Work {
	const unknown = -1
	sums := make([]Work, len(b.order))
	for i := range sums {
		sums[i] = unknown
	}
	var visit func(n *workNode) Work
	visit = func(n *workNode) Work {
		if sums[n.index] != unknown {
			return sums[n.index]
		}
		total := own(n)
		for _, next := range n.inPlace {
			total = min(total+visit(next), MaxWork)
		}
		for _, next := range n.alternatives {
			total = min(total+visit(next), MaxWork)
		}
		for _, next := range n.tests {
			total = min(total+visit(next), MaxWork)
		}
		sums[n.index] = total
		return total
	}
	for _, n := range b.order {
		visit(n)
	}
	return sums
}
