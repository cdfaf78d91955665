package sqlite

import (
	"context"
	"database/sql"
	"strings"
	"time"

	"github.com/theeye/theeye/shared/query"
	"github.com/theeye/theeye/shared/store"
)

// withDeadline gives a read without a deadline the store's own.
func (s *Store) withDeadline(ctx context.Context) (context.Context, context.CancelFunc) {
	if _, ok := ctx.Deadline(); ok {
		return context.WithCancel(ctx)
	}
	return context.WithTimeout(ctx, s.timeout)
}

// conditions builds a WHERE clause. No value is ever part of the text, except
// the status, which partial indexes need there.
type conditions struct {
	text strings.Builder
	args []any
}

// where begins the conditions of a query for one status.
func (s *Store) where(status store.Status) *conditions {
	c := new(conditions)
	c.text.WriteString(` WHERE e.status = '` + string(status) + `'`)
	c.and(`(e.expires_at IS NULL OR e.expires_at > ?)`, s.now().UnixMilli())
	return c
}

// whereAny begins the conditions of a query for events of either status.
func (s *Store) whereAny() *conditions {
	c := new(conditions)
	c.text.WriteString(` WHERE (e.expires_at IS NULL OR e.expires_at > ?)`)
	c.args = append(c.args, s.now().UnixMilli())
	return c
}

func (c *conditions) and(condition string, args ...any) {
	c.text.WriteString(` AND ` + condition)
	c.args = append(c.args, args...)
}

// addEqual adds a condition for each value that is not empty.
func (c *conditions) addEqual(column, value string) {
	if value != "" {
		c.and(column+` = ?`, value)
	}
}

// addIn adds a condition that an empty list fails.
func (c *conditions) addIn(column string, values []string) {
	args := make([]any, len(values))
	for i, v := range values {
		args[i] = v
	}
	marks := strings.TrimSuffix(strings.Repeat("?, ", len(values)), ", ")
	c.and(column+` IN (`+marks+`)`, args...)
}

// addApplications limits to a list, where nil is every application. A list of one
// becomes an equality, which the index by application serves.
func (c *conditions) addApplications(list []string) {
	switch {
	case list == nil:
	case len(list) == 1:
		c.and(`e.application = ?`, list[0])
	default:
		c.addIn(`e.application`, list)
	}
}

// addRange adds from <= column < to, where a zero time is open. unit is the
// precision of the column.
func (c *conditions) addRange(column string, from, to time.Time, unit time.Duration) {
	if !from.IsZero() {
		c.and(column+` >= ?`, query.Ceil(from, unit))
	}
	if !to.IsZero() {
		c.and(column+` < ?`, query.Ceil(to, unit))
	}
}

// addFilter adds the conditions of a filter that are columns of events, and its
// range of the time column.
func (c *conditions) addFilter(f *query.Filter, column string, unit time.Duration) {
	c.addEqual(`e.session_id`, f.SessionID)
	c.addEqual(`e.category`, f.Category)
	c.addEqual(`e.name`, f.Name)
	c.addEqual(`e.event_id`, f.EventID)
	c.addRange(column, f.From, f.To, unit)
}

// addPosition adds the keyset condition: only events behind the position.
func (c *conditions) addPosition(column, id string, after *query.Position, descending bool, unit time.Duration) {
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
	c.and(`(`+column+`, `+id+`) `+op+` (?, ?)`, at, after.ID)
}

// orderBy returns the order of a page and adds its limit as the last argument.
func (c *conditions) orderBy(column, id string, descending bool, limit int) string {
	direction := ""
	if descending {
		direction = " DESC"
	}
	c.args = append(c.args, limit)
	return ` ORDER BY ` + column + direction + `, ` + id + direction + ` LIMIT ?`
}

// qualifiedColumns are columns with the table's alias.
var qualifiedColumns = "e." + strings.Join(strings.FieldsFunc(columns, func(r rune) bool {
	return r == ',' || r == ' ' || r == '\n' || r == '\t'
}), ", e.")

// readDocuments runs a statement that returns whole documents.
func (s *Store) readDocuments(ctx context.Context, statement string, args []any, maxBytes int) ([]*store.Document, error) {
	ctx, cancel := s.withDeadline(ctx)
	defer cancel()
	rows, err := s.readers.QueryContext(ctx, statement, args...)
	if err != nil {
		return nil, classify(err)
	}
	return scanDocuments(rows, maxBytes)
}

// scanDocuments reads the rows until their documents have maxBytes, or all of them
// with 0, and closes them.
func scanDocuments(rows *sql.Rows, maxBytes int) (docs []*store.Document, err error) {
	defer func() { _ = rows.Close() }()
	size := 0
	for (maxBytes == 0 || size < maxBytes) && rows.Next() {
		d, err := scanDocument(rows)
		if err != nil {
			return nil, err
		}
		docs, size = append(docs, d), size+d.Size()
	}
	return docs, classify(rows.Err())
}
