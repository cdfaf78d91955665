package oracle

import (
	"encoding/json"
	"math/big"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Timeseries is a question.
type Timeseries struct {
	Scope
	Interval, Metric, Field, GroupBy string
	Top                              int
	Previous                         bool
}

// Answer answers it.
func (q *Timeseries) Answer(w *World) map[string]any {
	bounds := intervals(q.Interval, q.From, q.To, q.Zone)
	n := len(bounds) - 1
	events := w.selected(&q.Scope)
	starts := make([]any, n)
	for i := range starts {
		starts[i] = bounds[i].Format("2006-01-02T15:04:05Z07:00")
	}
	answer := map[string]any{
		"intervals": starts,
		"partial":   map[string]any{"first": bounds[0].Before(q.From), "last": q.To.Before(bounds[n])},
		"total":     q.series(events, bounds),
	}
	if q.GroupBy != "" {
		if list := q.groups(events, bounds); len(list) > 0 {
			answer["series"] = list
		}
	}
	if q.Previous {
		before := *q
		before.From, before.To = next(q.Interval, bounds[0], -n), bounds[0]
		answer["previous"] = before.series(w.selected(&before.Scope), intervals(q.Interval, before.From, before.To, q.Zone))
	}
	return answer
}

// series counts events by interval, and over the whole range.
func (q *Timeseries) series(events []*Event, bounds []time.Time) map[string]any {
	values := make([]any, len(bounds)-1)
	for i := range values {
		values[i] = q.figure(q.measure(slices.DeleteFunc(slices.Clone(events), func(e *Event) bool {
			return e.Timestamp.Before(bounds[i]) || !e.Timestamp.Before(bounds[i+1])
		})))
	}
	return map[string]any{"total": q.figure(q.measure(events)), "values": values}
}

// measure returns the metric of events, nil for null.
func (q *Timeseries) measure(events []*Event) *big.Rat {
	switch q.Metric {
	case "events":
		return big.NewRat(int64(len(events)), 1)
	case "sessions":
		return big.NewRat(int64(distinctSessions(events)), 1)
	}
	var numbers []*big.Rat
	sum := new(big.Rat)
	for _, e := range events {
		for _, v := range e.values(q.Field) {
			if r, ok := Number(v); ok {
				numbers = append(numbers, r)
				sum.Add(sum, r)
			}
		}
	}
	if len(numbers) == 0 {
		return nil
	}
	slices.SortFunc(numbers, (*big.Rat).Cmp)
	switch q.Metric {
	case "sum":
		return nearest(sum)
	case "avg":
		return nearest(sum.Quo(sum, big.NewRat(int64(len(numbers)), 1)))
	case "min":
		return numbers[0]
	case "max":
		return numbers[len(numbers)-1]
	}
	p, _ := strconv.Atoi(strings.TrimPrefix(q.Metric, "p"))
	return numbers[(p*len(numbers)+99)/100-1]
}

// figure spells a figure: sums and averages are doubles.
func (q *Timeseries) figure(r *big.Rat) any {
	if r == nil || q.Metric != "sum" && q.Metric != "avg" {
		return figure(r)
	}
	f, _ := r.Float64()
	return json.Number(strconv.FormatFloat(f, 'g', -1, 64))
}

func distinctSessions(events []*Event) int {
	seen := map[string]bool{}
	for _, e := range events {
		seen[e.sessionKey()] = true
	}
	return len(seen)
}

// group is a value with its events; an event stands once for each of its elements.
type group struct {
	value  any
	events []*Event
}

// groupBy returns the groups of events, in the order of values, and those without one.
func groupBy(events []*Event, field string) (groups []*group, missing []*Event) {
	byKey := map[string]*group{}
	for _, e := range events {
		values := e.values(field)
		if len(values) == 0 {
			missing = append(missing, e)
		}
		for _, v := range values {
			g := byKey[Canonical(v)]
			if g == nil {
				g = &group{value: v}
				byKey[Canonical(v)] = g
				groups = append(groups, g)
			}
			g.events = append(g.events, e)
		}
	}
	slices.SortFunc(groups, func(a, b *group) int { return compareValues(a.value, b.value) })
	return groups, missing
}

// row returns a row that names a value, and the parts of a type.
func (g *group) row(member, field string, into map[string]any) map[string]any {
	into[member] = g.value
	if field == "type" {
		into["category"], into["name"] = g.events[0].Category, g.events[0].Name
	}
	return into
}

// groups returns the rows of the largest groups, of the missing and of the others.
func (q *Timeseries) groups(events []*Event, bounds []time.Time) (rows []any) {
	groups, missing := groupBy(events, q.GroupBy)
	slices.SortStableFunc(groups, func(a, b *group) int {
		x, y := q.measure(a.events), q.measure(b.events)
		switch {
		case x == nil && y == nil:
			return 0
		case x == nil:
			return 1
		case y == nil:
			return -1
		}
		return y.Cmp(x)
	})
	shown := min(q.Top, len(groups))
	for _, g := range groups[:shown] {
		rows = append(rows, g.row("group", q.GroupBy, q.series(g.events, bounds)))
	}
	if len(missing) > 0 {
		row := q.series(missing, bounds)
		row["missing"] = true
		rows = append(rows, row)
	}
	if others := groups[shown:]; len(others) > 0 {
		var rest []*Event
		for _, g := range others {
			rest = append(rest, g.events...)
		}
		row := q.series(rest, bounds)
		row["other"], row["groups"] = true, json.Number(strconv.Itoa(len(others)))
		rows = append(rows, row)
	}
	return rows
}
