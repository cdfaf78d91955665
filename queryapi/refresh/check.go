package refresh

import (
	"context"
	"time"

	"github.com/theeye/theeye/shared/columns"
)

// checkEvery is the pause between two looks at whether the files are still there.
const checkEvery = 10 * time.Second

// held is a segment with a file.
type held struct {
	day     *day
	segment *segment
}

// filesHeld returns the segments with files, and the folder.
func (r *Refresher) filesHeld() (list []held, f *folder) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, d := range r.days {
		for _, s := range d.segments {
			if !s.inMemory() {
				list = append(list, held{d, s})
			}
		}
	}
	return list, r.folder
}

// checkFiles gives up the segments whose files are gone, or have another size.
func (r *Refresher) checkFiles() {
	list, f := r.filesHeld()
	for _, h := range list {
		if err := f.checkFile(h.segment.file); err != nil {
			r.loseSegment(h.day, h.segment, err)
		}
	}
}

// VerifySnapshot reads the files of a snapshot and gives up those that are damaged or
// gone: they are rebuilt before the next snapshot. A question calls it that got
// columns.ErrDamaged or fs.ErrNotExist from a part.
func (r *Refresher) VerifySnapshot(ctx context.Context, s *columns.Snapshot) error {
	used := make(map[*columns.Part]bool)
	for _, a := range s.Applications {
		for _, v := range a.Views {
			used[v.Part] = true
		}
	}
	list, f := r.filesHeld()
	for _, h := range list {
		r.mu.Lock()
		part := h.segment.part
		r.mu.Unlock()
		if part == nil || !used[part] { // a file that is closed is verified when it is opened
			continue
		}
		if err := ctx.Err(); err != nil {
			return err
		}
		if _, err := f.openSegment(h.segment.file); err != nil {
			r.loseSegment(h.day, h.segment, err)
		}
	}
	return nil
}

// tidyFolder looks after the folder now and then, between two steps of the builder.
func (r *Refresher) tidyFolder() {
	r.mu.Lock()
	due := r.folder != nil && !r.asOf.IsZero() && r.now().Sub(r.checkedAt) >= checkEvery
	if due {
		r.checkedAt = r.now()
	}
	r.mu.Unlock()
	if !due {
		return
	}
	r.emptyTrash(false)
	r.closeIdle()
	r.checkFiles()
	r.removeUnknown()
}

// removeUnknown removes the files that were there at the start, of days that the store
// does not have.
func (r *Refresher) removeUnknown() {
	r.mu.Lock()
	f := r.folder
	known := make(map[columns.Key]bool, len(r.days))
	for key := range r.days {
		known[key] = true
	}
	r.mu.Unlock()
	f.removeFound(func(key columns.Key) bool { return known[key] })
}
