package mongo

import (
	"math"
	"testing"
	"time"
)

// Windows follow each other without a gap or an overlap, double from the first
// length on, and end with the range.
func TestWindowsCoverTheRangeWithoutGaps(t *testing.T) {
	now := time.Date(2026, 11, 23, 0, 0, 0, 0, time.UTC)
	s := &Store{now: func() time.Time { return now }}
	at := now.UnixMicro()
	for name, c := range map[string]struct {
		from, to   int64
		descending bool
		first      int64 // length of the first window
	}{
		"forwards":             {at - 1e12, at, false, firstWindow},
		"backwards":            {at - 1e12, at, true, firstWindow},
		"short":                {at, at + 5, false, 5},
		"everything forwards":  {math.MinInt64, math.MaxInt64, false, firstWindow},
		"the newest":           {math.MinInt64, math.MaxInt64, true, lastInstant - at + firstWindow},
		"old ones backwards":   {math.MinInt64, at - 1e15, true, firstWindow},
		"the future backwards": {at + 1e12, math.MaxInt64, true, firstWindow},
	} {
		t.Run(name, func(t *testing.T) {
			w := s.newWindowScan(c.from, c.to, c.descending)
			left, right := max(c.from, firstInstant), min(c.to, lastInstant)
			length := firstWindow
			for n := 0; left < right; n++ {
				from, to := w.nextWindow()
				want := min(length, right-left)
				if n == 0 {
					want = c.first
				}
				if to-from != want || c.descending && to != right || !c.descending && from != left {
					t.Fatalf("window %d is %d..%d of %d..%d, want a length of %d", n, from, to, left, right, want)
				}
				if c.descending {
					right = from
				} else {
					left = to
				}
				length *= 2
				w.advance()
				if n > 60 {
					t.Fatal("too many windows")
				}
			}
			if w.from < w.to {
				t.Errorf("%d..%d remains", w.from, w.to)
			}
		})
	}
}

// However many documents a window holds, halving it comes to an end, and the
// windows still follow each other.
func TestHalvingWindowsEnds(t *testing.T) {
	now := time.Date(2026, 11, 23, 0, 0, 0, 0, time.UTC)
	s := &Store{now: func() time.Time { return now }}
	for name, descending := range map[string]bool{"forwards": false, "backwards": true} {
		t.Run(name, func(t *testing.T) {
			w := s.newWindowScan(math.MinInt64, math.MaxInt64, descending)
			for round := range 3 {
				halvings := 0
				for last := int64(math.MaxInt64); w.halve(); halvings++ {
					from, to := w.nextWindow()
					if to <= from || to-from > last || halvings > 200 {
						t.Fatalf("round %d: window %d..%d after %d halvings, the one before took %d", round, from, to, halvings, last)
					}
					last = to - from
				}
				before := *w
				w.advance()
				if descending && w.to >= before.to || !descending && w.from <= before.from {
					t.Fatalf("round %d: the range did not shrink", round)
				}
			}
		})
	}
}
