// Package folderlock locks a folder, so that one process at a time uses it.
//
// The lock belongs to the open file "lock" in the folder: the kernel releases it when
// the process ends, however it ends. The file names the process that holds it.
package folderlock
