package columns

import (
	"fmt"
	"iter"
	"math"
	"slices"
)

// slotGenerations are the slots of a part with their generations, in 3 bytes a slot where
// the generations are small. The zero value has none.
type slotGenerations struct {
	// offsets count from the first slot of the day; they ascend.
	offsets []uint16
	// small are the generations, unless one of them needs more than 4 bytes.
	small Codes
	large []uint64
}

// packSlots returns the generations of slots of the day that a key names.
func packSlots(key Key, generations map[int64]uint64) slotGenerations {
	offsets, list := make([]uint16, 0, len(generations)), make([]uint64, 0, len(generations))
	for _, slot := range sortedKeys(generations) {
		offsets = append(offsets, uint16(slot-key.FirstSlot()))
		list = append(list, generations[slot])
	}
	return newSlotGenerations(offsets, list)
}

// newSlotGenerations keeps the slices.
func newSlotGenerations(offsets []uint16, generations []uint64) slotGenerations {
	if slices.ContainsFunc(generations, func(g uint64) bool { return g > math.MaxUint32 }) {
		return slotGenerations{offsets: offsets, large: generations}
	}
	small := make([]uint32, len(generations))
	for i, g := range generations {
		small[i] = uint32(g)
	}
	return slotGenerations{offsets: offsets, small: PackCodes(small)}
}

// countSlots returns the number of slots.
func (s *slotGenerations) countSlots() int { return len(s.offsets) }

// hasOffset reports whether a slot, counted from the first one of the day, is among them.
func (s *slotGenerations) hasOffset(offset int64) bool {
	if offset < 0 || offset >= slotsPerDay {
		return false
	}
	_, found := slices.BinarySearch(s.offsets, uint16(offset))
	return found
}

// all yields the offsets with their generations, ascending.
func (s *slotGenerations) all() iter.Seq2[uint16, uint64] {
	return func(yield func(uint16, uint64) bool) {
		for i, offset := range s.offsets {
			var generation uint64
			if s.large != nil {
				generation = s.large[i]
			} else {
				generation = uint64(s.small.CodeAt(i))
			}
			if !yield(offset, generation) {
				return
			}
		}
	}
}

func (s *slotGenerations) countBytes() int {
	return 2*len(s.offsets) + s.small.countBytes() + 8*len(s.large)
}

func (s *slotGenerations) appendTo(w *listWriter) {
	w.addCount(len(s.offsets))
	last := uint16(0)
	for offset, generation := range s.all() {
		w.addNumber(uint64(offset - last))
		w.addNumber(generation)
		last = offset
	}
}

func readSlotGenerations(r *listReader) (slotGenerations, error) {
	n := r.readCount()
	offsets, generations := make([]uint16, 0, n), make([]uint64, 0, n)
	at := uint64(0)
	for i := range n {
		step := r.readNumber()
		if at += step; i > 0 && step == 0 || at >= uint64(slotsPerDay) || step >= uint64(slotsPerDay) {
			return slotGenerations{}, fmt.Errorf("slot %d of the day", at)
		}
		offsets, generations = append(offsets, uint16(at)), append(generations, r.readNumber())
	}
	return newSlotGenerations(offsets, generations), r.err
}
