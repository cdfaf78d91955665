package refresh

import (
	"context"
	"math"
	"time"

	"github.com/theeye/theeye/shared/columns"
)

// forgetAfter is after which time without a change the generations of a day are left
// to its files.
const forgetAfter = 10 * time.Minute

// work is one step of the builder: a day to refresh, or a task on one.
type work struct {
	day *day
	// task is set where the day is complete.
	task *task
	// urgent work is followed by no pause: a question waits for it, or there is no
	// answer yet at all.
	urgent bool
}

// rank orders work, the most urgent first.
func (w work) rank() int {
	switch {
	case w.task == nil && w.urgent:
		return 1
	case w.task == nil:
		return 3
	case len(w.day.segments) > 2*mostSegments:
		return 0
	}
	return 2
}

// runWork does one step of a builder, an urgent one if urgentOnly. It reports whether
// there was one, and whether it was urgent.
func (r *Refresher) runWork(ctx context.Context, urgentOnly bool) (worked, urgent bool, err error) {
	if !urgentOnly {
		r.tidyFolder()
	}
	w, ok := r.takeWork(urgentOnly)
	if !ok {
		return false, false, nil
	}
	defer func() {
		r.mu.Lock()
		w.day.taken = false
		r.mu.Unlock()
	}()
	if w.task == nil {
		return true, w.urgent, r.refreshDay(ctx, w.day, math.MaxInt)
	}
	return true, w.urgent, r.runTask(ctx, w.day, w.task)
}

// takeWork returns the work of findWork, and gives its day to the caller until that sets
// taken back.
func (r *Refresher) takeWork(urgentOnly bool) (w work, found bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if w, found = r.findWork(urgentOnly); found {
		w.day.taken = true
	}
	return w, found
}

// hasWork reports whether findWork finds work.
func (r *Refresher) hasWork(urgentOnly bool) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	_, found := r.findWork(urgentOnly)
	return found
}

// findWork returns the most urgent work on a day that no builder has taken; among equals,
// that on the newest day. The caller holds mu.
func (r *Refresher) findWork(urgentOnly bool) (best work, found bool) {
	now := r.now()
	for key, d := range r.days {
		if d.taken {
			continue
		}
		w := work{day: d}
		if d.complete() {
			if d.users == 0 && now.Sub(d.changedAt) > forgetAfter {
				d.forgetSlots()
			}
			t, ok := planTask(d, now, r.limits.mostRows)
			if !ok || now.Before(d.taskAt) || t.toFile && now.Before(r.writeAt) {
				continue
			}
			w.task = &t
		} else if !d.queued || now.Before(d.retryAt) {
			continue // a pass refreshes it
		}
		w.urgent = r.wanted[key] > 0 || w.task == nil && d.heldAt.IsZero()
		if urgentOnly && !w.urgent {
			continue
		}
		if !found || w.before(best, r.wanted) {
			best, found = w, true
		}
	}
	return best, found
}

func (w work) before(o work, wanted map[columns.Key]int) bool {
	if a, b := w.rank(), o.rank(); a != b {
		return a < b
	}
	if a, b := wanted[w.day.key], wanted[o.day.key]; a != b {
		return a > b
	}
	if w.day.key.Day != o.day.key.Day {
		return w.day.key.Day > o.day.key.Day
	}
	return w.day.key.Application < o.day.key.Application
}

// runTask builds the slots of a task again, by the protocol of every other build: the
// generations first, then the rows.
func (r *Refresher) runTask(ctx context.Context, d *day, t *task) error {
	r.countUsers(d, 1)
	defer r.countUsers(d, -1)
	r.mu.Lock()
	mark := d.mark
	r.mu.Unlock()
	marks, err := r.readSlotMarks(ctx, d.key)
	if err != nil {
		return err
	}
	if err := r.loadSlots(ctx, d, marks); err != nil {
		return err
	}
	for offset := range t.slots.all() {
		if marks[d.key.FirstSlot()+int64(offset)] == 0 {
			t.slots.removeSlot(offset) // a pass will notice that the marks are others
		}
	}
	if err := r.buildSlots(ctx, d, &t.slots, marks, placement{toFile: t.toFile, madeAt: t.madeAt, dayMark: mark}); err != nil {
		r.mu.Lock()
		d.taskAt = r.now().Add(retryAfter)
		r.mu.Unlock()
		return err
	}
	return nil
}

// countUsers keeps the table of a day's slots in memory while n is not taken back.
func (r *Refresher) countUsers(d *day, n int) {
	r.mu.Lock()
	d.users += n
	r.mu.Unlock()
}
