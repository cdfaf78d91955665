package sqlite

import (
	"context"
	"fmt"
	"time"

	"github.com/theeye/theeye/shared/query"
	"github.com/theeye/theeye/shared/store"
)

// Find implements store.Reader.
func (s *Store) Find(ctx context.Context, q query.Events) ([]*store.Document, error) {
	if err := q.CheckBounds(); err != nil {
		return nil, fmt.Errorf("find events: %w", err)
	}
	if q.MatchesNothing() {
		return nil, nil
	}
	if byType(&q) {
		docs, ok, err := s.findByType(ctx, &q)
		if err != nil {
			return nil, fmt.Errorf("find events: %w", err)
		}
		if ok {
			return docs, nil
		}
	}
	statement, args := s.pageStatement(&q)
	docs, err := s.readDocuments(ctx, statement, args, q.MaxBytes)
	if err != nil {
		return nil, fmt.Errorf("find events: %w", err)
	}
	return docs, nil
}

// byType reports whether a question is answered by the types that it names.
func byType(q *query.Events) bool {
	return !q.Rejected && q.SessionID == "" && (q.EventID == "" || q.Applications == nil) && (q.Category != "" || q.Name != "")
}

func (s *Store) pageStatement(q *query.Events) (string, []any) {
	if q.Rejected {
		return s.rejectedStatement(q)
	}
	return s.storedStatement(q)
}

// storedStatement names the index, because without statistics SQLite guesses.
func (s *Store) storedStatement(q *query.Events) (string, []any) {
	const column = `e.timestamp_us`
	c := s.where(store.Stored)
	c.addApplications(q.Applications)
	if q.EventID != "" && q.Applications != nil {
		// The id of a stored event consists of both; no other index has event_id.
		ids := make([]string, len(q.Applications))
		for i, a := range q.Applications {
			ids[i] = store.DocumentID(a, q.EventID)
		}
		c.addIn(`e.id`, ids)
	}
	c.addFilter(&q.Filter, column, time.Microsecond)
	c.addPosition(column, `e.id`, q.After, q.Descending, time.Microsecond)
	order := c.orderBy(column, `e.id`, q.Descending, q.Limit)
	return `SELECT ` + qualifiedColumns + ` FROM events e` + storedIndex(&q.Filter) + c.text.String() + order, c.args
}

// storedIndex names the index that selects the fewest stored events.
func storedIndex(f *query.Filter) string {
	switch {
	case f.EventID != "" && f.Applications != nil:
		return "" // the primary key
	case f.SessionID != "":
		return ` INDEXED BY session_time_v1`
	case len(f.Applications) == 1:
		return ` INDEXED BY application_time_v1`
	default:
		return ` INDEXED BY time_v1`
	}
}

func (s *Store) rejectedStatement(q *query.Events) (string, []any) {
	column, from, group := `e.received_at`, `events e INDEXED BY rejected_received_v1`, ""
	c := s.where(store.Rejected)
	switch {
	case q.EventID != "":
		from = `events e INDEXED BY rejected_event_id_v1`
		if q.Code != "" {
			c.and(hasReason, q.Code, q.Path)
		}
	case q.Code != "":
		// In the order of reasons, where an event has one row for each path.
		column, group = `r.received_at`, ` GROUP BY r.received_at, r.id`
		from = `reasons r CROSS JOIN events e ON e.id = r.id`
		c.and(`r.code = ?`, q.Code)
		if q.Path != nil {
			c.and(`r.path = ?`, *q.Path)
		}
	}
	c.addApplications(q.Applications)
	c.addFilter(&q.Filter, column, time.Millisecond)
	id := `e.id`
	if group != "" {
		id = `r.id`
	}
	c.addPosition(column, id, q.After, q.Descending, time.Millisecond)
	order := c.orderBy(column, id, q.Descending, q.Limit)
	return `SELECT ` + qualifiedColumns + ` FROM ` + from + c.text.String() + group + order, c.args
}

// hasReason is the condition that a code is among the reasons of an event, at a path unless
// that is nil.
const hasReason = `EXISTS (SELECT 1 FROM reasons m WHERE m.code = ? AND m.received_at = e.received_at AND m.id = e.id
	AND m.path = coalesce(?, m.path))`
