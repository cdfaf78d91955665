package queryapi

import (
	"context"
	"net/http"

	"github.com/theeye/theeye/shared/event"
	storequery "github.com/theeye/theeye/shared/query"
	"github.com/theeye/theeye/shared/store"
)

// timeline is what is known of one session, and a page of its events.
type timeline struct {
	summary     storequery.Group
	entry, exit *store.Document
	page        page
}

// session answers GET /v1/sessions/{session_id}: one session's stored events
// in order of occurrence, under a summary of the whole session.
func (s *Service) session(w http.ResponseWriter, r *http.Request, who scope) error {
	segment, err := pathSegment(r, pathSessions)
	if err != nil {
		return err
	}
	q, err := parseQuery(r.URL.RawQuery, sessionParams)
	if err != nil {
		return err
	}
	id, ok := event.ParseUUID(segment)
	if !ok {
		return badRequest(codeInvalidParameter, "session_id must be a UUID in the form xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx")
	}
	q.sessionID = id
	after, err := q.position(callSession)
	if err != nil {
		return err
	}
	apps, err := who.restrict(q.application)
	if err != nil {
		return err
	}
	t, err := s.timeline(r.Context(), &q, apps, after)
	if err != nil {
		return err
	}
	if t.summary.Stored == 0 {
		return notFound("no stored event has this session_id")
	}
	t.render(w, id)
	return nil
}

// timeline reads a page of a session and what summarises it. A session that
// fits in its first page, as most do, is summarised from the page alone.
func (s *Service) timeline(ctx context.Context, q *query, apps []string, after *storequery.Position) (timeline, error) {
	eq := storequery.Events{Filter: storequery.Filter{Applications: apps, SessionID: q.sessionID}}
	p, err := s.eventPages(callSession, q, eq).page(ctx, after)
	if err != nil {
		return timeline{}, err
	}
	t := timeline{page: p}
	if after == nil && p.next == "" {
		if n := len(p.docs); n > 0 {
			t.entry, t.exit = p.docs[0], p.docs[n-1]
			t.summary = storequery.Group{Stored: int64(n), First: t.entry.Timestamp, Last: t.exit.Timestamp}
		}
		return t, nil
	}
	groups, err := s.store.Aggregate(ctx, storequery.Aggregate{Filter: eq.Filter, By: storequery.BySession, Limit: 1})
	if err != nil || len(groups) == 0 {
		return t, err
	}
	t.summary = groups[0]
	if t.entry, err = s.end(ctx, eq, false); err != nil {
		return t, err
	}
	t.exit, err = s.end(ctx, eq, true)
	return t, err
}

// end reads the first event of a query, or the last one.
func (s *Service) end(ctx context.Context, eq storequery.Events, last bool) (*store.Document, error) {
	eq.Limit, eq.Descending = 1, last
	docs, err := s.store.Find(ctx, eq)
	if err != nil || len(docs) == 0 {
		return nil, err
	}
	return docs[0], nil
}

func (t *timeline) render(w http.ResponseWriter, id string) {
	b := newBody(w)
	b.open('{')
	b.text("session_id", id)
	b.time("first", t.summary.First)
	b.time("last", t.summary.Last)
	b.number("duration_ms", t.summary.Last.Sub(t.summary.First).Milliseconds())
	b.number("count", t.summary.Stored)
	b.landmark("entry", t.entry)
	b.landmark("exit", t.exit)
	b.documents(t.page)
	b.close('}')
	b.send()
}

// landmark writes the first or the last event of a session, or null where it
// expired meanwhile.
func (b *body) landmark(name string, d *store.Document) {
	if d == nil {
		b.raw(name, []byte("null"))
		return
	}
	b.member(name)
	b.open('{')
	b.text("event_id", d.EventID)
	b.text("application", d.Application)
	b.text("category", d.Category)
	b.text("name", d.Name)
	b.time("timestamp", d.Timestamp)
	b.close('}')
}
