package refresh

import "slices"

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
