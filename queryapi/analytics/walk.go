package analytics

import (
	"cmp"
	"context"
	"errors"
	"runtime"
	"time"

	"github.com/theeye/theeye/shared/columns"
	"github.com/theeye/theeye/shared/query/filter"
)

// visitor looks at visits, one at a time.
type visitor interface {
	addVisit(v *visit) error
}

// thinner is a visitor to whom some events of a visit do not matter beside others of it.
type thinner interface {
	// thinVisit clears the masks of such events of a part of a visit. The rest of all
	// parts is to the visitor as the whole.
	thinVisit(v *visit)
}

// walk gives every visit of a snapshot to visitors, those of one application after
// those of another. Visits by session are runs of the rows of a part where they lie;
// those that cross parts, and all visits by another field, are gathered. Where that
// would take too much memory, it takes several passes, each for a share of the visitors.
type walk struct {
	a        *Analytics
	snapshot *columns.Snapshot
	marker   *marker
	// by is the field that names a visitor.
	by filter.Field
	// maxGathered bounds the events that one pass gathers.
	maxGathered int
	// needed are the bits without any of which an event need not be gathered.
	needed eventMask
	// columns are read for each view that has rows which count, before its visits.
	columns []*sharedValues
	// numbers has the number of each code that the present pass has seen, from 1; numbered
	// are these codes. See numberVisitors.
	numbers, numbered []uint32
}

// walkedView is a view with rows that may count.
type walkedView struct {
	index int // in the snapshot, over all applications: place.view
	columns.View
}

// worker is the state of one goroutine of a walk.
type worker struct {
	visitor visitor
	masks   []eventMask
	visit   visit
	// gathered are events of visits that are not a run of rows; the others hold one
	// such visit.
	gathered []gatheredEvent
	times    []int64
	runMasks []eventMask
	places   []place
	// rowTimes and rowCodes are those of the rows of the present view.
	rowTimes []int64
	rowCodes []uint32
}

// allViews returns the views of a snapshot.
func allViews(s *columns.Snapshot) []columns.View {
	var views []columns.View
	for i := range s.Applications {
		views = append(views, s.Applications[i].Views...)
	}
	return views
}

// walkVisitors walks with so many workers at once as there are visitors.
func (w *walk) walkVisitors(ctx context.Context, visitors []visitor) error {
	workers := make([]worker, len(visitors))
	for i := range workers {
		workers[i].visitor = visitors[i]
	}
	walkViews := w.walkField
	if w.by.Name == filter.SessionID {
		walkViews = w.walkSessions
	}
	err := w.eachApplication(func(views []walkedView) error { return walkViews(ctx, views, workers) })
	if err != nil {
		return err
	}
	for _, c := range w.columns {
		if err := c.check(); err != nil {
			return err
		}
	}
	return nil
}

// eachApplication calls do with the views of each application that may have rows which
// count.
func (w *walk) eachApplication(do func(views []walkedView) error) error {
	index := 0
	for _, a := range w.snapshot.Applications {
		views := make([]walkedView, 0, len(a.Views))
		for _, v := range a.Views {
			if w.marker.overlaps(v.Part) {
				views = append(views, walkedView{index, v})
			}
			index++
		}
		if err := do(views); err != nil {
			return err
		}
	}
	return nil
}

// newVisitors returns one visitor for each processor.
func newVisitors[V visitor](create func() V) (own []V, visitors []visitor) {
	for range runtime.GOMAXPROCS(0) {
		v := create()
		own, visitors = append(own, v), append(visitors, v)
	}
	return own, visitors
}

// markView sets the masks of a worker to those of a view, and reads the columns that
// visits need. It reports whether any row may count.
func (w *walk) markView(ctx context.Context, worker *worker, v walkedView) (bool, error) {
	n := v.Part.Stored()
	if cap(worker.masks) < n {
		worker.masks = make([]eventMask, n+n/8)
	}
	worker.masks = worker.masks[:n]
	some, err := w.marker.markRows(ctx, v.View, w.snapshot.Now.UnixMilli(), worker.masks)
	if err != nil || !some {
		return false, err
	}
	for _, c := range w.columns {
		if err := c.loadView(ctx, v.index, v.Part); err != nil {
			return false, err
		}
	}
	return true, nil
}

// walkSessions walks the sessions of one application.
func (w *walk) walkSessions(ctx context.Context, views []walkedView, workers []worker) error {
	crossings, rows, err := w.readCrossings(ctx, views, len(workers))
	if err != nil {
		return err
	}
	passes := w.passesFor(rows)
	for pass := range passes {
		err := inParallel(ctx, len(workers), len(views), func(i, view int) error {
			return w.walkRuns(ctx, &workers[i], views[view], crossings.lists[view], pass, passes)
		})
		if err != nil {
			return err
		}
		if err := w.visitGathered(ctx, crossings.count, pass, passes, workers); errors.Is(err, errGathered) {
			return tooLarge("too many events belong to few sessions")
		} else if err != nil {
			return err
		}
	}
	return nil
}

// readCrossings returns the crossings of views, and how many rows their sessions have.
func (w *walk) readCrossings(ctx context.Context, views []walkedView, workers int) (*crossings, int, error) {
	sessions := make([]*columns.Sessions, len(views))
	err := inParallel(ctx, workers, len(views), func(_, i int) (err error) {
		sessions[i], err = views[i].Part.Sessions(ctx)
		return err
	})
	if err != nil {
		return nil, 0, err
	}
	found, err := w.a.crossings.findCrossings(ctx, views, sessions)
	if err != nil {
		return nil, 0, err
	}
	rows := 0
	for i, list := range found.lists {
		for _, x := range list {
			rows += int(sessions[i].First[x.index+1] - sessions[i].First[x.index])
		}
	}
	return found, rows, nil
}

// walkRuns visits the sessions of a view that no other view has, in the first pass, and
// gathers the events of the others that belong to the pass.
func (w *walk) walkRuns(ctx context.Context, worker *worker, v walkedView, list []crossing, pass, passes int) error {
	if pass > 0 && len(list) == 0 {
		return nil
	}
	some, err := w.markView(ctx, worker, v)
	if err != nil || !some {
		return err
	}
	sessions, err := v.Part.Sessions(ctx)
	if err != nil {
		return err
	}
	timestamps, err := v.Part.Timestamps(ctx)
	if err != nil {
		return err
	}
	times := readTimes(timestamps, len(worker.masks), &worker.rowTimes)
	visit := &worker.visit
	visit.places = nil
	thin, thins := worker.visitor.(thinner)
	for i := range sessions.IDs {
		first, end := sessions.First[i], sessions.First[i+1]
		visit.times, visit.masks = times[first:end], worker.masks[first:end]
		visit.first = place{view: uint32(v.index), row: first}
		if len(list) > 0 && int(list[0].index) == i {
			if int(list[0].ordinal)%passes == pass {
				if thins {
					thin.thinVisit(visit)
				}
				worker.gatherRun(list[0].ordinal, v.index, int(first), times[first:end], w.needed)
			}
			list = list[1:]
			continue
		}
		if pass > 0 {
			continue
		}
		if err := worker.visitor.addVisit(visit); err != nil {
			return err
		}
	}
	return nil
}

// shareValues returns the values of a field in the views of the walk.
func (w *walk) shareValues(ctx context.Context, field filter.Field) (*sharedValues, error) {
	return w.a.newSharedValues(ctx, field, allViews(w.snapshot), w.marker)
}

// newWalk returns a walk over the visitors of a scope. Events count that lie in
// [from, to), and bit i of their masks says whether sets[i] has them.
func (a *Analytics) newWalk(s *columns.Snapshot, scope *Scope, sets []EventSet, from, to time.Time, by filter.Field) *walk {
	base := EventSet{Category: scope.Category, Name: scope.Name, Filter: scope.Filter}
	return &walk{
		a: a, snapshot: s, marker: newMarker(base, scope.SessionID, sets, from, to), by: by, needed: inScope,
		maxGathered: cmp.Or(a.maxGathered, maxGathered),
	}
}
