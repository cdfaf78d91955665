package natsd

// FreeSpace returns how many bytes a process without privileges may still write to
// the disk of a folder.
func FreeSpace(dir string) (uint64, error) { return freeSpace(dir) }
