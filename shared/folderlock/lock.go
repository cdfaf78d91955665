package folderlock

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
)

// Name is the lock file in the folder. It stays after the unlock: removing it would let
// two processes lock two files.
const Name = "lock"

// ErrLocked means that another process uses the folder.
var ErrLocked = errors.New("folder is used by another process")

// lockedError is ErrLocked of one folder.
type lockedError struct{ what, dir, holder string }

func (e *lockedError) Error() string {
	return e.what + " " + e.dir + " is used by another process" + e.holder
}

func (e *lockedError) Is(target error) bool { return target == ErrLocked }

// errHeld is what lockFile returns when another process holds the lock.
var errHeld = errors.New("lock is held")

// Lock is held until Close, or until the end of the process.
type Lock struct{ file *os.File }

// Acquire locks an existing folder without waiting. The error for a folder in use is
// ErrLocked, and names the process; errors call the folder by the word what.
func Acquire(what, dir string) (*Lock, error) {
	f, err := os.OpenFile(filepath.Join(dir, Name), os.O_RDWR|os.O_CREATE, 0o600) //nolint:gosec // the operator's own folder
	if err != nil {
		return nil, fmt.Errorf("lock %s: %w", what, err)
	}
	if err := lockFile(f); err != nil {
		defer func() { _ = f.Close() }() // nothing was written
		if errors.Is(err, errHeld) {
			return nil, &lockedError{what: what, dir: dir, holder: holderText(f)}
		}
		return nil, fmt.Errorf("lock %s %s: %w", what, dir, err)
	}
	if err := writeHolder(f); err != nil {
		_ = f.Close()
		return nil, fmt.Errorf("lock %s %s: %w", what, dir, err)
	}
	return &Lock{file: f}, nil
}

// Close releases the lock.
func (l *Lock) Close() error { return l.file.Close() }

func writeHolder(f *os.File) error {
	if err := f.Truncate(0); err != nil {
		return err
	}
	_, err := f.WriteAt([]byte(strconv.Itoa(os.Getpid())+"\n"), 0)
	return err
}

// holderText returns " (pid N)", or "" if the file has no process id.
func holderText(f *os.File) string {
	b := make([]byte, 20)
	n, _ := f.ReadAt(b, 0) // a short file is the usual case
	pid, err := strconv.Atoi(strings.TrimSpace(string(b[:n])))
	if err != nil {
		return ""
	}
	return fmt.Sprintf(" (pid %d)", pid)
}
