//go:build !windows

package columns

import (
	"errors"
	"os"
)

// syncFolder makes the names in a folder durable.
func syncFolder(folder string) error {
	f, err := os.Open(folder) //nolint:gosec // the folder of a file that was written
	if err != nil {
		return err
	}
	return errors.Join(f.Sync(), f.Close())
}
