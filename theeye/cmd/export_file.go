package cmd

import (
	"errors"
	"fmt"
	"io"
	"os"
)

// partSuffix ends the name of a file that is not whole.
const partSuffix = ".partial"

// writeError is an error of the file that an export is written to.
type writeError struct{ error }

// Unwrap returns the error itself.
func (e *writeError) Unwrap() error { return e.error }

// exportFile is where an export is written: a file that gets its name when it is
// whole, or standard output.
type exportFile struct {
	path string // "" for standard output
	file *os.File
	w    io.Writer
	// bytes counts the written bytes.
	bytes int64
}

// create makes the file. One that is there stays until the new one is whole.
func (f *exportFile) create() (err error) {
	if f.path == "" {
		return nil
	}
	f.file, err = os.OpenFile(f.path+partSuffix, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600)
	f.w = f.file
	return err
}

// Write implements io.Writer.
func (f *exportFile) Write(p []byte) (int, error) {
	n, err := f.w.Write(p)
	f.bytes += int64(n)
	if err != nil {
		err = &writeError{err}
	}
	return n, err
}

// truncate empties the file. Standard output cannot be emptied once it has something.
func (f *exportFile) truncate() error {
	switch {
	case f.bytes == 0:
		return nil
	case f.path == "":
		return &writeError{errors.New("a part of the file is on standard output already; write to a file by -o")}
	}
	if err := f.file.Truncate(0); err != nil {
		return &writeError{err}
	}
	_, err := f.file.Seek(0, io.SeekStart)
	f.bytes = 0
	return err
}

// finishFile closes the file, and gives it its name if it is whole.
func (f *exportFile) finishFile(whole bool) error {
	if f.path == "" {
		return nil
	}
	var err error
	if whole {
		err = f.file.Sync()
	}
	err = errors.Join(err, f.file.Close())
	switch {
	case !whole && f.bytes == 0:
		return errors.Join(err, os.Remove(f.path+partSuffix))
	case err != nil || !whole:
		return err
	}
	return os.Rename(f.path+partSuffix, f.path)
}

// describePart says where the part is that was written.
func (f *exportFile) describePart() string {
	if f.path == "" || f.bytes == 0 {
		return ""
	}
	return fmt.Sprintf("%s has what came until then: ", f.path+partSuffix)
}
