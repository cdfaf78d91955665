package httpapi

import (
	"net/http"

	"github.com/theeye/theeye/queryapi/access"
	"github.com/theeye/theeye/shared/api"
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
	page, err := s.events.Events(r.Context(), p, q.Query)
	if err != nil {
		return err
	}
	writePage(w, page.Documents, q.nextCursor(routeEvents, page.Next))
	return nil
}

// listRejected answers GET /v1/rejected: rejected events with their reasons and
// their original bytes, in the order in which they were received.
func (s *service) listRejected(w http.ResponseWriter, r *http.Request, p access.Principal) error {
	q, err := parsePage(r, rejectedParams, routeRejected)
	if err != nil {
		return err
	}
	page, err := s.events.Rejected(r.Context(), p, q.Query)
	if err != nil {
		return err
	}
	writePage(w, page.Documents, q.nextCursor(routeRejected, page.Next))
	return nil
}

// summarizeRejected answers GET /v1/rejected/summary: how many events were
// rejected for which reason.
func (s *service) summarizeRejected(w http.ResponseWriter, r *http.Request, p access.Principal) error {
	q, err := parseParams(r, summaryParams)
	if err != nil {
		return err
	}
	summary, err := s.events.RejectedSummary(r.Context(), p, q.Query)
	if err != nil {
		return err
	}
	return writeJSON(w, http.StatusOK, 0, summary)
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
	return writeTimeline(w, t.Session, t.Page.Documents, q.nextCursor(routeSession, t.Page.Next))
}

// listTypes answers GET /v1/types: every type that was received in a range of
// received time or is registered.
func (s *service) listTypes(w http.ResponseWriter, r *http.Request, p access.Principal) error {
	q, err := parseParams(r, typesParams)
	if err != nil {
		return err
	}
	list, err := s.events.Types(r.Context(), p, q.Query)
	if err != nil {
		return err
	}
	return writeJSON(w, http.StatusOK, 0, list)
}
