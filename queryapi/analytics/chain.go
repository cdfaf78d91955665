package analytics

// Bounds of the steps of a funnel.
const (
	MinFunnelSteps = 2
	MaxFunnelSteps = 10
)

// chain is a chain of a visitor's events that fill the steps of a funnel from the
// first on.
type chain struct {
	// length is the number of steps that are filled, 0 for no chain.
	length int
	// start is the index of the first event in the visit. Of two chains the one with
	// the greater start started later.
	start int
	times [MaxFunnelSteps]int64
}

// chainFinder finds the longest chain of a visit. Its zero state is not ready: set
// steps and window. One goroutine uses it at a time.
type chainFinder struct {
	steps int
	// window is the longest time from the first event of a chain to any other, in
	// microseconds.
	window int64
	// strict ends every chain at the next event in scope that does not extend it.
	strict bool
	// chains[k] is the latest-started chain of k+1 steps.
	chains [MaxFunnelSteps]chain
}

// findLongest returns the longest chain of a visit, of these the one completed first,
// and of these the latest-started; its steps behind the first are filled as early as
// they can be. Bit k of a mask says that the event can fill step k.
//
// To keep the latest-started chain of each length is enough: whatever extends a chain
// within its window extends one that started later as well.
func (f *chainFinder) findLongest(v *visit) chain {
	var longest chain
	for k := range f.steps {
		f.chains[k].length = 0
	}
	every := eventMask(1)<<f.steps - 1
	if f.strict {
		every |= inScope
	}
	times := v.times[:len(v.masks)]
	for i, mask := range v.masks {
		if mask&every == 0 {
			continue
		}
		if f.addEvent(times[i], i, mask, &longest); longest.length == f.steps {
			break // nothing is longer, or completed before
		}
	}
	return longest
}

// addEvent tries every step from the last to the first, so that one event fills at most
// one step of a chain.
func (f *chainFinder) addEvent(t int64, index int, mask eventMask, longest *chain) {
	for k := f.steps - 1; k > 0; k-- {
		shorter, chain := &f.chains[k-1], &f.chains[k]
		if mask>>k&1 == 0 || shorter.length == 0 || t-shorter.times[0] > f.window {
			if f.strict {
				chain.length = 0
			}
			continue
		}
		if !f.strict && chain.length > 0 && chain.start == shorter.start {
			continue // the one that was completed first stays
		}
		chain.length, chain.start = k+1, shorter.start
		copy(chain.times[:k], shorter.times[:k])
		chain.times[k] = t
		if chain.length > longest.length {
			*longest = *chain
		}
	}
	first := &f.chains[0]
	if mask&1 == 0 {
		if f.strict {
			first.length = 0
		}
		return
	}
	first.length, first.start, first.times[0] = 1, index, t
	if longest.length == 0 {
		*longest = *first
	}
}
