package events

import (
	"context"

	"github.com/theeye/theeye/queryapi/access"
	"github.com/theeye/theeye/shared/api"
	"github.com/theeye/theeye/shared/query"
	"github.com/theeye/theeye/shared/store"
)

// Query selects events for a principal. The Finder sets Applications and
// Rejected; a caller leaves them zero.
type Query struct {
	// Application is the one application to search, "" for all that the
	// principal may read.
	Application string
	query.Events
}

// Events returns a page of stored events in the order of their timestamps.
func (f *Finder) Events(ctx context.Context, p access.Principal, q Query) (Page, error) {
	var err error
	q.Applications, err = p.Restrict(q.Application)
	if q.EventID != "" && err == nil {
		// The store finds ids by application.
		q.Applications, err = p.RestrictToNamed(q.Application)
	}
	if err != nil {
		return Page{}, err
	}
	return f.readPage(ctx, q.Events)
}

// Rejected returns a page of rejected events, with their reasons and their
// original bytes, in the order in which they were received.
func (f *Finder) Rejected(ctx context.Context, p access.Principal, q Query) (Page, error) {
	var err error
	if q.Applications, err = p.Restrict(q.Application); err != nil {
		return Page{}, err
	}
	q.Rejected = true
	return f.readPage(ctx, q.Events)
}

// readPage reads a page of events.
func (f *Finder) readPage(ctx context.Context, q query.Events) (Page, error) {
	pages := pager{
		fetch: func(ctx context.Context, after *query.Position, n int) ([]*store.Document, error) {
			q.After, q.Limit = after, n
			return f.store.Find(ctx, q)
		},
		position: timestampPosition,
		limit:    q.Limit,
	}
	if q.Rejected {
		pages.position = receivedPosition
	}
	return pages.read(ctx, q.After)
}

// RejectedSummary counts rejected events by reason, the largest group first. It
// ignores q.After and q.Descending.
func (f *Finder) RejectedSummary(ctx context.Context, p access.Principal, q Query) (api.RejectedSummary, error) {
	var err error
	if q.Applications, err = p.Restrict(q.Application); err != nil {
		return api.RejectedSummary{}, err
	}
	groups, err := f.store.Aggregate(ctx, query.Aggregate{Filter: q.Filter, By: query.ByReason, Limit: q.Limit})
	if err != nil {
		return api.RejectedSummary{}, err
	}
	summary := api.RejectedSummary{Groups: make([]api.RejectedGroup, len(groups))}
	for i, g := range groups {
		summary.Groups[i] = api.RejectedGroup{
			Application: g.Application, Category: g.Category, Name: g.Name, Code: g.Code, Path: g.Path, Count: g.Rejected,
			FirstSeen: api.TimeOf(g.First), LastSeen: api.TimeOf(g.Last), SampleID: g.SampleEventID,
		}
	}
	return summary, nil
}
