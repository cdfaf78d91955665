package natsd

import (
	"syscall"
	"testing"
)

// smallDisk is a disk of 32 MiB of its own and the way to fill it. Where the
// machine lets nobody mount, it is a folder and the limit on file sizes: the
// server meets the error in the same place.
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
