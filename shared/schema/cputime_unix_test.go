//go:build unix

package schema

import (
	"syscall"
	"time"
)

// cpuTime is the processor time of this process so far, which other processes on the
// machine do not lengthen.
func cpuTime() time.Duration {
	var usage syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &usage); err != nil {
		panic(err)
	}
	return time.Duration(usage.Utime.Nano() + usage.Stime.Nano())
}
