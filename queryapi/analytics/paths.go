package analytics

import (
	"context"

	"github.com/theeye/theeye/queryapi/refresh"
	"github.com/theeye/theeye/shared/api"
	"github.com/theeye/theeye/shared/columns"
	"github.com/theeye/theeye/shared/query/filter"
)

// MaxPathTop bounds the values that each step of paths lists.
const MaxPathTop = 50

// PathsQuery asks where sessions go from their first match, or where they come from to their
// last one.
type PathsQuery struct {
	Scope
	// Match selects the event at step 0: the first in the scope, or with Backward the
	// last.
	Match    filter.Filter
	Backward bool
	// Value is the field whose values are the nodes; it crosses no array.
	Value filter.Field
	// Depth is the number of steps behind the match, from 1 to 5.
	Depth int
	// Top is the number of values that each step lists, from 1 to 50.
	Top int
	// Collapse counts neighbours with one value as one.
	Collapse bool
}

// Need returns the rows that the question is about.
func (q *PathsQuery) Need() refresh.Need {
	return refresh.Need{Applications: q.Applications, From: q.From, To: q.To}
}

// Paths answers from a snapshot of what the question needs.
func (a *Analytics) Paths(ctx context.Context, snapshot *columns.Snapshot, q *PathsQuery) (*api.Paths, error) {
	w := a.newWalk(snapshot, &q.Scope, []EventSet{{Filter: q.Match}}, q.From, q.To, filter.Field{Name: filter.SessionID})
	values, err := w.shareValues(ctx, q.Value)
	if err != nil {
		return nil, err
	}
	w.columns = append(w.columns, values)
	collectors, visitors := newVisitors(func() *trailCollector {
		return &trailCollector{cut: trails{depth: q.Depth, backwards: q.Backward, collapse: q.Collapse}, values: values}
	})
	if err := w.walkVisitors(ctx, visitors); err != nil {
		return nil, err
	}
	answer := &api.Paths{
		StatsRange: q.statsRange(snapshot),
		Direction:  api.PathsForward, Value: q.Value.String(), Nodes: []api.PathNode{}, Links: []api.PathLink{},
	}
	if q.Backward {
		answer.Direction = api.PathsBackward
	}
	g := newPathGraph(q, values)
	for _, c := range collectors {
		answer.Sessions += int64(len(c.codes) / (q.Depth + 1))
		g.countValues(c.codes)
	}
	g.chooseNodes()
	for _, c := range collectors {
		g.countTrails(c.codes)
	}
	g.writeGraph(answer)
	return answer, nil
}

// trailCollector collects the trails of sessions, one after the other.
type trailCollector struct {
	cut    trails
	values *sharedValues
	codes  []uint32
}

// maxTrailCodes bounds the codes of the trails that one worker collects.
const maxTrailCodes = 16_000_000

func (c *trailCollector) addVisit(v *visit) error {
	c.codes = c.cut.appendTrail(c.codes, v, c.values.codeAt)
	if len(c.codes) > maxTrailCodes {
		return tooLarge("too many sessions match")
	}
	return nil
}
