package events

import (
	"slices"
	"time"

	"github.com/theeye/theeye/shared/event"
	"github.com/theeye/theeye/shared/query"
	"github.com/theeye/theeye/shared/query/filter"
)

// narrow adds to a query what its filters demand of fields by which a store finds
// events in the order of a page, so that less is scanned: any other condition could
// keep the store searching in one portion for longer than the request may take. It
// leaves out no event that matches: the filters decide.
func narrow(q *query.Events, f filter.Filter) {
	ordered := filter.Timestamp
	if q.Rejected {
		ordered = filter.ReceivedAt
	}
	for i := range f {
		if f[i].Field.Name == ordered {
			narrowTime(q, &f[i])
		}
	}
	if q.Rejected {
		return
	}
	if id, ok := event.ParseUUID(equalText(f, filter.SessionID)); ok {
		setEmpty(&q.SessionID, id)
	}
	setEmpty(&q.EventID, equalText(f, filter.EventID))
	if setEmpty(&q.Category, equalText(f, filter.Category)); q.Category != "" {
		setEmpty(&q.Name, equalText(f, filter.EventName))
	}
}

// equalText returns the text that a filter demands of a field, "" if it demands none.
func equalText(f filter.Filter, n filter.Name) string {
	for i := range f {
		if f[i].Field.Name == n && f[i].Op == filter.OpEqual {
			text, _ := f[i].Operand().TextValue()
			return text
		}
	}
	return ""
}

func setEmpty(dst *string, text string) {
	if *dst == "" {
		*dst = text
	}
}

// narrowTime narrows the range to what a condition on its time allows.
func narrowTime(q *query.Events, c *filter.Condition) {
	op, micros, ok := c.Instant()
	if !ok {
		return
	}
	at := time.UnixMicro(micros).UTC()
	switch op {
	case filter.OpGreater, filter.OpGreaterEqual, filter.OpEqual:
		if q.From.Before(at) {
			q.From = at
		}
	}
	switch op {
	case filter.OpLess, filter.OpLessEqual, filter.OpEqual:
		if end := at.Add(time.Microsecond); q.To.IsZero() || end.Before(q.To) {
			q.To = end
		}
	}
}

// namedApplications returns those of applications, where nil is every one, that the
// filters do not exclude.
func namedApplications(applications []string, f filter.Filter) []string {
	name := equalText(f, filter.Application)
	switch {
	case name == "":
		return applications
	case applications != nil && !slices.Contains(applications, name):
		return []string{}
	}
	return []string{name}
}
