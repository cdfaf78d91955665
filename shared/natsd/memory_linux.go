package natsd

import "golang.org/x/sys/unix"

// sharedMemory is where Linux mounts a memory file system that anyone may use.
const sharedMemory = "/dev/shm"

// memoryFolder returns a folder on a memory file system, "" without one.
func memoryFolder() string {
	var st unix.Statfs_t
	if err := unix.Statfs(sharedMemory, &st); err != nil || st.Type != unix.TMPFS_MAGIC {
		return ""
	}
	return sharedMemory
}
