package query

import (
	"errors"
	"fmt"
	"time"
)

// Upper bounds of what one question may ask for.
const (
	// MaxEvents is the highest Events.Limit.
	MaxEvents = 1000
	// MaxTypes bounds a list of types.
	MaxTypes = 10_000
	// MaxIDs is the highest number of ids in one lookup.
	MaxIDs = 10_000
)

// ErrInvalid reports a question that is outside of its documented bounds. The
// fault is the caller's.
var ErrInvalid = errors.New("query is outside of its bounds")

// Filter selects events. Zero fields do not restrict.
type Filter struct {
	// Applications lists the applications to search: nil is every application,
	// an empty list none.
	Applications []string
	SessionID    string
	Category     string
	Name         string
	// EventID should come with Applications: the two together are indexed,
	// EventID alone is not.
	EventID string
	// Code must be among the errors of a rejected event.
	Code string
	// Path, unless it is nil, must be that of an error with this Code; "" is the event
	// itself.
	Path *string
	// From is inclusive, To exclusive. The question says which time they are
	// compared with.
	From, To time.Time
}

// MatchesNothing reports whether the filter is limited to no application at all.
func (f *Filter) MatchesNothing() bool { return f.Applications != nil && len(f.Applications) == 0 }

// Position is the place of an event in the order of a page.
type Position struct {
	// Time is the event's Timestamp, or its ReceivedAt among rejected events.
	Time time.Time
	ID   string
}

// Events asks for a page of stored events in the order (Timestamp, ID), or of
// rejected events in the order (ReceivedAt, ID). From and To are compared with
// the same time.
type Events struct {
	Filter
	// Rejected selects rejected events instead of stored ones.
	Rejected   bool
	Descending bool
	// After is the position of the last event of the page before; nil starts at
	// the beginning.
	After *Position
	// Limit is 1 to MaxEvents.
	Limit int
	// MaxBytes ends the answer behind the first event with which the sizes of
	// the events reach it, before Limit; 0 does not.
	MaxBytes int
}

// CheckBounds returns an error of class ErrInvalid unless q is within its bounds.
func (q *Events) CheckBounds() error {
	if q.Code != "" && !q.Rejected {
		return fmt.Errorf("%w: stored events have no code", ErrInvalid)
	}
	if q.Path != nil && q.Code == "" {
		return fmt.Errorf("%w: a path without a code", ErrInvalid)
	}
	return checkLimit(q.Limit, MaxEvents)
}

// CheckIDs returns an error of class ErrInvalid where ids are too many for one
// lookup.
func CheckIDs(ids []string) error {
	if len(ids) > MaxIDs {
		return fmt.Errorf("%w: %d ids are over %d", ErrInvalid, len(ids), MaxIDs)
	}
	return nil
}

func checkLimit(limit, most int) error {
	if limit < 1 || limit > most {
		return fmt.Errorf("%w: limit %d is not in 1..%d", ErrInvalid, limit, most)
	}
	return nil
}

// Ceil returns t in units since 1970, rounded up. The unit is a microsecond or a
// millisecond, the precision in which a store keeps a time. A kept time is before
// Ceil(t) exactly when it is before t, so the result serves as either end of a
// range.
func Ceil(t time.Time, unit time.Duration) int64 {
	value, rest := t.UnixMicro(), t.Nanosecond()%int(time.Microsecond)
	if unit == time.Millisecond {
		value, rest = t.UnixMilli(), t.Nanosecond()%int(time.Millisecond)
	}
	if rest != 0 {
		value++
	}
	return value
}
