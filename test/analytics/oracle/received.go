package oracle

import (
	"encoding/json"
	"math/big"
	"slices"
	"time"
)

func seconds(d time.Duration) any { return figure(nearest(big.NewRat(d.Microseconds(), 1e6))) }

// received returns the events of both outcomes that were received in a range.
func (w *World) received(applications []string, from, to time.Time) []*Event {
	var list []*Event
	for _, e := range w.Events {
		if w.alive(e) && slices.Contains(applications, e.Application) && !e.Received.Before(from) && e.Received.Before(to) {
			list = append(list, e)
		}
	}
	return list
}

// Types answers for the types of events, by "category / name".
func (w *World) Types(applications []string, from, to time.Time) map[string]any {
	types := map[string][]*Event{}
	for _, e := range w.received(applications, from, to) {
		types[TypeOf(e)] = append(types[TypeOf(e)], e)
	}
	answer := map[string]any{}
	for name, events := range types {
		rejected := 0
		series := make([]int, 24)
		first, last := events[0].Received, events[0].Received
		for _, e := range events {
			if len(e.Reasons) > 0 {
				rejected++
			}
			if e.Received.Before(first) {
				first = e.Received
			}
			if e.Received.After(last) {
				last = e.Received
			}
			series[e.Received.Sub(from)*24/to.Sub(from)]++
		}
		buckets := make([]any, 24)
		for i := range buckets {
			buckets[i] = count(series[i])
		}
		answer[name] = map[string]any{
			"stored": count(len(events) - rejected), "rejected": count(rejected), "share_rejected": figure(big.NewRat(int64(rejected), int64(len(events)))),
			"first_seen": FormatTime(first), "last_seen": FormatTime(last), "series": buckets,
		}
	}
	return answer
}

// Rejected answers for the summary of rejected events: the total, and the groups by
// application, type, code and path.
func (w *World) Rejected(applications []string, from, to time.Time) (total int, groups map[string]any) {
	groups = map[string]any{}
	members := map[string][]*Event{}
	for _, e := range w.received(applications, from, to) {
		if len(e.Reasons) > 0 {
			total++
		}
		for _, r := range e.Reasons {
			key := e.Application + " " + TypeOf(e) + " " + r.Code + " " + r.Path
			if !slices.Contains(members[key], e) {
				members[key] = append(members[key], e)
			}
		}
	}
	for key, events := range members {
		slices.SortFunc(events, func(a, b *Event) int { return a.Received.Compare(b.Received) })
		groups[key] = map[string]any{
			"count": count(len(events)), "first_seen": FormatTime(events[0].Received), "last_seen": FormatTime(events[len(events)-1].Received),
		}
	}
	return total, groups
}

// Field answers for one field of the data of events: facts, nil where no event has it.
func (w *World) Field(s *Scope, path string) map[string]any {
	events := w.selected(s)
	groups, _ := groupBy(events, path)
	present, kinds := 0, map[string]any{}
	counts := map[string]int{}
	for _, e := range events {
		values := e.values(path)
		if len(values) == 0 {
			continue
		}
		present++
		seen := map[string]bool{}
		for _, v := range values {
			if k := kind(v); !seen[k] {
				seen[k] = true
				counts[k]++
			}
		}
	}
	for k, n := range counts {
		kinds[k] = count(n)
	}
	facts := map[string]any{
		"types": kinds, "present": count(present), "share": share(present, len(events)), "distinct": count(len(groups)),
	}
	if least, most := extremes(groups); least != nil {
		facts["min"], facts["max"] = least, most
	}
	slices.SortStableFunc(groups, func(a, b *group) int { return len(b.events) - len(a.events) })
	samples := []any{}
	for _, g := range groups[:min(5, len(groups))] {
		samples = append(samples, g.value)
	}
	facts["samples"] = samples
	return facts
}

// extremes returns the least and the greatest number, without numbers text.
func extremes(groups []*group) (least, most any) {
	for _, want := range []string{"number", "string"} {
		for _, g := range groups {
			if kind(g.value) != want {
				continue
			}
			if least == nil {
				least = g.value
			}
			most = g.value
		}
		if least != nil {
			return least, most
		}
	}
	return nil, nil
}

func kind(v any) string {
	switch v.(type) {
	case nil:
		return "null"
	case bool:
		return "boolean"
	case json.Number:
		return "number"
	case string:
		return "string"
	case []any:
		return "array"
	}
	return "object"
}
