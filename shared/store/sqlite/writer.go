package sqlite

import (
	"context"
	"database/sql"
	"fmt"

	"github.com/theeye/theeye/shared/store"
)

// writer is the one connection that writes.
type writer struct {
	conn *sql.Conn
	// detached is the context of every statement; it never ends: see
	// inTransaction.
	detached context.Context
	// lock holds one token, which its holder takes out before it uses the other
	// fields.
	lock chan struct{}
	// prepared are the statements of bulks, by their text.
	prepared map[string]*sql.Stmt
}

func newWriter(ctx context.Context, db *sql.DB) (*writer, error) {
	conn, err := db.Conn(ctx)
	if err != nil {
		return nil, fmt.Errorf("open database for writing: %w", classify(err))
	}
	w := &writer{conn: conn, detached: context.WithoutCancel(ctx), lock: make(chan struct{}, 1), prepared: make(map[string]*sql.Stmt)}
	w.lock <- struct{}{}
	return w, nil
}

// inTransaction runs do in one transaction, which is on disk when it returns nil.
// ctx bounds the wait for the lock. A transaction that has begun is finished: its
// size bounds it, and watching ctx in every statement would cost more than the
// statement.
func (w *writer) inTransaction(ctx context.Context, do func(*writer) error) error {
	if ctx.Err() != nil { // select would choose at random
		return fmt.Errorf("%w: %w", store.ErrUnavailable, context.Cause(ctx))
	}
	select {
	case _, open := <-w.lock:
		if !open {
			return fmt.Errorf("%w: closed", store.ErrUnavailable)
		}
		defer func() { w.lock <- struct{}{} }()
	case <-ctx.Done():
		return fmt.Errorf("%w: %w", store.ErrUnavailable, context.Cause(ctx))
	}
	if err := w.exec(`BEGIN IMMEDIATE`); err != nil {
		return err
	}
	err := do(w)
	if err == nil {
		err = w.exec(`COMMIT`)
	}
	if err != nil {
		// SQLite may have rolled back already; then this fails and has no effect.
		_ = w.exec(`ROLLBACK`)
	}
	return err
}

// exec runs a statement without preparing it.
func (w *writer) exec(statement string, args ...any) error {
	_, err := w.conn.ExecContext(w.detached, statement, args...)
	return classify(err)
}

// runPrepared runs a statement that it prepares once, and returns the number of
// rows changed.
func (w *writer) runPrepared(statement string, args []any) (int64, error) {
	stmt, err := w.prepare(statement)
	if err != nil {
		return 0, err
	}
	result, err := stmt.ExecContext(w.detached, args...)
	if err != nil {
		return 0, classify(err)
	}
	n, err := result.RowsAffected()
	return n, classify(err)
}

// prepare returns a statement that it prepares once.
func (w *writer) prepare(statement string) (*sql.Stmt, error) {
	if stmt, ok := w.prepared[statement]; ok {
		return stmt, nil
	}
	stmt, err := w.conn.PrepareContext(w.detached, statement)
	if err != nil {
		return nil, classify(err)
	}
	w.prepared[statement] = stmt
	return stmt, nil
}

// close takes the lock and never releases it.
func (w *writer) close(ctx context.Context) error {
	select {
	case _, open := <-w.lock:
		if open {
			close(w.lock)
		}
	case <-ctx.Done():
		return fmt.Errorf("close database: a bulk is still being written: %w", context.Cause(ctx))
	}
	for _, stmt := range w.prepared {
		_ = stmt.Close()
	}
	clear(w.prepared)
	if err := w.conn.Close(); err != nil {
		return fmt.Errorf("close database: %w", err)
	}
	return nil
}
