package analytics

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/theeye/theeye/shared/columns"
	"github.com/theeye/theeye/shared/query/filter"
)

// gatheredEvent is an event of a visit that is not a run of rows.
type gatheredEvent struct {
	time    int64
	visitor uint32 // the ordinal of a session, or the shared code of a value
	mask    eventMask
	place   place
}

// maxGathered bounds the events that one pass gathers, of 24 bytes each.
const maxGathered = 2_500_000

// passesFor returns the number of passes over rows that are gathered. Visitors are
// spread over the passes by their number, so some have more than their share.
func (w *walk) passesFor(rows int) int { return 1 + 2*rows/w.maxGathered }

// gatherRun gathers the events of a run of rows that have a bit of needed. The masks are
// those of the view.
func (k *worker) gatherRun(visitor uint32, view, first int, times []int64, needed eventMask) {
	for i, t := range times {
		if mask := k.masks[first+i]; mask&needed != 0 {
			k.gathered = append(k.gathered, gatheredEvent{t, visitor, mask, place{uint32(view), uint32(first + i)}})
		}
	}
}

// errGathered says that a pass has more events than it may gather.
var errGathered = errors.New("too many events in one pass")

// walkField walks the visitors of one application that another field than the session
// names. Often few rows matter, so it tries one pass first. It looks at the views and values
// of the application alone, so that each view is read once in a question about many.
func (w *walk) walkField(ctx context.Context, views []walkedView, workers []worker) error {
	own := make([]columns.View, len(views))
	for i, v := range views {
		own[i] = v.View
	}
	names, err := w.a.newSharedValues(ctx, w.by, own, w.marker)
	if err != nil {
		return err
	}
	err = w.walkFieldIn(ctx, 1, names, views, workers)
	if !errors.Is(err, errGathered) {
		return err
	}
	rows := 0
	for _, v := range views {
		rows += v.Part.Stored()
	}
	if err = w.walkFieldIn(ctx, w.passesFor(rows), names, views, workers); errors.Is(err, errGathered) {
		return tooLarge(fmt.Sprintf("too many events belong to one %v", w.by))
	}
	return err
}

// walkFieldIn is walkField in a number of passes. names are of the views, in their order.
func (w *walk) walkFieldIn(ctx context.Context, passes int, names *sharedValues, views []walkedView, workers []worker) error {
	for pass := range passes {
		for i := range workers {
			workers[i].gathered = workers[i].gathered[:0]
		}
		err := inParallel(ctx, len(workers), len(views), func(i, view int) error {
			return w.gatherField(ctx, &workers[i], views[view], names, view, pass, passes)
		})
		if err == nil {
			err = names.check()
		}
		if err == nil {
			err = w.visitGathered(ctx, w.numberVisitors(names.values.countCodes(), workers), 0, 1, workers)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// numberVisitors replaces the codes of gathered events, which are below codes, by numbers
// without gaps, and returns how many there are: values have codes over all applications, and
// one of them may have few.
func (w *walk) numberVisitors(codes int, workers []worker) (visitors int) {
	if len(w.numbers) < codes {
		w.numbers = make([]uint32, codes)
	}
	used := w.numbered[:0]
	for i := range workers {
		for j := range workers[i].gathered {
			e := &workers[i].gathered[j] //nolint:gosec // j ranges over it
			number := &w.numbers[e.visitor]
			if *number == 0 {
				used = append(used, e.visitor)
				*number = uint32(len(used))
			}
			e.visitor = *number - 1
		}
	}
	for _, code := range used {
		w.numbers[code] = 0
	}
	w.numbered = used
	return len(used)
}

// gatherField gathers the events of a view whose visitors belong to the pass. at is the
// number of the view in names.
func (w *walk) gatherField(ctx context.Context, worker *worker, v walkedView, names *sharedValues, at, pass, passes int) error {
	some, err := w.markView(ctx, worker, v)
	if err != nil || !some {
		return err
	}
	if err := names.loadView(ctx, at, v.Part); err != nil {
		return err
	}
	timestamps, err := v.Part.Timestamps(ctx)
	if err != nil {
		return err
	}
	times := readTimes(timestamps, len(worker.masks), &worker.rowTimes)
	codes := readCodes(names.views[at].codes, len(worker.masks), &worker.rowCodes)
	shared := names.shareRows(at, codes, worker.masks, w.needed)
	for row, mask := range worker.masks {
		if mask&w.needed == 0 {
			continue
		}
		code := shared[codes[row]]
		if code == missingCode || passes > 1 && int(code)%passes != pass {
			continue
		}
		worker.gathered = append(worker.gathered, gatheredEvent{times[row], code, mask, place{uint32(v.index), uint32(row)}})
		if len(worker.gathered) > w.maxGathered {
			return errGathered
		}
	}
	return nil
}

// visitGathered visits what the workers have gathered in a pass, and lets go of it.
// Visitors are numbered below n.
func (w *walk) visitGathered(ctx context.Context, n, pass, passes int, workers []worker) error {
	events, starts, err := w.groupGathered(n, pass, passes, workers)
	if err != nil || len(events) == 0 {
		return err
	}
	ids := newEventIDs(w.snapshot, w.by.Name == filter.SessionID)
	const perChunk = 1024 // visitors
	visitors := len(starts) - 1
	return inParallel(ctx, len(workers), (visitors+perChunk-1)/perChunk, func(i, chunk int) error {
		for k := chunk * perChunk; k < min((chunk+1)*perChunk, visitors); k++ {
			if run := events[starts[k]:starts[k+1]]; len(run) > 0 {
				if err := workers[i].visitRun(ctx, run, ids); err != nil {
					return err
				}
			}
		}
		return nil
	})
}

// groupGathered sorts events by visitor: those of the visitor pass + k·passes are
// [starts[k], starts[k+1]).
func (w *walk) groupGathered(n, pass, passes int, workers []worker) (events []gatheredEvent, starts []uint32, err error) {
	total := 0
	for i := range workers {
		total += len(workers[i].gathered)
	}
	if total == 0 {
		return nil, nil, nil
	}
	if total > w.maxGathered {
		return nil, nil, errGathered
	}
	visitors := (n - pass + passes - 1) / passes
	starts = make([]uint32, visitors+1)
	for i := range workers {
		for j := range workers[i].gathered {
			starts[int(workers[i].gathered[j].visitor)/passes+1]++
		}
	}
	for k := range visitors {
		starts[k+1] += starts[k]
	}
	next := slices.Clone(starts)
	events = make([]gatheredEvent, total)
	for _, part := range gatheredByView(workers) {
		for _, e := range part {
			k := int(e.visitor) / passes
			events[next[k]] = e
			next[k]++
		}
	}
	for i := range workers {
		workers[i].gathered = workers[i].gathered[:0]
	}
	return events, starts, nil
}

// gatheredByView returns the events of the workers in the order of their views. Views
// are mostly in the order of time, and so are the events of a session in a view: those
// laid out in this order are mostly sorted.
func gatheredByView(workers []worker) [][]gatheredEvent {
	var parts [][]gatheredEvent
	for i := range workers {
		left := workers[i].gathered
		for len(left) > 0 {
			end, view := 1, left[0].place.view
			for end < len(left) && left[end].place.view == view {
				end++
			}
			parts, left = append(parts, left[:end]), left[end:]
		}
	}
	slices.SortFunc(parts, func(a, b []gatheredEvent) int { return cmp.Compare(a[0].place.view, b[0].place.view) })
	return parts
}

// visitRun visits the events of one visitor.
func (k *worker) visitRun(ctx context.Context, run []gatheredEvent, ids *eventIDs) error {
	if err := ids.sortEvents(ctx, run); err != nil {
		return err
	}
	v := &k.visit
	v.times, v.masks, v.places = k.times[:0], k.runMasks[:0], k.places[:0]
	for _, e := range run {
		v.times, v.masks, v.places = append(v.times, e.time), append(v.masks, e.mask), append(v.places, e.place)
	}
	k.times, k.runMasks, k.places = v.times, v.masks, v.places
	return k.visitor.addVisit(v)
}

// eventIDs orders events at the same time by the ids of their documents. It reads them
// only for such events. It is safe for concurrent use.
type eventIDs struct {
	// parts are those of all views.
	parts []*columns.Part
	// sessions says that the events of one view are those of one session, which are in
	// order there.
	sessions bool
}

// newEventIDs returns the ids of the events of a snapshot.
func newEventIDs(s *columns.Snapshot, sessions bool) *eventIDs {
	ids := &eventIDs{sessions: sessions}
	for _, a := range s.Applications {
		for _, v := range a.Views {
			ids.parts = append(ids.parts, v.Part)
		}
	}
	return ids
}

// compareGathered orders events by time, then by where they lie.
func compareGathered(a, b gatheredEvent) int {
	switch {
	case a.time < b.time:
		return -1
	case a.time > b.time:
		return 1
	case a.place.view != b.place.view:
		return cmp.Compare(a.place.view, b.place.view)
	}
	return cmp.Compare(a.place.row, b.place.row)
}

// sortEvents sorts the events of one visitor of an application by time, then id.
func (ids *eventIDs) sortEvents(ctx context.Context, events []gatheredEvent) error {
	if !slices.IsSortedFunc(events, compareGathered) {
		slices.SortFunc(events, compareGathered)
	}
	for i := 0; i < len(events); {
		end, tied := i+1, false
		for ; end < len(events) && events[end].time == events[i].time; end++ {
			tied = tied || !ids.sessions || events[end].place.view != events[i].place.view
		}
		if tied {
			if err := ids.sortTied(ctx, events[i:end]); err != nil {
				return err
			}
		}
		i = end
	}
	return nil
}

// identifiedEvent is an event with its id.
type identifiedEvent struct {
	gatheredEvent
	id []byte
}

// sortTied sorts events at one time by id. All are of one application, whose documents
// are in the order of the ids of their events.
func (ids *eventIDs) sortTied(ctx context.Context, events []gatheredEvent) error {
	identified := make([]identifiedEvent, len(events))
	for i, e := range events {
		texts, err := ids.parts[e.place.view].EventIDs(ctx)
		if err != nil {
			return err
		}
		identified[i] = identifiedEvent{e, texts.At(int(e.place.row))}
	}
	slices.SortFunc(identified, func(a, b identifiedEvent) int { return bytes.Compare(a.id, b.id) })
	for i := range identified {
		events[i] = identified[i].gatheredEvent
	}
	return nil
}
