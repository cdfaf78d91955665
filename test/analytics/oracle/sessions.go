package oracle

import (
	"cmp"
	"slices"
	"strings"
	"time"
)

// Sessions is a question.
type Sessions struct {
	Scope
	Active, Descending bool
	MinEvents          int
	MinSeconds         int
}

// FormatTime spells an instant as answers do.
func FormatTime(t time.Time) string { return t.UTC().Format("2006-01-02T15:04:05.000000Z") }

// Answer answers it, all pages at once.
func (q *Sessions) Answer(w *World) []any {
	type listed struct {
		first *Event
		row   any
	}
	var list []listed
	for _, events := range bySession(w.stored(q.Applications)) {
		if row := q.row(events); row != nil {
			list = append(list, listed{events[0], row})
		}
	}
	slices.SortFunc(list, func(a, b listed) int {
		c := cmp.Or(a.first.Timestamp.Compare(b.first.Timestamp), strings.Compare(a.first.Application, b.first.Application),
			strings.Compare(a.first.Session, b.first.Session))
		if q.Descending {
			return -c
		}
		return c
	})
	rows := []any{}
	for _, l := range list {
		rows = append(rows, l.row)
	}
	return rows
}

// row is the row of a session, nil if it is not listed.
func (q *Sessions) row(events []*Event) any {
	first, last := events[0], events[len(events)-1]
	matched, active := 0, q.within(first)
	types := map[string]int{}
	for _, e := range events {
		types[e.Category+"\x00"+e.Name]++
		if q.matches(e) {
			matched++
		}
		if q.Active && q.within(e) {
			active = true
		}
	}
	micros := last.Timestamp.UnixMicro() - first.Timestamp.UnixMicro() // a time.Duration spans 292 years
	if matched == 0 || !active || len(events) < q.MinEvents || micros < int64(q.MinSeconds)*1e6 {
		return nil
	}
	return map[string]any{
		"session_id": first.Session, "application": first.Application,
		"first": FormatTime(first.Timestamp), "last": FormatTime(last.Timestamp), "duration_ms": count(int(micros / 1000)),
		"count": count(len(events)), "matched": count(matched), "types": typeCounts(types),
		"entry": map[string]any{"category": first.Category, "name": first.Name},
		"exit":  map[string]any{"category": last.Category, "name": last.Name},
	}
}

func typeCounts(types map[string]int) []any {
	var names []string
	for name := range types {
		names = append(names, name)
	}
	slices.SortFunc(names, func(a, b string) int { return cmp.Or(cmp.Compare(types[b], types[a]), strings.Compare(a, b)) })
	rows := []any{}
	for _, n := range names {
		category, name, _ := strings.Cut(n, "\x00")
		rows = append(rows, map[string]any{"category": category, "name": name, "count": count(types[n])})
	}
	return rows
}

// Timeline returns the ids of the events of one session, and the seconds since the one
// before each.
func (w *World) Timeline(applications []string, session string) (rows []any) {
	var before *Event
	for _, e := range w.stored(applications) {
		if e.Session != session {
			continue
		}
		row := map[string]any{"application": e.Application, "event_id": e.ID, "gap_seconds": nil}
		if before != nil {
			row["gap_seconds"] = seconds(e.Timestamp.Sub(before.Timestamp))
		}
		rows, before = append(rows, row), e
	}
	return rows
}
