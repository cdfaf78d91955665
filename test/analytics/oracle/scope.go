package oracle

import (
	"slices"
	"time"
)

// Scope selects stored events.
type Scope struct {
	// Applications are those that the asker reads.
	Applications            []string
	Category, Name, Session string
	Filters                 []Filter
	From, To                time.Time
	Zone                    *time.Location
}

// World is the list of the events sent, with their outcomes, at a moment.
type World struct {
	Events []*Event
	// Now is the time that decides which events have expired.
	Now time.Time
}

func (w *World) alive(e *Event) bool { return e.Expires.IsZero() || e.Expires.After(w.Now) }

// stored returns the stored events of applications, in order.
func (w *World) stored(applications []string) []*Event {
	var list []*Event
	for _, e := range w.Events {
		if len(e.Reasons) == 0 && w.alive(e) && slices.Contains(applications, e.Application) {
			list = append(list, e)
		}
	}
	sortEvents(list)
	return list
}

// matches reports whether an event is selected, whatever its time.
func (s *Scope) matches(e *Event) bool {
	return (s.Category == "" || s.Category == e.Category) && (s.Name == "" || s.Name == e.Name) &&
		(s.Session == "" || s.Session == e.Session) && matchesAll(s.Filters, e)
}

// Shows reports whether a live stream of the scope shows the outcome of an event.
func (s *Scope) Shows(e *Event) bool {
	return slices.Contains(s.Applications, e.Application) && s.matches(e)
}

// within reports whether the time of an event is in the range.
func (s *Scope) within(e *Event) bool { return !e.Timestamp.Before(s.From) && e.Timestamp.Before(s.To) }

// selected returns the events of a scope, in order.
func (w *World) selected(s *Scope) []*Event {
	return slices.DeleteFunc(w.stored(s.Applications), func(e *Event) bool { return !s.within(e) || !s.matches(e) })
}

// Export returns the events of a scope, in order.
func (w *World) Export(s *Scope) []*Event { return w.selected(s) }

// Selected returns the ids of the events of a scope, in order.
func (w *World) Selected(s *Scope) []string {
	ids := []string{}
	for _, e := range w.selected(s) {
		ids = append(ids, e.Application+"/"+e.ID)
	}
	return ids
}

// floor returns the start of the interval in which an instant lies.
func floor(unit string, t time.Time, zone *time.Location) time.Time {
	l := t.In(zone)
	switch unit {
	case "minute":
		return l.Add(-time.Duration(l.Second())*time.Second - time.Duration(l.Nanosecond()))
	case "hour":
		return l.Add(-time.Duration(l.Minute())*time.Minute - time.Duration(l.Second())*time.Second - time.Duration(l.Nanosecond()))
	case "day":
		return time.Date(l.Year(), l.Month(), l.Day(), 0, 0, 0, 0, zone)
	case "week":
		return time.Date(l.Year(), l.Month(), l.Day()-(int(l.Weekday())+6)%7, 0, 0, 0, 0, zone)
	}
	return time.Date(l.Year(), l.Month(), 1, 0, 0, 0, 0, zone)
}

// next returns the start of the nth interval after one.
func next(unit string, start time.Time, n int) time.Time {
	y, m, d := start.Date()
	zone := start.Location()
	switch unit {
	case "minute":
		return start.Add(time.Duration(n) * time.Minute)
	case "hour":
		return start.Add(time.Duration(n) * time.Hour)
	case "day":
		return time.Date(y, m, d+n, 0, 0, 0, 0, zone)
	case "week":
		return time.Date(y, m, d+7*n, 0, 0, 0, 0, zone)
	}
	return time.Date(y, m+time.Month(n), 1, 0, 0, 0, 0, zone)
}

// intervals returns the starts of those that a range touches, and the end of the last.
func intervals(unit string, from, to time.Time, zone *time.Location) (starts []time.Time) {
	first := floor(unit, from, zone)
	for i := 0; ; i++ {
		starts = append(starts, next(unit, first, i))
		if !starts[i].Before(to) {
			return starts
		}
	}
}
