package natsd

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
)

// lockName is the lock file in the data folder. It stays after the unlock: removing
// it would let two processes lock two files.
const lockName = "lock"

// ErrLocked means that another process uses the data folder.
var ErrLocked = errors.New("data folder is used by another process")

// lockedError is ErrLocked of one folder.
type lockedError struct{ dir, holder string }

func (e *lockedError) Error() string {
	return "data folder " + e.dir + " is used by another process" + e.holder
}

func (e *lockedError) Is(target error) bool { return target == ErrLocked }

// errHeld is what lockFile returns when another process holds the lock.
var errHeld = errors.New("lock is held")

// folderLock is held until close, or until the end of the process.
type folderLock struct{ file *os.File }

// lockFolder locks an existing folder. The error for a folder in use is ErrLocked
// and names folder and process.
func lockFolder(dir string) (*folderLock, error) {
	path := filepath.Join(dir, lockName)
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600) //nolint:gosec // the operator's own folder
	if err != nil {
		return nil, fmt.Errorf("natsd: lock data folder: %w", err)
	}
	if err := lockFile(f); err != nil {
		defer func() { _ = f.Close() }() // nothing was written
		if errors.Is(err, errHeld) {
			return nil, &lockedError{dir: dir, holder: holderText(f)}
		}
		return nil, fmt.Errorf("natsd: lock data folder %s: %w", dir, err)
	}
	if err := writeHolder(f); err != nil {
		_ = f.Close()
		return nil, fmt.Errorf("natsd: lock data folder %s: %w", dir, err)
	}
	return &folderLock{file: f}, nil
}

// close releases the lock.
func (l *folderLock) close() error { return l.file.Close() }

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
