package analytics

import (
	"cmp"
	"math"
	"slices"
)

// rankCodes returns the codes of the largest counts, at most top of them, falling; ties
// are in the order of the values. The missing value is not among them. others is the
// number of further codes that have a count.
func rankCodes(counts []int64, top int, compareCodes func(a, b uint32) int) (largest []uint32, others int) {
	compare := func(a, b uint32) int { return cmp.Or(cmp.Compare(counts[b], counts[a]), compareCodes(a, b)) }
	for i, n := range counts {
		code := uint32(i)
		if n == 0 || code == missingCode {
			continue
		}
		if others++; len(largest) == top && (top == 0 || compare(code, largest[top-1]) > 0) {
			continue
		}
		at, _ := slices.BinarySearchFunc(largest, code, compare)
		largest = slices.Insert(largest[:min(len(largest), top-1)], at, code)
	}
	return largest, others - len(largest)
}

// share returns part / whole to 4 decimals, 0 of nothing.
func share(part, whole int64) float64 {
	if whole == 0 {
		return 0
	}
	return math.Round(float64(part)/float64(whole)*10_000) / 10_000
}

// nearestRank returns the percentile of sorted values: that of rank ⌈p·n/100⌉.
func nearestRank(sorted []int64, percent int) int64 {
	return sorted[(len(sorted)*percent+99)/100-1]
}
