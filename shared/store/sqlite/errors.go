package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"fmt"

	"modernc.org/sqlite"
	sqlite3 "modernc.org/sqlite/lib"

	"github.com/theeye/theeye/shared/store"
)

// codes decide a class by SQLite's primary result code. Every other code is
// unknown: transient, with an alarm. That includes errors of the disk.
var codes = map[int]error{
	sqlite3.SQLITE_BUSY:      store.ErrUnavailable,
	sqlite3.SQLITE_LOCKED:    store.ErrUnavailable,
	sqlite3.SQLITE_FULL:      store.ErrUnavailable,
	sqlite3.SQLITE_NOMEM:     store.ErrUnavailable,
	sqlite3.SQLITE_INTERRUPT: store.ErrUnavailable,
	sqlite3.SQLITE_PROTOCOL:  store.ErrUnavailable,
	sqlite3.SQLITE_SCHEMA:    store.ErrUnavailable,

	sqlite3.SQLITE_CORRUPT:  store.ErrConfiguration,
	sqlite3.SQLITE_NOTADB:   store.ErrConfiguration,
	sqlite3.SQLITE_READONLY: store.ErrConfiguration,
	sqlite3.SQLITE_CANTOPEN: store.ErrConfiguration,
	sqlite3.SQLITE_PERM:     store.ErrConfiguration,
	sqlite3.SQLITE_AUTH:     store.ErrConfiguration,

	sqlite3.SQLITE_TOOBIG: store.ErrUnstorable,
}

// classify wraps an error in its class. SQLite's texts quote no values.
func classify(err error) error {
	var se *sqlite.Error
	switch {
	case err == nil:
		return nil
	case errors.As(err, &se):
		class, ok := codes[se.Code()&0xff]
		if !ok {
			class = store.ErrUnknown
		}
		return fmt.Errorf("%w: %w", class, err)
	case errors.Is(err, context.Canceled), errors.Is(err, context.DeadlineExceeded),
		errors.Is(err, sql.ErrConnDone):
		return fmt.Errorf("%w: %w", store.ErrUnavailable, err)
	default:
		return fmt.Errorf("%w: %w", store.ErrUnknown, err)
	}
}
