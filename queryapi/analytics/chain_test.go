package analytics

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"
)

// randomVisit returns up to n events in order, with ties, gaps of whole microseconds and
// masks of so many bits.
func randomVisit(r *rand.Rand, n, bits int) *visit {
	v := &visit{}
	t := int64(r.IntN(20))
	for range r.IntN(n + 1) {
		t += int64(r.IntN(4) * r.IntN(30))
		v.times = append(v.times, t)
		mask := eventMask(0)
		if r.IntN(8) > 0 {
			mask = inScope
			for b := range bits {
				if r.IntN(3) == 0 {
					mask |= 1 << b
				}
			}
		}
		v.masks = append(v.masks, mask)
	}
	return v
}

// everyChain lists the chains of a visit by their definition: rising indexes of events
// in scope whose k-th fills step k, no later than the window behind the first, and
// nothing in scope between them where the order is strict.
func everyChain(v *visit, steps int, window int64, strict bool) [][]int {
	var all [][]int
	var extend func(chain []int)
	extend = func(chain []int) {
		k := len(chain)
		if k > 0 {
			all = append(all, slices.Clone(chain))
		}
		if k == steps {
			return
		}
		from := 0
		if k > 0 {
			from = chain[k-1] + 1
		}
		for i := from; i < len(v.masks); i++ {
			if v.masks[i]&inScope == 0 {
				continue
			}
			if v.masks[i]>>k&1 == 1 && (k == 0 || v.times[i]-v.times[chain[0]] <= window) {
				extend(append(slices.Clone(chain), i))
			}
			if strict && k > 0 {
				break
			}
		}
	}
	extend(nil)
	return all
}

// compareChains orders chains: the longer one first, then the one completed first, then
// the one that started later, then the one whose next steps are filled earlier.
func compareChains(a, b []int) int {
	last := len(a) - 1
	switch {
	case len(a) != len(b):
		return len(b) - len(a)
	case a[last] != b[last]:
		return a[last] - b[last]
	case a[0] != b[0]:
		return b[0] - a[0]
	}
	return slices.Compare(a, b)
}

func TestLongestChainIsThatOfAnExhaustiveSearch(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	lengths := map[int]int{}
	for n := range 20_000 {
		steps := 2 + r.IntN(3)
		v := randomVisit(r, 9, steps)
		f := chainFinder{steps: steps, window: int64(r.IntN(120)), strict: n%2 == 0}
		if n%5 == 0 {
			f.window = math.MaxInt64
		}
		var want []int
		if all := everyChain(v, steps, f.window, f.strict); len(all) > 0 {
			want = slices.MinFunc(all, compareChains)
		}
		got := f.findLongest(v)
		lengths[got.length]++
		if got.length != len(want) {
			t.Fatalf("%+v, window %d, strict %t: length %d, want chain %v", v, f.window, f.strict, got.length, want)
		}
		for k, index := range want {
			if got.times[k] != v.times[index] || got.start != want[0] {
				t.Fatalf("%+v, window %d, strict %t: chain %+v, want %v", v, f.window, f.strict, got, want)
			}
		}
	}
	for length := range 5 {
		if lengths[length] < 100 {
			t.Errorf("%d of the cases end in a chain of %d steps", lengths[length], length)
		}
	}
}

// One event fills at most one step of a chain, and a window counts from the first step:
// the third step is never reached.
func TestOneEventFillsOneStepOfAChain(t *testing.T) {
	const second = 1_000_000
	v := &visit{
		times: []int64{0, 50 * second, 100 * second, 105 * second},
		masks: []eventMask{inScope | 0b011, inScope | 0b011, inScope | 0b011, inScope | 0b100},
	}
	f := chainFinder{steps: 3, window: 60 * second}
	got := f.findLongest(v)
	if got.length != 3 || got.times != [MaxFunnelSteps]int64{50 * second, 100 * second, 105 * second} {
		t.Errorf("%+v", got)
	}
}
