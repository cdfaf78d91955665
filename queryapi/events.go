package queryapi

import (
	"context"
	"net/http"

	storequery "github.com/theeye/theeye/shared/query"
	"github.com/theeye/theeye/shared/store"
)

// events answers GET /v1/events: stored events in the order of their
// timestamps.
func (s *Service) events(w http.ResponseWriter, r *http.Request, who scope) error {
	q, err := parseQuery(r.URL.RawQuery, eventsParams)
	if err != nil {
		return err
	}
	after, err := q.position(callEvents)
	if err != nil {
		return err
	}
	eq, err := eventQuery(&q, who)
	if err != nil {
		return err
	}
	p, err := s.eventPages(callEvents, &q, eq).page(r.Context(), after)
	if err != nil {
		return err
	}
	b := newBody(w)
	b.open('{')
	b.documents(p)
	b.close('}')
	b.send()
	return nil
}

// eventQuery is the question to the store. One event_id is looked for in named
// applications, since the store finds ids by application.
func eventQuery(q *query, who scope) (storequery.Events, error) {
	apps, err := who.restrict(q.application)
	if q.eventID != "" && err == nil {
		apps, err = who.named(q.application)
	}
	return storequery.Events{Filter: storequery.Filter{
		Applications: apps, SessionID: q.sessionID, Category: q.category, Name: q.name,
		EventID: q.eventID, From: q.from, To: q.to,
	}, Descending: q.descending}, err
}

// eventPages reads pages of stored events.
func (s *Service) eventPages(call string, q *query, eq storequery.Events) *pager {
	return &pager{
		read: func(ctx context.Context, after *storequery.Position, limit int) ([]*store.Document, error) {
			eq.After, eq.Limit = after, limit
			return s.store.Find(ctx, eq)
		},
		position:    byTimestamp,
		fingerprint: q.fingerprint(call),
		limit:       q.limit,
	}
}
