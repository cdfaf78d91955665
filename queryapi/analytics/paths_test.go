package analytics

import (
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/theeye/theeye/shared/api"
)

func randomPaths(r *rand.Rand) *PathsQuery {
	values := []string{"type", "data.path", "data.user", "name"}
	return &PathsQuery{
		Scope: randomScope(r), Match: randomFilter(r), Backward: r.IntN(2) == 0, Value: mustField(values[r.IntN(len(values))]),
		Depth: 1 + r.IntN(4), Top: 1 + r.IntN(4), Collapse: r.IntN(2) == 0,
	}
}

// naiveNode is a node by its visible members.
type naiveNode struct {
	step     int
	kind     string // value, missing, other or ended
	key      string
	value    namedValue
	sessions int64
}

// countNaively answers a question for paths from documents.
func (q *PathsQuery) countNaively(d *dataset) api.Paths {
	answer := api.Paths{
		StatsRange: api.StatsRange{From: api.TimeOf(q.From), To: api.TimeOf(q.To), TZ: "Europe/Berlin", AsOf: api.TimeOf(testNow)}, Direction: "forward", Value: q.Value.String(),
		Nodes: []api.PathNode{}, Links: []api.PathLink{},
	}
	if q.Backward {
		answer.Direction = "backward"
	}
	var paths [][]naiveNode
	for _, docs := range groupVisitors(inRange(d.selectDocuments(&q.Scope), q.From, q.To), mustField("session_id")) {
		if q.Backward {
			slices.Reverse(docs)
		}
		var path []naiveNode
		for _, doc := range docs {
			if len(path) == 0 && !q.Match.Match(eventOf(doc)) {
				continue
			}
			keys, values := valuesOf(doc, q.Value)
			node := naiveNode{kind: "value", key: keys[0], value: values[keys[0]]}
			if node.key == "" {
				node.kind = "missing"
			}
			if n := len(path); n > 0 && q.Collapse && path[n-1].key == node.key {
				continue
			}
			if node.step = len(path); node.step <= q.Depth {
				path = append(path, node)
			}
		}
		if n := len(path); n > 0 && n <= q.Depth {
			path = append(path, naiveNode{step: n, kind: "ended"})
		}
		if len(path) > 0 {
			answer.Sessions++
			paths = append(paths, path)
		}
	}
	for step := range q.Depth + 1 {
		listNodes(&answer, paths, step, q.Top)
	}
	links := map[[2]int]int64{}
	for _, path := range paths {
		for i := 1; i < len(path); i++ {
			links[[2]int{int(path[i-1].sessions), int(path[i].sessions)}]++ // ids by now
		}
	}
	for from := range answer.Nodes {
		for to := range answer.Nodes {
			if n := links[[2]int{from, to}]; n > 0 {
				answer.Links = append(answer.Links, api.PathLink{From: from, To: to, Sessions: n})
			}
		}
	}
	return answer
}

// listNodes adds the nodes of a step, and writes their ids over the paths.
func listNodes(answer *api.Paths, paths [][]naiveNode, step, top int) {
	byKey := map[string]*naiveNode{}
	for _, path := range paths {
		if step < len(path) {
			n := path[step]
			if byKey[n.kind+n.key] == nil {
				byKey[n.kind+n.key] = &n
			}
			byKey[n.kind+n.key].sessions++
		}
	}
	var values []*naiveNode
	for _, n := range byKey {
		if n.kind == "value" {
			values = append(values, n)
		}
	}
	slices.SortFunc(values, func(a, b *naiveNode) int {
		if a.sessions != b.sessions {
			return int(b.sessions - a.sessions)
		}
		if c := a.value.Compare(b.value.Value); c != 0 {
			return c
		}
		return cmpText(a.value.Category, b.value.Category)
	})
	ids := map[string]int{}
	add := func(n api.PathNode) int {
		n.ID, n.Step = len(answer.Nodes), step
		answer.Nodes = append(answer.Nodes, n)
		return n.ID
	}
	var others []*naiveNode
	for i, n := range values {
		if i < top {
			ids["value"+n.key] = add(api.PathNode{Value: n.value.json(), Category: n.value.Category, Name: n.value.Name, Sessions: n.sessions})
		} else {
			others = append(others, n)
		}
	}
	if n := byKey["missing"]; n != nil {
		ids["missing"] = add(api.PathNode{Missing: true, Sessions: n.sessions})
	}
	if len(others) > 0 {
		id := add(api.PathNode{Other: true, Values: len(others)})
		for _, n := range others {
			ids["value"+n.key] = id
			answer.Nodes[id].Sessions += n.sessions
		}
	}
	if n := byKey["ended"]; n != nil {
		ids["ended"] = add(api.PathNode{Ended: true, Sessions: n.sessions})
	}
	for _, path := range paths {
		if step < len(path) {
			path[step].sessions = int64(ids[path[step].kind+path[step].key])
		}
	}
}

func TestPathsAreThoseOfTheDocuments(t *testing.T) {
	links := 0
	eachDataset(t, 30, 80, func(r *rand.Rand, d *dataset) {
		a := New(nil)
		for i := range 60 {
			if i == 30 {
				a.dictionaries.room = 2 // full
			}
			q := randomPaths(r)
			got, err := a.Paths(t.Context(), d.restrict(q.Applications), q)
			if err != nil {
				t.Fatal(err)
			}
			compareAnswers(t, q, q.countNaively(d), got)
			links += len(got.Links)
			checkFlow(t, q, got)
		}
	})
	if links < 8_000 {
		t.Errorf("%d links", links)
	}
}

// checkFlow checks that the links out of a node add up to it.
func checkFlow(t *testing.T, q *PathsQuery, answer *api.Paths) {
	t.Helper()
	out, first := map[int]int64{}, int64(0)
	for _, l := range answer.Links {
		out[l.From] += l.Sessions
	}
	for _, n := range answer.Nodes {
		if n.Step == 0 {
			first += n.Sessions
		}
		want := n.Sessions
		if n.Ended || n.Step == q.Depth {
			want = 0
		}
		if out[n.ID] != want {
			t.Errorf("links of %d sessions leave node %+v", out[n.ID], n)
		}
	}
	if first != answer.Sessions {
		t.Errorf("%d sessions at step 0, want %d", first, answer.Sessions)
	}
}
