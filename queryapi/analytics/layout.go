package analytics

import (
	"context"
	"slices"

	"github.com/theeye/theeye/shared/columns"
)

// layout says in which cells of a tally a row counts. A cell is a slot and an interval;
// the last interval of each slot is the whole range. Slots are those of the groups, and
// behind them one for all rows.
type layout struct {
	// timeline has the intervals; nil for the whole range alone.
	timeline *timeline
	// groups gives rows their groups; nil for the slot of all rows alone.
	groups *grouping
	// slots are those of the groups by shared code; nil where the code is the slot.
	slots []uint32
	// groupSlots is the number of slots of groups.
	groupSlots int
	// whole says that rows are added to the whole range and to all rows as well: the
	// figures of cells cannot be added up.
	whole bool
}

func (l *layout) intervals() int {
	if l.timeline == nil {
		return 0
	}
	return l.timeline.countIntervals()
}

// stride is the number of cells of a slot.
func (l *layout) stride() int { return l.intervals() + 1 }

func (l *layout) cells() int { return (l.groupSlots + 1) * l.stride() }

// cell returns the cell of a slot and an interval; that of the whole range is the
// number of intervals.
func (l *layout) cell(slot, interval int) int { return slot*l.stride() + interval }

// slotOf returns the slot of a shared code.
func (l *layout) slotOf(code uint32) uint32 {
	if l.slots == nil {
		return code
	}
	return l.slots[code]
}

// addsAll reports whether rows are added to the slot of all rows: they are where they
// have no group or several, or figures cannot be added up.
func (l *layout) addsAll() bool { return l.whole || l.groups == nil || l.groups.many }

// cellWriter turns the rows of one view into cells. It is for one goroutine.
type cellWriter struct {
	*layout
	times *columns.Times
	group *groupedView
	// bases are the first cells of the slots of the view's values, by their codes.
	bases []uint32

	intervals, rows, cells []uint32
	// codes and instants are those of the rows of a block.
	codes    []uint32
	instants []int64
}

// readCodes returns the codes of rows by group, valid until the next call.
func (w *cellWriter) readCodes(rows []uint32) []uint32 {
	w.codes = slices.Grow(w.codes[:0], len(rows))[:len(rows)]
	w.group.codes.Gather(w.codes, rows)
	return w.codes
}

// readTimes returns the times of rows, valid until the next call.
func (w *cellWriter) readTimes(rows []uint32) []int64 {
	w.instants = slices.Grow(w.instants[:0], len(rows))[:len(rows)]
	w.times.Gather(w.instants, rows)
	return w.instants
}

// readView prepares for the rows of a view.
func (w *cellWriter) readView(ctx context.Context, view int, p *columns.Part) (err error) {
	if w.timeline != nil {
		if w.times, err = p.Timestamps(ctx); err != nil {
			return err
		}
	}
	if w.groups == nil {
		return nil
	}
	w.group, w.bases = &w.groups.views[view], w.bases[:0]
	for _, code := range w.group.shared {
		w.bases = append(w.bases, w.base(w.slotOf(code)))
	}
	return nil
}

// base returns the first cell of a slot.
func (l *layout) base(slot uint32) uint32 { return slot * uint32(l.stride()) }

// writeRows gives rows with their cells to a tally.
func (w *cellWriter) writeRows(rows []uint32, add func(cells, rows []uint32)) {
	w.intervals = w.intervals[:0]
	if w.timeline != nil {
		w.intervals = w.timeline.appendIntervals(w.intervals, w.readTimes(rows))
	}
	if w.addsAll() {
		w.cells = w.cells[:0]
		all := w.base(uint32(w.groupSlots))
		for range rows {
			w.cells = append(w.cells, all)
		}
		w.addIntervals(rows, add)
	}
	switch {
	case w.groups == nil:
	case w.group.elements == nil:
		w.cells = w.cells[:0]
		for _, code := range w.readCodes(rows) {
			w.cells = append(w.cells, w.bases[code])
		}
		w.addIntervals(rows, add)
	default:
		w.spreadElements(rows)
		w.addIntervals(w.rows, add)
	}
}

// spreadElements repeats rows, and their intervals, for each of their groups.
func (w *cellWriter) spreadElements(rows []uint32) {
	spread := make([]uint32, 0, 2*len(w.intervals))
	w.rows, w.cells = w.rows[:0], w.cells[:0]
	codes := w.readCodes(rows)
	for i, row := range rows {
		list := w.group.elements[codes[i]]
		for _, e := range list {
			w.cells = append(w.cells, w.bases[e])
		}
		if len(list) == 0 {
			w.cells = append(w.cells, w.base(w.slotOf(missingCode)))
		}
		for len(w.rows) < len(w.cells) {
			w.rows = append(w.rows, row)
			if w.timeline != nil {
				spread = append(spread, w.intervals[i])
			}
		}
	}
	w.intervals = spread
}

// addIntervals gives rows to a tally, whose cells are the first ones of their slots so
// far.
func (w *cellWriter) addIntervals(rows []uint32, add func(cells, rows []uint32)) {
	for i, interval := range w.intervals {
		w.cells[i] += interval
	}
	add(w.cells, rows)
	if w.whole && w.timeline != nil {
		last := uint32(w.stride() - 1)
		for i, interval := range w.intervals {
			w.cells[i] += last - interval
		}
		add(w.cells, rows)
	}
}

// foldTally adds up the figures that rows were not added to: those of the whole range, and
// of all rows.
func (l *layout) foldTally(t tally) {
	if l.whole {
		return
	}
	if !l.addsAll() {
		for slot := range l.groupSlots {
			for i := range l.intervals() {
				t.fold(l.cell(l.groupSlots, i), l.cell(slot, i))
			}
			if l.timeline == nil {
				t.fold(l.cell(l.groupSlots, 0), l.cell(slot, 0))
			}
		}
	}
	n := l.intervals()
	for slot := 0; n > 0 && slot <= l.groupSlots; slot++ {
		for i := range n {
			t.fold(l.cell(slot, n), l.cell(slot, i))
		}
	}
}
