package events

import (
	"context"

	"github.com/theeye/theeye/queryapi/access"
	"github.com/theeye/theeye/queryapi/problem"
	"github.com/theeye/theeye/shared/api"
	"github.com/theeye/theeye/shared/query"
	"github.com/theeye/theeye/shared/store"
)

// Timeline is the summary of a session, and a page of its events.
type Timeline struct {
	Session api.Session
	Page    Page
}

// Session returns a page of one session's stored events in order of occurrence,
// under a summary of the whole session. Of q it uses Application, SessionID,
// After and Limit. A session that fits in its first page, as most do, is
// summarised from the page alone.
func (f *Finder) Session(ctx context.Context, p access.Principal, q Query) (Timeline, error) {
	apps, err := p.Restrict(q.Application)
	if err != nil {
		return Timeline{}, err
	}
	session := query.Filter{Applications: apps, SessionID: q.SessionID}
	page, err := f.readPage(ctx, query.Events{Filter: session, After: q.After, Limit: q.Limit})
	if err != nil {
		return Timeline{}, err
	}
	var whole query.SessionSummary
	var entry, exit *store.Document
	if n := len(page.Documents); q.After == nil && page.Next == nil {
		if n > 0 {
			entry, exit = page.Documents[0], page.Documents[n-1]
			whole = query.SessionSummary{Count: int64(n), First: entry.Timestamp, Last: exit.Timestamp}
		}
	} else if whole, entry, exit, err = f.summarizeSession(ctx, session); err != nil {
		return Timeline{}, err
	}
	if whole.Count == 0 {
		return Timeline{}, problem.New(api.CodeUnknownSession, "no stored event has this session_id")
	}
	return Timeline{
		Session: api.Session{
			SessionID: q.SessionID, First: api.TimeOf(whole.First), Last: api.TimeOf(whole.Last),
			DurationMS: whole.Last.Sub(whole.First).Milliseconds(), Count: whole.Count,
			Entry: summarizeEvent(entry), Exit: summarizeEvent(exit),
		},
		Page: page,
	}, nil
}

// summarizeSession reads what the page of a long session does not show. Entry
// or exit is nil where it expired after the count.
func (f *Finder) summarizeSession(ctx context.Context, session query.Filter) (
	whole query.SessionSummary, entry, exit *store.Document, err error,
) {
	whole, err = f.store.SummarizeSession(ctx, session.Applications, session.SessionID)
	if err != nil || whole.Count == 0 {
		return whole, nil, nil, err
	}
	if entry, err = f.findFirst(ctx, query.Events{Filter: session, Limit: 1}); err != nil {
		return whole, nil, nil, err
	}
	exit, err = f.findFirst(ctx, query.Events{Filter: session, Limit: 1, Descending: true})
	return whole, entry, exit, err
}

// findFirst reads the first event of a query, nil if there is no event.
func (f *Finder) findFirst(ctx context.Context, q query.Events) (*store.Document, error) {
	docs, err := f.store.Find(ctx, q)
	if err != nil || len(docs) == 0 {
		return nil, err
	}
	return docs[0], nil
}

func summarizeEvent(d *store.Document) *api.EventSummary {
	if d == nil {
		return nil
	}
	return &api.EventSummary{
		EventID: d.EventID, Application: d.Application, Category: d.Category, Name: d.Name, Timestamp: api.TimeOf(d.Timestamp),
	}
}
