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
	statement, args := s.sessionStatement(&q)
	groups, err := s.readGroups(ctx, statement, args)
	if err != nil {
		return nil, fmt.Errorf("summarise session: %w", err)
	}
	return groups, nil
}

// readGroups runs a statement and reads one group from each row.
func (s *Store) readGroups(ctx context.Context, statement string, args []any) ([]query.Group, error) {
	ctx, cancel := s.withDeadline(ctx)
	defer cancel()
	var groups []query.Group
	err := s.eachRow(ctx, statement, args, func(rows *sql.Rows) error {
		g, err := scanSession(rows)
		if err != nil {
			return classify(err)
		}
		if g.Stored > 0 {
			groups = append(groups, g)
		}
		return nil
	})
	return groups, err
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
