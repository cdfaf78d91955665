package events

import (
	"context"

	"github.com/theeye/theeye/queryapi/access"
	"github.com/theeye/theeye/shared/query"
	"github.com/theeye/theeye/shared/query/filter"
	"github.com/theeye/theeye/shared/store"
)

// Query selects events for a principal. The Finder sets Applications and
// Rejected; a caller leaves them zero.
type Query struct {
	// Application is the one application to search, "" for all that the
	// principal may read.
	Application string
	// Filters decide which of the events that the rest selects are answered.
	Filters filter.Filter
	query.Events
}

// Events returns a page of stored events in the order of their timestamps.
func (f *Finder) Events(ctx context.Context, p access.Principal, q Query) (Page, error) {
	var err error
	narrow(&q.Events, q.Filters)
	q.Applications, err = p.Restrict(q.Application)
	if q.EventID != "" && err == nil {
		// The store finds ids by application.
		q.Applications, err = p.RestrictToNamed(q.Application)
	}
	if err != nil {
		return Page{}, err
	}
	return f.findPage(ctx, q)
}

// Rejected returns a page of rejected events, with their reasons and their
// original bytes, in the order in which they were received.
func (f *Finder) Rejected(ctx context.Context, p access.Principal, q Query) (Page, error) {
	var err error
	if q.Applications, err = p.Restrict(q.Application); err != nil {
		return Page{}, err
	}
	q.Rejected = true
	narrow(&q.Events, q.Filters)
	return f.findPage(ctx, q)
}

// findPage reads a page of the events that match the filters of a query.
func (f *Finder) findPage(ctx context.Context, q Query) (Page, error) {
	if len(q.Filters) == 0 {
		return f.readPage(ctx, q.Events)
	}
	q.Applications = namedApplications(q.Applications, q.Filters)
	return f.matchPage(ctx, q.Events, q.Filters)
}

// readPage reads a page of events.
func (f *Finder) readPage(ctx context.Context, q query.Events) (Page, error) {
	pages := f.pagerOf(q)
	return pages.read(ctx, q.After)
}

// pagerOf returns the pager of a query.
func (f *Finder) pagerOf(q query.Events) *pager {
	pages := &pager{
		fetch: func(ctx context.Context, after *query.Position, n, maxBytes int) ([]*store.Document, error) {
			q.After, q.Limit, q.MaxBytes = after, n, maxBytes
			return f.store.Find(ctx, q)
		},
		position: timestampPosition,
		limit:    q.Limit,
	}
	if q.Rejected {
		pages.position = receivedPosition
	}
	return pages
}
