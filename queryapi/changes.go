package queryapi

import (
	"context"
	"net/http"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/theeye/theeye/shared/event"
	"github.com/theeye/theeye/shared/registry"
)

// changesPortion is how many changes are read at once: each may bring two
// declarations along.
const changesPortion = 32

// change is a change of the registry in an answer.
type change struct {
	Seq      uint64         `json:"seq"`
	Kind     string         `json:"kind"`
	Category string         `json:"category,omitzero"`
	Name     string         `json:"name,omitzero"`
	Action   string         `json:"action"`
	Revision uint64         `json:"revision"`
	Time     string         `json:"time"`
	Author   string         `json:"author"`
	Note     string         `json:"note,omitzero"`
	Before   jsontext.Value `json:"before,omitzero"`
	After    jsontext.Value `json:"after,omitzero"`
}

// changes answers GET /v1/changes: who changed what in the registry, when and
// why, the newest first.
func (s *Service) changes(w http.ResponseWriter, r *http.Request, _ scope) error {
	q, err := parseQuery(r.URL.RawQuery, changesParams)
	if err != nil {
		return err
	}
	before, err := q.before(callChanges)
	if err != nil {
		return err
	}
	found, more, err := s.changesBefore(r.Context(), &q, before)
	if err != nil {
		return err
	}
	page := struct {
		Changes []change `json:"changes"`
		Next    *string  `json:"next_cursor"`
	}{Changes: make([]change, len(found))}
	for i, c := range found {
		page.Changes[i] = change{
			Seq: c.Seq, Kind: c.Kind, Category: c.Category, Name: c.Name, Action: c.Action, Revision: c.Revision,
			Time: event.FormatTime(c.Time), Author: c.Author, Note: c.Note, Before: c.Before, After: c.After,
		}
	}
	if more {
		page.Next = q.cursorBefore(callChanges, found[len(found)-1].Seq)
	}
	return reply(w, http.StatusOK, 0, page)
}

// changesBefore reads a page of changes, and whether more follow. Like a page
// of events it ends early once it is heavy.
func (s *Service) changesBefore(ctx context.Context, q *query, before uint64) (page []registry.Change, more bool, err error) {
	size := 0
	for {
		want := min(q.limit+1-len(page), changesPortion)
		found, err := s.editor.Changes(ctx, registry.ChangesQuery{Before: before, Limit: want, Kind: q.kind, Name: q.name})
		if err != nil {
			return nil, false, err
		}
		for _, c := range found {
			if len(page) == q.limit || size > maxPageBytes {
				return page, true, nil
			}
			page, size = append(page, c), size+len(c.Before)+len(c.After)
		}
		if len(found) < want {
			return page, false, nil
		}
		before = page[len(page)-1].Seq
	}
}
