package analytics

import (
	"cmp"
	"slices"

	"github.com/theeye/theeye/shared/api"
)

// pathGraph counts trails by the nodes that they cross.
type pathGraph struct {
	q      *PathsQuery
	values *sharedValues
	// counts[step][code] counts sessions.
	counts [][]int64
	// nodes[step] has the node of each code but endedCode.
	nodes [][]*api.PathNode
	ended []*api.PathNode
	// all are the nodes in the order of the answer; the id of one is its index.
	all   []*api.PathNode
	links map[[2]int]int64
}

func newPathGraph(q *PathsQuery, values *sharedValues) *pathGraph {
	g := &pathGraph{q: q, values: values, links: map[[2]int]int64{}}
	for range q.Depth + 1 {
		g.counts = append(g.counts, make([]int64, values.values.countCodes()))
		g.nodes = append(g.nodes, make([]*api.PathNode, values.values.countCodes()))
	}
	g.ended = make([]*api.PathNode, q.Depth+1)
	return g
}

// countValues counts the values of trails by step.
func (g *pathGraph) countValues(codes []uint32) {
	for i, code := range codes {
		if code != endedCode {
			g.counts[i%len(g.counts)][code]++
		}
	}
}

// chooseNodes makes the nodes: at each step the largest values, ties in the order of the
// values, then the missing one, all others together, and the end.
func (g *pathGraph) chooseNodes() {
	for step, counts := range g.counts {
		largest, others := rankCodes(counts, g.q.Top, g.values.compareCodes)
		for _, code := range largest {
			v := g.values.values.valueOf(code)
			g.nodes[step][code] = g.addNode(api.PathNode{Step: step, Value: v.json(), Category: v.Category, Name: v.Name})
		}
		if counts[missingCode] > 0 {
			g.nodes[step][missingCode] = g.addNode(api.PathNode{Step: step, Missing: true})
		}
		if others > 0 {
			other := g.addNode(api.PathNode{Step: step, Other: true, Values: others})
			for code, n := range counts {
				if n > 0 && g.nodes[step][code] == nil {
					g.nodes[step][code] = other
				}
			}
		}
		g.ended[step] = g.addNode(api.PathNode{Step: step, Ended: true})
	}
}

func (g *pathGraph) addNode(n api.PathNode) *api.PathNode {
	n.ID = len(g.all)
	g.all = append(g.all, &n)
	return &n
}

// countTrails counts trails at their nodes and on their links, up to where they end.
func (g *pathGraph) countTrails(codes []uint32) {
	for ; len(codes) > 0; codes = codes[len(g.counts):] {
		var from *api.PathNode
		for step, code := range codes[:len(g.counts)] {
			node := g.ended[step]
			if code != endedCode {
				node = g.nodes[step][code]
			}
			node.Sessions++
			if from != nil {
				g.links[[2]int{from.ID, node.ID}]++
			}
			if from = node; code == endedCode {
				break
			}
		}
	}
}

// writeGraph writes the nodes that have sessions, and the links in the order of their
// nodes.
func (g *pathGraph) writeGraph(answer *api.Paths) {
	ids := make([]int, len(g.all))
	for i, n := range g.all {
		if n.Sessions > 0 {
			ids[i] = len(answer.Nodes)
			node := *n
			node.ID = ids[i]
			answer.Nodes = append(answer.Nodes, node)
		}
	}
	for pair, n := range g.links {
		answer.Links = append(answer.Links, api.PathLink{From: ids[pair[0]], To: ids[pair[1]], Sessions: n})
	}
	slices.SortFunc(answer.Links, func(a, b api.PathLink) int {
		return cmp.Or(cmp.Compare(a.From, b.From), cmp.Compare(a.To, b.To))
	})
}
