package events

import (
	"context"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/theeye/theeye/queryapi/access"
	"github.com/theeye/theeye/queryapi/problem"
	"github.com/theeye/theeye/shared/api"
	"github.com/theeye/theeye/shared/event"
	"github.com/theeye/theeye/shared/store"
)

// Event returns the one document of an event, or nil and the pending event if
// it has no outcome yet. Errors are not_found, ambiguous_event, and those of a
// backlog that cannot be searched.
//
// The order of the lookups is what makes not_found mean unknown: the store,
// then the messages without an outcome, then the store once more, for an event
// that was settled between the first two.
func (f *Finder) Event(ctx context.Context, p access.Principal, application, id string) (*store.Document, *Pending, error) {
	if n := utf8.RuneCountInString(id); n < 1 || n > event.MaxIDLength {
		return nil, nil, problem.Newf(api.CodeInvalidParameter, "event_id must be a string of 1 to %d characters", event.MaxIDLength)
	}
	apps, err := p.RestrictToNamed(application)
	if err != nil {
		return nil, nil, err
	}
	if doc, err := f.findDocument(ctx, apps, id); doc != nil || err != nil {
		return doc, nil, err
	}
	found, searchErr := f.backlog.findPending(ctx, apps, id)
	if doc, err := f.findDocument(ctx, apps, id); doc != nil || err != nil {
		return doc, nil, err
	}
	switch {
	case searchErr != nil:
		return nil, nil, searchErr
	case len(found) == 0:
		return nil, nil, problem.NotFound("no event has this event_id")
	case len(found) > 1:
		names := make([]string, len(found))
		for i := range found {
			names[i] = found[i].Application
		}
		return nil, nil, ambiguousEvent(names)
	}
	return nil, &found[0], nil
}

// findDocument returns the one document with an id, nil if there is no such
// document.
func (f *Finder) findDocument(ctx context.Context, apps []string, id string) (*store.Document, error) {
	ids := make([]string, len(apps))
	for i, app := range apps {
		ids[i] = store.DocumentID(app, id)
	}
	docs, err := f.store.Lookup(ctx, ids)
	if err != nil || len(docs) == 0 {
		return nil, err
	}
	if len(docs) > 1 {
		names := make([]string, len(docs))
		for i, d := range docs {
			names[i] = d.Application
		}
		return nil, ambiguousEvent(names)
	}
	return docs[0], nil
}

// ambiguousEvent is the error for an id that several applications have. It
// names a few of those that the token may read.
func ambiguousEvent(applications []string) error {
	const most = 10
	slices.Sort(applications)
	applications = slices.Compact(applications)
	return problem.New(api.CodeAmbiguousEvent,
		"several applications have an event with this event_id; name one by parameter application: "+
			strings.Join(applications[:min(len(applications), most)], ", "))
}
