package natsd

import (
	"errors"
	"fmt"
	"sync"
	"time"
)

// ErrNoSpace says that the disk's free space is below the floor.
var ErrNoSpace = errors.New("free disk space is below the floor")

// spaceFor is how long one look at the disk is good for. At the rate of a fast
// collector that is some 20 MB, a small part of the floor.
const spaceFor = 200 * time.Millisecond

// space looks at a disk's free space now and then.
type space struct {
	dir   string
	floor uint64

	mu   sync.Mutex // guards what follows
	at   time.Time
	free uint64
	err  error
}

// look returns the free bytes as of at most spaceFor ago.
func (s *space) look() (uint64, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if now := time.Now(); s.at.IsZero() || now.Sub(s.at) >= spaceFor {
		s.free, s.err = freeSpace(s.dir)
		s.at = now
	}
	return s.free, s.err
}

// check returns ErrNoSpace below the floor. A disk that cannot be asked is
// not one to write to.
func (s *space) check() error {
	free, err := s.look()
	if err != nil {
		return fmt.Errorf("natsd: free disk space of %s: %w", s.dir, err)
	}
	if free < s.floor {
		return fmt.Errorf("%w: %d of %d bytes in %s", ErrNoSpace, free, s.floor, s.dir)
	}
	return nil
}

// Free is the free space of the data folder's disk in bytes, for metrics.
func (s *Server) Free() (uint64, error) { return s.space.look() }
