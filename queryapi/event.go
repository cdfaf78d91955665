package queryapi

import (
	"context"
	"net/http"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/theeye/theeye/shared/event"
	"github.com/theeye/theeye/shared/store"
)

// maxLookup bounds the applications in which one id is looked for: what
// store.Reader.Lookup takes.
const maxLookup = 10_000

// event answers GET /v1/events/{event_id}: one event with its outcome.
func (s *Service) event(w http.ResponseWriter, r *http.Request, who scope) error {
	id, err := pathSegment(r, pathEvents)
	if err != nil {
		return err
	}
	q, err := parseQuery(r.URL.RawQuery, eventParams)
	if err != nil {
		return err
	}
	doc, pending, err := s.findEvent(r.Context(), who, q.application, id)
	if err != nil {
		return err
	}
	if doc == nil {
		renderWaiting(w, pending)
		return nil
	}
	b := newBody(w)
	b.document(doc)
	b.send()
	return nil
}

// findEvent returns the one document of an event, or nil and where the event
// waits for its outcome. Errors have their answers: 404, 409, and 503 where the
// backlog cannot be read.
//
// The order of the looks is what makes 404 mean unknown: the store, then what
// the processors have still to settle, then the store once more, for an event
// that was settled between the first two.
func (s *Service) findEvent(ctx context.Context, who scope, application, id string) (*store.Document, waiting, error) {
	if n := utf8.RuneCountInString(id); n < 1 || n > event.MaxIDLength {
		return nil, waiting{}, badRequest(codeInvalidParameter, "event_id must be a text of 1 to %d characters", event.MaxIDLength)
	}
	apps, err := who.named(application)
	if err != nil {
		return nil, waiting{}, err
	}
	if doc, err := s.lookup(ctx, apps, id); doc != nil || err != nil {
		return doc, waiting{}, err
	}
	found, lookErr := s.pending.look(ctx, apps, id)
	if doc, err := s.lookup(ctx, apps, id); doc != nil || err != nil {
		return doc, waiting{}, err
	}
	switch {
	case lookErr != nil:
		return nil, waiting{}, lookErr
	case len(found) == 0:
		return nil, waiting{}, notFound("no event has this event_id")
	case len(found) > 1:
		return nil, waiting{}, ambiguous(found)
	}
	return nil, found[0], nil
}

// lookup returns the one document that holds id, nil if none does.
func (s *Service) lookup(ctx context.Context, apps []string, id string) (*store.Document, error) {
	ids := make([]string, len(apps))
	for i, app := range apps {
		ids[i] = store.DocumentID(app, id)
	}
	docs, err := s.store.Lookup(ctx, ids)
	if err != nil || len(docs) == 0 {
		return nil, err
	}
	if len(docs) > 1 {
		names := make([]waiting, len(docs))
		for i, d := range docs {
			names[i].application = d.Application
		}
		return nil, ambiguous(names)
	}
	return docs[0], nil
}

// ambiguous says that an id exists in several applications, and names at most
// a few of those that the token may see.
func ambiguous(found []waiting) error {
	const most = 10
	names := make([]string, 0, len(found))
	for _, f := range found {
		names = append(names, f.application)
	}
	slices.Sort(names)
	names = slices.Compact(names)
	list := strings.Join(names[:min(len(names), most)], ", ")
	return &failure{
		Status: http.StatusConflict, Code: codeAmbiguousEvent,
		Detail: "several applications have an event with this event_id; name one by parameter application: " + list,
	}
}

// renderWaiting writes an event that is accepted and has no outcome yet.
func renderWaiting(w http.ResponseWriter, found waiting) {
	b := newBody(w)
	b.open('{')
	b.text("event_id", found.eventID)
	b.text("application", found.application)
	b.time("received_at", found.receivedAt)
	b.text("status", "pending")
	b.origin(found.origin)
	b.close('}')
	b.send()
}
