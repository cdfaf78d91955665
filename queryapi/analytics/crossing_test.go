package analytics

import (
	"bytes"
	"context"
	"errors"
	"math/rand/v2"
	"slices"
	"testing"
)

func TestCrossingsAreTheSessionsOfSeveralViews(t *testing.T) {
	r := rand.New(rand.NewPCG(7, 8))
	found := 0
	for range 2000 {
		views := make([][][16]byte, r.IntN(6))
		in := map[[16]byte]int{}
		for i := range views {
			for range r.IntN(12) {
				id := [16]byte{byte(r.IntN(3) * 100), 15: byte(r.IntN(12))}
				views[i] = append(views[i], id)
			}
			slices.SortFunc(views[i], func(a, b [16]byte) int { return bytes.Compare(a[:], b[:]) })
			views[i] = slices.Compact(views[i])
			for _, id := range views[i] {
				in[id]++
			}
		}
		got, err := findCrossings(t.Context(), views)
		if err != nil {
			t.Fatal(err)
		}
		ordinals := map[[16]byte]uint32{}
		for i, list := range got.lists {
			next := 0
			for at, id := range views[i] {
				if in[id] < 2 {
					continue
				}
				if next == len(list) || int(list[next].index) != at {
					t.Fatalf("%v: %v, want session %d of view %d", views, got, at, i)
				}
				ordinal, known := ordinals[id]
				if known && ordinal != list[next].ordinal || int(list[next].ordinal) >= got.count {
					t.Fatalf("%v: %v has two ordinals", views, id)
				}
				ordinals[id] = list[next].ordinal
				next++
			}
			if next != len(list) {
				t.Fatalf("%v: view %d has %v", views, i, list)
			}
		}
		if len(ordinals) != got.count {
			t.Fatalf("%d ordinals of %d sessions", got.count, len(ordinals))
		}
		found += got.count
	}
	if found < 2000 {
		t.Errorf("%d crossings", found)
	}
}

func TestMergeOfSessionsEndsWithItsContext(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := findCrossings(ctx, [][][16]byte{{{1}}, {{1}}}); !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
}
