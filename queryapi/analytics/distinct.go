package analytics

import (
	"context"

	"github.com/theeye/theeye/shared/columns"
	"github.com/theeye/theeye/shared/query/filter"
)

// sessionCounter counts the distinct sessions of each cell of a layout. A session is
// looked at once, with its events of all views, so it counts once in a cell however many
// events it has there. It is for one goroutine.
type sessionCounter struct {
	*layout
	counts []int64
	// seen is the last session that counted in a cell, sessions the number of the
	// present one.
	seen     []uint32
	sessions uint32

	codes []uint32
}

// addVisit counts one session.
func (c *sessionCounter) addVisit(v *visit) error { //nolint:unparam // of visitor
	c.visitCells(v, true)
	return nil
}

// thinVisit clears the masks of events whose cells those before them have.
func (c *sessionCounter) thinVisit(v *visit) { c.visitCells(v, false) }

// visitCells counts a session in the cells of its events, or clears the masks of those
// that it would not count for.
func (c *sessionCounter) visitCells(v *visit, counts bool) {
	c.sessions++
	interval, start, end := 0, int64(0), int64(0)
	for i, mask := range v.masks {
		if mask == 0 {
			continue
		}
		if us := v.times[i]; c.timeline != nil && (us < start || us >= end) {
			interval = c.timeline.findInterval(us)
			start, end = c.timeline.bounds[interval], c.timeline.bounds[interval+1]
		}
		first := c.countIn(c.groupSlots, interval, counts)
		if c.groups != nil {
			at := v.place(i)
			c.codes = c.groups.views[at.view].appendCodes(c.codes[:0], at.row)
			for _, code := range c.codes {
				first = c.countIn(int(c.slotOf(code)), interval, counts) || first
			}
		}
		if !first && !counts {
			v.masks[i] = 0
		}
		if c.groups == nil && (c.timeline == nil || v.times[len(v.masks)-1] < end) {
			if !counts {
				clear(v.masks[i+1:])
			}
			return // all others are of the same interval
		}
	}
}

// countIn counts the session in an interval of a slot, and in the whole range; without
// counts it only notes that it did. It reports whether the session is new there.
func (c *sessionCounter) countIn(slot, interval int, counts bool) bool {
	cell := c.cell(slot, interval)
	if c.seen[cell] == c.sessions {
		return false
	}
	c.seen[cell] = c.sessions
	if !counts {
		return true
	}
	c.counts[cell]++
	if whole := c.cell(slot, c.intervals()); c.seen[whole] != c.sessions {
		c.seen[whole] = c.sessions
		c.counts[whole]++
	}
	return true
}

// countSessions returns the distinct sessions of each cell.
func (a *Analytics) countSessions(ctx context.Context, s *columns.Snapshot, scope *Scope, l *layout) ([]int64, error) {
	if err := checkCells(l, 12*workersFor(len(allViews(s)))); err != nil {
		return nil, err
	}
	counters, visitors := newVisitors(func() *sessionCounter {
		return &sessionCounter{layout: l, counts: make([]int64, l.cells()), seen: make([]uint32, l.cells())}
	})
	w := a.newWalk(s, scope, nil, scope.From, scope.To, filter.Field{Name: filter.SessionID})
	if err := w.walkVisitors(ctx, visitors); err != nil {
		return nil, err
	}
	counts := counters[0].counts
	for _, c := range counters[1:] {
		for cell, n := range c.counts {
			counts[cell] += n
		}
	}
	return counts, nil
}
