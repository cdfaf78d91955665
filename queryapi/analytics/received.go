package analytics

import (
	"context"
	"math"

	"github.com/theeye/theeye/shared/columns"
)

// quarterMillis is the length of the quarters by which parts count received rows.
const quarterMillis = quarterMicros / 1000

// receivedRange is a range [from, to) of received times in milliseconds since 1970, of
// which the rows count that have not expired by now.
type receivedRange struct{ from, to, now int64 }

// misses reports whether no time of a span lies in the range.
func (r *receivedRange) misses(first, last int64) bool { return last < r.from || first >= r.to }

// holds reports whether all times of a span lie in the range.
func (r *receivedRange) holds(first, last int64) bool { return first >= r.from && last < r.to }

// quarterSet is a set of quarters of an hour, by their numbers since 1970; nil is empty.
type quarterSet map[int64]bool

// addQuarter adds a quarter, and returns the set.
func (s quarterSet) addQuarter(quarter int64) quarterSet {
	if s == nil {
		s = quarterSet{}
	}
	s[quarter] = true
	return s
}

// narrow returns the part of a range from the first of the quarters to the last.
func (s quarterSet) narrow(r receivedRange) receivedRange {
	first, last := int64(math.MaxInt64), int64(math.MinInt64)
	for quarter := range s {
		first, last = min(first, quarter), max(last, quarter)
	}
	r.from, r.to = max(r.from, first*quarterMillis), min(r.to, (last+1)*quarterMillis)
	return r
}

// eachRow calls do with the rows of a view in [from, to) that count and were received in
// some quarters, with their received times and the codes of their types.
func (r *receivedRange) eachRow(ctx context.Context, v columns.View, from, to int, cut quarterSet, do func(row int, ms int64, typ uint32)) error {
	if len(cut) == 0 {
		return nil
	}
	received, err := v.Part.ReceivedAt(ctx)
	if err != nil {
		return err
	}
	types, err := v.Part.TypeCodes(ctx)
	if err != nil {
		return err
	}
	expires, err := v.Part.ExpiresAt(ctx)
	if err != nil {
		return err
	}
	near := cut.narrow(*r) // most rows are not: two comparisons spare the rest
	times := make([]int64, min(to-from, blockRows))
	for first := from; first < to; first += blockRows {
		block := times[:min(blockRows, to-first)]
		received.Read(block, first)
		for i, ms := range block {
			if ms < near.from || ms >= near.to || !cut[quarterOf(ms)] {
				continue
			}
			if row := first + i; v.IsLive(row) && (expires == nil || expires.TimeAt(row) > r.now) {
				do(row, ms, types.CodeAt(row))
			}
		}
	}
	return nil
}

// quarterOf returns the quarter of an hour of a received time in milliseconds.
func quarterOf(ms int64) int64 {
	quarter := ms / quarterMillis
	if ms%quarterMillis < 0 {
		quarter--
	}
	return quarter
}
