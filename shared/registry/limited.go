package registry

import "iter"

// Limited reports whether the key may send only so much a second.
func (k Key) Limited() bool { return k.EventsPerSecond > 0 || k.BytesPerSecond > 0 }

// Limited returns the write keys that may send only so much a second, in no
// order.
func (a *Access) Limited() iter.Seq[Key] {
	return func(yield func(Key) bool) {
		for _, h := range a.keys {
			if h.value.Limited() && !yield(h.value) {
				return
			}
		}
	}
}
