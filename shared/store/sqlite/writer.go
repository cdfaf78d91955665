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
	// unended is the context of every statement: see transaction.
	unended context.Context
	// turn holds one token: who has it may use the rest.
	turn chan struct{}
	// prepared are the statements of the bulks, by their text.
	prepared map[string]*sql.Stmt
}

func newWriter(ctx context.Context, db *sql.DB) (*writer, error) {
	conn, err := db.Conn(ctx)
	if err != nil {
		return nil, fmt.Errorf("open database for writing: %w", classify(err))
	}
	w := &writer{conn: conn, unended: context.WithoutCancel(ctx), turn: make(chan struct{}, 1), prepared: make(map[string]*sql.Stmt)}
	w.turn <- struct{}{}
	return w, nil
}

// transaction runs do in one transaction, which is on disk when it returns nil.
// ctx bounds the wait for the turn. A bulk that has begun is finished: it is
// bounded by its size, and watching ctx in every statement would cost more than
// the statement.
func (w *writer) transaction(ctx context.Context, do func(*writer) error) error {
	if ctx.Err() != nil { // select would choose at random
		return fmt.Errorf("%w: %w", store.ErrUnavailable, context.Cause(ctx))
	}
	select {
	case _, open := <-w.turn:
		if !open {
			return fmt.Errorf("%w: closed", store.ErrUnavailable)
		}
		defer func() { w.turn <- struct{}{} }()
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
		// SQLite may have rolled back by itself; then this fails and changes
		// nothing.
		_ = w.exec(`ROLLBACK`)
	}
	return err
}

// exec runs a statement that is not worth preparing.
func (w *writer) exec(statement string, args ...any) error {
	_, err := w.conn.ExecContext(w.unended, statement, args...)
	return classify(err)
}

// run runs a prepared statement and returns the number of rows it changed.
func (w *writer) run(statement string, args []any) (int64, error) {
	stmt, ok := w.prepared[statement]
	if !ok {
		var err error
		if stmt, err = w.conn.PrepareContext(w.unended, statement); err != nil {
			return 0, classify(err)
		}
		w.prepared[statement] = stmt
	}
	result, err := stmt.ExecContext(w.unended, args...)
	if err != nil {
		return 0, classify(err)
	}
	n, err := result.RowsAffected()
	return n, classify(err)
}

// close waits for the turn and never gives it back.
func (w *writer) close(ctx context.Context) error {
	select {
	case _, open := <-w.turn:
		if open {
			close(w.turn)
		}
	case <-ctx.Done():
		return fmt.Errorf("close database: a bulk is still in work: %w", context.Cause(ctx))
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
