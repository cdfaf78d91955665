package analytics

import (
	"math/rand/v2"
	"slices"
	"testing"
)

// cutTrail cuts the path of a visit by the definition. codes are those of its events.
func cutTrail(v *visit, codes []uint32, t trails) []uint32 {
	var path []uint32
	var matches []int
	for i, mask := range v.masks {
		if mask&inScope != 0 {
			path = append(path, codes[i])
			if mask&matchEvent != 0 {
				matches = append(matches, len(path)-1)
			}
		}
	}
	if len(matches) == 0 {
		return nil
	}
	if t.backwards {
		path = path[:matches[len(matches)-1]+1]
		slices.Reverse(path)
	} else {
		path = path[matches[0]:]
	}
	if t.collapse {
		path = slices.Compact(path)
	}
	for len(path) <= t.depth {
		path = append(path, endedCode)
	}
	return path[:t.depth+1]
}

func TestTrailsAreThoseOfTheDefinition(t *testing.T) {
	r := rand.New(rand.NewPCG(5, 6))
	ended, found := 0, 0
	for n := range 20_000 {
		v := randomVisit(r, 12, 1)
		v.first = place{view: 7, row: uint32(r.IntN(100))}
		codes := make([]uint32, len(v.masks))
		for i := range codes {
			codes[i] = uint32(r.IntN(4))
			if v.masks[i]&inScope == 0 {
				v.masks[i] = 0
			}
		}
		cut := trails{depth: 1 + r.IntN(MaxDepth), backwards: n&1 == 0, collapse: n&2 == 0}
		want := cutTrail(v, codes, cut)
		got := cut.appendTrail([]uint32{9}, v, func(p place) uint32 { return codes[p.row-v.first.row] })
		if got[0] != 9 || !slices.Equal(got[1:], want) {
			t.Fatalf("%+v of %v, %+v: %v, want %v", v.masks, codes, cut, got[1:], want)
		}
		if want != nil {
			found++
		}
		if slices.Contains(want, endedCode) {
			ended++
		}
	}
	if found < 5000 || ended < 1000 {
		t.Errorf("%d trails, %d of them ended", found, ended)
	}
}
