package analytics

import (
	"context"
	"math"
	"math/big"
	"slices"

	"github.com/theeye/theeye/shared/columns"
	"github.com/theeye/theeye/shared/query/filter"
)

// numberedView holds the numbers of a field in the rows of a view. The codes of other
// kinds of values have the double NaN.
type numberedView struct {
	// codes are those of the rows, as codes of values or, where that is not nil, of
	// elements, which has codes of values.
	codes    columns.Codes
	elements [][]uint32
	values   columns.Values
	// doubles are the nearest doubles of the values; wide are the integers that no double
	// is, by code.
	doubles []float64
	wide    map[uint32]*big.Int
	// all holds the numbers of all views by shared code, and shared are the shared codes of
	// the values; nil where a dictionary has no room for them.
	all    *numberedView
	shared []uint32
}

// readNumbers reads the numbers of a field in views, those that a marker passes over left
// out.
func (a *Analytics) readNumbers(ctx context.Context, field filter.Field, views []columns.View, m *marker) ([]numberedView, error) {
	var groups *grouping
	var all *numberedView
	if field.Name == filter.Data {
		var err error
		if groups, err = a.findGrouping(ctx, field, views, m); err != nil {
			return nil, err
		}
	}
	if groups != nil {
		all = &numberedView{values: columns.ListValues(groups.values.values)}
		all.readDoubles()
	}
	numbers := make([]numberedView, len(views))
	used := make([][]bool, workersFor(len(views)))
	err := inParallel(ctx, len(used), len(views), func(worker, i int) error {
		n := &numbers[i]
		if !m.overlaps(views[i].Part) {
			return nil
		}
		column, err := loadColumn(ctx, views[i].Part, field)
		if err != nil {
			return err
		}
		n.codes, n.elements, n.values = column.Codes, column.Elements, column.Values
		if all == nil {
			n.readDoubles()
			return nil
		}
		if used[worker] == nil {
			used[worker] = make([]bool, all.values.Len())
		}
		n.all, n.shared = all, groups.views[i].shared
		n.doubles = make([]float64, len(n.shared))
		for code, shared := range n.shared {
			n.doubles[code], used[worker][shared] = all.doubles[shared], true
		}
		return nil
	})
	if err == nil && all != nil {
		all.dropUnused(used)
	}
	return numbers, err
}

// dropUnused drops the numbers that no list uses: those of other parts.
func (n *numberedView) dropUnused(used [][]bool) {
	for code := range n.doubles {
		if !slices.ContainsFunc(used, func(list []bool) bool { return list != nil && list[code] }) {
			n.doubles[code] = math.NaN()
			delete(n.wide, uint32(code))
		}
	}
}

// readDoubles sets doubles and wide from the values.
func (n *numberedView) readDoubles() {
	n.doubles = make([]float64, n.values.Len())
	for code, v := range n.values.All() {
		f, ok := v.Float()
		if !ok {
			f = math.NaN()
		}
		n.doubles[code] = f
		if exact := wideInteger(v, f); exact != nil {
			if n.wide == nil {
				n.wide = map[uint32]*big.Int{}
			}
			n.wide[code] = exact
		}
	}
}

// allNumbers returns the numbers that views have in common, nil where each has its own.
func allNumbers(views []numberedView) *numberedView {
	for i := range views {
		if views[i].all != nil {
			return views[i].all
		}
	}
	return nil
}

// distinctNumbers returns views that together have every number of views.
func distinctNumbers(views []numberedView) []numberedView {
	if all := allNumbers(views); all != nil {
		return []numberedView{*all}
	}
	return views
}

// eachNumber makes something of each number of views, width words for each code, and
// returns it by view. Where views have their numbers in common, it is made once.
func eachNumber[T any](ctx context.Context, views []numberedView, width int, makeWords func(n *numberedView) []T) ([][]T, error) {
	var words []T
	if all := allNumbers(views); all != nil {
		words = makeWords(all)
	}
	made := make([][]T, len(views))
	err := inParallel(ctx, workersFor(len(views)), len(views), func(_, i int) error {
		n := &views[i]
		if n.all == nil {
			made[i] = makeWords(n)
			return nil
		}
		made[i] = make([]T, 0, len(n.shared)*width)
		for _, shared := range n.shared {
			made[i] = append(made[i], words[int(shared)*width:(int(shared)+1)*width]...)
		}
		return nil
	})
	return made, err
}

// hasWide reports whether any number is an integer that no double is.
func hasWide(views []numberedView) bool {
	return slices.ContainsFunc(views, func(n numberedView) bool { return n.wide != nil || n.all != nil && n.all.wide != nil })
}

// readCodes returns the codes of rows in a buffer, valid until it is used again.
func (n *numberedView) readCodes(rows []uint32, buffer *[]uint32) []uint32 {
	codes := slices.Grow((*buffer)[:0], len(rows))[:len(rows)]
	n.codes.Gather(codes, rows)
	*buffer = codes
	return codes
}

// forEach calls do with the codes of the numbers of a row, which has a code.
func (n *numberedView) forEach(code uint32, do func(code uint32)) {
	if n.elements == nil {
		if !math.IsNaN(n.doubles[code]) {
			do(code)
		}
		return
	}
	for _, e := range n.elements[code] {
		if !math.IsNaN(n.doubles[e]) {
			do(e)
		}
	}
}
