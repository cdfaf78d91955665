package analytics

import "slices"

// MaxPeriods bounds the columns of a retention: a visitor's returns are bits of a word.
const MaxPeriods = 60

// Bits of the masks of a retention.
const (
	firstEvent eventMask = 1 << iota
	againEvent
)

// cohorts counts visitors by the interval of their first event, and how many of them
// returned in it and in the intervals behind it. One goroutine uses it at a time.
type cohorts struct {
	// starts are the beginnings of consecutive intervals in microseconds since 1970,
	// and the end of the last: those of the cohorts, and of the periods behind the last.
	starts []int64
	// from and to bound the first event of a visitor, half open.
	from, to int64
	periods  int
	sizes    []int64
	// returned[c*periods+i] counts the visitors of cohort c that returned in its
	// interval i.
	returned []int64
}

// newCohorts returns counters of n cohorts.
func newCohorts(starts []int64, n, periods int, from, to int64) *cohorts {
	return &cohorts{
		starts: starts, from: from, to: to, periods: periods,
		sizes: make([]int64, n), returned: make([]int64, n*periods),
	}
}

// addVisit counts one visitor. A return is an event behind the first one in order; it
// may be at the same time, and beyond the end of the range.
func (c *cohorts) addVisit(v *visit) {
	first := -1
	for i, mask := range v.masks {
		if mask&firstEvent != 0 && v.times[i] >= c.from && v.times[i] < c.to {
			first = i
			break
		}
	}
	if first < 0 {
		return
	}
	cohort := c.intervalOf(v.times[first])
	returned, at := uint64(0), cohort
	for i := first + 1; i < len(v.masks); i++ {
		if v.masks[i]&againEvent == 0 {
			continue
		}
		for at-cohort < c.periods && v.times[i] >= c.starts[at+1] {
			at++
		}
		if at-cohort == c.periods {
			break
		}
		returned |= 1 << (at - cohort)
	}
	c.addVisitor(cohort, returned)
}

// addVisitor counts a visitor of a cohort, who returned in the intervals whose bits are
// set.
func (c *cohorts) addVisitor(cohort int, returned uint64) {
	c.sizes[cohort]++
	row := c.returned[cohort*c.periods:][:c.periods]
	for i := 0; returned != 0 && i < len(row); i++ {
		row[i] += int64(returned & 1)
		returned >>= 1
	}
}

// emptyCopy returns counters of the same cohorts.
func (c *cohorts) emptyCopy() *cohorts {
	return newCohorts(c.starts, len(c.sizes), c.periods, c.from, c.to)
}

// intervalOf returns the index of the interval that holds a time of the range.
func (c *cohorts) intervalOf(t int64) int {
	i, exact := slices.BinarySearch(c.starts, t)
	if exact {
		return i
	}
	return i - 1
}

// addCounts adds the counts of another with the same intervals.
func (c *cohorts) addCounts(other *cohorts) {
	for i, n := range other.sizes {
		c.sizes[i] += n
	}
	for i, n := range other.returned {
		c.returned[i] += n
	}
}
