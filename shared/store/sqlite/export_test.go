package sqlite

import (
	"context"
	"fmt"
	"strings"
)

// ChangeInPlace replaces a part of the statement that replaces documents in place. It
// reports whether the statement has the part.
func (s *Store) ChangeInPlace(from, to string) bool {
	before := s.inPlace
	s.inPlace = strings.Replace(before, from, to, 1)
	return s.inPlace != before
}

// LimitPages bounds the file, as a full disk would.
func (s *Store) LimitPages(ctx context.Context, pages int) error {
	return s.writer.inTransaction(ctx, func(w *writer) error {
		return w.exec(fmt.Sprintf("PRAGMA max_page_count = %d", pages))
	})
}

// HoldLock keeps every writer waiting until release is called.
func (s *Store) HoldLock() (release func()) {
	<-s.writer.lock
	return func() { s.writer.lock <- struct{}{} }
}

// Setting returns a setting of the connection that writes.
func (s *Store) Setting(ctx context.Context, name string) (value string, err error) {
	err = s.writer.conn.QueryRowContext(ctx, "PRAGMA "+name).Scan(&value)
	return value, err
}

// PrepareLayout brings an empty file to an earlier layout.
func (s *Store) PrepareLayout(ctx context.Context, version int) error {
	return s.writer.inTransaction(ctx, func(w *writer) error {
		for _, statements := range upgrades[:version] {
			for _, statement := range statements {
				if err := w.exec(statement); err != nil {
					return err
				}
			}
		}
		return w.exec(fmt.Sprintf(`PRAGMA user_version = %d`, version))
	})
}

// Exec runs a statement of another build.
func (s *Store) Exec(ctx context.Context, statement string, args ...any) error {
	return s.writer.inTransaction(ctx, func(w *writer) error { return w.exec(statement, args...) })
}

// UpgradeOnly upgrades the layout as a process that stops before it has marked a
// document.
func (s *Store) UpgradeOnly(ctx context.Context) error {
	return s.writer.inTransaction(ctx, upgradeLayout)
}

// Text returns the one value of a query.
func (s *Store) Text(ctx context.Context, query string) (value string, err error) {
	err = s.readers.QueryRowContext(ctx, query).Scan(&value)
	return value, err
}

// WithCheckpointPages sets the size of a checkpoint.
func WithCheckpointPages(c Config, pages int) Config {
	c.checkpointPages = pages
	return c
}
