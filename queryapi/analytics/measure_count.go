package analytics

import (
	"cmp"
	"slices"

	"github.com/theeye/theeye/shared/api"
	"github.com/theeye/theeye/shared/query/filter"
)

// countMeasure counts events.
type countMeasure struct{ counts []int64 }

type countTally struct{ counts []int64 }

func (m *countMeasure) newTally(cells int) tally { return &countTally{make([]int64, cells)} }
func (m *countMeasure) bytes() int               { return 8 }
func (m *countMeasure) additive() bool           { return true }

func (m *countMeasure) advance(t tally) bool {
	m.counts = t.(*countTally).counts //nolint:forcetypeassert // of newTally
	return false
}

func (m *countMeasure) format(cell int) api.Figure { return formatCount(m.counts[cell]) }
func (m *countMeasure) compare(a, b int) int       { return cmp.Compare(m.counts[a], m.counts[b]) }

func (t *countTally) addRows(_ int, cells, _ []uint32) {
	for _, c := range cells {
		t.counts[c]++
	}
}

func (t *countTally) merge(other tally) {
	for i, n := range other.(*countTally).counts { //nolint:forcetypeassert // of the same measure
		t.counts[i] += n
	}
}

func (t *countTally) fold(dst, src int) { t.counts[dst] += t.counts[src] }

// rowCounter counts the rows of one view where each is in one cell. It does without the
// lists of cells that other measures need.
type rowCounter struct {
	*cellWriter
	counts []int64
	// byCode are the rows of each code, where there are no intervals.
	byCode               []int64
	interval, start, end int64
}

// newRowCounter returns a counter of the rows of the view of a writer, nil where a row may
// be in several cells.
func (t *countTally) newRowCounter(w *cellWriter) *rowCounter {
	c := &rowCounter{cellWriter: w, counts: t.counts}
	switch {
	case w.groups == nil:
	case w.addsAll() || w.group.elements != nil:
		return nil
	case w.timeline == nil:
		c.byCode = make([]int64, len(w.bases))
	}
	return c
}

// countRows counts rows.
func (c *rowCounter) countRows(rows []uint32) {
	switch {
	case c.timeline != nil:
		c.countIntervals(rows)
	case c.groups == nil:
		c.counts[c.base(uint32(c.groupSlots))] += int64(len(rows))
	default:
		byCode := c.byCode
		for _, code := range c.readCodes(rows) {
			byCode[code]++
		}
	}
}

func (c *rowCounter) countIntervals(rows []uint32) {
	var codes []uint32
	all := int64(c.base(uint32(c.groupSlots)))
	if c.groups != nil {
		codes = c.readCodes(rows)
	}
	for row, us := range c.readTimes(rows) {
		if us < c.start || us >= c.end {
			i := c.timeline.findInterval(us)
			c.interval, c.start, c.end = int64(i), c.timeline.bounds[i], c.timeline.bounds[i+1]
		}
		base := all
		if codes != nil {
			base = int64(c.bases[codes[row]])
		}
		c.counts[base+c.interval]++
	}
}

// addCodes adds the rows that were counted by code.
func (c *rowCounter) addCodes() {
	for code, n := range c.byCode {
		c.counts[c.bases[code]] += n
	}
}

// addCounts adds the counts in the description of a part instead of its rows. It
// reports false where they do not say what the rows would: a row is masked, has expired
// or has to be looked at, or a quarter of an hour is cut by an interval or by the range.
func (s *scan) addCounts(t *countTally, l *layout, view int) bool {
	v := s.views[view]
	first, last, ok := v.Part.Span()
	switch {
	case !ok:
		return true
	case !s.marker.ignoresRows(v, s.now) || l.groups != nil && l.groups.field.Name != filter.Type,
		first < s.marker.from && s.marker.from%quarterMicros != 0,
		last >= s.marker.to && s.marker.to%quarterMicros != 0,
		l.timeline != nil && l.timeline.dividesQuarters():
		return false
	}
	types := v.Part.Types()
	masks := make([]eventMask, len(types))
	for code, typ := range types {
		masks[code] = s.marker.typeMask(typ)
	}
	everyType := l.groups == nil && !slices.Contains(masks, 0)
	interval, counts := 0, v.Part.Counts()
	for i := range counts.CountQuarters() {
		us := counts.QuarterAt(i) * quarterMicros
		if us < s.marker.from || us >= s.marker.to {
			continue
		}
		if l.timeline != nil && us >= l.timeline.bounds[interval+1] { // quarters ascend
			interval = l.timeline.findInterval(us)
		}
		if everyType {
			t.counts[l.cell(l.groupSlots, interval)] += counts.TotalAt(i)
			continue
		}
		for typ, n := range counts.TypesAt(i) {
			if masks[typ] == 0 {
				continue
			}
			if l.addsAll() {
				t.counts[l.cell(l.groupSlots, interval)] += n
			}
			if l.groups != nil {
				t.counts[l.cell(int(l.slotOf(l.groups.views[view].shared[typ])), interval)] += n
			}
		}
	}
	return true
}
