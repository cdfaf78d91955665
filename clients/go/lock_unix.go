//go:build darwin || dragonfly || freebsd || linux || netbsd || openbsd

package eye

import (
	"errors"
	"os"
	"syscall"
)

// lockFile makes and locks a file without waiting. The kernel unlocks it when it is
// closed, and when the process ends.
func lockFile(path string) (*os.File, error) {
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600) //nolint:gosec // the site's own folder
	if err != nil {
		return nil, err
	}
	if err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		_ = f.Close()
		if errors.Is(err, syscall.EWOULDBLOCK) {
			return nil, ErrSpoolLocked
		}
		return nil, err
	}
	return f, nil
}
