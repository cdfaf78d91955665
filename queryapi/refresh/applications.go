package refresh

import (
	"slices"
	"time"
)

// Applications returns the names of the applications that have events, sorted, whether
// or not the registry knows them. Before the first pass there are none.
func (r *Refresher) Applications() []string {
	r.mu.Lock()
	defer r.mu.Unlock()
	var names []string
	for key := range r.days {
		names = append(names, key.Application)
	}
	slices.Sort(names)
	return slices.Compact(names)
}

// LastReceived is when the last event of an application was received, as of a moment.
// Version changes with the events that are held of it.
type LastReceived struct {
	At, AsOf time.Time
	Version  uint64
}

// LastReceived returns it for each application whose newest days are built, from memory.
func (r *Refresher) LastReceived() map[string]LastReceived {
	r.mu.Lock()
	defer r.mu.Unlock()
	days := make([]*day, 0, len(r.days))
	for _, d := range r.days {
		days = append(days, d)
	}
	slices.SortFunc(days, func(a, b *day) int { return int(b.key.Day - a.key.Day) })
	all := map[string]LastReceived{}
	for _, d := range days {
		known, seen := all[d.key.Application]
		known.Version += d.version
		if !known.At.IsZero() { // a newer day has events
			all[d.key.Application] = known
			continue
		}
		if asOf := d.asOf(r.asOf); !seen || asOf.Before(known.AsOf) {
			known.AsOf = asOf
		}
		for _, s := range d.segments {
			if s.received.some && s.received.last.After(known.At) {
				known.At = s.received.last
			}
		}
		all[d.key.Application] = known
	}
	for name, known := range all {
		if known.At.IsZero() || known.AsOf.IsZero() {
			delete(all, name)
		}
	}
	return all
}
