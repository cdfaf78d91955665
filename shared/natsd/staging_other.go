//go:build !linux

package natsd

import (
	"os"
	"path/filepath"
)

// staging would keep the atomic batches of a stream in memory. Only Linux mounts a
// memory file system for every process: elsewhere the server stages on disk, and a data
// folder that comes from Linux loses its link into one.
type staging struct{ link string }

func newStaging(cfg Config, stream string) *staging {
	return &staging{filepath.Join(cfg.Dir, "jetstream", "$G", "streams", stream, "batches")}
}

func (s *staging) beforeStart() {
	if _, err := os.Readlink(s.link); err == nil {
		_ = os.Remove(s.link)
	}
}

func (*staging) afterStart()           {}
func (*staging) place()                {}
func (*staging) afterStop()            {}
func (*staging) removeStale()          {}
func (*staging) noteError(string) bool { return false }

// RemoveStaleStaging removes what killed servers left in memory: nothing on this system.
func RemoveStaleStaging() {}
