//go:build !unix

package schema

import "time"

var processBegin = time.Now()

// cpuTime is the time since the start of the process.
func cpuTime() time.Duration { return time.Since(processBegin) }
