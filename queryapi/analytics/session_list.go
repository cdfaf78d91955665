package analytics

import (
	"bytes"
	"cmp"
	"slices"
	"strings"
	"sync"
)

// sessionList keeps the first sessions in the order of a page, one more than it holds.
// It is safe for concurrent use.
type sessionList struct {
	q        *SessionsQuery
	from, to int64
	after    *listedSession

	mu sync.Mutex
	// kept is in no order; it is cut when it has twice the room that is needed.
	kept []listedSession
	// last is the greatest session of kept after a cut.
	last *listedSession
}

func newSessionList(q *SessionsQuery) *sessionList {
	l := &sessionList{q: q}
	l.from, l.to = microRange(q.From, q.To)
	if p := q.After; p != nil {
		l.after = &listedSession{application: p.Application, id: parseSessionID(p.SessionID)}
		l.after.first = p.First.UnixMicro()
	}
	return l
}

// compareSessions orders sessions as a page.
func (l *sessionList) compareSessions(a, b *listedSession) int {
	c := cmp.Or(cmp.Compare(a.first, b.first), strings.Compare(a.application, b.application), bytes.Compare(a.id[:], b.id[:]))
	if l.q.Descending {
		return -c
	}
	return c
}

// isListed reports whether a session has what the question asks of it.
func (l *sessionList) isListed(s *sessionFigures) bool {
	if s.count < max(l.q.MinEvents, 1) || s.matched == 0 || s.last-s.first < l.q.MinDuration.Microseconds() {
		return false
	}
	if l.q.Active {
		return s.active
	}
	return l.from <= s.first && s.first < l.to
}

// addListed keeps a session if it is listed and belongs to the page.
func (l *sessionList) addListed(s *listedSession) {
	if !l.isListed(&s.sessionFigures) || l.after != nil && l.compareSessions(s, l.after) <= 0 {
		return
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.last != nil && l.compareSessions(s, l.last) > 0 {
		return
	}
	l.kept = append(l.kept, *s)
	if len(l.kept) >= 2*(l.q.Limit+1) {
		l.cut()
	}
}

// cut drops what lies behind the page and one more.
func (l *sessionList) cut() {
	slices.SortFunc(l.kept, func(a, b listedSession) int { return l.compareSessions(&a, &b) })
	if room := l.q.Limit + 1; len(l.kept) >= room {
		l.kept = l.kept[:room]
		last := l.kept[room-1]
		l.last = &last
	}
}

// sorted returns the kept sessions: at most one more than the page holds.
func (l *sessionList) sorted() []listedSession {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.cut()
	return l.kept
}
