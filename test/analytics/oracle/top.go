package oracle

import (
	"cmp"
	"slices"
	"strings"
)

// Top is a question.
type Top struct {
	Scope
	Field, Metric, Prefix string
	Limit                 int
}

func (q *Top) countGroup(events []*Event) int {
	if q.Metric == "sessions" {
		return distinctSessions(events)
	}
	return len(events)
}

// Answer answers it.
func (q *Top) Answer(w *World) map[string]any {
	events := w.selected(&q.Scope)
	groups, missing := groupBy(events, q.Field)
	total, lacking := q.countGroup(events), q.countGroup(missing)
	if q.Metric == "sessions" { // a session lacks a value if none of its events has one
		lacking = total - distinctSessions(slices.DeleteFunc(slices.Clone(events), func(e *Event) bool { return len(e.values(q.Field)) == 0 }))
	}
	if q.Prefix != "" {
		groups = slices.DeleteFunc(groups, func(g *group) bool {
			text, ok := g.value.(string)
			return !ok || !strings.HasPrefix(text, q.Prefix)
		})
	}
	slices.SortStableFunc(groups, func(a, b *group) int { return cmp.Compare(q.countGroup(b.events), q.countGroup(a.events)) })
	values := []any{}
	shown := min(q.Limit, len(groups))
	for _, g := range groups[:shown] {
		n := q.countGroup(g.events)
		values = append(values, g.row("value", q.Field, map[string]any{"count": count(n), "share": share(n, total-lacking)}))
	}
	answer := map[string]any{
		"total": count(total), "missing": count(lacking), "distinct": count(len(groups)), "values": values,
	}
	if others := groups[shown:]; len(others) > 0 {
		var rest []*Event
		for _, g := range others {
			rest = append(rest, g.events...)
		}
		answer["other"] = map[string]any{"count": count(q.countGroup(rest)), "distinct": count(len(others))}
	}
	return answer
}
