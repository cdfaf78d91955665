package oracle

import (
	"cmp"
	"math/big"
	"slices"
	"time"
)

// Step says which events fill a step of a funnel.
type Step struct {
	Category, Name string
	Filters        []Filter
}

// Funnel is a question.
type Funnel struct {
	Scope
	By      string
	Window  time.Duration // 0 is unbounded
	Strict  bool
	Steps   []Step
	GroupBy string
	Top     int
}

// chain is the events that filled its steps, by their position.
type chain struct {
	events []*Event
	last   int
}

// visitors returns the events of each visitor, in order.
func visitors(events []*Event, by string) [][]*Event {
	at := map[string]int{}
	var list [][]*Event
	for _, e := range events {
		for _, v := range e.values(by) {
			key := e.Application + " " + Canonical(v)
			if _, ok := at[key]; !ok {
				at[key] = len(list)
				list = append(list, nil)
			}
			list[at[key]] = append(list[at[key]], e)
		}
	}
	return list
}

// longest returns the longest chain of a visitor, nil without any: of several the one
// completed first, of these the latest-started.
func (q *Funnel) longest(events []*Event) *chain {
	chains := make([][]*chain, len(q.Steps)+1) // all ever made, by length
	for i, e := range events {
		for k := len(q.Steps); k >= 1; k-- {
			step := q.Steps[k-1]
			if !(&Scope{Category: step.Category, Name: step.Name, Filters: step.Filters}).matches(e) {
				continue
			}
			if k == 1 {
				chains[1] = append(chains[1], &chain{[]*Event{e}, i})
				continue
			}
			if c := q.latest(chains[k-1], e, i); c != nil {
				chains[k] = append(chains[k], &chain{append(slices.Clone(c.events), e), i})
			}
		}
	}
	for k := len(q.Steps); k >= 1; k-- {
		var best *chain
		for _, c := range chains[k] {
			if best == nil || c.last == best.last && c.events[0].Timestamp.After(best.events[0].Timestamp) {
				best = c
			}
		}
		if best != nil {
			return best
		}
	}
	return nil
}

// latest returns the latest-started chain that an event may extend, nil for none.
func (q *Funnel) latest(chains []*chain, e *Event, i int) (best *chain) {
	for _, c := range chains {
		start := c.events[0].Timestamp
		if q.Window > 0 && e.Timestamp.Sub(start) > q.Window || q.Strict && c.last != i-1 || c.last == i {
			continue
		}
		if best == nil || start.After(best.events[0].Timestamp) {
			best = c
		}
	}
	return best
}

// Answer answers it.
func (q *Funnel) Answer(w *World) map[string]any {
	var all []*chain
	for _, events := range visitors(w.selected(&q.Scope), q.By) {
		if c := q.longest(events); c != nil {
			all = append(all, c)
		}
	}
	steps := q.steps(all)
	first, last := steps[0].(map[string]any), steps[len(steps)-1].(map[string]any) //nolint:forcetypeassert // made above
	answer := map[string]any{"entered": first["count"], "completed": last["count"], "steps": steps}
	if q.GroupBy != "" {
		if rows := q.groups(all); len(rows) > 0 {
			answer["groups"] = rows
		}
	}
	return answer
}

func (q *Funnel) steps(chains []*chain) []any {
	counts := make([]int, len(q.Steps))
	rows := make([]any, len(q.Steps))
	for k := range q.Steps {
		var gaps []*big.Rat
		for _, c := range chains {
			if len(c.events) > k {
				counts[k]++
				if k > 0 {
					gaps = append(gaps, big.NewRat(c.events[k].Timestamp.Sub(c.events[k-1].Timestamp).Microseconds(), 1e6))
				}
			}
		}
		previous := counts[max(k-1, 0)]
		row := map[string]any{
			"count": count(counts[k]), "of_first": share(counts[k], counts[0]), "of_previous": share(counts[k], previous),
			"dropped": count(previous - counts[k]), "seconds": nil,
		}
		if len(gaps) > 0 {
			slices.SortFunc(gaps, (*big.Rat).Cmp)
			at := func(p int) any { return figure(nearest(gaps[(p*len(gaps)+99)/100-1])) }
			row["seconds"] = map[string]any{"p50": at(50), "p90": at(90)}
		}
		rows[k] = row
	}
	return rows
}

// groups returns the rows by the value at the first step.
func (q *Funnel) groups(chains []*chain) (rows []any) {
	byEvent := map[*Event][]*chain{}
	var firsts []*Event
	for _, c := range chains {
		if byEvent[c.events[0]] == nil {
			firsts = append(firsts, c.events[0])
		}
		byEvent[c.events[0]] = append(byEvent[c.events[0]], c)
	}
	of := func(events ...*Event) (list []*chain) {
		for _, e := range events {
			list = append(list, byEvent[e]...)
		}
		return list
	}
	groups, missing := groupBy(firsts, q.GroupBy)
	slices.SortStableFunc(groups, func(a, b *group) int { return cmp.Compare(len(of(b.events...)), len(of(a.events...))) })
	shown := min(q.Top, len(groups))
	for _, g := range groups[:shown] {
		rows = append(rows, g.row("group", q.GroupBy, map[string]any{"steps": q.steps(of(g.events...))}))
	}
	if len(missing) > 0 {
		rows = append(rows, map[string]any{"missing": true, "steps": q.steps(of(missing...))})
	}
	if others := groups[shown:]; len(others) > 0 {
		var rest []*Event
		for _, g := range others {
			rest = append(rest, g.events...)
		}
		rows = append(rows, map[string]any{"other": true, "groups": count(len(others)), "steps": q.steps(of(rest...))})
	}
	return rows
}
