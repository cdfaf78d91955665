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
		VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17, ?18, ?19, ?20, ?21)
		ON CONFLICT (id) DO NOTHING`

	// The condition is store.MayReplace; ?22 is the slot.
	replaceStatement = `UPDATE events SET (` + replacedColumns + `)
		= (?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17, ?18, ?19, ?20, ?21)
		WHERE id = ?1 AND content_hash = ?12
		AND (epoch > ?13 OR epoch = ?13 AND (seq > ?14 OR seq = ?14 AND revision < ?15))
		AND ` + effectiveSlot + ` = ?22`

	// inPlaceStatement is replaceStatement for a document that differs from its holder in no
	// column of an index, nor in its reasons, as in most replays. It leaves those columns
	// as they are: to write the entries of the indexes is most of the cost of a replacement.
	inPlaceStatement = `UPDATE events SET (data, epoch, seq, revision, schema_version, original, sent_schema_version, clock_offset_ms)
		= (?8, ?13, ?14, ?15, ?16, ?18, ?19, ?20)
		WHERE id = ?1 AND content_hash = ?12
		AND (epoch > ?13 OR epoch = ?13 AND (seq > ?14 OR seq = ?14 AND revision < ?15))
		AND ` + effectiveSlot + ` = ?22
		AND (status, application, event_id, session_id, category, name, timestamp_us, received_at, expires_at, errors, slot)
		IS (?2, ?3, ?4, ?5, ?6, ?7, ?9, ?10, ?11, ?17, ?21)`

	reasonStatement = `INSERT OR IGNORE INTO reasons (code, received_at, id, path) VALUES (?1, ?2, ?3, ?4)`
)

// Insert implements store.Backend by one transaction, which also marks the slots of
// the documents inserted.
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

// MarksWrites implements store.Backend.
func (s *Store) MarksWrites() bool { return true }

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

// maxMissed is by how many the replacements in place of a bulk that match nothing may
// outnumber the others, before the rest of the bulk is replaced without the attempt.
const maxMissed = 8

// Replace implements store.Backend by one transaction of guarded updates, which also
// marks the slots of the documents replaced. It writes the entries of the indexes only
// where their columns change.
func (s *Store) Replace(ctx context.Context, docs []*store.Document) ([]error, error) {
	missed := 0
	return s.runBulk(ctx, docs, func(w *writer, d *store.Document, args []any) error {
		args = append(args, d.EffectiveSlot())
		if missed < maxMissed {
			switch n, err := w.runPrepared(s.inPlace, args); {
			case err != nil:
				return fmt.Errorf("replace in place: %w", err)
			case n > 0:
				missed--
				return nil
			}
			missed++
		}
		n, err := w.runPrepared(replaceStatement, args)
		if err != nil {
			return fmt.Errorf("replace: %w", err)
		}
		if n == 0 {
			return store.ErrNoMatch
		}
		return w.addReasons(d)
	})
}

// runBulk runs one step for each document, all in one transaction, and marks the
// slots of those that it wrote. A document that is a duplicate, has no match or cannot
// be stored does not affect the others; any other error undoes the transaction.
func (s *Store) runBulk(
	ctx context.Context, docs []*store.Document, step func(*writer, *store.Document, []any) error,
) ([]error, error) {
	errs := make([]error, len(docs))
	err := s.writer.inTransaction(ctx, func(w *writer) error {
		args := make([]any, 0, columnCount+1)
		marks := make([]store.SlotMark, 0, 2)
		for i, d := range docs {
			var err error
			if args, err = appendArgs(args[:0], d); err == nil {
				err = step(w, d, args)
			}
			switch {
			case err == nil:
				marks = addMark(marks, d)
			case !errors.Is(err, store.ErrDuplicate) && !errors.Is(err, store.ErrNoMatch) && !errors.Is(err, store.ErrUnstorable):
				return err
			}
			errs[i] = err
		}
		return w.markSlots(marks)
	})
	if err != nil {
		return nil, err
	}
	return errs, nil
}
