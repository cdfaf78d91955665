//go:build !linux && !windows

package natsd

import "testing"

// smallDisk returns a folder and a limit on file sizes: only on Linux a test
// mounts a disk.
func smallDisk(t *testing.T) (string, condition) { return t.TempDir(), fileSizeLimit }
