package sqlite

import (
	"context"
	"fmt"
	"time"

	"github.com/theeye/theeye/shared/store"
)

// Types implements store.Reader. It reads one index and no event.
func (s *Store) Types(ctx context.Context, q store.TypesQuery) ([]store.TypeSummary, error) {
	if q.Limit < 1 || q.Limit > store.MaxTypes {
		return nil, fmt.Errorf("%w: limit %d is not in 1..%d types", store.ErrInvalidQuery, q.Limit, store.MaxTypes)
	}
	if none(q.Applications) {
		return nil, nil
	}
	query, args := s.typesQuery(q)
	types, err := s.types(ctx, query, args)
	if err != nil {
		return nil, fmt.Errorf("count types: %w", classify(err))
	}
	return types, nil
}

// typesQuery goes through the whole index in its order, whatever the range: to
// group what comes in another order would cost ten times as much.
func (s *Store) typesQuery(q store.TypesQuery) (string, []any) {
	c := new(conditions)
	c.text.WriteString(` WHERE (e.expires_at IS NULL OR e.expires_at > ?)`)
	c.args = append(c.args, s.now().UnixMilli())
	c.applications(q.Applications)
	c.between(`e.received_at`, q.From, q.To, time.Millisecond)
	c.args = append(c.args, q.Limit)
	return `SELECT * FROM (
			SELECT e.category, e.name, sum(e.status = 'stored') AS stored, sum(e.status = 'rejected') AS rejected,
				max(e.received_at)
			FROM events e INDEXED BY type_received_v1` + c.text.String() + ` GROUP BY e.category, e.name)
		ORDER BY stored + rejected DESC, 1, 2 LIMIT ?`, c.args
}

func (s *Store) types(ctx context.Context, query string, args []any) ([]store.TypeSummary, error) {
	ctx, cancel := s.bounded(ctx)
	defer cancel()
	rows, err := s.readers.QueryContext(ctx, query, args...)
	if err != nil {
		return nil, err
	}
	defer func() { _ = rows.Close() }()
	var types []store.TypeSummary
	for rows.Next() {
		var t store.TypeSummary
		var last int64
		if err := rows.Scan(&t.Category, &t.Name, &t.Stored, &t.Rejected, &last); err != nil {
			return nil, err
		}
		t.LastSeen = time.UnixMilli(last).UTC()
		types = append(types, t)
	}
	return types, rows.Err()
}
