package refresh

import (
	"testing"
	"time"

	"github.com/theeye/theeye/shared/columns"
)

// plannedDay has a segment for each number of rows, of one slot each; those with a
// file are given by files.
func plannedDay(now time.Time, files int, rows ...int) *day {
	d := &day{key: columns.Key{Application: "a", Day: 20454}, mark: 1, built: 1, held: true, slots: &slotTable{}}
	for i, n := range rows {
		s := &segment{rows: n, madeAt: now.Add(-2 * time.Hour)}
		s.covers.addSlot(i)
		s.owned.addSlot(i)
		if i < files {
			s.file.Name = "f"
		}
		d.segments = append(d.segments, s)
	}
	return d
}

func TestPlanTask(t *testing.T) {
	noon := startOf(20454).Add(12 * time.Hour)
	later := startOf(20455).Add(2 * time.Hour)
	for name, c := range map[string]struct {
		day    *day
		now    time.Time
		reason string
		slots  int
	}{
		"one file":                      {plannedDay(noon, 1, 100), noon, "", 0},
		"memory of hours that are over": {plannedDay(noon, 1, 100, 5, 5), noon, "seal", 2},
		"memory of the present hour":    {plannedDay(startOf(20454), 0, 5), startOf(20454).Add(time.Hour), "", 0},
		"few parts":                     {plannedDay(noon, 8, 1, 1, 1, 1, 1, 1, 1, 1), noon, "", 0},
		"too many parts":                {plannedDay(noon, 9, 1000, 1, 1, 1, 1, 1, 1, 1, 1), noon, "merge", 8},
		"too many parts of all sizes":   {plannedDay(noon, 9, 1000, 500, 250, 120, 60, 1, 1, 1, 1), noon, "merge", 4},
		"an ended day of two parts":     {plannedDay(later, 2, 100, 50), later, "compaction", 2},
		"an ended day with few patches": {plannedDay(later, 2, 1000, 5), later, "", 0},
		"an ended day, not for long":    {plannedDay(later, 2, 100, 50), startOf(20455).Add(time.Minute), "", 0},
	} {
		task, ok := planTask(c.day, c.now, 1<<19)
		if ok != (c.reason != "") || task.reason != c.reason || task.slots.len() != c.slots {
			t.Errorf("%s: %v %q of %d slots, want %q of %d", name, ok, task.reason, task.slots.len(), c.reason, c.slots)
		}
	}
	expired := plannedDay(later, 1, 100)
	expired.segments[0].expires = later.Add(-2 * time.Hour)
	if task, ok := planTask(expired, later, 1<<19); !ok || task.reason != "expiry" {
		t.Errorf("rows past their expiry: %v %q", ok, task.reason)
	}
	incomplete := plannedDay(noon, 1, 100, 5)
	incomplete.mark++
	if _, ok := planTask(incomplete, noon, 1<<19); ok {
		t.Error("a task on a day that is not complete")
	}
}
