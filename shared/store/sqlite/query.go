package sqlite

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/theeye/theeye/shared/store"
)

// Bounds of a page.
const (
	maxPage   = 1000
	maxLookup = 10_000
)

// bounded gives a read without a deadline the store's own.
func (s *Store) bounded(ctx context.Context) (context.Context, context.CancelFunc) {
	if _, ok := ctx.Deadline(); ok {
		return context.WithCancel(ctx)
	}
	return context.WithTimeout(ctx, s.timeout)
}

// conditions is a WHERE clause in the making. No value is ever part of the
// text; partial indexes need the status there.
type conditions struct {
	text strings.Builder
	args []any
}

// where begins the conditions with those of every query.
func (s *Store) where(status store.Status) *conditions {
	c := new(conditions)
	c.text.WriteString(` WHERE e.status = '` + string(status) + `'`)
	c.and(`(e.expires_at IS NULL OR e.expires_at > ?)`, s.now().UnixMilli())
	return c
}

func (c *conditions) and(condition string, args ...any) {
	c.text.WriteString(` AND ` + condition)
	c.args = append(c.args, args...)
}

// equal adds a condition for each value that is not empty.
func (c *conditions) equal(column, value string) {
	if value != "" {
		c.and(column+` = ?`, value)
	}
}

// among adds a condition that an empty list fails.
func (c *conditions) among(column string, values []string) {
	args := make([]any, len(values))
	for i, v := range values {
		args[i] = v
	}
	marks := strings.TrimSuffix(strings.Repeat("?, ", len(values)), ", ")
	c.and(column+` IN (`+marks+`)`, args...)
}

// applications limits to a list, nil being all. With one alone the index by
// application serves.
func (c *conditions) applications(list []string) {
	switch {
	case list == nil:
	case len(list) == 1:
		c.and(`e.application = ?`, list[0])
	default:
		c.among(`e.application`, list)
	}
}

// between adds from <= column < to, where a zero time is open. unit is the
// column's.
func (c *conditions) between(column string, from, to time.Time, unit time.Duration) {
	if !from.IsZero() {
		c.and(column+` >= ?`, ceiling(from, unit))
	}
	if !to.IsZero() {
		c.and(column+` < ?`, ceiling(to, unit))
	}
}

// ceiling returns the first value that is not before t.
func ceiling(t time.Time, unit time.Duration) int64 {
	value, rest := t.UnixMicro(), t.Nanosecond()%1000
	if unit == time.Millisecond {
		value, rest = t.UnixMilli(), t.Nanosecond()%1_000_000
	}
	if rest != 0 {
		value++
	}
	return value
}

// behind adds the keyset condition.
func (c *conditions) behind(clock, id string, after *store.Position, descending bool, unit time.Duration) {
	if after == nil {
		return
	}
	op := ">"
	if descending {
		op = "<"
	}
	at := after.Time.UnixMicro()
	if unit == time.Millisecond {
		at = after.Time.UnixMilli()
	}
	c.and(`(`+clock+`, `+id+`) `+op+` (?, ?)`, at, after.ID)
}

// order returns the order of a page, and its limit as the last argument.
func (c *conditions) order(clock, id string, descending bool, limit int) string {
	direction := ""
	if descending {
		direction = " DESC"
	}
	c.args = append(c.args, limit)
	return ` ORDER BY ` + clock + direction + `, ` + id + direction + ` LIMIT ?`
}

// qualified are columns with the table's alias.
var qualified = "e." + strings.Join(strings.FieldsFunc(columns, func(r rune) bool {
	return r == ',' || r == ' ' || r == '\n' || r == '\t'
}), ", e.")

// documents runs a query for whole documents.
func (s *Store) documents(ctx context.Context, query string, args []any) ([]*store.Document, error) {
	ctx, cancel := s.bounded(ctx)
	defer cancel()
	rows, err := s.readers.QueryContext(ctx, query, args...)
	if err != nil {
		return nil, classify(err)
	}
	defer func() { _ = rows.Close() }()
	var docs []*store.Document
	for rows.Next() {
		d, err := scan(rows)
		if err != nil {
			return nil, err
		}
		docs = append(docs, d)
	}
	return docs, classify(rows.Err())
}

func checkLimit(limit int) error {
	if limit < 1 || limit > maxPage {
		return fmt.Errorf("%w: limit %d is not in 1..%d", store.ErrInvalidQuery, limit, maxPage)
	}
	return nil
}

// none says that a query is limited to no application at all.
func none(applications []string) bool { return applications != nil && len(applications) == 0 }
