package events

import (
	"context"
	"errors"
	"time"

	"github.com/theeye/theeye/queryapi/access"
	"github.com/theeye/theeye/queryapi/problem"
	"github.com/theeye/theeye/shared/api"
	"github.com/theeye/theeye/shared/query"
)

// SessionLister lists sessions. A store does by reading events; a cache of
// columns may do it from its copies of them.
type SessionLister interface {
	Sessions(ctx context.Context, q query.Sessions) ([]query.Session, error)
}

// SessionsQuery selects sessions for a principal. The Finder sets Applications;
// a caller leaves it zero.
type SessionsQuery struct {
	// Application is the one application to search, "" for all that the
	// principal may read.
	Application string
	query.Sessions
}

// Sessions returns a page of sessions, and the position behind it, nil where
// nothing follows. It asks for one session more than the limit.
func (f *Finder) Sessions(ctx context.Context, p access.Principal, q SessionsQuery) (
	page api.SessionPage, next *query.SessionPosition, err error,
) {
	if q.Applications, err = p.Restrict(q.Application); err != nil {
		return page, nil, err
	}
	limit := q.Limit
	q.Limit++
	page = api.SessionPage{From: api.TimeOf(q.From), To: api.TimeOf(q.To), TZ: "UTC", AsOf: api.TimeOf(time.Now())}
	list, err := f.sessions.Sessions(ctx, q.Sessions)
	switch {
	case errors.Is(err, query.ErrTooLarge):
		return page, nil, problem.Wrap(api.CodeAnswerTooLarge, "the sessions have too many types of events; ask for fewer by limit", err)
	case ctx.Err() != nil && err != nil && errors.Is(ctx.Err(), context.DeadlineExceeded):
		return page, nil, problem.Wrap(api.CodeQueryTimeout, timeoutAdvice(q), err)
	case err != nil:
		return page, nil, err
	}
	if len(list) > limit {
		list = list[:limit]
		next = &list[limit-1].SessionPosition
	}
	page.Sessions = make([]api.SessionSummary, len(list))
	for i := range list {
		page.Sessions[i] = sessionSummary(&list[i])
	}
	return page, next, nil
}

// timeoutAdvice says which question costs less.
func timeoutAdvice(q SessionsQuery) string {
	if q.Active {
		return "the query took too long; ask for a shorter time range, or by=started, which need not read the whole range"
	}
	return "the query took too long; ask for a shorter time range, a lower limit, or less of min_events and min_seconds"
}

func sessionSummary(s *query.Session) api.SessionSummary {
	types := make([]api.TypeCount, len(s.Types))
	for i, t := range s.Types {
		types[i] = api.TypeCount{EventType: api.EventType(t.EventType), Count: t.Count}
	}
	return api.SessionSummary{
		SessionID: s.SessionID, Application: s.Application, First: api.TimeOf(s.First), Last: api.TimeOf(s.Last),
		DurationMS: s.Last.Sub(s.First).Milliseconds(), Count: s.Count, Matched: s.Matched,
		Entry: api.EventType(s.Entry), Exit: api.EventType(s.Exit), Types: types, TypesOmitted: s.TypesOmitted,
	}
}
