package sqlite

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/theeye/theeye/shared/query"
	"github.com/theeye/theeye/shared/store"
)

// Statements of ApplyRetention. All documents are read in the order of their received
// time, those with an expiry in that of their expiry. The second
// statement of each kind reads the rest of a place where the limit has cut it.
const (
	retentionColumns = `SELECT rowid, status, category, name, received_at, expires_at, application FROM events`

	allFromStatement = retentionColumns + ` INDEXED BY received_v1
		WHERE received_at > ?1 ORDER BY received_at LIMIT ?2`
	allAtStatement = retentionColumns + ` INDEXED BY received_v1 WHERE received_at = ?1`

	dueFromStatement = retentionColumns + ` INDEXED BY expiry_v1
		WHERE expires_at > ?1 AND expires_at < ?2 ORDER BY expires_at LIMIT ?3`
	dueAtStatement = retentionColumns + ` INDEXED BY expiry_v1 WHERE expires_at = ?1`

	expiryStatement = `UPDATE events SET expires_at = ?2 WHERE rowid = ?1 AND revision < ?3 RETURNING ` + effectiveSlot
)

// retentionPlace is where a portion ends.
type retentionPlace struct {
	// By is the order: orderReceived, or orderExpiry. Builds up to layout 8 went through all
	// documents type by type and wrote none, so their places say nothing in this order.
	By string `json:"by,omitempty"`
	// At is the time of the order in milliseconds since 1970.
	At int64 `json:"at"`
}

const (
	orderReceived = "received"
	orderExpiry   = "expiry"
)

// retainedRow is what a retention compares of one document.
type retainedRow struct {
	rowid          int64
	status         store.Status
	category, name string
	application    string
	received       int64
	expires        sql.NullInt64
}

// place returns the place of a row in the order of a portion.
func (r *retainedRow) place(due bool) retentionPlace {
	if due {
		return retentionPlace{By: orderExpiry, At: r.expires.Int64}
	}
	return retentionPlace{By: orderReceived, At: r.received}
}

// wanted is the row's expires_at under a retention.
func (r *retainedRow) wanted(by store.Retention) (want sql.NullInt64) {
	at := by.ExpiresAt(time.UnixMilli(r.received), r.category, r.name, r.status)
	if !at.IsZero() {
		want = sql.NullInt64{Int64: at.UnixMilli(), Valid: true}
	}
	return want
}

// ApplyRetention implements store.Retainer. A portion is read and written in one
// transaction, so no document changes in between. One process alone has the file,
// hence no earlier process can interfere and Mark is not needed.
func (s *Store) ApplyRetention(ctx context.Context, p store.RetentionPortion) (store.RetentionResult, error) {
	var result store.RetentionResult
	if err := p.CheckBounds(); err != nil {
		return result, fmt.Errorf("apply retention: %w", err)
	}
	after, err := parsePlace(p.After, !p.DueBefore.IsZero())
	if err != nil {
		return result, fmt.Errorf("apply retention: %w", err)
	}
	err = s.writer.inTransaction(ctx, func(w *writer) error {
		rows, err := w.readPortion(p, after)
		if err != nil {
			return err
		}
		result = store.RetentionResult{Read: len(rows)}
		if len(rows) >= p.Limit {
			result.Next = rows[len(rows)-1].place(!p.DueBefore.IsZero()).text()
		}
		marks, err := w.changeExpiries(rows, p.Retention)
		if err != nil {
			return err
		}
		result.Changed = len(marks)
		return w.markSlots(marks)
	})
	if err != nil {
		return store.RetentionResult{}, fmt.Errorf("apply retention: %w", err)
	}
	return result, nil
}

// changeExpiries changes the rows whose expiry is another under the retention, and
// returns the mark of each, without a timestamp: none has changed.
func (w *writer) changeExpiries(rows []retainedRow, by store.Retention) (marks []store.SlotMark, err error) {
	stmt, err := w.prepare(expiryStatement)
	if err != nil {
		return nil, err
	}
	for _, r := range rows {
		want := r.wanted(by)
		if want == r.expires {
			continue
		}
		m := store.SlotMark{Slot: store.Slot{Application: r.application}}
		switch err := stmt.QueryRowContext(w.detached, r.rowid, want, int64(by.Revision)).Scan(&m.Number); {
		case err == nil:
			marks = append(marks, m)
		case !errors.Is(err, sql.ErrNoRows): // written under a policy as new
			return nil, classify(err)
		}
	}
	return marks, nil
}

// readPortion reads the rows of a portion. Of the last place it reads all rows, so
// that the next portion can begin behind it.
func (w *writer) readPortion(p store.RetentionPortion, after retentionPlace) ([]retainedRow, error) {
	due := !p.DueBefore.IsZero()
	from, args := allFromStatement, []any{after.At, p.Limit}
	if due {
		from, args = dueFromStatement, []any{after.At, query.Ceil(p.DueBefore, time.Millisecond), p.Limit}
	}
	rows, err := w.readRetained(from, args)
	if err != nil || len(rows) < p.Limit {
		return rows, err
	}
	last := rows[len(rows)-1].place(due)
	for len(rows) > 0 && rows[len(rows)-1].place(due) == last {
		rows = rows[:len(rows)-1]
	}
	at := allAtStatement
	if due {
		at = dueAtStatement
	}
	rest, err := w.readRetained(at, []any{last.At})
	return append(rows, rest...), err
}

func (w *writer) readRetained(statement string, args []any) (list []retainedRow, err error) {
	stmt, err := w.prepare(statement)
	if err != nil {
		return nil, err
	}
	rows, err := stmt.QueryContext(w.detached, args...)
	if err != nil {
		return nil, classify(err)
	}
	defer func() { _ = rows.Close() }()
	for rows.Next() {
		var r retainedRow
		if err := rows.Scan(&r.rowid, &r.status, &r.category, &r.name, &r.received, &r.expires, &r.application); err != nil {
			return nil, classify(err)
		}
		list = append(list, r)
	}
	return list, classify(rows.Err())
}

// text is the place as RetentionResult.Next.
func (p retentionPlace) text() string {
	raw, _ := json.Marshal(p) // strings and a number
	return string(raw)
}

// parsePlace reverses text. The place before all others is "", and that is what a place
// in the order of another build becomes: a portion that is applied again changes nothing.
func parsePlace(text string, due bool) (p retentionPlace, err error) {
	first := retentionPlace{At: -1 << 62}
	if text == "" {
		return first, nil
	}
	if err := json.Unmarshal([]byte(text), &p); err != nil {
		return p, fmt.Errorf("%w: the place of a portion: %w", query.ErrInvalid, err)
	}
	if !due && p.By != orderReceived {
		return first, nil
	}
	return p, nil
}

// CountDocuments implements store.Retainer.
func (s *Store) CountDocuments(ctx context.Context) (uint64, error) {
	ctx, cancel := s.withDeadline(ctx)
	defer cancel()
	var n int64
	if err := s.readers.QueryRowContext(ctx, `SELECT count(*) FROM events`).Scan(&n); err != nil {
		return 0, fmt.Errorf("count documents: %w", classify(err))
	}
	return uint64(n), nil
}
