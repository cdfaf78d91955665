//go:build !darwin && !dragonfly && !freebsd && !linux && !netbsd && !openbsd && !windows

package eye

import (
	"errors"
	"os"
)

// lockFile fails: without a lock two processes would write into one spool.
func lockFile(string) (*os.File, error) {
	return nil, errors.New("a spool needs a system with file locks")
}
