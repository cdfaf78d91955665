package refresh

import (
	"math/rand/v2"
	"slices"
	"testing"
	"time"
)

func TestDayOf(t *testing.T) {
	for text, want := range map[string]int64{
		"1970-01-01T00:00:00Z": 0, "1970-01-01T23:59:59.999Z": 0, "1969-12-31T23:59:59.999Z": -1, "1969-12-31T00:00:00Z": -1, "2026-01-01T00:00:00Z": 20454,
	} {
		at, err := time.Parse(time.RFC3339Nano, text)
		if err != nil {
			t.Fatal(err)
		}
		if got := dayOf(at); got != want {
			t.Errorf("dayOf(%s) = %d, want %d", text, got, want)
		}
	}
	if got := startOf(20454).Format(time.RFC3339); got != "2026-01-01T00:00:00Z" {
		t.Errorf("startOf(20454) = %s", got)
	}
}

func TestRuns(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	const day = 20454
	for range 50 {
		var want slotSet
		marks := map[int64]uint64{}
		for range 200 {
			offset := random.IntN(int(slotsPerDay))
			marks[day*slotsPerDay+int64(offset)] = 1
			if random.IntN(2) == 0 {
				want.addSlot(offset)
			}
		}
		var covered slotSet
		others := 0
		for _, r := range runsOf(day, &want, marks) {
			for slot := r.from; slot < r.to; slot++ {
				if offset := int(slot - day*slotsPerDay); want.has(offset) {
					covered.addSlot(offset)
				} else if marks[slot] != 0 {
					others++
				}
			}
		}
		if covered != want {
			t.Fatalf("the runs cover %v, want %v", slices.Collect(covered.all()), slices.Collect(want.all()))
		}
		if others > mostBridged*want.len() {
			t.Fatalf("the runs cover %d other slots", others)
		}
	}
}
