package natsd

import (
	"syscall"
	"testing"
)

// smallDisk returns a separate disk of 32 MiB and the way to fill it. Without the
// permission to mount, it is a folder and a limit on file sizes: the server gets
// the error in the same place.
func smallDisk(t *testing.T) (string, condition) {
	dir := t.TempDir()
	if err := syscall.Mount("tmpfs", dir, "tmpfs", 0, "size=32m"); err != nil {
		t.Logf("no disk of its own (%v): files are limited instead", err)
		return dir, fileSizeLimit
	}
	t.Cleanup(func() {
		if err := syscall.Unmount(dir, syscall.MNT_DETACH); err != nil {
			t.Error(err)
		}
	})
	return dir, fillDisk
}
