package analytics

import (
	"context"
	"fmt"

	"github.com/theeye/theeye/shared/api"
	"github.com/theeye/theeye/shared/columns"
)

// measure makes a figure of the rows of each cell of a layout.
type measure interface {
	// newTally returns an empty tally.
	newTally(cells int) tally
	// bytes is the memory of a cell of a tally.
	bytes() int
	// advance takes the tally of a pass over the rows, of all workers together. It
	// reports whether another pass is needed.
	advance(t tally) (again bool)
	// format writes the figure of a cell.
	format(cell int) api.Figure
	// compare orders two cells by their figures, those without one first.
	compare(a, b int) int
	// additive says that the figures of cells can be folded.
	additive() bool
}

// tally collects the rows of cells. It is for one goroutine.
type tally interface {
	addRows(view int, cells, rows []uint32)
	// merge adds another tally of the same measure and pass.
	merge(other tally)
	// fold adds one cell to another.
	fold(dst, src int)
}

// maxTallyBytes bounds the tallies of one question.
const maxTallyBytes = 256 << 20

// scan is a pass over the rows of a question.
type scan struct {
	views  []columns.View
	marker *marker
	// now decides about expiry, in milliseconds since 1970.
	now int64
	// selected are the rows of the views that count, once a pass has looked.
	selected []*rowSet
}

// measureRows makes the figures of a measure.
func (s *scan) measureRows(ctx context.Context, m measure, l *layout) error {
	workers := workersFor(len(s.views))
	if err := checkCells(l, m.bytes()*workers); err != nil {
		return err
	}
	for again := true; again; {
		t, err := s.collect(ctx, m, l, workers)
		if err != nil {
			return err
		}
		l.foldTally(t)
		again = m.advance(t)
	}
	return nil
}

// checkCells refuses a layout that would take too much memory, of so many bytes a cell.
func checkCells(l *layout, bytes int) error {
	if l.cells() <= maxTallyBytes/bytes {
		return nil
	}
	return tooLarge(fmt.Sprintf("the question needs %d figures before it can tell the largest groups; the most is %d here: "+
		"ask for fewer intervals, a shorter time range, or a field of fewer values", l.cells(), maxTallyBytes/bytes))
}

// collect makes one pass.
func (s *scan) collect(ctx context.Context, m measure, l *layout, workers int) (tally, error) {
	l.whole = !m.additive()
	tallies, masks := make([]tally, workers), make([][]eventMask, workers)
	writers, buffers := make([]cellWriter, workers), make([][]uint32, workers)
	for i := range tallies {
		tallies[i], buffers[i], writers[i].layout = m.newTally(l.cells()), make([]uint32, blockRows), l
	}
	err := inParallel(ctx, workers, len(s.views), func(worker, view int) error {
		if c, ok := tallies[worker].(*countTally); ok && s.addCounts(c, l, view) {
			return nil
		}
		rows, err := s.selectRows(ctx, view, &masks[worker])
		if err != nil || rows.count == 0 {
			return err
		}
		w := &writers[worker]
		if err := w.readView(ctx, view, s.views[view].Part); err != nil {
			return err
		}
		t := tallies[worker]
		if counts, ok := t.(*countTally); ok {
			if c := counts.newRowCounter(w); c != nil {
				defer c.addCodes()
				return rows.forEachBlock(ctx, buffers[worker], c.countRows)
			}
		}
		add := func(cells, rows []uint32) { t.addRows(view, cells, rows) }
		return rows.forEachBlock(ctx, buffers[worker], func(rows []uint32) { w.writeRows(rows, add) })
	})
	if err != nil {
		return nil, err
	}
	for _, t := range tallies[1:] {
		tallies[0].merge(t)
	}
	return tallies[0], nil
}
