package analytics

import (
	"context"
	"math"
	"runtime"
	"slices"
	"time"

	"github.com/theeye/theeye/queryapi/refresh"
	"github.com/theeye/theeye/shared/columns"
	"github.com/theeye/theeye/shared/query"
)

// EventsQuery asks for the next events of a scope in the order (timestamp, document id).
type EventsQuery struct {
	// Scope selects events; its Location is not looked at, and a zero time of its range
	// is open.
	Scope
	Descending bool
	// After is the position behind which the events lie, nil for the first ones.
	After *query.Position
	// Limit is at least 1.
	Limit int
}

// Need returns the rows that the question is about.
func (q *EventsQuery) Need() refresh.Need {
	from, to := q.remaining()
	return refresh.Need{Applications: q.Applications, From: from, To: to}
}

// remaining returns the range of what lies behind the position, in whole microseconds.
// The events at its own time are in it.
func (q *EventsQuery) remaining() (from, to time.Time) {
	from, to = roundUp(q.From), roundUp(q.To)
	if q.After == nil {
		return from, to
	}
	if !q.Descending {
		if from.Before(q.After.Time) {
			from = q.After.Time
		}
		return from, to
	}
	if end := q.After.Time.Add(time.Microsecond); to.IsZero() || end.Before(to) {
		to = end
	}
	return from, to
}

// roundUp returns the first whole microsecond that is not before t; no time as it is.
func roundUp(t time.Time) time.Time {
	if t.IsZero() {
		return t
	}
	return time.UnixMicro(query.Ceil(t, time.Microsecond)).UTC()
}

// Events returns the positions of the first events of the scope behind q.After, and
// whether more follow. The error is of class columns.ErrNotHeld where a part has left
// out a field of the filter.
func (a *Analytics) Events(ctx context.Context, snapshot *columns.Snapshot, q *EventsQuery) (list []query.Position, more bool, err error) {
	f := newEventFinder(snapshot, q)
	masks := make([][]eventMask, runtime.GOMAXPROCS(0))
	times := make([]timeHeap, len(masks))
	err = inParallel(ctx, len(masks), len(f.views), func(worker, i int) error {
		return f.findEvents(ctx, &f.views[i], &masks[worker], &times[worker])
	})
	if err != nil {
		return nil, false, err
	}
	found := f.list.sorted()
	more = len(found) > q.Limit
	for _, e := range found[:min(len(found), q.Limit)] {
		list = append(list, query.Position{Time: time.UnixMicro(e.time).UTC(), ID: e.prefix + e.id})
	}
	return list, more, nil
}

// eventView is a view that may have events of a question.
type eventView struct {
	columns.View
	// prefix is what the document ids of the application begin with.
	prefix string
	// nearest is the time nearest to the start of the order that the view may have.
	nearest int64
}

// eventFinder finds the events of one question.
type eventFinder struct {
	q         *EventsQuery
	marker    *marker
	nowMillis int64
	// views come first that are nearest to the start of the order, so that most of the
	// others are seen to lie behind the events found there.
	views []eventView
	list  *eventList
}

func newEventFinder(snapshot *columns.Snapshot, q *EventsQuery) *eventFinder {
	from, to := q.remaining()
	scope := EventSet{Category: q.Category, Name: q.Name, Filter: q.Filter}
	f := &eventFinder{q: q, nowMillis: snapshot.Now.UnixMilli(), list: newEventList(q), marker: newMarker(scope, q.SessionID, nil, from, to)}
	for _, application := range snapshot.Applications {
		for _, v := range application.Views {
			if !f.marker.overlaps(v.Part) {
				continue
			}
			first, last, _ := v.Part.Span()
			nearest := max(first, f.marker.from)
			if q.Descending {
				nearest = min(last, f.marker.to-1)
			}
			f.views = append(f.views, eventView{v, documentPrefix(application.Name), nearest})
		}
	}
	slices.SortStableFunc(f.views, func(a, b eventView) int { return f.list.compareTimes(a.nearest, b.nearest) })
	return f
}

// findEvents adds the events of a view to the list. It reads ids only of events that
// their times alone do not exclude.
func (f *eventFinder) findEvents(ctx context.Context, v *eventView, masks *[]eventMask, nearest *timeHeap) error {
	bound, bounded := f.list.bound()
	if bounded && f.list.compareTimes(v.nearest, bound) > 0 {
		return nil
	}
	rows, err := selectRows(ctx, f.marker, v.View, f.nowMillis, masks)
	if err != nil {
		return err
	}
	times, err := v.Part.Timestamps(ctx)
	if err != nil {
		return err
	}
	if !bounded {
		bound = math.MaxInt64
		if f.q.Descending {
			bound = math.MinInt64
		}
	}
	bound, some, err := f.findBound(ctx, &rows, times, bound, nearest)
	if err != nil || !some {
		return err
	}
	ids, err := v.Part.EventIDs(ctx)
	if err != nil {
		return err
	}
	instants := make([]int64, blockRows)
	err = rows.forEachBlock(ctx, make([]uint32, 0, blockRows), func(block []uint32) {
		times.Gather(instants[:len(block)], block)
		for i, row := range block {
			if t := instants[i]; f.list.compareTimes(t, bound) <= 0 {
				f.list.addEvent(t, v.prefix, ids.At(int(row)))
			}
		}
	})
	f.list.settle()
	return err
}

// findBound returns a time behind which no row of a view belongs to the answer: bound,
// or where the view alone has enough rows before it, that of the last of these. Rows at
// the time of the position may lie before it, so they do not count. some says whether
// any row is at the bound or before it.
func (f *eventFinder) findBound(ctx context.Context, rows *rowSet, times *columns.Times, bound int64, nearest *timeHeap) (last int64, some bool, err error) {
	nearest.reset(f.q.Limit+1, f.q.Descending)
	instants := make([]int64, blockRows)
	err = rows.forEachBlock(ctx, make([]uint32, 0, blockRows), func(block []uint32) {
		times.Gather(instants[:len(block)], block)
		for _, t := range instants[:len(block)] {
			if f.list.compareTimes(t, bound) > 0 {
				continue
			}
			some = true
			if f.q.After == nil || t != f.list.after.time {
				nearest.addTime(t)
			}
		}
	})
	if last, full := nearest.last(); full {
		return last, some, err
	}
	return bound, some, err
}
