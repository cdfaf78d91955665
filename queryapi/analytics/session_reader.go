package analytics

import (
	"context"
	"runtime"

	"github.com/theeye/theeye/shared/columns"
)

// sessionReader lists the sessions of one application.
type sessionReader struct {
	q         *SessionsQuery
	list      *sessionList
	cache     *crossingCache
	views     *columns.ApplicationViews
	nowMillis int64
	// marker sets matchedEvent; its scope is every event.
	marker *marker

	all      []walkedView
	sessions []*columns.Sessions
	found    *crossings
	// near says which sessions that cross views have rows in a view that overlaps the
	// range, by ordinal.
	near []bool
}

// viewFigures are the figures of a session of several views in one of them.
type viewFigures struct {
	sessionFigures
	ordinal uint32
	id      [16]byte
}

// listSessions adds the sessions of the application to the list. It reads the rows of
// the views that overlap the range, and of those where sessions of them go on.
func (r *sessionReader) listSessions(ctx context.Context) error {
	workers := runtime.GOMAXPROCS(0)
	for i, v := range r.views.Views {
		if v.Part.Stored() > 0 {
			r.all = append(r.all, walkedView{i, v})
		}
	}
	r.sessions = make([]*columns.Sessions, len(r.all))
	err := inParallel(ctx, workers, len(r.all), func(_, i int) (err error) {
		r.sessions[i], err = r.all[i].Part.Sessions(ctx)
		return err
	})
	if err != nil {
		return err
	}
	if r.found, err = r.cache.findCrossings(ctx, r.all, r.sessions); err != nil {
		return err
	}
	r.findNear()
	states := make([]sessionWorker, workers)
	err = inParallel(ctx, workers, len(r.all), func(worker, view int) error {
		return r.readView(ctx, &states[worker], view)
	})
	if err != nil {
		return err
	}
	r.listCrossing(states)
	return nil
}

// sessionWorker is the state of one goroutine.
type sessionWorker struct {
	masks  []eventMask
	times  []int64
	across []viewFigures
}

func (r *sessionReader) findNear() {
	r.near = make([]bool, r.found.count)
	for i, list := range r.found.lists {
		if r.overlapsRange(i) {
			for _, x := range list {
				r.near[x.ordinal] = true
			}
		}
	}
}

// overlapsRange reports whether a view may have events in the range.
func (r *sessionReader) overlapsRange(view int) bool {
	first, last, ok := r.all[view].Part.Span()
	return ok && last >= r.list.from && first < r.list.to
}

// isNeeded reports whether sessions that may be listed have rows in a view.
func (r *sessionReader) isNeeded(view int) bool {
	if r.overlapsRange(view) {
		return true
	}
	for _, x := range r.found.lists[view] {
		if r.near[x.ordinal] {
			return true
		}
	}
	return false
}

// readView lists the sessions that lie in one view alone, and notes the figures of the
// others there.
func (r *sessionReader) readView(ctx context.Context, worker *sessionWorker, view int) error {
	if !r.isNeeded(view) {
		return nil
	}
	v := r.all[view]
	if n := v.Part.Stored(); cap(worker.masks) < n {
		worker.masks = make([]eventMask, n)
	}
	masks := worker.masks[:v.Part.Stored()]
	some, err := r.marker.markRows(ctx, v.View, r.nowMillis, masks)
	if err != nil || !some {
		return err
	}
	timestamps, err := v.Part.Timestamps(ctx)
	if err != nil {
		return err
	}
	times := readTimes(timestamps, len(masks), &worker.times)
	overlaps, list, first := r.overlapsRange(view), r.found.lists[view], r.sessions[view].First
	for i, id := range r.sessions[view].IDs {
		crosses := len(list) > 0 && int(list[0].index) == i
		switch {
		case crosses && r.near[list[0].ordinal]:
			worker.across = append(worker.across, viewFigures{r.readRun(times, masks, first[i], first[i+1]), list[0].ordinal, id})
		case !crosses && overlaps:
			r.list.addListed(&listedSession{r.readRun(times, masks, first[i], first[i+1]), r.views.Name, id})
		}
		if crosses {
			list = list[1:]
		}
	}
	return nil
}

// readRun returns the figures of a run of rows.
func (r *sessionReader) readRun(times []int64, masks []eventMask, first, end uint32) (f sessionFigures) {
	for row := first; row < end; row++ {
		if masks[row] != 0 {
			f.addEvent(times[row], masks[row], r.list.from, r.list.to)
		}
	}
	return f
}

// listCrossing lists the sessions whose figures lie in several views.
func (r *sessionReader) listCrossing(states []sessionWorker) {
	whole := make([]listedSession, r.found.count)
	for i := range states {
		for _, f := range states[i].across {
			whole[f.ordinal].id = f.id
			whole[f.ordinal].addFigures(&f.sessionFigures)
		}
	}
	for i := range whole {
		whole[i].application = r.views.Name
		r.list.addListed(&whole[i])
	}
}
