package httpapi

import (
	"context"
	"net/http"
	"time"

	"github.com/theeye/theeye/queryapi/access"
	"github.com/theeye/theeye/queryapi/analytics"
	"github.com/theeye/theeye/queryapi/events"
	"github.com/theeye/theeye/shared/api"
	"github.com/theeye/theeye/shared/columns"
	"github.com/theeye/theeye/shared/event"
	"github.com/theeye/theeye/shared/httpserver"
)

// listEvents answers GET /v1/events: stored events in the order of their
// timestamps.
func (s *service) listEvents(w http.ResponseWriter, r *http.Request, p access.Principal) error {
	q, err := parsePage(r, eventsParams, routeEvents)
	if err != nil {
		return err
	}
	return s.answerPage(w, r, p, &q, routeEvents, s.events.Events)
}

// listRejected answers GET /v1/rejected: rejected events with their reasons and
// their original bytes, in the order in which they were received.
func (s *service) listRejected(w http.ResponseWriter, r *http.Request, p access.Principal) error {
	q, err := parsePage(r, rejectedParams, routeRejected)
	if err != nil {
		return err
	}
	return s.answerPage(w, r, p, &q, routeRejected, s.events.Rejected)
}

// answerPage answers with a page that find returns. A page of events that match filters
// may read many more than it shows, so it takes a slot of the statistics.
func (s *service) answerPage(w http.ResponseWriter, r *http.Request, p access.Principal, q *params, route string,
	find func(context.Context, access.Principal, events.Query) (events.Page, error),
) error {
	answer := func(ctx context.Context) error {
		page, err := find(ctx, p, q.Query)
		if err != nil {
			return err
		}
		writePage(w, page.Documents, q.nextCursor(route, page.Next))
		return nil
	}
	if len(q.Filters) == 0 {
		return answer(r.Context())
	}
	return s.workHeavily(r.Context(), p, answer)
}

// summarizeRejected answers GET /v1/rejected/summary: how many events were
// rejected for which reason.
func (s *service) summarizeRejected(w http.ResponseWriter, r *http.Request, p access.Principal) error {
	q, err := parseParams(r, summaryParams)
	if err != nil {
		return err
	}
	in := q.statsInput("rejected")
	asked := analytics.RejectedQuery{
		Applications: in.applications(s, p), Category: q.Category, Name: q.Name, SessionID: q.SessionID, EventID: q.EventID,
		Code: q.Code, From: q.From, To: q.To, Limit: q.Limit, Series: q.series, ByCode: q.byCode,
	}
	if q.series && (q.From.IsZero() || !q.From.Before(q.To)) {
		return httpserver.BadRequest(api.CodeInvalidParameter, "parameter series needs a range: give from and to, the earlier one first")
	}
	if in.err != nil {
		return in.err
	}
	return s.writeAnswer(w, r, p, in, &statsQuestion{
		need: asked.Need(),
		answer: func(ctx context.Context, a *analytics.Analytics, snapshot *columns.Snapshot) (any, error) {
			return a.RejectedSummary(ctx, snapshot, asked)
		},
	})
}

// showEvent answers GET /v1/events/{event_id}: one event with its outcome.
func (s *service) showEvent(w http.ResponseWriter, r *http.Request, p access.Principal) error {
	path, err := pathParams(r, routeEvent)
	if err != nil {
		return err
	}
	q, err := parseParams(r, eventParams)
	if err != nil {
		return err
	}
	doc, pending, err := s.events.Event(r.Context(), p, q.Application, path[0])
	if err != nil {
		return err
	}
	if doc == nil {
		return writeJSON(w, http.StatusOK, 0, api.PendingEvent{
			EventID: pending.EventID, Application: pending.Application, ReceivedAt: api.TimeOf(pending.ReceivedAt),
			Status: api.StatusPending, Origin: api.Origin(pending.Origin),
		})
	}
	writeEvent(w, doc)
	return nil
}

// showTrace answers GET /v1/events/{event_id}/trace: the outcome of one event,
// and those by earlier revisions.
func (s *service) showTrace(w http.ResponseWriter, r *http.Request, p access.Principal) error {
	path, err := pathParams(r, routeTrace)
	if err != nil {
		return err
	}
	if path[0] == "" {
		return httpserver.NoSuchPath()
	}
	q, err := parseParams(r, eventParams)
	if err != nil {
		return err
	}
	trace, err := s.events.Trace(r.Context(), p, q.Application, path[0])
	if err != nil {
		return err
	}
	return writeJSON(w, http.StatusOK, 0, trace)
}

// showSession answers GET /v1/sessions/{session_id}: one session's stored
// events in order of occurrence, under a summary of the whole session.
func (s *service) showSession(w http.ResponseWriter, r *http.Request, p access.Principal) error {
	path, err := pathParams(r, routeSession)
	if err != nil {
		return err
	}
	q, err := parseParams(r, sessionParams)
	if err != nil {
		return err
	}
	id, ok := event.ParseUUID(path[0])
	if !ok {
		return httpserver.BadRequest(api.CodeInvalidParameter, "session_id must be %s", wantUUID)
	}
	q.SessionID = id
	if q.After, err = q.position(routeSession); err != nil {
		return err
	}
	t, err := s.events.Session(r.Context(), p, q.Query)
	if err != nil {
		return err
	}
	var before *time.Time
	if q.After != nil {
		before = &q.After.Time
	}
	return writeTimeline(w, t.Session, t.Page.Documents, before, q.nextCursor(routeSession, t.Page.Next))
}
