package httpserver

import "sync"

// oldestFirst is a bounded list. One member more ends the oldest, so that clients
// that do nothing cannot keep out those that come later.
type oldestFirst[T any] struct {
	limit int
	end   func(T)

	mu          sync.Mutex
	first, last *member[T]
	count       int
}

// member is the place of a value in one list at most.
type member[T any] struct {
	value      T
	prev, next *member[T]
	listed     bool
}

// newOldestFirst returns a list of at most limit members; end is called for each
// that must go. It must not block.
func newOldestFirst[T any](limit int, end func(T)) *oldestFirst[T] {
	return &oldestFirst[T]{limit: limit, end: end}
}

// addMember adds a member, unless it is listed.
func (l *oldestFirst[T]) addMember(m *member[T]) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if m.listed {
		return
	}
	if m.prev, l.last = l.last, m; m.prev != nil {
		m.prev.next = m
	} else {
		l.first = m
	}
	m.listed = true
	if l.count++; l.count > l.limit {
		l.endFirst()
	}
}

// removeMember removes a member, if it is listed: after that it is not ended.
func (l *oldestFirst[T]) removeMember(m *member[T]) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.unlink(m)
}

func (l *oldestFirst[T]) unlink(m *member[T]) {
	if !m.listed {
		return
	}
	if m.prev != nil {
		m.prev.next = m.next
	} else {
		l.first = m.next
	}
	if m.next != nil {
		m.next.prev = m.prev
	} else {
		l.last = m.prev
	}
	m.prev, m.next, m.listed = nil, nil, false
	l.count--
}

// endOldest ends the oldest member and reports whether there was one.
func (l *oldestFirst[T]) endOldest() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.first == nil {
		return false
	}
	l.endFirst()
	return true
}

// endAll ends all members, and those that are added later.
func (l *oldestFirst[T]) endAll() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.limit = 0
	for l.first != nil {
		l.endFirst()
	}
}

func (l *oldestFirst[T]) endFirst() {
	m := l.first
	l.unlink(m)
	l.end(m.value)
}
