package analytics

import (
	"cmp"
	"context"
	"math"
	"math/big"
	"math/bits"
	"slices"

	"github.com/theeye/theeye/shared/api"
	"github.com/theeye/theeye/shared/query/filter"
)

// rankMeasure finds percentiles by nearest rank: of n numbers the one of rank
// ⌈p·n/100⌉. Numbers stand for their places among all different ones, and the place of
// a percentile is found digit by digit: each pass counts the numbers that begin with
// the digits found so far by the next one. So memory does not grow with the rows.
type rankMeasure struct {
	percent int
	views   []numberedView
	// places are those of the numbers of each view, by code.
	places [][]uint32
	order  numberOrder
	// digits is the number of bits of a digit, shift that of the bits below the digit of
	// the next pass.
	digits, shift int
	cells         []rankCell
}

// rankCell is the state of the search for the percentile of a cell.
type rankCell struct {
	// left is the rank that is looked for among the numbers that begin with place; 0
	// without numbers.
	left  int64
	place uint32
}

type rankTally struct {
	m *rankMeasure
	// counts are the numbers by cell and digit.
	counts []uint32
	codes  []uint32
}

// Bounds of the bits of a digit, and of the counts of a tally.
const (
	mostDigitBits = 8
	mostCounts    = 4 << 20
)

func newRankMeasure(ctx context.Context, views []numberedView, percent int) (*rankMeasure, error) {
	m := &rankMeasure{percent: percent, views: views, order: orderNumbers(distinctNumbers(views))}
	var err error
	m.places, err = eachNumber(ctx, views, 1, m.order.placesOf)
	return m, err
}

func (m *rankMeasure) bytes() int     { return 8 } // with one bit a digit
func (m *rankMeasure) additive() bool { return false }

func (m *rankMeasure) newTally(cells int) tally {
	if m.cells == nil || len(m.cells) != cells {
		m.cells = make([]rankCell, cells)
		m.digits = 1
		for m.digits < mostDigitBits && cells<<(m.digits+1) <= mostCounts {
			m.digits++
		}
		passes := (bits.Len(uint(m.order.countNumbers())) + m.digits - 1) / m.digits
		m.shift = max(passes-1, 0) * m.digits
		for i := range m.cells {
			m.cells[i].left = -1 // not known before the first pass
		}
	}
	return &rankTally{m: m, counts: make([]uint32, cells<<m.digits)}
}

func (m *rankMeasure) advance(t tally) bool {
	counts := t.(*rankTally).counts //nolint:forcetypeassert // of newTally
	for i := range m.cells {
		m.cells[i].addDigit(counts[i<<m.digits:(i+1)<<m.digits], m.percent, m.digits)
	}
	m.shift -= m.digits
	return m.shift >= 0
}

// addDigit finds the next digit of a percentile.
func (c *rankCell) addDigit(counts []uint32, percent, digits int) {
	if c.left < 0 {
		total := int64(0)
		for _, n := range counts {
			total += int64(n)
		}
		c.left = (total*int64(percent) + 99) / 100
	}
	if c.left == 0 {
		return
	}
	digit := 0
	for int64(counts[digit]) < c.left {
		c.left -= int64(counts[digit])
		digit++
	}
	c.place = c.place<<digits | uint32(digit)
}

func (m *rankMeasure) format(cell int) api.Figure {
	if m.cells[cell].left == 0 {
		return ""
	}
	return m.order.formatPlace(m.cells[cell].place)
}

func (m *rankMeasure) compare(a, b int) int {
	x, y := m.cells[a], m.cells[b]
	return cmp.Or(cmp.Compare(min(x.left, 1), min(y.left, 1)), cmp.Compare(x.place, y.place))
}

func (t *rankTally) addRows(view int, cells, rows []uint32) {
	n, places, digits, shift := &t.m.views[view], t.m.places[view], t.m.digits, t.m.shift
	codes := n.readCodes(rows, &t.codes)
	if n.elements == nil {
		for i, code := range codes {
			cell := cells[i]
			place := uint64(places[code]) >> shift
			if !math.IsNaN(n.doubles[code]) && uint32(place>>digits) == t.m.cells[cell].place {
				t.counts[int(cell)<<digits|int(place)&(1<<digits-1)]++
			}
		}
		return
	}
	for i, code := range codes {
		cell := cells[i]
		n.forEach(code, func(code uint32) {
			place := uint64(places[code]) >> shift
			if uint32(place>>digits) == t.m.cells[cell].place {
				t.counts[int(cell)<<digits|int(place)&(1<<digits-1)]++
			}
		})
	}
}

func (t *rankTally) merge(other tally) {
	for i, n := range other.(*rankTally).counts { //nolint:forcetypeassert // of the same measure
		t.counts[i] += n
	}
}

// fold is never called: the measure is not additive.
func (t *rankTally) fold(int, int) {}

// numberOrder orders all different numbers of views. The place of a number is that
// among the doubles and the wide integers together.
type numberOrder struct {
	doubles []float64
	wide    []filter.Value
	// before is, for each wide integer, the number of doubles before it.
	before []int
}

func orderNumbers(views []numberedView) numberOrder {
	var o numberOrder
	for i := range views {
		for code, f := range views[i].doubles {
			if _, wide := views[i].wide[uint32(code)]; wide {
				o.wide = append(o.wide, views[i].values.ValueOf(uint32(code)))
			} else if !math.IsNaN(f) {
				o.doubles = append(o.doubles, f+0) // there is no -0
			}
		}
	}
	slices.Sort(o.doubles)
	o.doubles = slices.Compact(o.doubles)
	slices.SortFunc(o.wide, filter.Value.Compare)
	o.wide = slices.CompactFunc(o.wide, filter.Value.Equal)
	for _, v := range o.wide {
		f, _ := v.Float()
		at, equal := slices.BinarySearch(o.doubles, f)
		if equal && formatDouble(f).Compare(v) < 0 {
			at++
		}
		o.before = append(o.before, at)
	}
	return o
}

// formatDouble returns a double as an exact number.
func formatDouble(f float64) filter.Value {
	exact, _ := new(big.Float).SetFloat64(f).Int(nil)
	return filter.Number(exact.String())
}

func (o *numberOrder) countNumbers() int { return len(o.doubles) + len(o.wide) }

// placesOf returns the places of the numbers of a view.
func (o *numberOrder) placesOf(n *numberedView) []uint32 {
	places := make([]uint32, len(n.doubles))
	for code, f := range n.doubles {
		if math.IsNaN(f) {
			continue
		}
		var place int
		if _, wide := n.wide[uint32(code)]; wide {
			i, _ := slices.BinarySearchFunc(o.wide, n.values.ValueOf(uint32(code)), filter.Value.Compare)
			place = i + o.before[i]
		} else {
			i, _ := slices.BinarySearch(o.doubles, f+0)
			wide, _ := slices.BinarySearchFunc(o.before, i, func(before, i int) int { return cmp.Compare(before, i+1) })
			place = i + wide
		}
		places[code] = uint32(place)
	}
	return places
}

// formatPlace writes the number of a place.
func (o *numberOrder) formatPlace(place uint32) api.Figure {
	at := int(place)
	for i := range o.wide {
		if o.before[i]+i == at {
			return formatNumber(o.wide[i])
		}
	}
	before := 0
	for i := range o.wide {
		if o.before[i]+i < at {
			before++
		}
	}
	return formatFloat(o.doubles[at-before])
}
