package columns

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// Folder is the folder of a store's files, columns/application=<a>/day=<date>/<name>.parquet,
// as other programs read it. It holds nothing that the store does not: it may be removed
// at any time. It is safe for concurrent use; one process at a time should own it.
type Folder struct {
	root, storeID string
	cache         *Cache
}

// Entry is a file of a Folder.
type Entry struct {
	Key Key
	// Name is that of the file without its ending: 1 to 64 letters, digits, - and _.
	Name string
	// Bytes is the size of the file.
	Bytes int64
}

const (
	folderApplication = "application="
	folderDay         = "day="
	fileSuffix        = ".parquet"
	maxFileName       = 64
)

// NewFolder returns a Folder, and creates a missing one. Files that were being
// written when a process ended are removed.
func NewFolder(root, storeID string, cache *Cache) (*Folder, error) {
	f := &Folder{root: root, storeID: storeID, cache: cache}
	if err := os.MkdirAll(root, 0o750); err != nil {
		return nil, fmt.Errorf("columns: %w", err)
	}
	return f, f.removeTemporary()
}

// Write writes a part under a name, replacing what the name stood for.
func (f *Folder) Write(ctx context.Context, p *Part, name string) (Entry, error) {
	e := Entry{Key: p.Key(), Name: name}
	file, err := f.file(e)
	if err != nil {
		return e, err
	}
	if err := f.makeFolders(filepath.Dir(file)); err != nil {
		return e, fmt.Errorf("columns: %w", err)
	}
	if err := p.Write(ctx, file, f.storeID); err != nil {
		return e, err
	}
	info, err := os.Stat(file)
	if err != nil {
		return e, fmt.Errorf("columns: %w", err)
	}
	e.Bytes = info.Size()
	return e, nil
}

// makeFolders makes the folders of a day and syncs those that are above it.
func (f *Folder) makeFolders(day string) error {
	if _, err := os.Stat(day); err == nil {
		return nil
	}
	if err := os.MkdirAll(day, 0o750); err != nil {
		return err
	}
	return errors.Join(syncFolder(filepath.Dir(day)), syncFolder(f.root))
}

// Open opens a file. The error is ErrDamaged unless it is a part of the entry's Key in
// this store.
func (f *Folder) Open(e Entry) (*Part, error) {
	file, err := f.file(e)
	if err != nil {
		return nil, err
	}
	p, err := Open(file, f.storeID, f.cache)
	if err != nil {
		return nil, err
	}
	if p.Key() != e.Key {
		return nil, fmt.Errorf("%w: %s holds %s", ErrDamaged, file, p.Key())
	}
	return p, nil
}

// Remove removes a file; one that is gone already is no error.
func (f *Folder) Remove(e Entry) error {
	file, err := f.file(e)
	if err != nil {
		return err
	}
	if err := os.Remove(file); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("columns: %w", err)
	}
	// Folders that are empty now go, too; others stay, which is no failure.
	day := filepath.Dir(file)
	if os.Remove(day) == nil {
		_ = os.Remove(filepath.Dir(day))
		return nil
	}
	if err := syncFolder(day); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("columns: %w", err)
	}
	return nil
}

// List returns the files, by application, day and name. Those with other names are
// left out.
func (f *Folder) List() ([]Entry, error) {
	var entries []Entry
	err := f.eachFile(func(key Key, _ string, d fs.DirEntry) error {
		name, ok := strings.CutSuffix(d.Name(), fileSuffix)
		if !ok || !validFileName(name) || !d.Type().IsRegular() {
			return nil
		}
		info, err := d.Info()
		if errors.Is(err, fs.ErrNotExist) {
			return nil
		}
		if err != nil {
			return err
		}
		entries = append(entries, Entry{key, name, info.Size()})
		return nil
	})
	return entries, err
}

// Path returns where an entry lies, "" for an invalid one.
func (f *Folder) Path(e Entry) string {
	file, _ := f.file(e)
	return file
}

// Bytes returns the size of all files together.
func (f *Folder) Bytes() (int64, error) {
	entries, err := f.List()
	total := int64(0)
	for _, e := range entries {
		total += e.Bytes
	}
	return total, err
}

// removeTemporary removes files that were not completed.
func (f *Folder) removeTemporary() error {
	return f.eachFile(func(_ Key, folder string, d fs.DirEntry) error {
		if !strings.HasSuffix(d.Name(), temporarySuffix) || !d.Type().IsRegular() {
			return nil
		}
		return os.Remove(filepath.Join(folder, d.Name()))
	})
}

// eachFile calls a function with what lies in the folders of days.
func (f *Folder) eachFile(use func(key Key, folder string, d fs.DirEntry) error) error {
	applications, err := readFolder(f.root)
	if err != nil {
		return err
	}
	for _, a := range applications {
		name, ok := strings.CutPrefix(a.Name(), folderApplication)
		if !ok || !validApplication(name) || !a.IsDir() {
			continue
		}
		days, err := readFolder(filepath.Join(f.root, a.Name()))
		if err != nil {
			return err
		}
		for _, d := range days {
			day, ok := parseDay(d.Name())
			if !ok || !d.IsDir() {
				continue
			}
			folder := filepath.Join(f.root, a.Name(), d.Name())
			files, err := readFolder(folder)
			if err != nil {
				return err
			}
			for _, file := range files {
				if err := use(Key{name, day}, folder, file); err != nil {
					return fmt.Errorf("columns: %w", err)
				}
			}
		}
	}
	return nil
}

// readFolder returns what lies in a folder; one that is gone is empty.
func readFolder(name string) ([]fs.DirEntry, error) {
	list, err := os.ReadDir(name)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("columns: %w", err)
	}
	return list, nil
}

func parseDay(name string) (int64, bool) {
	date, ok := strings.CutPrefix(name, folderDay)
	if !ok {
		return 0, false
	}
	t, err := time.Parse(time.DateOnly, date)
	return floorDiv(t.Unix(), dayMillis/1000), err == nil
}

// file returns the path of an entry, which cannot lead out of the folder.
func (f *Folder) file(e Entry) (string, error) {
	if err := e.Key.checkRange(); err != nil {
		return "", err
	}
	if !validFileName(e.Name) {
		return "", fmt.Errorf("columns: %q is no name of a file", e.Name)
	}
	return filepath.Join(f.root, folderApplication+e.Key.Application, folderDay+e.Key.Date(), e.Name+fileSuffix), nil
}

func validFileName(name string) bool {
	if name == "" || len(name) > maxFileName {
		return false
	}
	for i := range len(name) {
		c := name[i]
		if (c < 'a' || c > 'z') && (c < 'A' || c > 'Z') && (c < '0' || c > '9') && c != '-' && c != '_' {
			return false
		}
	}
	return true
}
