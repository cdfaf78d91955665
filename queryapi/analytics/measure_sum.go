package analytics

import (
	"cmp"
	"context"
	"math"
	"math/big"
	"math/bits"

	"github.com/theeye/theeye/shared/api"
)

// sumMeasure adds up numbers exactly, or with mean divides the sum by their count.
type sumMeasure struct {
	mean  bool
	views []numberedView
	point fixedPoint
	// words are those of the numbers of each view, by code.
	words [][]uint64

	sums   []uint64
	counts []int64
}

type sumTally struct {
	m      *sumMeasure
	sums   []uint64
	counts []int64
	codes  []uint32
}

func newSumMeasure(ctx context.Context, views []numberedView, mean bool) (m *sumMeasure, err error) {
	m = &sumMeasure{mean: mean, views: views}
	distinct := distinctNumbers(views)
	points := make([]fixedPoint, len(distinct))
	err = inParallel(ctx, workersFor(len(distinct)), len(distinct), func(_, i int) error {
		for code, f := range distinct[i].doubles {
			if !math.IsNaN(f) {
				points[i].include(f, distinct[i].wide[uint32(code)])
			}
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	for i := range points {
		m.point.includeRange(&points[i])
	}
	m.point.fit()
	m.words, err = eachNumber(ctx, views, m.point.words, func(n *numberedView) []uint64 {
		words := make([]uint64, 0, len(n.doubles)*m.point.words)
		for code, f := range n.doubles {
			if math.IsNaN(f) {
				f = 0
			}
			words = m.point.appendNumber(words, f, n.wide[uint32(code)])
		}
		return words
	})
	return m, err
}

func (m *sumMeasure) newTally(cells int) tally {
	return &sumTally{m: m, sums: make([]uint64, cells*m.point.words), counts: make([]int64, cells)}
}

func (m *sumMeasure) bytes() int     { return 8 * (m.point.words + 1) }
func (m *sumMeasure) additive() bool { return true }

func (m *sumMeasure) advance(t tally) bool {
	s := t.(*sumTally) //nolint:forcetypeassert // of newTally
	m.sums, m.counts = s.sums, s.counts
	return false
}

func (m *sumMeasure) sum(cell int) []uint64 {
	return m.sums[cell*m.point.words : (cell+1)*m.point.words]
}

func (m *sumMeasure) format(cell int) api.Figure {
	switch {
	case m.counts[cell] == 0:
		return ""
	case m.mean:
		return formatFloat(m.point.roundMean(m.sum(cell), m.counts[cell]))
	}
	return m.point.formatSum(m.sum(cell))
}

// compare orders cells by their rounded figures, which are those that are shown.
func (m *sumMeasure) compare(a, b int) int {
	x, y := m.round(a), m.round(b)
	if x == y && math.IsInf(x, 0) {
		return m.roundExact(a).Cmp(m.roundExact(b))
	}
	return cmp.Compare(x, y) // NaN comes first
}

// roundExact is the sum of a cell with the digits of a double, but beyond the largest.
func (m *sumMeasure) roundExact(cell int) *big.Float {
	return m.point.exactSum(m.sum(cell)).SetPrec(mantissaBits)
}

func (m *sumMeasure) round(cell int) float64 {
	switch {
	case m.counts[cell] == 0:
		return math.NaN()
	case m.mean:
		return m.point.roundMean(m.sum(cell), m.counts[cell])
	}
	return m.point.roundSum(m.sum(cell))
}

func (t *sumTally) addRows(view int, cells, rows []uint32) {
	n, words, width := &t.m.views[view], t.m.words[view], t.m.point.words
	codes := n.readCodes(rows, &t.codes)
	if n.elements == nil && width == 2 {
		t.addPairs(n, words, cells, codes)
		return
	}
	for i, code := range codes {
		cell := int(cells[i])
		n.forEach(code, func(code uint32) {
			t.counts[cell]++
			addWords(t.sums[cell*width:(cell+1)*width], words[int(code)*width:(int(code)+1)*width])
		})
	}
}

// addPairs is addRows for numbers of two words, as most have.
func (t *sumTally) addPairs(n *numberedView, words []uint64, cells, codes []uint32) {
	for i, code := range codes {
		if math.IsNaN(n.doubles[code]) {
			continue
		}
		cell := int(cells[i])
		t.counts[cell]++
		sum, word := t.sums[2*cell:2*cell+2], words[2*int(code):2*int(code)+2]
		var carry uint64
		sum[0], carry = bits.Add64(sum[0], word[0], 0)
		sum[1], _ = bits.Add64(sum[1], word[1], carry)
	}
}

func (t *sumTally) merge(other tally) {
	o := other.(*sumTally) //nolint:forcetypeassert // of the same measure
	width := t.m.point.words
	for cell, n := range o.counts {
		t.counts[cell] += n
		addWords(t.sums[cell*width:(cell+1)*width], o.sums[cell*width:(cell+1)*width])
	}
}

func (t *sumTally) fold(dst, src int) {
	width := t.m.point.words
	t.counts[dst] += t.counts[src]
	addWords(t.sums[dst*width:(dst+1)*width], t.sums[src*width:(src+1)*width])
}
