package analytics

import (
	"math/rand/v2"
	"slices"
	"testing"
)

// countCohort says by the definition which cohort a visit belongs to, -1 for none, and
// in which of its intervals the visitor returned.
func countCohort(v *visit, starts []int64, periods int, from, to int64) (cohort int, returned []int64) {
	interval := func(t int64) int {
		for i := range len(starts) - 1 {
			if starts[i] <= t && t < starts[i+1] {
				return i
			}
		}
		return -1000
	}
	cohort, returned = -1, make([]int64, periods)
	for i, t := range v.times {
		if cohort >= 0 && v.masks[i]&againEvent != 0 {
			if at := interval(t) - cohort; at >= 0 && at < periods {
				returned[at] = 1
			}
		}
		if cohort < 0 && v.masks[i]&firstEvent != 0 && from <= t && t < to {
			cohort = interval(t)
		}
	}
	return cohort, returned
}

func TestCohortsAreThoseOfTheDefinition(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 4))
	counted := 0
	for range 20_000 {
		n, periods := 1+r.IntN(4), 1+r.IntN(5)
		starts := []int64{int64(r.IntN(10))}
		for range n + periods {
			starts = append(starts, starts[len(starts)-1]+1+int64(r.IntN(40)))
		}
		from := starts[0] + r.Int64N(starts[1]-starts[0])
		to := from + r.Int64N(starts[n]-from+1)
		whole := newCohorts(starts, n, periods, from, to)
		sizes, returned := make([]int64, n), make([]int64, n*periods)
		for range 3 {
			v, one := randomVisit(r, 12, 2), newCohorts(starts, n, periods, from, to)
			one.addVisit(v)
			whole.addCounts(one)
			if cohort, cells := countCohort(v, starts, periods, from, to); cohort >= 0 {
				counted++
				sizes[cohort]++
				for i, c := range cells {
					returned[cohort*periods+i] += c
				}
			}
		}
		if !slices.Equal(whole.sizes, sizes) || !slices.Equal(whole.returned, returned) {
			t.Fatalf("starts %v, range [%d, %d): %v %v, want %v %v", starts, from, to, whole.sizes, whole.returned, sizes, returned)
		}
	}
	if counted < 5_000 {
		t.Errorf("%d visitors belong to a cohort", counted)
	}
}

func TestSixtyPeriodsAreCounted(t *testing.T) {
	starts := make([]int64, MaxPeriods+2)
	v := &visit{times: []int64{0}, masks: []eventMask{firstEvent | againEvent}}
	for i := range starts {
		starts[i] = int64(i)
		v.times, v.masks = append(v.times, int64(i)), append(v.masks, againEvent)
	}
	c := newCohorts(starts, 1, MaxPeriods, 0, 1)
	c.addVisit(v)
	if c.sizes[0] != 1 || slices.Contains(c.returned, 0) {
		t.Errorf("%v %v", c.sizes, c.returned)
	}
}
