package analytics

import (
	"cmp"
	"context"
	"slices"

	"github.com/theeye/theeye/queryapi/refresh"
	"github.com/theeye/theeye/shared/api"
	"github.com/theeye/theeye/shared/columns"
	"github.com/theeye/theeye/shared/query/filter"
)

// need returns the rows that a scope is about.
func (s *Scope) need() refresh.Need {
	return refresh.Need{Applications: s.Applications, From: s.From, To: s.To}
}

// statsRange returns the range of an answer.
func (s *Scope) statsRange(snapshot *columns.Snapshot) api.StatsRange {
	return api.StatsRange{From: api.TimeOf(s.From), To: api.TimeOf(s.To), TZ: s.zone(), AsOf: api.TimeOf(snapshot.AsOf)}
}

// run measures the rows of one scope in a snapshot.
type run struct {
	a        *Analytics
	snapshot *columns.Snapshot
	scope    *Scope
	scan     scan
	metric   Metric
	// numbers are those of the metric's field, by view.
	numbers []numberedView
}

func (a *Analytics) newRun(s *columns.Snapshot, scope *Scope) *run {
	r := &run{a: a, snapshot: s, scope: scope, scan: scan{
		marker: newMarker(EventSet{Category: scope.Category, Name: scope.Name, Filter: scope.Filter}, scope.SessionID, nil, scope.From, scope.To),
		now:    s.Now.UnixMilli(),
	}}
	r.scan.views = allViews(s)
	r.scan.selected = make([]*rowSet, len(r.scan.views))
	return r
}

// measureOf prepares for a metric, which may need the numbers of a field.
func (r *run) measureOf(ctx context.Context, metric Metric, field *filter.Field) (err error) {
	r.metric = metric
	if metric.NeedsField() {
		r.numbers, err = r.a.readNumbers(ctx, *field, r.scan.views, r.scan.marker)
	}
	return err
}

// newMeasure returns the measure of the metric; not for sessions.
func (r *run) newMeasure(ctx context.Context) (measure, error) {
	switch r.metric {
	case MetricEvents:
		return &countMeasure{}, nil
	case MetricSum, MetricAvg:
		return newSumMeasure(ctx, r.numbers, r.metric == MetricAvg)
	case MetricMin, MetricMax:
		return newExtremeMeasure(r.numbers, r.metric == MetricMax), nil
	}
	return newRankMeasure(ctx, r.numbers, percentiles[r.metric])
}

// measureCells makes the figures of the cells of a layout.
func (r *run) measureCells(ctx context.Context, l *layout) (measure, error) {
	if r.metric == MetricSessions {
		counts, err := r.a.countSessions(ctx, r.snapshot, r.scope, l)
		return &countMeasure{counts}, err
	}
	m, err := r.newMeasure(ctx)
	if err != nil {
		return nil, err
	}
	return m, r.scan.measureRows(ctx, m, l)
}

// groupChoice says which groups of a field have a slot of their own.
type groupChoice struct {
	*grouping
	// largest are the shared codes of the slots. Behind them are the slots of all
	// other groups and of the missing value.
	largest []uint32
	others  int
	slots   []uint32
	missing bool
	// counts are those of every group and interval, nil where they are not the figures
	// or would be too many.
	counts *countMeasure
}

// maxGroupCells bounds the counts of every group and interval, so that they stay in the
// cache of a processor.
const maxGroupCells = 1 << 18

// chooseGroups chooses the groups with the greatest figures over the whole range. t has
// the intervals of the answer.
func (r *run) chooseGroups(ctx context.Context, field filter.Field, top int, t *timeline) (*groupChoice, error) {
	groups, err := r.a.newGrouping(ctx, field, r.scan.views, r.scan.marker)
	if err != nil {
		return nil, err
	}
	l := &layout{groups: groups, groupSlots: groups.values.countCodes()}
	if whole := (&layout{groups: groups, groupSlots: l.groupSlots, timeline: t}); r.metric == MetricEvents && whole.cells() <= cmp.Or(r.a.maxGroupCells, maxGroupCells) {
		l = whole
	}
	counts := &countMeasure{}
	if err := r.scan.measureRows(ctx, counts, l); err != nil {
		return nil, err
	}
	var m measure = counts
	if r.metric != MetricEvents {
		if m, err = r.measureCells(ctx, l); err != nil {
			return nil, err
		}
	}
	cell := func(code uint32) int { return l.cell(int(code), l.intervals()) }
	exists := func(code uint32) bool { return counts.counts[cell(code)] > 0 }
	c := &groupChoice{grouping: groups, missing: exists(missingCode)}
	if l.timeline != nil {
		c.counts = counts
	}
	c.largest, c.others = rankGroups(groups.values.countCodes(), top, exists,
		func(a, b uint32) int { return m.compare(cell(b), cell(a)) }, groups.compareCodes)
	c.slots = slices.Repeat([]uint32{uint32(len(c.largest))}, groups.values.countCodes())
	c.slots[missingCode] = uint32(len(c.largest) + 1)
	for slot, code := range c.largest {
		c.slots[code] = uint32(slot)
	}
	return c, nil
}

// sumCounts returns the counts of the slots of a layout, from those of every group.
func (c *groupChoice) sumCounts(l *layout) *countMeasure {
	sums, stride := make([]int64, l.cells()), l.stride()
	add := func(slot int, counts []int64) {
		for i, n := range counts[:stride] {
			sums[slot*stride+i] += n
		}
	}
	for code, slot := range c.slots {
		add(int(slot), c.counts.counts[code*stride:])
	}
	add(l.groupSlots, c.counts.counts[len(c.slots)*stride:]) // all rows
	return &countMeasure{sums}
}

// rankGroups returns the groups that compare last first, at most top of them; ties are in
// the order of their values. The missing value is not among them. others is the number
// of further groups that there are.
func rankGroups(n, top int, exists func(code uint32) bool, compareFigures, compareValues func(a, b uint32) int) (largest []uint32, others int) {
	compare := func(a, b uint32) int {
		if c := compareFigures(a, b); c != 0 {
			return c
		}
		return compareValues(a, b)
	}
	for code := uint32(1); int(code) < n; code++ {
		if !exists(code) {
			continue
		}
		if others++; len(largest) == top && compare(code, largest[top-1]) > 0 {
			continue
		}
		at, _ := slices.BinarySearchFunc(largest, code, compare)
		largest = slices.Insert(largest[:min(len(largest), top-1)], at, code)
	}
	return largest, others - len(largest)
}

// formatSeries writes the series of the groups.
func (c *groupChoice) formatSeries(m measure, l *layout) []api.Series {
	series := make([]api.Series, 0, len(c.largest)+2)
	for slot, code := range c.largest {
		v := c.values.valueOf(code)
		series = append(series, api.Series{StatsGroup: v.group(), SeriesValues: formatSlot(m, l, slot)})
	}
	if c.missing {
		series = append(series, api.Series{StatsGroup: api.StatsGroup{Missing: true}, SeriesValues: formatSlot(m, l, len(c.largest)+1)})
	}
	if c.others > 0 {
		series = append(series, api.Series{StatsGroup: api.StatsGroup{Other: true, Groups: int64(c.others)}, SeriesValues: formatSlot(m, l, len(c.largest))})
	}
	return series
}
