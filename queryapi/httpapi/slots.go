package httpapi

import "sync"

// slots bounds the requests in work, and shares them between the tokens: one
// token may have as many as are left free, so that there is always one more for
// another.
type slots struct {
	limit int
	// most bounds those of one token, whatever is free; 0 does not.
	most int

	mu   sync.Mutex
	used int
	held map[string]int
}

func newSlots(limit int) *slots { return &slots{limit: limit, held: map[string]int{}} }

// newBoundedSlots returns slots of which a token has at most most.
func newBoundedSlots(limit, most int) *slots {
	s := newSlots(limit)
	s.most = most
	return s
}

// takeSlot takes a slot for a token and reports whether it may have one more.
func (s *slots) takeSlot(token string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.held[token]+1 > s.limit-s.used || s.most > 0 && s.held[token] >= s.most {
		return false
	}
	s.used++
	s.held[token]++
	return true
}

// freeSlot gives a slot of a token back.
func (s *slots) freeSlot(token string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.used--
	if s.held[token]--; s.held[token] == 0 {
		delete(s.held, token)
	}
}
