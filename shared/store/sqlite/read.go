package sqlite

import (
	"context"
	"database/sql"
	"fmt"
	"time"

	"github.com/theeye/theeye/shared/store"
)

// Events implements store.Reader.
func (s *Store) Events(ctx context.Context, q store.EventQuery) ([]*store.Document, error) {
	if err := checkLimit(q.Limit); err != nil {
		return nil, fmt.Errorf("find events: %w", err)
	}
	if none(q.Applications) {
		return nil, nil
	}
	query, args := s.eventsQuery(q)
	docs, err := s.documents(ctx, query, args)
	if err != nil {
		return nil, fmt.Errorf("find events: %w", err)
	}
	return docs, nil
}

// eventsQuery names the index, because without statistics SQLite guesses.
func (s *Store) eventsQuery(q store.EventQuery) (string, []any) {
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
	c.behind(clock, `e.id`, q.After, q.Descending, time.Microsecond)
	order := c.order(clock, `e.id`, q.Descending, q.Limit)
	return `SELECT ` + qualified + ` FROM events e` + eventIndex(q) + c.text.String() + order, c.args
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
	query, args := s.rejectedQuery(q)
	docs, err := s.documents(ctx, query, args)
	if err != nil {
		return nil, fmt.Errorf("find rejected events: %w", err)
	}
	return docs, nil
}

func (s *Store) rejectedQuery(q store.RejectedQuery) (string, []any) {
	clock, from, group := `e.received_at`, `events e INDEXED BY rejected_received_v1`, ""
	c := s.where(store.Rejected)
	switch {
	case q.EventID != "":
		from = `events e INDEXED BY rejected_event_id_v1`
		if q.Code != "" {
			c.and(hasReason, q.Code)
		}
	case q.Code != "":
		// In the order of reasons, where an event stands once for each path.
		clock, group = `r.received_at`, ` GROUP BY r.received_at, r.id`
		from = `reasons r CROSS JOIN events e ON e.id = r.id`
		c.and(`r.code = ?`, q.Code)
	}
	rejectedConditions(c, q, clock)
	id := `e.id`
	if group != "" {
		id = `r.id`
	}
	c.behind(clock, id, q.After, q.Descending, time.Millisecond)
	order := c.order(clock, id, q.Descending, q.Limit)
	return `SELECT ` + qualified + ` FROM ` + from + c.text.String() + group + order, c.args
}

// hasReason is the condition that a code is among the reasons of an event.
const hasReason = `EXISTS (SELECT 1 FROM reasons m WHERE m.code = ? AND m.received_at = e.received_at AND m.id = e.id)`

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

var heldStatement = amongIDs(`id, content_hash, epoch, seq, revision, status, errors, expires_at`)

// Held implements store.Reader.
func (s *Store) Held(ctx context.Context, ids []string) (map[string]store.Held, error) {
	if len(ids) > maxLookup {
		return nil, fmt.Errorf("%w: %d ids are over %d", store.ErrInvalidQuery, len(ids), maxLookup)
	}
	held := make(map[string]store.Held, len(ids))
	err := s.holding(ctx, heldStatement, ids, func(rows *sql.Rows) error {
		var id string
		var h store.Held
		var faults []byte
		var expires sql.NullInt64
		err := rows.Scan(&id, &h.ContentHash, &h.Origin.Epoch, &h.Origin.Seq, &h.Revision, &h.Status, &faults, &expires)
		if err != nil {
			return classify(err)
		}
		if expires.Valid {
			h.ExpiresAt = time.UnixMilli(expires.Int64).UTC()
		}
		h.Errors, err = reasons(faults, id)
		held[id] = h
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("read what is held: %w", err)
	}
	return held, nil
}
