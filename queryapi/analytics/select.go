package analytics

import (
	"context"
	"math/bits"

	"github.com/theeye/theeye/shared/columns"
)

// blockRows is the number of rows that are looked at as one.
const blockRows = 4096

// checkedBlocks is the number of blocks after which the context is checked.
const checkedBlocks = 16

// rowSet is the rows of a view that count: those below count that are in the bitmap, or
// all of them where that is nil. It is immutable.
type rowSet struct {
	count  int
	bitmap columns.Bitmap
}

// selectRows returns the rows of a view that belong to the scope, and keeps them for the
// next pass. masks is memory that is used again for the next view. A view is given to
// one goroutine at a time.
func (s *scan) selectRows(ctx context.Context, view int, masks *[]eventMask) (*rowSet, error) {
	if s.selected[view] != nil {
		return s.selected[view], nil
	}
	set, err := selectRows(ctx, s.marker, s.views[view], s.now, masks)
	if err == nil {
		s.selected[view] = &set
	}
	return &set, err
}

// selectRows returns the rows of a view that belong to the scope of a marker without
// sets.
func selectRows(ctx context.Context, m *marker, v columns.View, nowMillis int64, masks *[]eventMask) (rowSet, error) {
	n := v.Part.Stored()
	if !m.overlaps(v.Part) {
		return rowSet{}, nil
	}
	if m.selectsAll(v, nowMillis) {
		return rowSet{count: n}, nil
	}
	if cap(*masks) < n {
		*masks = make([]eventMask, n+n/8)
	}
	marks := (*masks)[:n]
	some, err := m.markRows(ctx, v, nowMillis, marks)
	if err != nil || !some {
		return rowSet{}, err
	}
	set := rowSet{n, columns.NewBitmap(n)}
	for word := range set.bitmap {
		var included uint64
		for i, mask := range marks[word*64 : min((word+1)*64, n)] {
			included |= uint64((mask|-mask)>>15) << i // the highest bit is set unless it is 0
		}
		set.bitmap[word] = included
	}
	return set, nil
}

// selectsAll reports whether every stored row of a view counts.
func (m *marker) selectsAll(v columns.View, nowMillis int64) bool {
	first, last, _ := v.Part.Span()
	return len(m.types) == 0 && m.ignoresRows(v, nowMillis) && first >= m.from && last < m.to
}

// ignoresRows reports whether the type and the time of a row alone decide whether it
// counts: no other condition looks at it, no newer part masks it, none has expired.
func (m *marker) ignoresRows(v columns.View, nowMillis int64) bool {
	return len(m.fields) == 0 && m.session == nil && v.IsWhole(nowMillis)
}

// forEachBlock calls do with the rows of the set, ascending and a block at a time.
// buffer has room for a block; a block is valid until do returns.
func (s *rowSet) forEachBlock(ctx context.Context, buffer []uint32, do func(rows []uint32)) error {
	for start, block := 0, 0; start < s.count; start, block = start+blockRows, block+1 {
		if block%checkedBlocks == 0 {
			if err := ctx.Err(); err != nil {
				return err
			}
		}
		if rows := s.appendBlock(buffer[:0], start, min(start+blockRows, s.count)); len(rows) > 0 {
			do(rows)
		}
	}
	return nil
}

// appendBlock appends the rows of the set in [start, end), of which start is a multiple of
// 64, to memory that has room for them.
func (s *rowSet) appendBlock(dst []uint32, start, end int) []uint32 {
	if s.bitmap == nil {
		for row := start; row < end; row++ {
			dst = append(dst, uint32(row))
		}
		return dst
	}
	for word := start / 64; word*64 < end; word++ {
		for set := s.bitmap[word]; set != 0; set &= set - 1 {
			dst = append(dst, uint32(word*64+bits.TrailingZeros64(set)))
		}
	}
	return dst
}

// size returns the number of rows that count.
func (s *rowSet) size() int {
	if s.bitmap == nil {
		return s.count
	}
	return s.bitmap.Count()
}
