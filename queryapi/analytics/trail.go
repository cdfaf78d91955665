package analytics

import "math"

// MaxDepth bounds the steps of a path behind its match.
const MaxDepth = 5

// matchEvent is the bit of an event from which a path may start, or at which it may end.
const matchEvent eventMask = 1

// endedCode stands in a trail in place of a value where the session has no further
// event.
const endedCode = math.MaxUint32

// trails cuts paths out of visits. It is read only.
type trails struct {
	// depth is the number of steps behind the match, at step 0.
	depth int
	// backwards follows the events before the last match, not those behind the first.
	backwards bool
	// collapse counts neighbours with one value as one.
	collapse bool
}

// appendTrail appends the codes of the values on the path of a visit, depth+1 of them,
// endedCode behind the last. It appends nothing if no event matches.
func (t trails) appendTrail(dst []uint32, v *visit, codeOf func(place) uint32) []uint32 {
	at, step := t.findMatch(v)
	if at < 0 {
		return dst
	}
	start := len(dst)
	for ; at >= 0 && at < len(v.masks) && len(dst)-start <= t.depth; at += step {
		if v.masks[at]&inScope == 0 {
			continue
		}
		code := codeOf(v.place(at))
		if t.collapse && len(dst) > start && dst[len(dst)-1] == code {
			continue
		}
		dst = append(dst, code)
	}
	for len(dst)-start <= t.depth {
		dst = append(dst, endedCode)
	}
	return dst
}

// findMatch returns the index of the event at step 0, -1 without one, and the step
// to the next one.
func (t trails) findMatch(v *visit) (at, step int) {
	if t.backwards {
		for at = len(v.masks) - 1; at >= 0 && v.masks[at]&matchEvent == 0; at-- {
		}
		return at, -1
	}
	for at = range v.masks {
		if v.masks[at]&matchEvent != 0 {
			return at, 1
		}
	}
	return -1, 1
}
