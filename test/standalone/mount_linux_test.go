package standalone_test

import "golang.org/x/sys/unix"

func mountMemory(dir, options string) error { return unix.Mount("tmpfs", dir, "tmpfs", 0, options) }
