//go:build !linux

package natsd

// memoryFolder returns a folder on a memory file system, "" without one.
func memoryFolder() string { return "" }
