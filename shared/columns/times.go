package columns

import "math"

// Times are the times of rows in microseconds or milliseconds since 1970. They are held as
// distances from the least of some thousand neighbours: in 4 bytes each where all are
// whole milliseconds, else in 5, in 8 where they lie far apart. They are read-only.
type Times struct {
	rows int
	// missing is the time of a row without one.
	missing int64
	blocks  []timeBlock
}

// timeBlockRows is the number of rows of a block, so that a time that is far from all
// others costs memory in its neighbourhood alone.
const timeBlockRows = 4096

// timeBlock holds neighbours. The time of a row is base + unit·distance, of which low and
// high, where it is not nil, are the bits; a missing one has all bits set. wide, where it
// is not nil, holds the times instead.
type timeBlock struct {
	base, unit int64
	low        []uint32
	high       []uint8
	wide       []int64
	// gaps says that a time is missing.
	gaps bool
}

// Distances of missing times, and bounds of the others.
const (
	missingShort = math.MaxUint32
	missingLong  = 1<<40 - 1
)

// timeUnits are the units that are tried, in those of the times.
var timeUnits = [...]int64{1000, 1}

// packTimes returns times of which those equal to missing are no times.
func packTimes(times []int64, missing int64) *Times {
	t := &Times{rows: len(times), missing: missing, blocks: make([]timeBlock, 0, (len(times)+timeBlockRows-1)/timeBlockRows)}
	for first := 0; first < len(times); first += timeBlockRows {
		t.blocks = append(t.blocks, packBlock(times[first:min(first+timeBlockRows, len(times))], missing))
	}
	return t
}

func packBlock(times []int64, missing int64) timeBlock {
	b := timeBlock{base: math.MaxInt64}
	last := int64(math.MinInt64)
	for _, t := range times {
		if t == missing {
			b.gaps = true
			continue
		}
		b.base, last = min(b.base, t), max(last, t)
	}
	if b.base > last { // none
		b.base, last = 0, 0
	}
	for _, b.unit = range timeUnits {
		if b.unit == 1 || b.divides(times, missing) {
			break
		}
	}
	// The span of times may be beyond an int64.
	switch span := uint64(last) - uint64(b.base); {
	case span/uint64(b.unit) < missingShort:
		b.low = make([]uint32, len(times))
	case span/uint64(b.unit) < missingLong:
		b.low, b.high = make([]uint32, len(times)), make([]uint8, len(times))
	default:
		b.wide = append(make([]int64, 0, len(times)), times...)
		return b
	}
	for i, t := range times {
		distance := uint64(missingLong)
		if t != missing {
			distance = uint64(t-b.base) / uint64(b.unit)
		}
		b.low[i] = uint32(distance)
		if b.high != nil {
			b.high[i] = uint8(distance >> 32)
		}
	}
	return b
}

// divides reports whether all times are whole units from the base.
func (b *timeBlock) divides(times []int64, missing int64) bool {
	for _, t := range times {
		if t != missing && (uint64(t)-uint64(b.base))%uint64(b.unit) != 0 {
			return false
		}
	}
	return true
}

// Len returns the number of rows.
func (t *Times) Len() int { return t.rows }

// TimeAt returns the time of a row. Loops over many rows are faster by Read or Gather.
func (t *Times) TimeAt(row int) int64 {
	b, i := &t.blocks[row/timeBlockRows], row%timeBlockRows
	if b.wide != nil {
		return b.wide[i]
	}
	distance, none := int64(b.low[i]), int64(missingShort)
	if b.high != nil {
		distance, none = distance|int64(b.high[i])<<32, missingLong
	}
	if distance == none {
		return t.missing
	}
	return b.base + b.unit*distance
}

// Read sets dst to the times of as many rows, from first on.
func (t *Times) Read(dst []int64, first int) {
	for len(dst) > 0 {
		b, from := &t.blocks[first/timeBlockRows], first%timeBlockRows
		n := min(len(dst), timeBlockRows-from)
		b.read(dst[:n], from, t.missing)
		dst, first = dst[n:], first+n
	}
}

func (b *timeBlock) read(dst []int64, from int, missing int64) {
	switch {
	case b.wide != nil:
		copy(dst, b.wide[from:from+len(dst)])
		return
	case b.high == nil:
		base, unit := b.base, b.unit
		low := b.low[from : from+len(dst)]
		for i, distance := range low {
			dst[i] = base + unit*int64(distance)
		}
	default:
		base, unit := b.base, b.unit
		low, high := b.low[from:from+len(dst)], b.high[from:from+len(dst)]
		for i, distance := range low {
			dst[i] = base + unit*(int64(distance)|int64(high[i])<<32)
		}
	}
	if !b.gaps {
		return
	}
	for i := range dst {
		if b.low[from+i] == missingShort && (b.high == nil || b.high[from+i] == math.MaxUint8) {
			dst[i] = missing
		}
	}
}

// Gather sets dst, which is as long as rows, to the times of rows.
func (t *Times) Gather(dst []int64, rows []uint32) {
	dst = dst[:len(rows)]
	if len(rows) > 0 {
		// Mostly rows are neighbours, and of one block.
		first := rows[0] / timeBlockRows
		if b := &t.blocks[first]; rows[len(rows)-1]/timeBlockRows == first && b.wide == nil && !b.gaps {
			b.gather(dst, rows)
			return
		}
	}
	for i, row := range rows {
		dst[i] = t.TimeAt(int(row))
	}
}

// gather reads rows of the block, which ascend.
func (b *timeBlock) gather(dst []int64, rows []uint32) {
	base, unit, low := b.base, b.unit, b.low
	if b.high == nil {
		for i, row := range rows {
			dst[i] = base + unit*int64(low[row%timeBlockRows])
		}
		return
	}
	high := b.high[:len(low)]
	for i, row := range rows {
		at := row % timeBlockRows
		dst[i] = base + unit*(int64(low[at])|int64(high[at])<<32)
	}
}

// unpackTimes returns the times of all rows in memory of their own.
func (t *Times) unpackTimes() []int64 {
	times := make([]int64, t.rows)
	t.Read(times, 0)
	return times
}

func (t *Times) countBytes() int {
	size := 112 * len(t.blocks)
	for i := range t.blocks {
		b := &t.blocks[i]
		size += 4*len(b.low) + len(b.high) + 8*len(b.wide)
	}
	return size
}
