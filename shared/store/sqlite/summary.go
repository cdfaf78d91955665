package sqlite

import (
	"context"
	"database/sql"
	"fmt"
	"time"

	"github.com/theeye/theeye/shared/store"
)

// Session implements store.Reader.
func (s *Store) Session(ctx context.Context, applications []string, sessionID string) (store.SessionSummary, error) {
	var sum store.SessionSummary
	if none(applications) {
		return sum, nil
	}
	ctx, cancel := s.bounded(ctx)
	defer cancel()
	c := s.where(store.Stored)
	c.applications(applications)
	c.and(`e.session_id = ?`, sessionID)
	var first, last sql.NullInt64
	err := s.readers.QueryRowContext(ctx,
		`SELECT count(*), min(e.timestamp_us), max(e.timestamp_us)
		FROM events e INDEXED BY session_time_v1`+c.text.String(), c.args...).Scan(&sum.Count, &first, &last)
	if err != nil {
		return sum, fmt.Errorf("summarise session: %w", classify(err))
	}
	if sum.Count > 0 {
		sum.First, sum.Last = time.UnixMicro(first.Int64).UTC(), time.UnixMicro(last.Int64).UTC()
	}
	return sum, nil
}

// RejectedSummary implements store.Reader.
func (s *Store) RejectedSummary(ctx context.Context, q store.RejectedQuery) ([]store.RejectedGroup, error) {
	if err := checkLimit(q.Limit); err != nil {
		return nil, fmt.Errorf("summarise rejected events: %w", err)
	}
	if none(q.Applications) {
		return nil, nil
	}
	ctx, cancel := s.bounded(ctx)
	defer cancel()
	c := s.where(store.Rejected)
	rejectedConditions(c, q, `e.received_at`)
	if q.Code != "" {
		c.and(hasReason, q.Code)
	}
	c.args = append(c.args, q.Limit)
	groups, err := s.groups(ctx, `SELECT e.application, e.category, e.name, r.code, r.path,
			count(*) AS n, min(e.received_at), max(e.received_at), min(e.id) AS sample
		FROM events e INDEXED BY rejected_received_v1
		CROSS JOIN reasons r ON r.id = e.id AND r.received_at = e.received_at
			AND r.code IN (SELECT value ->> 'code' FROM json_each(e.errors))`+c.text.String()+`
		GROUP BY 1, 2, 3, 4, 5 ORDER BY n DESC, 1, 2, 3, 4, 5 LIMIT ?`, c.args)
	if err != nil {
		return nil, fmt.Errorf("summarise rejected events: %w", err)
	}
	return groups, nil
}

// groups runs the summary and adds the samples' event_ids.
func (s *Store) groups(ctx context.Context, query string, args []any) ([]store.RejectedGroup, error) {
	query = `SELECT g.*, (SELECT event_id FROM events WHERE id = g.sample) FROM (` + query + `) g
		ORDER BY g.n DESC, 1, 2, 3, 4, 5`
	rows, err := s.readers.QueryContext(ctx, query, args...)
	if err != nil {
		return nil, classify(err)
	}
	defer func() { _ = rows.Close() }()
	var groups []store.RejectedGroup
	for rows.Next() {
		var g store.RejectedGroup
		var first, last int64
		err := rows.Scan(&g.Application, &g.Category, &g.Name, &g.Code, &g.Path,
			&g.Count, &first, &last, &g.SampleID, &g.SampleEventID)
		if err != nil {
			return nil, classify(err)
		}
		g.First, g.Last = time.UnixMilli(first).UTC(), time.UnixMilli(last).UTC()
		groups = append(groups, g)
	}
	return groups, classify(rows.Err())
}
