package refresh

import (
	"slices"
	"sync"
	"time"

	"github.com/theeye/theeye/shared/columns"
	"github.com/theeye/theeye/shared/store"
)

// day holds the parts of one application-day. The refresher's mutex guards every
// field but loading, which is locked before it, and found.
type day struct {
	key columns.Key
	// mark is the newest mark of the day that was read; built is the one as of which
	// everything is held, if held is set.
	mark, built uint64
	held        bool
	// timestamps spans those of all stored events as of mark, if bounded.
	timestamps store.Span
	bounded    bool
	// heldAt is a moment as of which everything was held, while built differs from
	// mark; zero if it never was.
	heldAt time.Time
	// opened says that the files of the day were considered; loading is held during that,
	// and guards found: the files that were there at the start, until they are considered.
	opened  bool
	loading sync.Mutex
	found   []*segment
	// queued says that too much changed for a pass: the builder refreshes the day.
	queued bool
	// taken says that a builder works on the day.
	taken bool
	// users counts those who use slots without the mutex held all the time.
	users    int
	segments []*segment
	slots    *slotTable
	// losses counts the times at which held slots were given up: slots that were held
	// before the last of them may be held no longer.
	losses uint64
	// version grows with every change of the held parts.
	version uint64
	// changedAt is when version grew last.
	changedAt time.Time
	// failed is why the day cannot be refreshed, nil if it can; retryAt is when it is
	// tried again.
	failed  error
	retryAt time.Time
	// taskAt is when a task that failed is tried again.
	taskAt time.Time
}

// slotTable has the generation of every slot whose documents are held, 0 for the
// others, and the segment that holds them: nil for a slot without documents.
type slotTable struct {
	generations [slotsPerDay]uint64
	owners      [slotsPerDay]*segment
}

// segment is a part of a day. Each slot of a day has its rows in one segment, its
// owner; rows of that slot in any other segment do not count.
type segment struct {
	// part is nil while the file is closed.
	part *columns.Part
	// file is the one in the folder; without a name, the part is in memory.
	file columns.Entry
	// bytes is the size of the file, or of the part in memory.
	bytes int64
	rows  int
	// covers are the slots that the part was built of, owned those that it owns.
	covers, owned slotSet
	// stored and received are the ranges of the timestamps of stored rows, and of
	// the received times of all.
	stored, received span
	// expires is the least time of expiry.
	expires time.Time
	// madeAt is since when the rows are in memory, or in this file; usedAt is when the
	// part was asked for last.
	madeAt, usedAt time.Time
	// live is the bitmap of the rows that count, as of the owned slots in liveOf.
	live   columns.Bitmap
	liveOf *slotSet
}

// span is a range of moments, both included; it is empty unless some is set.
type span struct {
	first, last time.Time
	some        bool
}

// overlaps reports whether a moment of the span lies in [from, to); a zero bound is
// open.
func (s span) overlaps(from, to time.Time) bool {
	return s.some && (from.IsZero() || !s.last.Before(from)) && (to.IsZero() || s.first.Before(to))
}

// masked reports whether some rows of the segment may not count.
func (s *segment) masked() bool { return s.owned != s.covers }

// inMemory reports whether the segment has no file.
func (s *segment) inMemory() bool { return s.file.Name == "" }

// liveRows estimates the rows that count, as if each slot had as many.
func (s *segment) liveRows() int {
	covers := s.covers.len()
	if covers == 0 {
		return 0
	}
	return s.rows * s.owned.len() / covers
}

// complete reports whether everything is held as of the newest mark.
func (d *day) complete() bool { return d.held && d.built == d.mark }

// mayHold reports whether stored events of the day, held or not, can have a timestamp in
// [from, to); a zero bound is open.
func (d *day) mayHold(from, to time.Time) bool {
	t := d.timestamps
	return !d.bounded || span{time.UnixMicro(t.First), time.UnixMicro(t.Last), t.Some}.overlaps(from, to)
}

// installSegment makes a segment the owner of every slot whose generation is not older than
// the one that is held. s may be nil for slots without documents. It returns the
// segments that own nothing any more, which are no part of the day from then on.
func (d *day) installSegment(s *segment, generations map[int64]uint64, now time.Time) []*segment {
	first := d.key.FirstSlot()
	for slot, generation := range generations {
		offset := slot - first
		if generation < d.slots.generations[offset] {
			continue
		}
		if owner := d.slots.owners[offset]; owner != nil {
			owner.owned.removeSlot(int(offset))
		}
		d.slots.generations[offset], d.slots.owners[offset] = generation, s
		if s != nil {
			s.owned.addSlot(int(offset))
		}
	}
	if s != nil {
		d.segments = append(d.segments, s)
	}
	d.version++
	d.changedAt = now
	return d.dropUnowned()
}

// dropUnowned removes the segments that own no slot, and returns them.
func (d *day) dropUnowned() (dropped []*segment) {
	d.segments = slices.DeleteFunc(d.segments, func(s *segment) bool {
		if s.owned != (slotSet{}) {
			return false
		}
		dropped = append(dropped, s)
		return true
	})
	return dropped
}

// removeSegment gives up a segment: its slots are held no longer.
func (d *day) removeSegment(s *segment, now time.Time) {
	if d.slots != nil {
		for offset := range s.owned.all() {
			d.slots.generations[offset], d.slots.owners[offset] = 0, nil
		}
	}
	d.segments = slices.DeleteFunc(d.segments, func(o *segment) bool { return o == s })
	d.forgetBuilt(now)
}

// forgetBuilt makes the day incomplete: something of it is not held.
func (d *day) forgetBuilt(now time.Time) {
	d.held, d.heldAt = false, time.Time{}
	d.losses++
	d.version++
	d.changedAt = now
}

// dropSegments gives up everything that is held, and returns it.
func (d *day) dropSegments(now time.Time) []*segment {
	dropped := d.segments
	d.segments, d.slots = nil, &slotTable{}
	d.forgetBuilt(now)
	return dropped
}

// findChanges compares the marks of the day's slots with the held ones, and returns the
// slots to scan. It reports false if a held slot is not marked, or with an earlier
// generation: these are not the marks by which the day was built.
func (d *day) findChanges(marks map[int64]uint64) (want slotSet, sound bool) {
	first := d.key.FirstSlot()
	held := 0
	for slot, mark := range marks {
		offset := slot - first
		if offset < 0 || offset >= slotsPerDay {
			return want, false
		}
		generation := d.slots.generations[offset]
		if generation > mark {
			return want, false
		}
		if generation != 0 {
			held++
		}
		if generation != mark {
			want.addSlot(int(offset))
		}
	}
	for _, generation := range d.slots.generations {
		if generation != 0 {
			held--
		}
	}
	return want, held == 0
}

// forgetSlots releases the table of a day that rests: its files have the generations.
func (d *day) forgetSlots() {
	if d.slots == nil || !d.complete() {
		return
	}
	for i, generation := range d.slots.generations {
		if owner := d.slots.owners[i]; generation != 0 && (owner == nil || owner.inMemory()) {
			return
		}
	}
	d.slots = nil
}
