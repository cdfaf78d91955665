package sqlite

import (
	"context"
	"database/sql"
	"fmt"
	"strings"
	"sync"
	"time"

	"github.com/theeye/theeye/shared/query"
	"github.com/theeye/theeye/shared/store"
)

// Lookup implements store.Reader.
func (s *Store) Lookup(ctx context.Context, ids []string) ([]*store.Document, error) {
	if err := query.CheckIDs(ids); err != nil {
		return nil, err
	}
	if len(ids) == 0 {
		return nil, nil
	}
	c := s.whereAny()
	c.addIn(`e.id`, ids)
	docs, err := s.readDocuments(ctx, `SELECT `+qualifiedColumns+` FROM events e`+c.text.String(), c.args, 0)
	if err != nil {
		return nil, fmt.Errorf("look up documents: %w", err)
	}
	return docs, nil
}

var heldStatement = selectByIDs(holderColumns + `, status, errors, expires_at`)

// Held implements store.Reader.
func (s *Store) Held(ctx context.Context, ids []string) (map[string]store.Held, error) {
	if err := query.CheckIDs(ids); err != nil {
		return nil, err
	}
	held := make(map[string]store.Held, len(ids))
	err := s.readRows(ctx, heldStatement, ids, func(rows *sql.Rows) error {
		var id string
		var h store.Held
		var faults []byte
		var timestamp, expires sql.NullInt64
		err := rows.Scan(&id, &h.ContentHash, &h.Origin.Epoch, &h.Origin.Seq, &h.Revision, &h.Slot, &timestamp, &h.Status, &faults, &expires)
		if err != nil {
			return classify(err)
		}
		h.Timestamps = spanOf(timestamp, timestamp)
		if expires.Valid {
			h.ExpiresAt = time.UnixMilli(expires.Int64).UTC()
		}
		h.Errors, err = decodeReasons(faults, id)
		held[id] = h
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("read held documents: %w", err)
	}
	return held, nil
}

// idsPerStatement is the number of ids that one statement takes.
const idsPerStatement = 100

// holderColumns are those of a store.Holder.
const holderColumns = `id, content_hash, epoch, seq, revision, ` + effectiveSlot + `, CASE status WHEN 'stored' THEN timestamp_us END`

var holdersStatement = selectByIDs(holderColumns)

// spanOf returns the span of two timestamps of stored events, an empty one of NULL.
func spanOf(first, last sql.NullInt64) store.Span {
	return store.Span{First: first.Int64, Last: last.Int64, Some: first.Valid}
}

func selectByIDs(columns string) string {
	return `SELECT ` + columns + ` FROM events WHERE id IN (?` + strings.Repeat(", ?", idsPerStatement-1) + `)`
}

// Holders implements store.Backend. A reading connection sees everything that
// was committed before it begins, so also the document for which Insert reported a
// duplicate.
func (s *Store) Holders(ctx context.Context, ids []string) (map[string]store.Holder, error) {
	holders := make(map[string]store.Holder, len(ids))
	err := s.readRows(ctx, holdersStatement, ids, func(rows *sql.Rows) error {
		var id string
		var h store.Holder
		var timestamp sql.NullInt64
		if err := rows.Scan(&id, &h.ContentHash, &h.Origin.Epoch, &h.Origin.Seq, &h.Revision, &h.Slot, &timestamp); err != nil {
			return classify(err)
		}
		h.Timestamps = spanOf(timestamp, timestamp)
		holders[id] = h
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("read holders: %w", err)
	}
	return holders, nil
}

// readRows runs a statement of selectByIDs over any number of ids and calls use
// with each row.
func (s *Store) readRows(ctx context.Context, statement string, ids []string, use func(*sql.Rows) error) error {
	ctx, cancel := s.withDeadline(ctx)
	defer cancel()
	for len(ids) > 0 {
		n := min(len(ids), idsPerStatement)
		if err := s.readRowsOnce(ctx, statement, ids[:n], use); err != nil {
			return err
		}
		ids = ids[n:]
	}
	return nil
}

func (s *Store) readRowsOnce(ctx context.Context, statement string, ids []string, use func(*sql.Rows) error) error {
	args := make([]any, idsPerStatement)
	for i := range args {
		args[i] = ids[min(i, len(ids)-1)] // the rest repeats the last one
	}
	prepared, err := s.byIDs.prepare(ctx, s.readers, statement)
	if err != nil {
		return err
	}
	rows, err := prepared.QueryContext(ctx, args...)
	return useRows(rows, err, use)
}

// preparedReads are statements of selectByIDs that are prepared once: to prepare one
// costs as much as to read half of its rows.
type preparedReads struct {
	mu     sync.Mutex
	byText map[string]*sql.Stmt // guarded by mu
}

// prepare returns a statement that it prepares once. It is closed with its database.
func (p *preparedReads) prepare(ctx context.Context, db *sql.DB, statement string) (*sql.Stmt, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if stmt, ok := p.byText[statement]; ok {
		return stmt, nil
	}
	stmt, err := db.PrepareContext(ctx, statement)
	if err != nil {
		return nil, classify(err)
	}
	if p.byText == nil {
		p.byText = make(map[string]*sql.Stmt)
	}
	p.byText[statement] = stmt
	return stmt, nil
}

// eachRow runs a statement and calls use for each of its rows, until that fails. It
// returns the error of use as it is.
func (s *Store) eachRow(ctx context.Context, statement string, args []any, use func(*sql.Rows) error) error {
	rows, err := s.readers.QueryContext(ctx, statement, args...)
	return useRows(rows, err, use)
}

func useRows(rows *sql.Rows, err error, use func(*sql.Rows) error) error {
	if err != nil {
		return classify(err)
	}
	defer func() { _ = rows.Close() }()
	for rows.Next() {
		if err := use(rows); err != nil {
			return err
		}
	}
	return classify(rows.Err())
}
