package queryapi

import (
	"context"
	"net/http"

	storequery "github.com/theeye/theeye/shared/query"
	"github.com/theeye/theeye/shared/store"
)

// rejected answers GET /v1/rejected: rejected events with their reasons and
// their original bytes, in the order in which they were received.
func (s *Service) rejected(w http.ResponseWriter, r *http.Request, who scope) error {
	q, err := parseQuery(r.URL.RawQuery, rejectedParams)
	if err != nil {
		return err
	}
	after, err := q.position(callRejected)
	if err != nil {
		return err
	}
	rq, err := rejectedQuery(&q, who)
	if err != nil {
		return err
	}
	pages := pager{
		read: func(ctx context.Context, after *storequery.Position, limit int) ([]*store.Document, error) {
			rq.After, rq.Limit = after, limit
			return s.store.Find(ctx, rq)
		},
		position:    byReceived,
		fingerprint: q.fingerprint(callRejected),
		limit:       q.limit,
	}
	p, err := pages.page(r.Context(), after)
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

// rejectedSummary answers GET /v1/rejected/summary: how many events were
// rejected for which reason, the largest group first.
func (s *Service) rejectedSummary(w http.ResponseWriter, r *http.Request, who scope) error {
	q, err := parseQuery(r.URL.RawQuery, summaryParams)
	if err != nil {
		return err
	}
	rq, err := rejectedQuery(&q, who)
	if err != nil {
		return err
	}
	groups, err := s.store.Aggregate(r.Context(), storequery.Aggregate{
		Filter: rq.Filter, By: storequery.ByReason, Limit: q.limit,
	})
	if err != nil {
		return err
	}
	b := newBody(w)
	b.open('{')
	b.member("groups")
	b.open('[')
	for i := range groups {
		b.group(&groups[i])
	}
	b.close(']')
	b.close('}')
	b.send()
	return nil
}

func rejectedQuery(q *query, who scope) (storequery.Events, error) {
	apps, err := who.restrict(q.application)
	return storequery.Events{Filter: storequery.Filter{
		Applications: apps, SessionID: q.sessionID, Category: q.category, Name: q.name,
		EventID: q.eventID, Code: q.code, From: q.from, To: q.to,
	}, Rejected: true, Descending: q.descending}, err
}

// group writes one reason; category and name are absent where the rejected
// events had no valid ones.
func (b *body) group(g *storequery.Group) {
	b.open('{')
	b.text("application", g.Application)
	b.optional("category", g.Category)
	b.optional("name", g.Name)
	b.text("code", g.Code)
	b.text("path", g.Path)
	b.number("count", g.Rejected)
	b.time("first_seen", g.First)
	b.time("last_seen", g.Last)
	b.text("sample_id", g.SampleEventID)
	b.close('}')
	b.flush()
}
