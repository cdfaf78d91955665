package sqlite

import (
	"context"
	"fmt"
	"time"

	"github.com/theeye/theeye/shared/store"
)

// Events implements store.Reader. The index is named, because without
// statistics SQLite guesses.
func (s *Store) Events(ctx context.Context, q store.EventQuery) ([]*store.Document, error) {
	if err := checkLimit(q.Limit); err != nil {
		return nil, fmt.Errorf("find events: %w", err)
	}
	if none(q.Applications) {
		return nil, nil
	}
	const clock = `e.timestamp_us`
	c := s.where(store.Stored)
	c.applications(q.Applications)
	if q.EventID != "" && q.Applications != nil {
		// A stored event's id is made of both; no other index holds event_id.
		ids := make([]string, len(q.Applications))
		for i, a := range q.Applications {
			ids[i] = store.DocumentID(a, q.EventID)
		}
		c.among(`e.id`, ids)
	}
	c.equal(`e.session_id`, q.SessionID)
	c.equal(`e.category`, q.Category)
	c.equal(`e.name`, q.Name)
	c.equal(`e.event_id`, q.EventID)
	c.between(clock, q.From, q.To, time.Microsecond)
	c.behind(clock, q.After, q.Descending, time.Microsecond)
	order := c.order(clock, "", q.Descending, q.Limit)
	docs, err := s.documents(ctx, `SELECT `+qualified+` FROM events e`+eventIndex(q)+c.text.String()+order, c.args)
	if err != nil {
		return nil, fmt.Errorf("find events: %w", err)
	}
	return docs, nil
}

// eventIndex names the index that selects the fewest events.
func eventIndex(q store.EventQuery) string {
	switch {
	case q.EventID != "" && q.Applications != nil:
		return "" // the primary key
	case q.SessionID != "":
		return ` INDEXED BY session_time_v1`
	case q.Category != "":
		return ` INDEXED BY category_time_v1`
	case len(q.Applications) == 1:
		return ` INDEXED BY application_time_v1`
	default:
		return ` INDEXED BY time_v1`
	}
}

// Rejected implements store.Reader.
func (s *Store) Rejected(ctx context.Context, q store.RejectedQuery) ([]*store.Document, error) {
	if err := checkLimit(q.Limit); err != nil {
		return nil, fmt.Errorf("find rejected events: %w", err)
	}
	if none(q.Applications) {
		return nil, nil
	}
	clock, from, group := `e.received_at`, `events e INDEXED BY rejected_received_v1`, ""
	c := s.where(store.Rejected)
	switch {
	case q.EventID != "":
		from = `events e INDEXED BY rejected_event_id_v1`
		if q.Code != "" {
			c.and(`EXISTS (SELECT 1 FROM reasons r WHERE r.code = ? AND r.received_at = e.received_at AND r.id = e.id)`, q.Code)
		}
	case q.Code != "":
		// In the order of reasons, where an event stands once for each path.
		clock, group = `r.received_at`, ` GROUP BY r.received_at, r.id`
		from = `reasons r CROSS JOIN events e ON e.id = r.id`
		c.and(`r.code = ?`, q.Code)
	}
	rejectedConditions(c, q, clock)
	c.behind(clock, q.After, q.Descending, time.Millisecond)
	order := c.order(clock, group, q.Descending, q.Limit)
	docs, err := s.documents(ctx, `SELECT `+qualified+` FROM `+from+c.text.String()+order, c.args)
	if err != nil {
		return nil, fmt.Errorf("find rejected events: %w", err)
	}
	return docs, nil
}

// rejectedConditions adds what Rejected and RejectedSummary have in common.
func rejectedConditions(c *conditions, q store.RejectedQuery, clock string) {
	c.applications(q.Applications)
	c.equal(`e.session_id`, q.SessionID)
	c.equal(`e.category`, q.Category)
	c.equal(`e.name`, q.Name)
	c.equal(`e.event_id`, q.EventID)
	c.between(clock, q.From, q.To, time.Millisecond)
}

// Lookup implements store.Reader.
func (s *Store) Lookup(ctx context.Context, ids []string) ([]*store.Document, error) {
	if len(ids) > maxLookup {
		return nil, fmt.Errorf("%w: %d ids are over %d", store.ErrInvalidQuery, len(ids), maxLookup)
	}
	if len(ids) == 0 {
		return nil, nil
	}
	c := new(conditions)
	c.text.WriteString(` WHERE (e.expires_at IS NULL OR e.expires_at > ?)`)
	c.args = append(c.args, s.now().UnixMilli())
	c.among(`e.id`, ids)
	docs, err := s.documents(ctx, `SELECT `+qualified+` FROM events e`+c.text.String(), c.args)
	if err != nil {
		return nil, fmt.Errorf("look up documents: %w", err)
	}
	return docs, nil
}
