package refresh

import (
	"cmp"
	"slices"
	"time"
)

// Bounds of the parts of a day.
const (
	// sealAfter is how long after the end of an hour its rows go to a file.
	sealAfter = 15 * time.Minute
	// closeAfter is how long after its end a day becomes one file.
	closeAfter = time.Hour
	// mostSegments is how many parts a day may have before some are merged.
	mostSegments = 8
	// leastMerged is how many parts are merged at least.
	leastMerged = 4
	// compactShare: a day is compacted once one row in so many lies outside of its
	// largest part, or is masked.
	compactShare = 10
	// expireAfter is how long a file may hold rows that are past their expiry.
	expireAfter = time.Hour
)

// task is work on a day that is complete: slots whose rows are rebuilt, into one
// part.
type task struct {
	// reason is for the log.
	reason string
	slots  slotSet
	// toFile says that the part goes to a file whatever its size.
	toFile bool
	// madeAt is since when the oldest of the parts is in memory.
	madeAt time.Time
}

// planTask returns the next work on a day, and whether there is some. It decides
// about cost alone, never about correctness.
func planTask(d *day, now time.Time, mostRows int) (task, bool) {
	if !d.complete() || d.slots == nil && len(d.segments) == 0 {
		return task{}, false
	}
	if t, ok := planExpiry(d, now); ok {
		return t, true
	}
	ended := startOf(d.key.Day + 1)
	closed := !now.Before(ended.Add(closeAfter))
	if closed {
		if t, ok := planCompaction(d, mostRows); ok {
			return t, true
		}
	}
	if t, ok := planSeal(d, now, closed); ok {
		return t, true
	}
	return planMerge(d, mostRows)
}

// planExpiry rewrites a file that holds rows past their expiry.
func planExpiry(d *day, now time.Time) (t task, ok bool) {
	for _, s := range d.segments {
		if !s.inMemory() && !s.expires.IsZero() && now.Sub(s.expires) > expireAfter && now.Sub(s.madeAt) > expireAfter {
			return task{reason: "expiry", slots: s.owned, toFile: true}, true
		}
	}
	return t, false
}

// planCompaction merges the parts of a day that has ended, once enough rows lie
// outside of the largest, or are masked.
func planCompaction(d *day, mostRows int) (t task, ok bool) {
	total, most, masked := 0, 0, 0
	for _, s := range d.segments {
		live := s.liveRows()
		total, most, masked = total+live, max(most, live), masked+s.rows-live
	}
	useful := masked > 0 || len(d.segments) > 1
	due := (total-most+masked)*compactShare > total || len(d.segments) > mostSegments
	if !useful || !due || total > mostRows { // of a larger day, small parts are merged
		return t, false
	}
	t = task{reason: "compaction", toFile: true}
	for _, s := range d.segments {
		t.slots.addAll(&s.owned)
	}
	return t, true
}

// planSeal moves the rows of hours that ended some time ago from memory to a file.
func planSeal(d *day, now time.Time, closed bool) (task, bool) {
	t := task{reason: "seal", toFile: true}
	over := int64(now.Add(-sealAfter).Sub(startOf(d.key.Day)) / time.Hour) // hours
	for _, s := range d.segments {
		wait := time.Minute // what changes late comes in many small parts
		if closed {
			wait = sealAfter
		}
		if !s.inMemory() || now.Sub(s.madeAt) < wait {
			continue
		}
		for offset := range s.owned.all() {
			if int64(offset) < over*slotsPerHour {
				t.slots.addSlot(offset)
			}
		}
	}
	return t, t.slots != slotSet{}
}

// planMerge merges the smallest parts of a day that has too many: at least four, and
// on until the next is larger than all of them, so that a row is merged few times.
func planMerge(d *day, mostRows int) (t task, ok bool) {
	if len(d.segments) <= mostSegments {
		return t, false
	}
	bySize := slices.Clone(d.segments)
	slices.SortFunc(bySize, func(a, b *segment) int { return cmp.Compare(a.liveRows(), b.liveRows()) })
	t.reason = "merge"
	total, parts := 0, 0
	for _, s := range bySize {
		live := s.liveRows()
		if total+live > mostRows || parts >= leastMerged && live > total {
			break
		}
		total, parts = total+live, parts+1
		t.slots.addAll(&s.owned)
		if s.inMemory() && (t.madeAt.IsZero() || s.madeAt.Before(t.madeAt)) {
			t.madeAt = s.madeAt
		}
	}
	return t, parts > 1
}
