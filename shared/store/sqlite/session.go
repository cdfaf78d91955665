package sqlite

import (
	"context"
	"database/sql"
	"fmt"
	"time"

	"github.com/theeye/theeye/shared/query"
	"github.com/theeye/theeye/shared/store"
)

// SummarizeSession implements store.Reader.
func (s *Store) SummarizeSession(ctx context.Context, applications []string, sessionID string) (sum query.SessionSummary, err error) {
	if session := (query.Filter{Applications: applications}); session.MatchesNothing() {
		return sum, nil
	}
	c := s.where(store.Stored)
	c.addApplications(applications)
	c.and(`e.session_id = ?`, sessionID)
	ctx, cancel := s.withDeadline(ctx)
	defer cancel()
	err = s.eachRow(ctx, `SELECT count(*), min(e.timestamp_us), max(e.timestamp_us)
		FROM events e INDEXED BY session_time_v1`+c.text.String(), c.args, func(rows *sql.Rows) error {
		var first, last sql.NullInt64
		if err := rows.Scan(&sum.Count, &first, &last); err != nil {
			return classify(err)
		}
		if sum.Count > 0 {
			sum.First, sum.Last = time.UnixMicro(first.Int64).UTC(), time.UnixMicro(last.Int64).UTC()
		}
		return nil
	})
	if err != nil {
		return query.SessionSummary{}, fmt.Errorf("summarise session: %w", err)
	}
	return sum, nil
}
