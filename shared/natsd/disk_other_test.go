//go:build !linux && !windows

package natsd

import "testing"

// smallDisk is a folder and the limit on file sizes: mounting a disk for a
// test is Linux's.
func smallDisk(t *testing.T) (string, condition) { return t.TempDir(), fileSizeLimit }
