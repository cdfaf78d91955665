package analytics

import (
	"math"

	"github.com/theeye/theeye/shared/api"
	"github.com/theeye/theeye/shared/query/filter"
)

// extremeMeasure finds the least numbers, or with greatest the greatest.
type extremeMeasure struct {
	greatest bool
	views    []numberedView
	// wide says that different numbers may have the same double.
	wide  bool
	found []foundNumber
}

// foundNumber names a number: the code of a view. The double is NaN without a number.
type foundNumber struct {
	double     float64
	view, code uint32
}

type extremeTally struct {
	m     *extremeMeasure
	found []foundNumber
	codes []uint32
}

func newExtremeMeasure(views []numberedView, greatest bool) *extremeMeasure {
	return &extremeMeasure{greatest: greatest, views: views, wide: hasWide(views)}
}

func (m *extremeMeasure) newTally(cells int) tally {
	t := &extremeTally{m: m, found: make([]foundNumber, cells)}
	for i := range t.found {
		t.found[i].double = math.NaN()
	}
	return t
}

func (m *extremeMeasure) bytes() int     { return 16 }
func (m *extremeMeasure) additive() bool { return true }

func (m *extremeMeasure) advance(t tally) bool {
	m.found = t.(*extremeTally).found //nolint:forcetypeassert // of newTally
	return false
}

func (m *extremeMeasure) value(n foundNumber) filter.Value {
	if math.IsNaN(n.double) {
		return filter.Value{}
	}
	return m.views[n.view].values.ValueOf(n.code)
}

func (m *extremeMeasure) format(cell int) api.Figure { return formatNumber(m.value(m.found[cell])) }

func (m *extremeMeasure) compare(a, b int) int {
	return m.value(m.found[a]).Compare(m.value(m.found[b]))
}

// formatNumber writes a number as it counts; nothing for a missing value.
func formatNumber(v filter.Value) api.Figure {
	f, ok := v.Float()
	switch {
	case !ok:
		return ""
	case wideInteger(v, f) != nil:
		text, _ := v.NumberText()
		return api.Figure(text)
	}
	return formatFloat(f)
}

func (t *extremeTally) addRows(view int, cells, rows []uint32) {
	n := &t.m.views[view]
	for i, code := range n.readCodes(rows, &t.codes) {
		cell := cells[i]
		n.forEach(code, func(code uint32) {
			t.include(int(cell), foundNumber{n.doubles[code], uint32(view), code})
		})
	}
}

// include keeps the more extreme of two numbers.
func (t *extremeTally) include(cell int, n foundNumber) {
	kept := &t.found[cell]
	switch {
	case math.IsNaN(n.double):
	case math.IsNaN(kept.double), n.double < kept.double != t.m.greatest && n.double != kept.double:
		*kept = n
	case t.m.wide && n.double == kept.double:
		if c := t.m.value(n).Compare(t.m.value(*kept)); c != 0 && c < 0 != t.m.greatest {
			*kept = n
		}
	}
}

func (t *extremeTally) merge(other tally) {
	for cell, n := range other.(*extremeTally).found { //nolint:forcetypeassert // of the same measure
		t.include(cell, n)
	}
}

func (t *extremeTally) fold(dst, src int) { t.include(dst, t.found[src]) }
