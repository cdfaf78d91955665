package sqlite

import (
	"context"
	"crypto/rand"
	"database/sql"
	"errors"
	"fmt"

	"github.com/theeye/theeye/shared/store"
)

// Documents that a build without marks wrote get theirs in Prepare, in portions, each
// in one transaction that also records how far they reach. A process that is stopped
// goes on from there.

const (
	// fillAtOnce is about how many documents a portion has. A portion is at least a
	// step, whatever the number of its documents.
	fillAtOnce = 20_000
	// fillStep is the length of a step in milliseconds of received time.
	fillStep = 60_000
	// newest is how many of the documents received last are checked to have marks.
	newest = 1000
)

const (
	unmarkedStatement = `SELECT value FROM meta WHERE key = 'unmarked'`
	nextStatement     = `SELECT min(received_at) FROM events INDEXED BY received_v1 WHERE received_at >= ?1`
	stepStatement     = `SELECT application, max(received_at, 0) / 10000, count(*), ` + storedSpan + ` FROM events INDEXED BY received_v1
		WHERE received_at >= ?1 AND received_at < ?2 GROUP BY 1, 2`
	movedStatement = `SELECT application, slot, count(*), ` + storedSpan + ` FROM events INDEXED BY slot_v1
		WHERE slot IS NOT NULL GROUP BY application, slot`
	storedSpan = `min(CASE status WHEN 'stored' THEN timestamp_us END), max(CASE status WHEN 'stored' THEN timestamp_us END)`
	// A build without marks inserted one of these documents, if there is any.
	strangersStatement = `SELECT EXISTS (SELECT 1 FROM
			(SELECT application, received_at, slot FROM events INDEXED BY received_v1 ORDER BY received_at DESC LIMIT ?1) e
		WHERE NOT EXISTS (SELECT 1 FROM slot_marks m WHERE m.application = e.application AND m.slot = coalesce(e.slot, max(e.received_at, 0) / 10000)))`
	setMetaStatement = `INSERT INTO meta (key, value) VALUES (?1, ?2) ON CONFLICT (key) DO UPDATE SET value = excluded.value`
	idStatement      = `SELECT value FROM meta WHERE key = 'id'`
)

// prepareMarks makes the identity of the store, and the marks that are missing.
func (s *Store) prepareMarks(ctx context.Context) error {
	filling := false
	err := s.writer.inTransaction(ctx, func(w *writer) (err error) {
		if filling, err = w.isFilling(); err != nil {
			return err
		}
		return w.createID(false)
	})
	for err == nil && filling {
		err = s.writer.inTransaction(ctx, func(w *writer) (err error) {
			filling, err = w.fillPortion()
			return err
		})
	}
	if err != nil {
		return fmt.Errorf("mark the documents that are there: %w", err)
	}
	return nil
}

// isFilling reports whether documents have no marks. If a build without marks has
// written beside or after one that has them, all marks are made again.
func (w *writer) isFilling() (bool, error) {
	var unmarked, strangers bool
	err := w.conn.QueryRowContext(w.detached, `SELECT EXISTS (`+unmarkedStatement+`)`).Scan(&unmarked)
	if err == nil && !unmarked {
		err = w.conn.QueryRowContext(w.detached, strangersStatement, newest).Scan(&strangers)
	}
	if err != nil {
		return false, classify(err)
	}
	if strangers {
		return true, w.exec(setMetaStatement, metaUnmarked, int64(-1)<<62)
	}
	return unmarked, nil
}

// createID makes the identity, unless there is one. With renew it always does.
func (w *writer) createID(renew bool) error {
	if renew {
		return w.exec(setMetaStatement, metaID, rand.Text())
	}
	return w.exec(`INSERT OR IGNORE INTO meta (key, value) VALUES (?1, ?2)`, metaID, rand.Text())
}

// fillPortion marks the next documents. It returns false where all have marks. Files
// that were derived before that are of another store then: the build without marks may
// have moved documents between slots.
func (w *writer) fillPortion() (more bool, err error) {
	var from int64
	switch err := w.conn.QueryRowContext(w.detached, unmarkedStatement).Scan(&from); {
	case errors.Is(err, sql.ErrNoRows):
		return false, nil
	case err != nil:
		return false, classify(err)
	}
	for documents := 0; documents < fillAtOnce; {
		var next sql.NullInt64
		if err := w.conn.QueryRowContext(w.detached, nextStatement, from).Scan(&next); err != nil {
			return false, classify(err)
		}
		if !next.Valid {
			return false, w.endFilling()
		}
		from = next.Int64 + fillStep
		n, err := w.markGroups(stepStatement, next.Int64, from)
		if err != nil {
			return false, err
		}
		documents += n
	}
	return true, w.exec(setMetaStatement, metaUnmarked, from)
}

// endFilling marks the documents with a slot of their own.
func (w *writer) endFilling() error {
	if _, err := w.markGroups(movedStatement); err != nil {
		return err
	}
	if err := w.createID(true); err != nil {
		return err
	}
	return w.exec(`DELETE FROM meta WHERE key = ?1`, metaUnmarked)
}

// markGroups marks the slots that a statement returns, and returns the number of
// their documents.
func (w *writer) markGroups(statement string, args ...any) (documents int, err error) {
	stmt, err := w.prepare(statement)
	if err != nil {
		return 0, err
	}
	rows, err := stmt.QueryContext(w.detached, args...)
	if err != nil {
		return 0, classify(err)
	}
	var marks []store.SlotMark
	for rows.Next() {
		var m store.SlotMark
		var n int
		var first, last sql.NullInt64
		if err := rows.Scan(&m.Application, &m.Number, &n, &first, &last); err != nil {
			return 0, errors.Join(classify(err), classify(rows.Close()))
		}
		m.Timestamps = spanOf(first, last)
		marks, documents = append(marks, m), documents+n
	}
	if err := rows.Err(); err != nil {
		return 0, errors.Join(classify(err), classify(rows.Close()))
	}
	if err := rows.Close(); err != nil {
		return 0, classify(err)
	}
	return documents, w.markSlots(marks)
}

// checkMarked returns an error of class store.ErrUnavailable while documents have no
// marks.
func (s *Store) checkMarked(ctx context.Context) error {
	ctx, cancel := s.withDeadline(ctx)
	defer cancel()
	var filling bool
	if err := s.readers.QueryRowContext(ctx, `SELECT EXISTS (`+unmarkedStatement+`)`).Scan(&filling); err != nil {
		return fmt.Errorf("read layout: %w", classify(err))
	}
	if filling {
		return fmt.Errorf("%w: documents of an earlier layout are being marked", store.ErrUnavailable)
	}
	return nil
}

// StoreID implements store.Marks.
func (s *Store) StoreID(ctx context.Context) (id string, err error) {
	ctx, cancel := s.withDeadline(ctx)
	defer cancel()
	if err := s.readers.QueryRowContext(ctx, idStatement).Scan(&id); err != nil {
		return "", fmt.Errorf("read the identity of the store: %w", classify(err))
	}
	return id, nil
}

// renewID makes another identity.
func (s *Store) renewID(ctx context.Context) error {
	if err := s.writer.inTransaction(ctx, func(w *writer) error { return w.createID(true) }); err != nil {
		return fmt.Errorf("renew the identity of the store: %w", err)
	}
	return nil
}
