package refresh

import (
	"time"
)

// Status is the state of the columns.
type Status struct {
	// AsOf is the moment as of which everything is held, of the days that are built;
	// zero before the first pass.
	AsOf time.Time
	// Days are the application-days with events, DaysBuilt those that have been built
	// at some time since the start.
	Days, DaysBuilt int
	// BuiltFrom is the oldest day from which on all are built; zero if the newest is
	// not.
	BuiltFrom time.Time
	// Stale are the days with changes that are not held yet.
	Stale int
	// Parts, Rows, Bytes and MemoryBytes are of all parts: Bytes in files, MemoryBytes
	// in memory, the descriptions of open files included. Rows that are masked count.
	Parts       int
	Rows        int64
	Bytes       int64
	MemoryBytes int64
	// CacheBytes is the memory of the columns of queries.
	CacheBytes int64
	// Failed is why the columns are not refreshed, nil if they are.
	Failed error
}

// CacheBytes returns the memory of the columns that queries have loaded.
func (r *Refresher) CacheBytes() int64 { return int64(r.cache.Bytes()) }

// Status returns the state of the columns.
func (r *Refresher) Status() Status {
	r.mu.Lock()
	defer r.mu.Unlock()
	s := Status{AsOf: r.asOf, Days: len(r.days), Failed: r.failed(), CacheBytes: r.CacheBytes()}
	var gap int64 = -1
	for key, d := range r.days {
		asOf := d.asOf(r.asOf)
		if asOf.IsZero() {
			gap = max(gap, key.Day)
		} else {
			s.DaysBuilt++
			if asOf.Before(s.AsOf) {
				s.AsOf = asOf
			}
		}
		if !d.complete() {
			s.Stale++
		}
		s.addSegments(d)
	}
	s.BuiltFrom = r.oldestAfter(gap)
	return s
}

func (s *Status) addSegments(d *day) {
	for _, g := range d.segments {
		s.Parts++
		s.Rows += int64(g.rows)
		switch {
		case g.inMemory():
			s.MemoryBytes += g.bytes
		default:
			s.Bytes += g.bytes
			if g.part != nil {
				s.MemoryBytes += int64(g.part.Size())
			}
		}
	}
}

// oldestAfter returns the start of the oldest day behind another, zero if no day is.
func (r *Refresher) oldestAfter(day int64) time.Time {
	var first int64 = -1
	for key := range r.days {
		if key.Day > day && (first < 0 || key.Day < first) {
			first = key.Day
		}
	}
	if first < 0 {
		return time.Time{}
	}
	return startOf(first)
}

// failed returns why the columns are not refreshed.
func (r *Refresher) failed() error {
	if r.passFailed != nil {
		return r.passFailed
	}
	if r.lockFailed != nil {
		return r.lockFailed
	}
	for _, d := range r.days {
		if d.failed != nil {
			return d.failed
		}
	}
	return nil
}
