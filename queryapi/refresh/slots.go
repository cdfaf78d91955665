package refresh

import (
	"iter"
	"math/bits"
	"time"
)

// A slot is ten seconds of received time, a day 24 hours of it in UTC. Within a day, a
// slot has an offset from 0 to slotsPerDay-1.
const (
	slotLength  = 10 * time.Second
	dayLength   = 24 * time.Hour
	slotsPerDay = int64(dayLength / slotLength)
	// slotsPerHour is how many slots are sealed at once.
	slotsPerHour = int64(time.Hour / slotLength)
)

// dayOf returns the number since 1970 of the day of a moment.
func dayOf(t time.Time) int64 {
	const seconds = int64(dayLength / time.Second)
	s := t.Unix()
	day := s / seconds
	if s%seconds < 0 {
		day--
	}
	return day
}

// startOf returns the first moment of a day.
func startOf(day int64) time.Time { return time.Unix(day*int64(dayLength/time.Second), 0).UTC() }

// slotSet is a set of slots of one day, by their offsets. The zero value is empty.
type slotSet [(slotsPerDay + 63) / 64]uint64

func (s *slotSet) addSlot(offset int)    { s[offset/64] |= 1 << (offset % 64) }
func (s *slotSet) removeSlot(offset int) { s[offset/64] &^= 1 << (offset % 64) }
func (s *slotSet) has(offset int) bool   { return s[offset/64]&(1<<(offset%64)) != 0 }

func (s *slotSet) len() int {
	n := 0
	for _, w := range s {
		n += bits.OnesCount64(w)
	}
	return n
}

// all returns the offsets in ascending order.
func (s *slotSet) all() iter.Seq[int] {
	return func(yield func(int) bool) {
		for i, w := range s {
			for ; w != 0; w &= w - 1 {
				if !yield(i*64 + bits.TrailingZeros64(w)) {
					return
				}
			}
		}
	}
}

// addAll adds the members of another set.
func (s *slotSet) addAll(o *slotSet) {
	for i := range s {
		s[i] |= o[i]
	}
}

// run is a range of slots, [from, to), by their numbers since 1970.
type run struct{ from, to int64 }

// mostBridged is how many marked but unwanted slots a scan may pass over,
// rather than begin another one behind them.
const mostBridged = 6

// runsOf returns ranges that cover the wanted slots of a day, and few others: slots that
// are not marked have no documents and cost nothing.
func runsOf(day int64, want *slotSet, marks map[int64]uint64) []run {
	first := day * slotsPerDay
	var runs []run
	bridged := mostBridged + 1
	for offset := range int(slotsPerDay) {
		at := first + int64(offset)
		switch _, marked := marks[at]; {
		case want.has(offset) && bridged <= mostBridged:
			runs[len(runs)-1].to, bridged = at+1, 0
		case want.has(offset):
			runs, bridged = append(runs, run{at, at + 1}), 0
		case marked:
			bridged++
		}
	}
	return runs
}
