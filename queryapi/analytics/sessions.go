package analytics

import (
	"context"
	"math"
	"time"

	"github.com/google/uuid"

	"github.com/theeye/theeye/queryapi/refresh"
	"github.com/theeye/theeye/shared/api"
	"github.com/theeye/theeye/shared/columns"
	"github.com/theeye/theeye/shared/query"
)

// SessionsQuery asks for a page of sessions in the order (first event, application, session
// id). The figures of a session are those of all its events, also of those outside of
// the range and of those that the scope does not select.
type SessionsQuery struct {
	// Scope selects the sessions that have an event of the category and name that the
	// filter matches. Its range bounds the first event of a session or, with Active, any
	// event.
	Scope
	Active bool
	// MinEvents and MinDuration are the least number of events, and the least time from
	// the first to the last.
	MinEvents   int64
	MinDuration time.Duration
	Descending  bool
	// After is the position behind which the page starts, nil for the first page.
	After *query.SessionPosition
	Limit int
}

// matchedEvent is the bit of an event that the scope selects.
const matchedEvent eventMask = 1

// Need returns the rows that the question is about: a session may have events at any
// time.
func (q *SessionsQuery) Need() refresh.Need { return refresh.Need{Applications: q.Applications} }

// Sessions returns a page of sessions from a snapshot of what the question needs, and
// the position behind it, nil where nothing follows.
func (a *Analytics) Sessions(ctx context.Context, snapshot *columns.Snapshot, q *SessionsQuery) (
	page *api.SessionPage, next *query.SessionPosition, err error,
) {
	page = &api.SessionPage{
		From: api.TimeOf(q.From), To: api.TimeOf(q.To), TZ: q.zone(), AsOf: api.TimeOf(snapshot.AsOf),
		Sessions: []api.SessionSummary{},
	}
	list := newSessionList(q)
	selected := EventSet{Category: q.Category, Name: q.Name, Filter: q.Filter}
	for i := range snapshot.Applications {
		reader := &sessionReader{
			q: q, list: list, cache: &a.crossings, views: &snapshot.Applications[i], nowMillis: snapshot.Now.UnixMilli(),
			marker: newMarker(EventSet{}, q.SessionID, []EventSet{selected}, time.Time{}, time.Time{}),
		}
		if err := reader.listSessions(ctx); err != nil {
			return page, nil, err
		}
	}
	found := list.sorted()
	if len(found) > q.Limit {
		found = found[:q.Limit]
		position := found[q.Limit-1].pagePosition()
		next = &position
	}
	page.Sessions, err = summarizeSessions(ctx, snapshot, found)
	return page, next, err
}

// sessionFigures are the figures of a session that decide whether it is listed. Times
// are in microseconds since 1970.
type sessionFigures struct {
	first, last    int64
	count, matched int64
	// active says that an event lies in the range.
	active bool
}

// listedSession is a session of a page.
type listedSession struct {
	sessionFigures
	application string
	id          [16]byte
}

func (s *listedSession) pagePosition() query.SessionPosition {
	return query.SessionPosition{
		First:      time.UnixMicro(s.first).UTC(),
		SessionKey: query.SessionKey{Application: s.application, SessionID: uuid.UUID(s.id).String()},
	}
}

// addEvent counts an event.
func (f *sessionFigures) addEvent(t int64, mask eventMask, from, to int64) {
	if f.count == 0 {
		f.first, f.last = t, t
	}
	f.first, f.last = min(f.first, t), max(f.last, t)
	f.count++
	f.matched += int64(mask & matchedEvent)
	f.active = f.active || from <= t && t < to
}

// addFigures counts the events of another view.
func (f *sessionFigures) addFigures(other *sessionFigures) {
	if other.count == 0 {
		return
	}
	if f.count == 0 {
		*f = *other
		return
	}
	f.first, f.last = min(f.first, other.first), max(f.last, other.last)
	f.count += other.count
	f.matched += other.matched
	f.active = f.active || other.active
}

// microRange returns a range in microseconds since 1970; a zero time is open.
func microRange(from, to time.Time) (least, end int64) {
	least, end = math.MinInt64, math.MaxInt64
	if !from.IsZero() {
		least = from.UnixMicro()
	}
	if !to.IsZero() {
		end = to.UnixMicro()
	}
	return least, end
}
