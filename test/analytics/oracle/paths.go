package oracle

import (
	"cmp"
	"fmt"
	"slices"
)

// Paths is a question.
type Paths struct {
	Scope
	Match      []Filter
	Backward   bool
	Value      string
	Depth, Top int
	Collapse   bool
}

// Names of the nodes that are no values.
const (
	Missing = "missing"
	Ended   = "ended"
	Other   = "other"
)

// NodeName names the node of a value.
func NodeName(v any) string { return "=" + Canonical(v) }

// trail returns the nodes of a session, nil without a match.
func (q *Paths) trail(events []*Event) (trail []any) {
	events = slices.Clone(events)
	if q.Backward {
		slices.Reverse(events)
	}
	start := slices.IndexFunc(events, func(e *Event) bool { return matchesAll(q.Match, e) })
	if start < 0 {
		return nil
	}
	for _, e := range events[start:] {
		var node any = Missing
		if values := e.values(q.Value); len(values) > 0 {
			node = &values[0]
		}
		if q.Collapse && len(trail) > 0 && name(trail[len(trail)-1]) == name(node) {
			continue
		}
		trail = append(trail, node)
	}
	if len(trail) <= q.Depth {
		return append(trail, Ended)
	}
	return trail[:q.Depth+1]
}

// name names a node: a pointer is to its value.
func name(node any) string {
	if v, ok := node.(*any); ok {
		return NodeName(*v)
	}
	return node.(string) //nolint:forcetypeassert // the only other kind
}

// Answer answers it: the sessions of nodes and links by "step name" and "step name > name".
func (q *Paths) Answer(w *World) (sessions int, nodes, links map[string]int) {
	var trails [][]any
	for _, events := range bySession(w.selected(&q.Scope)) {
		if t := q.trail(events); t != nil {
			trails = append(trails, t)
		}
	}
	for step := range q.Depth + 1 {
		q.limit(trails, step)
	}
	nodes, links = map[string]int{}, map[string]int{}
	for _, t := range trails {
		for step, node := range t {
			nodes[fmt.Sprint(step, " ", name(node))]++
			if step > 0 {
				links[fmt.Sprint(step-1, " ", name(t[step-1]), " > ", name(node))]++
			}
		}
	}
	return len(trails), nodes, links
}

// limit replaces the values beyond the largest ones of a step.
func (q *Paths) limit(trails [][]any, step int) {
	counts, values := map[string]int{}, map[string]any{}
	for _, t := range trails {
		if step < len(t) {
			if v, ok := t[step].(*any); ok {
				counts[name(v)]++
				values[name(v)] = *v
			}
		}
	}
	var names []string
	for n := range counts {
		names = append(names, n)
	}
	slices.SortFunc(names, func(a, b string) int {
		return cmp.Or(cmp.Compare(counts[b], counts[a]), compareValues(values[a], values[b]))
	})
	kept := names[:min(q.Top, len(names))]
	for _, t := range trails {
		if step < len(t) {
			if v, ok := t[step].(*any); ok && !slices.Contains(kept, name(v)) {
				t[step] = Other
			}
		}
	}
}

// bySession returns the events of each session, in order.
func bySession(events []*Event) map[string][]*Event {
	sessions := map[string][]*Event{}
	for _, e := range events {
		sessions[e.sessionKey()] = append(sessions[e.sessionKey()], e)
	}
	return sessions
}
