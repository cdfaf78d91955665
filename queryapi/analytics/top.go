package analytics

import (
	"context"
	"strings"

	"github.com/theeye/theeye/queryapi/refresh"
	"github.com/theeye/theeye/shared/api"
	"github.com/theeye/theeye/shared/columns"
	"github.com/theeye/theeye/shared/query/filter"
)

// Bounds of a Top.
const (
	DefaultTop = 20
	MaxTop     = 1000
)

// TopQuery asks for the most frequent values of a field.
type TopQuery struct {
	Scope
	Field filter.Field
	// Metric is MetricEvents or MetricSessions.
	Metric Metric
	// Limit is the number of values, 1 to MaxTop.
	Limit int
	// Prefix restricts the values to texts that begin with it. Total and Missing it does
	// not touch.
	Prefix string
}

// Need returns the rows that the question is about.
func (q *TopQuery) Need() refresh.Need { return q.Scope.need() }

// Top answers from a snapshot of what the question needs.
func (a *Analytics) Top(ctx context.Context, s *columns.Snapshot, q TopQuery) (*api.Top, error) {
	r := a.newRun(s, &q.Scope)
	r.metric = q.Metric
	groups, err := a.newGrouping(ctx, q.Field, r.scan.views, r.scan.marker)
	if err != nil {
		return nil, err
	}
	l := &layout{groups: groups, groupSlots: groups.values.countCodes()}
	m, err := r.measureCells(ctx, l)
	if err != nil {
		return nil, err
	}
	counts := m.(*countMeasure).counts //nolint:forcetypeassert // that of both metrics
	t := &topAnswer{run: r, grouping: groups, counts: counts, Top: api.Top{
		Field: q.Field.String(), Metric: string(q.Metric), StatsRange: q.statsRange(s),
		Total: counts[groups.values.countCodes()], Missing: counts[missingCode],
	}}
	if q.Metric == MetricSessions {
		if err := t.countMissing(ctx); err != nil {
			return nil, err
		}
	}
	largest, others := rankGroups(groups.values.countCodes(), q.Limit,
		func(code uint32) bool { return counts[code] > 0 && groups.hasPrefix(code, q.Prefix) },
		func(a, b uint32) int { return compareFalling(counts[a], counts[b]) }, groups.compareCodes)
	t.Distinct = int64(len(largest) + others)
	t.Values = make([]api.TopValue, len(largest))
	for i, code := range largest {
		v := groups.values.valueOf(code)
		t.Values[i] = api.TopValue{
			Value: v.json(), Category: v.Category, Name: v.Name, Count: counts[code], Share: share(counts[code], t.Total-t.Missing),
		}
	}
	if others > 0 {
		if err := t.countOthers(ctx, largest, others, q.Prefix); err != nil {
			return nil, err
		}
	}
	return &t.Top, nil
}

// topAnswer is the answer while it is made.
type topAnswer struct {
	*run
	*grouping
	// counts are those of the groups by shared code.
	counts []int64
	api.Top
}

// hasPrefix reports whether the value of a code is a text that begins with a prefix;
// without one, every value does.
func (g *grouping) hasPrefix(code uint32, prefix string) bool {
	if prefix == "" {
		return true
	}
	text, ok := g.values.values[code].TextValue()
	return ok && strings.HasPrefix(text, prefix)
}

// countMissing counts the sessions without a value: in which no event has one.
func (t *topAnswer) countMissing(ctx context.Context) error {
	const present, missing = 0, 1
	counts, err := t.countSlots(ctx, 2, func(code uint32) uint32 {
		if code == missingCode {
			return missing
		}
		return present
	})
	if err == nil {
		t.Missing = t.Total - counts[present]
	}
	return err
}

// countSlots counts the distinct sessions of slots.
func (t *topAnswer) countSlots(ctx context.Context, n int, slot func(code uint32) uint32) ([]int64, error) {
	l := &layout{groups: t.grouping, groupSlots: n, slots: make([]uint32, t.values.countCodes())}
	for code := range l.slots {
		l.slots[code] = slot(uint32(code))
	}
	return t.a.countSessions(ctx, t.snapshot, t.scope, l)
}

// countOthers counts the values that are not listed: their events, or the sessions that
// have any of them.
func (t *topAnswer) countOthers(ctx context.Context, largest []uint32, distinct int, prefix string) error {
	t.Other = &api.TopOther{Distinct: int64(distinct)}
	if t.metric == MetricSessions {
		listed := make(map[uint32]bool, len(largest))
		for _, code := range largest {
			listed[code] = true
		}
		const other, rest = 0, 1
		counts, err := t.countSlots(ctx, 2, func(code uint32) uint32 {
			if code != missingCode && !listed[code] && t.hasPrefix(code, prefix) {
				return other
			}
			return rest
		})
		if err == nil {
			t.Other.Count = counts[other]
		}
		return err
	}
	for code := missingCode + 1; code < t.values.countCodes(); code++ {
		if n := t.counts[code]; n > 0 && t.hasPrefix(uint32(code), prefix) {
			t.Other.Count += n
		}
	}
	for _, code := range largest {
		t.Other.Count -= t.counts[code]
	}
	return nil
}

func compareFalling(a, b int64) int {
	switch {
	case a > b:
		return -1
	case a < b:
		return 1
	}
	return 0
}
