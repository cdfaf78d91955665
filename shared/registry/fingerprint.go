package registry

import (
	"crypto/sha256"
	"fmt"
	"io/fs"
	"path"
	"strings"
	"time"
)

// settle is how old the newest change of a folder must be before size and time
// of its files are enough to tell that nothing changed: two edits may follow
// each other within one tick of a file system's clock.
const settle = 2 * time.Second

// fingerprint is what a folder looks like from outside.
type fingerprint struct {
	listing digest    // of names, sizes and times
	newest  time.Time // change of a file
}

// settled reports whether a folder that was read at t, with this fingerprint,
// must still be the same.
func (f fingerprint) settled(before fingerprint, t time.Time) bool {
	return f.listing == before.listing && f.newest.Before(t.Add(-settle))
}

// outside takes the fingerprint of a folder.
func outside(fsys fs.FS) (fingerprint, error) {
	h := sha256.New()
	var f fingerprint
	err := eachFile(fsys, ".", func(name string, info fs.FileInfo) error {
		if info.ModTime().After(f.newest) {
			f.newest = info.ModTime()
		}
		_, err := fmt.Fprintf(h, "%q %d %d\n", name, info.Size(), info.ModTime().UnixNano())
		return err
	})
	h.Sum(f.listing[:0])
	return f, err
}

// inside takes the digest of a folder's content.
func inside(fsys fs.FS) (sum digest, err error) {
	h := sha256.New()
	err = eachFile(fsys, ".", func(name string, _ fs.FileInfo) error {
		raw, err := readBounded(fsys, name)
		if err != nil {
			return err
		}
		_, err = fmt.Fprintf(h, "%q %x\n", name, sha256.Sum256(raw))
		return err
	})
	h.Sum(sum[:0])
	return sum, err
}

// eachFile visits the files of a folder and its folders, by name, without those
// that declarations pass over. A link counts as what it leads to.
func eachFile(fsys fs.FS, folder string, visit func(name string, info fs.FileInfo) error) error {
	return eachEntry(fsys, folder, func(name string, info fs.FileInfo) error {
		if !info.IsDir() {
			return visit(name, info)
		}
		if strings.Count(name, "/") >= maxFolders {
			return nil // deeper than any declaration
		}
		return eachFile(fsys, name, visit)
	})
}

// maxFolders is how deep declarations lie: schemas/<category>/.
const maxFolders = 2

// eachEntry visits what stands in a folder.
func eachEntry(fsys fs.FS, folder string, visit func(name string, info fs.FileInfo) error) error {
	entries, err := fs.ReadDir(fsys, folder)
	if err != nil {
		return err
	}
	for _, e := range entries {
		if strings.HasPrefix(e.Name(), ".") || strings.HasSuffix(e.Name(), ".md") {
			continue
		}
		name := path.Join(folder, e.Name())
		info, err := fs.Stat(fsys, name)
		if err != nil {
			return err
		}
		if err := visit(name, info); err != nil {
			return err
		}
	}
	return nil
}
