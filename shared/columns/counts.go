package columns

import (
	"errors"
	"iter"
)

// quarterIndex says which counts of a list are of which quarter of an hour.
type quarterIndex struct {
	// numbers are those of the quarters since 1970; they ascend.
	numbers []int64
	// ends are the ends of their counts in the list.
	ends []uint32
}

// noteCount notes that the next count of the list is of a quarter.
func (q *quarterIndex) noteCount(quarter int64) {
	n := len(q.ends)
	if n == 0 || q.numbers[n-1] != quarter {
		before := uint32(0)
		if n > 0 {
			before = q.ends[n-1]
		}
		q.numbers, q.ends = append(q.numbers, quarter), append(q.ends, before)
		n++
	}
	q.ends[n-1]++
}

// CountQuarters returns the number of quarters that have counts.
func (q *quarterIndex) CountQuarters() int { return len(q.numbers) }

// QuarterAt returns a quarter by its place, as a number since 1970. They ascend.
func (q *quarterIndex) QuarterAt(i int) int64 { return q.numbers[i] }

// entries returns the range of the counts of a quarter in the list.
func (q *quarterIndex) entries(i int) (from, to int) {
	if i > 0 {
		from = int(q.ends[i-1])
	}
	return from, int(q.ends[i])
}

func (q *quarterIndex) countBytes() int { return 8*len(q.numbers) + 4*len(q.ends) }

func (q *quarterIndex) appendTo(w *listWriter) {
	w.addCount(len(q.numbers))
	last := int64(0)
	for i, number := range q.numbers {
		from, to := q.entries(i)
		w.addSigned(number - last)
		w.addCount(to - from)
		last = number
	}
}

// readQuarterIndex returns the index and the number of all counts.
func readQuarterIndex(r *listReader) (q quarterIndex, n int, err error) {
	quarters := r.readCount()
	if quarters == 0 {
		return q, 0, r.err
	}
	q = quarterIndex{make([]int64, 0, quarters), make([]uint32, 0, quarters)}
	last := int64(0)
	for i := range quarters {
		step := r.readSigned()
		if last += step; i > 0 && step <= 0 {
			return q, 0, errors.New("quarters do not ascend")
		}
		if n += r.readCount(); n > maxRows {
			return q, 0, errors.New("more counts than rows")
		}
		q.numbers, q.ends = append(q.numbers, last), append(q.ends, uint32(n))
	}
	if n > len(r.raw) {
		r.fail()
		n = 0
	}
	return q, n, r.err
}

// Counts are the numbers of stored rows by the quarter of an hour of their timestamps and
// by type, expired rows included. They are read-only. The zero value has none.
type Counts struct {
	quarterIndex

	types, rows Codes
	// totals are the rows of the quarters.
	totals []uint32
}

// TotalAt returns the rows of a quarter by its place.
func (c *Counts) TotalAt(i int) int64 { return int64(c.totals[i]) }

// TypesAt yields the types of a quarter, ascending, with the number of their rows.
func (c *Counts) TypesAt(i int) iter.Seq2[uint32, int64] {
	return func(yield func(uint32, int64) bool) {
		for at, to := c.entries(i); at < to; at++ {
			if !yield(c.types.CodeAt(at), int64(c.rows.CodeAt(at))) {
				return
			}
		}
	}
}

// fillTotals adds up the rows of each quarter.
func (c *Counts) fillTotals() {
	c.totals = make([]uint32, c.CountQuarters())
	for i := range c.totals {
		for _, n := range c.TypesAt(i) {
			c.totals[i] += uint32(n)
		}
	}
}

func (c *Counts) countBytes() int {
	return c.quarterIndex.countBytes() + c.types.countBytes() + c.rows.countBytes() + 4*len(c.totals)
}

func (c *Counts) appendTo(w *listWriter) {
	c.quarterIndex.appendTo(w)
	for at := range c.types.Len() {
		w.addNumber(uint64(c.types.CodeAt(at)))
		w.addNumber(uint64(c.rows.CodeAt(at)))
	}
}

// readCounts reads counts of so many types.
func readCounts(r *listReader, types int) (c Counts, err error) {
	var n int
	if c.quarterIndex, n, err = readQuarterIndex(r); err != nil {
		return c, err
	}
	codes, rows := make([]uint32, n), make([]uint32, n)
	for i := range n {
		codes[i], rows[i] = r.readBelow(uint64(types)), r.readBelow(maxRows+1)
	}
	c.types, c.rows = PackCodes(codes), PackCodes(rows)
	c.fillTotals()
	return c, r.err
}
