package refresh

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"sync"
	"time"

	"github.com/theeye/theeye/shared/columns"
)

// folder is the folder of the files of one store. Files get names that no other has, so
// none is ever replaced. It is safe for concurrent use.
type folder struct {
	files *columns.Folder
	// hook fails the steps of writing in tests; nil otherwise.
	hook func(step string) error
	// scan reads what the parts of the files do not hold.
	scan columns.ScanFunc

	mu sync.Mutex
	// found are the files that were there when the folder was opened, until their day
	// asks for them.
	found map[columns.Key][]columns.Entry
}

// openFolder lists the folder.
func openFolder(dir, storeID string, cache *columns.Cache) (*folder, error) {
	files, err := columns.NewFolder(dir, storeID, cache)
	if err != nil {
		return nil, fmt.Errorf("open the folder of columns: %w", err)
	}
	list, err := files.List()
	if err != nil {
		return nil, fmt.Errorf("list the folder of columns: %w", err)
	}
	f := &folder{files: files, found: make(map[columns.Key][]columns.Entry)}
	for _, e := range list {
		f.found[e.Key] = append(f.found[e.Key], e)
	}
	return f, nil
}

// takeFound returns the files of a day that were there at the start, once.
func (f *folder) takeFound(key columns.Key) []columns.Entry {
	f.mu.Lock()
	defer f.mu.Unlock()
	list := f.found[key]
	delete(f.found, key)
	return list
}

// removeFound removes the files that were there at the start of the days that the store
// does not have.
func (f *folder) removeFound(known func(columns.Key) bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for key, list := range f.found {
		if known(key) {
			continue
		}
		delete(f.found, key)
		for _, e := range list {
			f.removeFile(e)
		}
	}
}

// openSegment opens a file. The error is of the file system, or columns.ErrDamaged.
func (f *folder) openSegment(e columns.Entry) (*segment, error) {
	part, err := f.files.Open(e)
	if err != nil {
		return nil, err
	}
	part.UseStore(f.scan)
	var covers slotSet
	for slot := range part.Slots() {
		covers.addSlot(int(slot - e.Key.FirstSlot()))
	}
	s := newSegment(part, &covers)
	s.file, s.bytes = e, e.Bytes
	return s, nil
}

// writePart writes the part of a segment to a file, and puts the one that reads the
// file into its place.
func (f *folder) writePart(ctx context.Context, s *segment) error {
	e, err := f.writeFile(ctx, s.part)
	if errors.Is(err, fs.ErrNotExist) { // the folder was removed in between
		e, err = f.writeFile(ctx, s.part)
	}
	if err != nil {
		return err
	}
	part, err := f.files.Open(e)
	if err != nil {
		return fmt.Errorf("read what was written: %w", err)
	}
	part.UseStore(f.scan)
	s.part, s.file, s.bytes = part, e, e.Bytes
	return nil
}

func (f *folder) writeFile(ctx context.Context, p *columns.Part) (e columns.Entry, err error) {
	if f.hook != nil {
		if err := f.hook("write"); err != nil {
			return e, err
		}
	}
	if e, err = f.files.Write(ctx, p, newName()); err != nil {
		return e, err
	}
	if f.hook != nil {
		return e, f.hook("written")
	}
	return e, nil
}

func newName() string {
	b := make([]byte, 12)
	_, _ = rand.Read(b) // never fails
	return hex.EncodeToString(b)
}

// removeFile removes a file. One that stays is no harm: the next start finds it, and that
// its slots are held elsewhere.
func (f *folder) removeFile(e columns.Entry) { _ = f.files.Remove(e) }

// checkFile returns an error unless a file is there, as it was written.
func (f *folder) checkFile(e columns.Entry) error {
	info, err := os.Stat(f.files.Path(e)) //nolint:gosec // a file of the folder that the settings name
	switch {
	case err != nil:
		return err
	case info.Size() != e.Bytes:
		return fmt.Errorf("%w: its size is %d, not %d", columns.ErrDamaged, info.Size(), e.Bytes)
	}
	return nil
}

// writtenAt returns when a file was written, zero if it is gone.
func (f *folder) writtenAt(e columns.Entry) time.Time {
	info, err := os.Stat(f.files.Path(e)) //nolint:gosec // a file of the folder that the settings name
	if err != nil {
		return time.Time{}
	}
	return info.ModTime()
}
