package query

import (
	"errors"
	"fmt"
	"strings"
	"time"
)

// Upper bounds of a question for sessions.
const (
	// MaxSessions is the highest Sessions.Limit.
	MaxSessions = 2000
	// MaxSessionTypes bounds Session.Types.
	MaxSessionTypes = 100
)

// ErrTooLarge reports a question whose answer would not fit into its bounds of
// memory. A narrower question is answered.
var ErrTooLarge = errors.New("the answer would be too large")

// Sessions asks for a page of sessions in the order (First, Application,
// SessionID). A session consists of the stored events of one application with
// one session id. Its figures are those of the whole session, also of the events
// outside of the range.
type Sessions struct {
	// Applications lists the applications to search: nil is every application,
	// an empty list none.
	Applications []string
	// SessionID limits to the sessions with this id, one in each application.
	SessionID string
	// Category and Name limit to sessions that have an event of this type;
	// Matched counts such events. Either may be empty.
	Category, Name string
	// From is inclusive, To exclusive. A session is listed if its first event
	// lies in the range, or with Active if any event does. A zero From is open,
	// and so is a zero To.
	From, To time.Time
	Active   bool
	// MinEvents and MinDuration are the least Count, and the least time from
	// First to Last.
	MinEvents   int64
	MinDuration time.Duration
	Descending  bool
	// After is the position of the last session of the page before; nil starts
	// at the beginning.
	After *SessionPosition
	// Limit is 1 to MaxSessions.
	Limit int
}

// CheckBounds returns an error of class ErrInvalid unless q is within its bounds.
func (q *Sessions) CheckBounds() error {
	if q.MinEvents < 0 || q.MinDuration < 0 {
		return fmt.Errorf("%w: a negative least count or duration", ErrInvalid)
	}
	return checkLimit(q.Limit, MaxSessions)
}

// MatchesNothing reports whether the question is limited to no application at all.
func (q *Sessions) MatchesNothing() bool { return q.Applications != nil && len(q.Applications) == 0 }

// SessionKey identifies a session.
type SessionKey struct{ Application, SessionID string }

// SessionPosition is the place of a session in the order of a page.
type SessionPosition struct {
	First time.Time
	SessionKey
}

// Compare orders positions by First, application and session id.
func (p SessionPosition) Compare(other SessionPosition) int {
	if c := p.First.Compare(other.First); c != 0 {
		return c
	}
	if c := strings.Compare(p.Application, other.Application); c != 0 {
		return c
	}
	return strings.Compare(p.SessionID, other.SessionID)
}

// Session is one session as a whole.
type Session struct {
	SessionPosition
	Last  time.Time
	Count int64
	// Matched counts the events of the type that the question names, all events
	// if it names none.
	Matched int64
	// Entry and Exit are the types of the first and the last event in the order
	// (Timestamp, ID).
	Entry, Exit EventType
	// Types counts the events by type, the largest first, then by category and
	// name; at most MaxSessionTypes. TypesOmitted is the number of further types.
	Types        []TypeCount
	TypesOmitted int
}

// EventType is the type of an event.
type EventType struct{ Category, Name string }

// TypeCount counts the events of one type.
type TypeCount struct {
	EventType
	Count int64
}
