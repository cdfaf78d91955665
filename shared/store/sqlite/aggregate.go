package sqlite

import (
	"context"
	"database/sql"
	"fmt"
	"time"

	"github.com/theeye/theeye/shared/query"
	"github.com/theeye/theeye/shared/store"
)

// Aggregate implements store.Reader.
func (s *Store) Aggregate(ctx context.Context, q query.Aggregate) ([]query.Group, error) {
	if err := q.CheckBounds(); err != nil {
		return nil, fmt.Errorf("aggregate events: %w", err)
	}
	if q.MatchesNothing() {
		return nil, nil
	}
	switch q.By {
	case query.BySession:
		statement, args := s.sessionStatement(&q)
		groups, err := s.readGroups(ctx, statement, args, scanSession)
		if err != nil {
			return nil, fmt.Errorf("summarise session: %w", err)
		}
		return groups, nil
	case query.ByReason:
		statement, args := s.reasonsStatement(&q)
		groups, err := s.readGroups(ctx, statement, args, scanReason)
		if err != nil {
			return nil, fmt.Errorf("summarise rejected events: %w", err)
		}
		return groups, nil
	default:
		statement, args := s.typesStatement(&q)
		groups, err := s.readGroups(ctx, statement, args, scanType)
		if err != nil {
			return nil, fmt.Errorf("count types: %w", err)
		}
		return groups, nil
	}
}

// readGroups runs a statement and reads one group from each row.
func (s *Store) readGroups(
	ctx context.Context, statement string, args []any, scanGroup func(*sql.Rows) (query.Group, error),
) ([]query.Group, error) {
	ctx, cancel := s.withDeadline(ctx)
	defer cancel()
	rows, err := s.readers.QueryContext(ctx, statement, args...)
	if err != nil {
		return nil, classify(err)
	}
	defer func() { _ = rows.Close() }()
	var groups []query.Group
	for rows.Next() {
		g, err := scanGroup(rows)
		if err != nil {
			return nil, classify(err)
		}
		if g.Stored+g.Rejected > 0 {
			groups = append(groups, g)
		}
	}
	return groups, classify(rows.Err())
}

func (s *Store) sessionStatement(q *query.Aggregate) (string, []any) {
	c := s.where(store.Stored)
	c.addApplications(q.Applications)
	c.and(`e.session_id = ?`, q.SessionID)
	return `SELECT count(*), min(e.timestamp_us), max(e.timestamp_us)
		FROM events e INDEXED BY session_time_v1` + c.text.String(), c.args
}

func scanSession(rows *sql.Rows) (g query.Group, err error) {
	var first, last sql.NullInt64
	err = rows.Scan(&g.Stored, &first, &last)
	g.First, g.Last = time.UnixMicro(first.Int64).UTC(), time.UnixMicro(last.Int64).UTC()
	return g, err
}

// reasonsStatement adds the samples' event_ids to the groups.
func (s *Store) reasonsStatement(q *query.Aggregate) (string, []any) {
	c := s.where(store.Rejected)
	c.addApplications(q.Applications)
	c.addFilter(&q.Filter, `e.received_at`, time.Millisecond)
	if q.Code != "" {
		c.and(hasReason, q.Code)
	}
	c.args = append(c.args, q.Limit)
	return `SELECT g.*, (SELECT event_id FROM events WHERE id = g.sample) FROM (
		SELECT e.application, e.category, e.name, r.code, r.path,
			count(*) AS n, min(e.received_at), max(e.received_at), min(e.id) AS sample
		FROM events e INDEXED BY rejected_received_v1
		CROSS JOIN reasons r ON r.id = e.id AND r.received_at = e.received_at
			AND r.code IN (SELECT value ->> 'code' FROM json_each(e.errors))` + c.text.String() + `
		GROUP BY 1, 2, 3, 4, 5 ORDER BY n DESC, 1, 2, 3, 4, 5 LIMIT ?) g
		ORDER BY g.n DESC, 1, 2, 3, 4, 5`, c.args
}

func scanReason(rows *sql.Rows) (g query.Group, err error) {
	var first, last int64
	err = rows.Scan(&g.Application, &g.Category, &g.Name, &g.Code, &g.Path,
		&g.Rejected, &first, &last, &g.SampleID, &g.SampleEventID)
	g.First, g.Last = time.UnixMilli(first).UTC(), time.UnixMilli(last).UTC()
	return g, err
}

// typesStatement reads one index and no event. It goes through the whole index
// in its order, whatever the range: grouping rows that come in another order
// would cost ten times as much.
func (s *Store) typesStatement(q *query.Aggregate) (string, []any) {
	c := s.whereAny()
	c.addApplications(q.Applications)
	c.addRange(`e.received_at`, q.From, q.To, time.Millisecond)
	c.args = append(c.args, q.Limit)
	return `SELECT * FROM (
			SELECT e.category, e.name, sum(e.status = 'stored') AS stored, sum(e.status = 'rejected') AS rejected,
				max(e.received_at)
			FROM events e INDEXED BY type_received_v1` + c.text.String() + ` GROUP BY e.category, e.name)
		ORDER BY stored + rejected DESC, 1, 2 LIMIT ?`, c.args
}

func scanType(rows *sql.Rows) (g query.Group, err error) {
	var last int64
	err = rows.Scan(&g.Category, &g.Name, &g.Stored, &g.Rejected, &last)
	g.Last = time.UnixMilli(last).UTC()
	return g, err
}
