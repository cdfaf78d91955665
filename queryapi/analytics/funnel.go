package analytics

import (
	"context"
	"math"
	"time"

	"github.com/theeye/theeye/queryapi/refresh"
	"github.com/theeye/theeye/shared/api"
	"github.com/theeye/theeye/shared/columns"
	"github.com/theeye/theeye/shared/query/filter"
)

// MaxFunnelGroups bounds the groups that a funnel lists.
const MaxFunnelGroups = 100

// FunnelQuery asks how many visitors fill steps one after the other.
type FunnelQuery struct {
	Scope
	// By is the field that names a visitor within an application; it crosses no array.
	By filter.Field
	// Window is the longest time from the first step to any other, 0 for any time.
	Window time.Duration
	// Strict lets no other event of the scope lie between the steps.
	Strict bool
	// Steps are 2 to 10.
	Steps []FunnelStep
	// GroupBy is the field by whose value at the first step visitors are counted apart,
	// nil for none; the Top largest groups are listed, at most MaxFunnelGroups.
	GroupBy *filter.Field
	Top     int
}

// FunnelStep selects the events that fill a step.
type FunnelStep struct {
	Label string
	EventSet
}

// Need returns the rows that the question is about.
func (q *FunnelQuery) Need() refresh.Need {
	return refresh.Need{Applications: q.Applications, From: q.From, To: q.To}
}

// Funnel answers from a snapshot of what the question needs.
func (a *Analytics) Funnel(ctx context.Context, snapshot *columns.Snapshot, q *FunnelQuery) (*api.Funnel, error) {
	sets := make([]EventSet, len(q.Steps))
	for i := range q.Steps {
		sets[i] = q.Steps[i].EventSet
	}
	w := a.newWalk(snapshot, &q.Scope, sets, q.From, q.To, q.By)
	if !q.Strict {
		w.needed = w.marker.sets
	}
	var groups *sharedValues
	if q.GroupBy != nil {
		var err error
		if groups, err = w.shareValues(ctx, *q.GroupBy); err != nil {
			return nil, err
		}
		w.columns = append(w.columns, groups)
	}
	counters, visitors := newVisitors(func() *funnelCounter { return newFunnelCounter(q, groups) })
	if err := w.walkVisitors(ctx, visitors); err != nil {
		return nil, err
	}
	answer := &api.Funnel{
		StatsRange: q.statsRange(snapshot), By: q.By.String(),
	}
	tables := tabulateFunnel(q, groups, counters)
	answer.Steps = tables.whole.steps(q)
	answer.Entered, answer.Completed = answer.Steps[0].Count, answer.Steps[len(q.Steps)-1].Count
	for _, g := range tables.groups {
		g.answer.Steps = g.table.steps(q)
		answer.Groups = append(answer.Groups, g.answer)
	}
	return answer, nil
}

// funnelCounter notes the longest chain of each visit.
type funnelCounter struct {
	finder chainFinder
	groups *sharedValues // nil without groups
	chains []notedChain
	// gaps are the times between the steps of the chains, one after the other, in
	// microseconds.
	gaps  []int64
	codes []uint32
}

// notedChain is the longest chain of a visitor in one group.
type notedChain struct {
	group  uint32
	length uint8
	// repeated is set for the further groups of a visitor. Their gaps are those of the
	// chain before.
	repeated bool
}

// maxGaps bounds the times that are noted for percentiles.
const maxGaps = 8_000_000

func newFunnelCounter(q *FunnelQuery, groups *sharedValues) *funnelCounter {
	c := &funnelCounter{groups: groups}
	c.finder = chainFinder{steps: len(q.Steps), window: math.MaxInt64, strict: q.Strict}
	if q.Window > 0 {
		c.finder.window = q.Window.Microseconds()
	}
	return c
}

func (c *funnelCounter) addVisit(v *visit) error {
	found := c.finder.findLongest(v)
	if found.length == 0 {
		return nil
	}
	for k := 1; k < found.length; k++ {
		c.gaps = append(c.gaps, found.times[k]-found.times[k-1])
	}
	if len(c.gaps) > maxGaps || len(c.chains) > maxGaps {
		return tooLarge("too many visitors fill the steps")
	}
	noted := notedChain{length: uint8(found.length)}
	if c.groups == nil {
		c.chains = append(c.chains, noted)
		return nil
	}
	c.codes = c.groups.appendCodes(c.codes[:0], v.place(found.start))
	for i, code := range c.codes {
		noted.group, noted.repeated = code, i > 0
		c.chains = append(c.chains, noted)
	}
	return nil
}
