package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"os"
)

// Size is the number of bytes that a copy of the database takes at most.
func (s *Store) Size(ctx context.Context) (uint64, error) {
	ctx, cancel := s.withDeadline(ctx)
	defer cancel()
	var pages, size uint64
	err := s.readers.QueryRowContext(ctx, `SELECT page_count, page_size FROM pragma_page_count(), pragma_page_size()`).Scan(&pages, &size)
	if err != nil {
		return 0, fmt.Errorf("read the size of the database: %w", classify(err))
	}
	return pages * size, nil
}

// CopyTo writes a copy of the database into a new file, as it is at one moment. It
// blocks no writer, and takes as long as reading the whole file; after the end of ctx
// it removes the file. Documents of events that are settled when it begins are in
// the copy.
func (s *Store) CopyTo(ctx context.Context, path string) (err error) {
	// A connection of its own: the others have a pragma that forbids it, or write.
	db, err := sql.Open("sqlite", s.source)
	if err != nil {
		return fmt.Errorf("open database to copy it: %w", classify(err))
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE|os.O_EXCL, 0o600) //nolint:gosec // the caller's own path
	if err != nil {
		return fmt.Errorf("create the copy of the database: %w", err)
	}
	if err := f.Close(); err != nil {
		return fmt.Errorf("create the copy of the database: %w", err)
	}
	if _, err := db.ExecContext(ctx, `VACUUM INTO ?`, path); err != nil {
		return errors.Join(fmt.Errorf("copy the database: %w", classify(err)), os.Remove(path))
	}
	return nil
}

// RemoveBehind removes the documents of events that lie behind a sequence of a
// stream, and returns their number: after the stream was restored from a backup, it
// will have other events there. The store gets another identity, because the copy and
// the original go on with the same generations.
func (s *Store) RemoveBehind(ctx context.Context, epoch int64, seq uint64) (int64, error) {
	if err := s.renewID(ctx); err != nil {
		return 0, err
	}
	var total int64
	for {
		var n int64
		err := s.writer.inTransaction(ctx, func(w *writer) (err error) {
			n, err = w.runPrepared(`DELETE FROM events WHERE id IN (SELECT id FROM events WHERE epoch = ?1 AND seq > ?2 LIMIT ?3)`,
				[]any{epoch, int64(seq), removeAtOnce})
			return err
		})
		if err != nil {
			return total, fmt.Errorf("remove documents behind the stream: %w", err)
		}
		total += n
		if n < removeAtOnce {
			return total, nil
		}
	}
}

// removeAtOnce bounds the documents that RemoveBehind removes in one transaction. Each
// transaction reads the whole table.
const removeAtOnce = 20_000
