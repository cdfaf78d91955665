package natsd

import "github.com/theeye/theeye/shared/folderlock"

// ErrLocked means that another process uses the data folder.
var ErrLocked = folderlock.ErrLocked

// lockFolder locks an existing folder. The error for a folder in use is ErrLocked
// and names folder and process.
func lockFolder(dir string) (*folderlock.Lock, error) {
	return folderlock.Acquire("data folder", dir)
}
