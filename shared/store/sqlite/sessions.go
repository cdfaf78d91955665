package sqlite

import (
	"context"
	"database/sql"
	"fmt"
	"time"

	"github.com/theeye/theeye/shared/query"
	"github.com/theeye/theeye/shared/store"
	"github.com/theeye/theeye/shared/store/sessions"
)

// Sessions implements store.Reader.
func (s *Store) Sessions(ctx context.Context, q query.Sessions) ([]query.Session, error) {
	list, err := sessions.Read(ctx, s, q)
	if err != nil {
		return nil, fmt.Errorf("list sessions: %w", err)
	}
	return list, nil
}

// SessionStarts implements sessions.Source.
func (s *Store) SessionStarts(
	ctx context.Context, q sessions.Starts, after *query.SessionPosition, n int,
) ([]query.SessionPosition, error) {
	statement, args := s.startsStatement(&q, after, n)
	if q.Before {
		statement, args = s.earlierStatement(&q, after, n)
	}
	ctx, cancel := s.withDeadline(ctx)
	defer cancel()
	var starts []query.SessionPosition
	err := s.eachRow(ctx, statement, args, func(rows *sql.Rows) error {
		var us int64
		var p query.SessionPosition
		if err := rows.Scan(&us, &p.Application, &p.SessionID); err != nil {
			return classify(err)
		}
		p.First = time.UnixMicro(us).UTC()
		starts = append(starts, p)
		return nil
	})
	return starts, err
}

// ofSameSession selects the visible events of the session of an outer row; it
// takes the present time as an argument.
const ofSameSession = ` FROM events p INDEXED BY session_time_v1
	WHERE p.status = 'stored' AND p.session_id = e.session_id AND p.application = e.application
	AND (p.expires_at IS NULL OR p.expires_at > ?)`

// startsStatement reads events in the order of their times, and of them those
// with no earlier event in their session. It stops at the end of the page, and
// sorts only events of one time.
func (s *Store) startsStatement(q *sessions.Starts, after *query.SessionPosition, n int) (string, []any) {
	c := s.whereSessions(q)
	if after != nil {
		c.addSessionPosition(`e.timestamp_us`, `e`, after, q.Descending)
	}
	c.and(`NOT EXISTS (SELECT 1`+ofSameSession+` AND (p.timestamp_us, p.id) < (e.timestamp_us, e.id))`, s.now().UnixMilli())
	order := c.orderSessions(`e.timestamp_us`, `e`, q.Descending, n)
	return `SELECT e.timestamp_us, e.application, e.session_id FROM events e` + sessionsIndex(q) + c.text.String() + order, c.args
}

// earlierStatement reads the whole range: only after its last event it is known
// which of its sessions began first.
func (s *Store) earlierStatement(q *sessions.Starts, after *query.SessionPosition, n int) (string, []any) {
	from := query.Ceil(q.From, time.Microsecond)
	c := s.whereSessions(q)
	now := s.now().UnixMilli()
	ended := conditions{args: append([]any{now}, c.args...)}
	ended.and(`k.first < ?`, from)
	if after != nil {
		ended.addSessionPosition(`k.first`, `k`, after, q.Descending)
	}
	order := ended.orderSessions(`k.first`, `k`, q.Descending, n)
	return `SELECT k.first, k.application, k.session_id FROM (
		SELECT e.application, e.session_id,
			(SELECT p.timestamp_us` + ofSameSession + ` ORDER BY p.timestamp_us, p.id LIMIT 1) AS first
		FROM (SELECT DISTINCT e.application, e.session_id FROM events e` + sessionsIndex(q) + c.text.String() + `) e) k
		WHERE k.first IS NOT NULL` + ended.text.String() + order, ended.args
}

// whereSessions begins the conditions of events in the range of a selection.
func (s *Store) whereSessions(q *sessions.Starts) *conditions {
	c := s.where(store.Stored)
	c.addApplications(q.Applications)
	c.addEqual(`e.session_id`, q.SessionID)
	c.addRange(`e.timestamp_us`, q.From, q.To, time.Microsecond)
	return c
}

func sessionsIndex(q *sessions.Starts) string {
	return storedIndex(&query.Filter{Applications: q.Applications, SessionID: q.SessionID})
}

// addSessionPosition adds the keyset condition, and the bound of time within it,
// which limits the range of the index.
func (c *conditions) addSessionPosition(first, table string, after *query.SessionPosition, descending bool) {
	op := ">"
	if descending {
		op = "<"
	}
	at := after.First.UnixMicro()
	c.and(first+` `+op+`= ?`, at)
	c.and(`(`+first+`, `+table+`.application, `+table+`.session_id) `+op+` (?, ?, ?)`, at, after.Application, after.SessionID)
}

// orderSessions returns the order of a page of sessions and adds its limit as
// the last argument.
func (c *conditions) orderSessions(first, table string, descending bool, n int) string {
	direction := ""
	if descending {
		direction = " DESC"
	}
	c.args = append(c.args, n)
	return ` ORDER BY ` + first + direction + `, ` + table + `.application` + direction + `, ` + table + `.session_id` + direction + ` LIMIT ?`
}

// SessionEvents implements sessions.Source.
func (s *Store) SessionEvents(ctx context.Context, ids []string, yield func(*sessions.Event) error) error {
	c := s.where(store.Stored)
	c.addIn(`e.session_id`, ids)
	ctx, cancel := s.withDeadline(ctx)
	defer cancel()
	const columns = `SELECT e.id, e.application, e.session_id, e.category, e.name, e.timestamp_us
		FROM events e INDEXED BY session_time_v1`
	statement := columns + c.text.String()
	return s.eachRow(ctx, statement, c.args, func(rows *sql.Rows) error {
		var e sessions.Event
		var us int64
		if err := rows.Scan(&e.ID, &e.Application, &e.SessionID, &e.Category, &e.Name, &us); err != nil {
			return classify(err)
		}
		e.Timestamp = time.UnixMicro(us).UTC()
		return yield(&e)
	})
}
