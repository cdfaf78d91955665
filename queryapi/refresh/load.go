package refresh

import (
	"context"
	"log/slog"
	"slices"
	"time"

	"github.com/theeye/theeye/shared/columns"
)

// loadSlots ensures that the generations of a day's slots are in memory. At the first
// time it opens the files of the day: a slot in a file counts only while its
// generation is that of the mark (I3).
func (r *Refresher) loadSlots(ctx context.Context, d *day, marks map[int64]uint64) error {
	d.loading.Lock()
	defer d.loading.Unlock()
	r.mu.Lock()
	loaded, opened, folder := d.slots != nil, d.opened, r.folder
	if !opened {
		d.slots = &slotTable{}
	}
	r.mu.Unlock()
	switch {
	case !opened:
		return r.openFiles(ctx, d, folder, marks)
	case !loaded:
		return r.reloadSlots(ctx, d)
	}
	return nil
}

// openFound opens the files of a day that were there at the start, once. The caller holds
// loading.
func (r *Refresher) openFound(ctx context.Context, d *day, folder *folder) error {
	for _, file := range folder.takeFound(d.key) {
		s, err := folder.openSegment(file)
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if err != nil {
			r.mu.Lock()
			r.noteDamage(file, err)
			r.mu.Unlock()
			folder.removeFile(file)
			continue
		}
		s.madeAt = folder.writtenAt(file)
		d.found = append(d.found, s)
	}
	return nil
}

// resumeDay takes up a day where a file that was there at the start has all of it as of
// the newest mark of the day: no slot was marked since then, so the marks of its slots,
// which are many, need not be read. It reports false where none does.
func (r *Refresher) resumeDay(ctx context.Context, d *day) (resumed bool, err error) {
	d.loading.Lock()
	defer d.loading.Unlock()
	r.mu.Lock()
	opened, folder, mark, asOf := d.opened, r.folder, d.mark, r.asOf
	r.mu.Unlock()
	if opened {
		return false, nil
	}
	if err := r.openFound(ctx, d, folder); err != nil {
		return false, err
	}
	at := slices.IndexFunc(d.found, func(s *segment) bool { return s.part.DayMark() == mark })
	if at < 0 {
		return false, nil
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	whole := d.found[at]
	whole.owned = whole.covers
	r.discardFiles(slices.Delete(d.found, at, at+1))
	d.segments, d.opened, d.found = []*segment{whole}, true, nil
	d.version++
	d.changedAt = r.now()
	r.noteBuilt(d, mark, asOf)
	return true, nil
}

// openFiles opens the files of a day, and installs what of them is valid.
func (r *Refresher) openFiles(ctx context.Context, d *day, folder *folder, marks map[int64]uint64) error {
	if err := r.openFound(ctx, d, folder); err != nil {
		return err
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, s := range d.found {
		valid := make(map[int64]uint64)
		for slot, generation := range s.part.Slots() {
			if generation == marks[slot] {
				valid[slot] = generation
			}
		}
		r.discardFiles(d.installSegment(s, valid, r.now()))
	}
	d.opened, d.found = true, nil
	return nil
}

// reloadSlots fills the table of a day that rested, from its files. Segments of a day
// without a table do not change, but are lost where their files are.
func (r *Refresher) reloadSlots(ctx context.Context, d *day) error {
	table := &slotTable{}
	r.mu.Lock()
	segments := slices.Clone(d.segments)
	r.mu.Unlock()
	for _, s := range segments {
		part, err := r.openPart(s)
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if err != nil {
			r.loseSegment(d, s, err)
			continue
		}
		for slot, generation := range part.Slots() {
			if offset := int(slot - d.key.FirstSlot()); s.owned.has(offset) {
				table.generations[offset], table.owners[offset] = generation, s
			}
		}
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	for i, owner := range table.owners {
		if owner != nil && !slices.Contains(d.segments, owner) { // lost since its part was opened
			table.generations[i], table.owners[i] = 0, nil
		}
	}
	d.slots = table
	return nil
}

// openPart returns the part of a segment, and opens its file if it is closed.
func (r *Refresher) openPart(s *segment) (*columns.Part, error) {
	r.mu.Lock()
	part, folder := s.part, r.folder
	s.usedAt = r.now()
	r.mu.Unlock()
	if part != nil {
		return part, nil
	}
	opened, err := folder.openSegment(s.file)
	if err != nil {
		return nil, err
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if s.part == nil {
		s.part = opened.part
	}
	return s.part, nil
}

// loseSegment gives up a segment whose file is gone or damaged: its slots are built
// again from the store.
func (r *Refresher) loseSegment(d *day, s *segment, err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if !slices.Contains(d.segments, s) {
		return // it was replaced in between
	}
	r.noteDamage(s.file, err)
	d.removeSegment(s, r.now())
	d.queued = true
	r.discardFiles([]*segment{s})
	r.wakeQuestions()
	r.wakeBuilders()
}

// noteDamage logs, once for many files, that files are rebuilt. The caller holds mu.
func (r *Refresher) noteDamage(file columns.Entry, err error) {
	r.stats.partsLost++
	r.logLimit.Do(func() {
		r.log.Warn("files of columns are missing or damaged: they are rebuilt from the store",
			slog.String("folder", r.cfg.Dir), slog.String("day", file.Key.String()), slog.String("file", file.Name), slog.Any("error", err))
	})
}

// trashAfter is how long a file stays that no snapshot begun from now on has.
const trashAfter = 2 * time.Minute

// discardFiles removes the files of segments later, when no question uses them any more.
// The caller holds mu.
func (r *Refresher) discardFiles(dropped []*segment) {
	for _, s := range dropped {
		if !s.inMemory() {
			r.trash = append(r.trash, trashed{folder: r.folder, file: s.file, at: r.now()})
		}
	}
}

// emptyTrash removes the files that are no longer used.
func (r *Refresher) emptyTrash(all bool) {
	r.mu.Lock()
	var due, kept []trashed
	for _, t := range r.trash {
		if all || r.now().Sub(t.at) > trashAfter {
			due = append(due, t)
		} else {
			kept = append(kept, t)
		}
	}
	r.trash = kept
	r.mu.Unlock()
	for _, t := range due {
		t.folder.removeFile(t.file)
	}
}
