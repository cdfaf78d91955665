package analytics

import "sort"

// timeline finds the interval of an instant. Interval i is [bounds[i], bounds[i+1]), in
// microseconds since 1970.
type timeline struct{ bounds []int64 }

// countIntervals returns the number of intervals.
func (t *timeline) countIntervals() int { return max(len(t.bounds)-1, 0) }

// findInterval returns the interval of an instant, which lies in one.
func (t *timeline) findInterval(us int64) int {
	return sort.Search(len(t.bounds), func(i int) bool { return t.bounds[i] > us }) - 1
}

// appendIntervals appends the intervals of instants. Neighbours are mostly events of one
// session, and so of one interval.
func (t *timeline) appendIntervals(dst []uint32, times []int64) []uint32 {
	interval, start, end := 0, int64(0), int64(0)
	for _, us := range times {
		if us < start || us >= end {
			interval = t.findInterval(us)
			start, end = t.bounds[interval], t.bounds[interval+1]
		}
		dst = append(dst, uint32(interval))
	}
	return dst
}

// dividesQuarters reports whether an interval starts or ends within a quarter of an
// hour.
func (t *timeline) dividesQuarters() bool {
	for _, b := range t.bounds {
		if b%quarterMicros != 0 {
			return true
		}
	}
	return false
}

// quarterMicros is the length of the quarters by which parts count their rows.
const quarterMicros = 15 * 60 * 1_000_000
