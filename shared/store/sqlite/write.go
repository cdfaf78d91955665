package sqlite

import (
	"context"
	"errors"
	"fmt"

	"github.com/theeye/theeye/shared/event"
	"github.com/theeye/theeye/shared/store"
)

// The statements of a bulk. ?1 is the id; the rest follows the order of columns.
const (
	insertStatement = `INSERT INTO events (` + columns + `)
		VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17, ?18, ?19)
		ON CONFLICT (id) DO NOTHING`

	// The condition is store.Supersedes.
	replaceStatement = `UPDATE events SET (` + columns + `)
		= (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17, ?18, ?19)
		WHERE id = ?1 AND content_hash = ?12
		AND (epoch > ?13 OR epoch = ?13 AND (seq > ?14 OR seq = ?14 AND revision < ?15))`

	reasonStatement = `INSERT OR IGNORE INTO reasons (code, received_at, id, path) VALUES (?1, ?2, ?3, ?4)`
)

// Insert implements store.Backend by one transaction.
func (s *Store) Insert(ctx context.Context, docs []*store.Document) ([]error, error) {
	return s.runBulk(ctx, docs, func(w *writer, d *store.Document, args []any) error {
		n, err := w.runPrepared(insertStatement, args)
		if err != nil {
			return fmt.Errorf("insert: %w", err)
		}
		if n == 0 {
			return store.ErrDuplicate
		}
		return w.addReasons(d)
	})
}

// addReasons adds a rejected document to the index of reasons.
func (w *writer) addReasons(d *store.Document) error {
	if d.Status != store.Rejected {
		return nil
	}
	for _, f := range d.Errors {
		if _, err := w.runPrepared(reasonStatement, reasonArgs(d, f)); err != nil {
			return fmt.Errorf("insert reason: %w", err)
		}
	}
	return nil
}

func reasonArgs(d *store.Document, f event.Fault) []any {
	return []any{f.Code, d.ReceivedAt.UnixMilli(), d.ID, f.Path}
}

// Replace implements store.Backend by one transaction of guarded updates.
func (s *Store) Replace(ctx context.Context, docs []*store.Document) ([]error, error) {
	return s.runBulk(ctx, docs, func(w *writer, d *store.Document, args []any) error {
		n, err := w.runPrepared(replaceStatement, args)
		if err != nil {
			return fmt.Errorf("replace: %w", err)
		}
		if n == 0 {
			return nil // the holder is better
		}
		return w.addReasons(d)
	})
}

// runBulk runs one step for each document, all in one transaction. A document that
// is a duplicate or cannot be stored does not affect the others; any other error
// undoes the transaction.
func (s *Store) runBulk(
	ctx context.Context, docs []*store.Document, step func(*writer, *store.Document, []any) error,
) ([]error, error) {
	errs := make([]error, len(docs))
	err := s.writer.inTransaction(ctx, func(w *writer) error {
		args := make([]any, 0, columnCount)
		for i, d := range docs {
			var err error
			if args, err = appendArgs(args[:0], d); err == nil {
				err = step(w, d, args)
			}
			if err != nil && !errors.Is(err, store.ErrDuplicate) && !errors.Is(err, store.ErrUnstorable) {
				return err
			}
			errs[i] = err
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return errs, nil
}
