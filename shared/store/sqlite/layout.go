package sqlite

import (
	"context"
	"fmt"

	"github.com/theeye/theeye/shared/store"
)

// layout is the version of the tables below, kept as user_version. A later one
// only adds, so a file of a later layout serves this build, too.
const layout = 9

// upgrades are the statements that lead from each layout to the next, the first
// from an empty file. A changed index gets a new versioned name, and a new upgrade
// drops the old one. Every added column has a default, because a build of an
// earlier layout may write to the file, too.
var upgrades = [layout][]string{
	layout1,
	{`ALTER TABLE events ADD COLUMN sent_schema_version INTEGER NOT NULL DEFAULT 0`},
	// Dropped by layout 9.
	{`CREATE INDEX type_received_v1 ON events (category, name, received_at, status, application, expires_at)`},
	// A changed retention changes expires_at alone; the reasons stay.
	{
		`DROP TRIGGER IF EXISTS reasons_update_v1`,
		`CREATE TRIGGER reasons_update_v2 AFTER UPDATE OF errors ON events
		 WHEN OLD.errors IS NOT NULL BEGIN ` + dropReasons + `END`,
	},
	{`ALTER TABLE events ADD COLUMN clock_offset_ms INTEGER NOT NULL DEFAULT 0`},
	// In the place of an index by category alone: see findByType.
	{
		`CREATE INDEX type_time_v1 ON events (category, name, application, timestamp_us, id) WHERE status = 'stored'`,
		`DROP INDEX IF EXISTS category_time_v1`,
	},
	// Bookkeeping of derived files: see store.Marks. Documents that are there have no
	// marks yet, which fillMarks makes.
	{
		`ALTER TABLE events ADD COLUMN slot INTEGER`,
		`CREATE INDEX received_v1 ON events (received_at, application)`,
		`CREATE INDEX slot_v1 ON events (application, slot) WHERE slot IS NOT NULL`,
		`CREATE TABLE slot_marks (application TEXT NOT NULL, slot INTEGER NOT NULL, generation INTEGER NOT NULL,
			PRIMARY KEY (application, slot)) WITHOUT ROWID`,
		`CREATE TABLE day_marks (application TEXT NOT NULL, day INTEGER NOT NULL, generation INTEGER NOT NULL,
			PRIMARY KEY (application, day)) WITHOUT ROWID`,
		`INSERT INTO meta (key, value) SELECT 'unmarked', -1 << 62 WHERE EXISTS (SELECT 1 FROM events)`,
	},
	// The timestamps of a day's stored events. They are known where every mark of the
	// day has told its own: where spanned is the generation.
	{
		`ALTER TABLE day_marks ADD COLUMN spanned INTEGER NOT NULL DEFAULT 0`,
		`ALTER TABLE day_marks ADD COLUMN first_us INTEGER`,
		`ALTER TABLE day_marks ADD COLUMN last_us INTEGER`,
	},
	// Types are counted from columns, and a changed retention reads received_v1. The
	// index cost more than a tenth of the insert rate.
	{`DROP INDEX IF EXISTS type_received_v1`},
}

// layout1 creates layout 1.
//
// There is an index for each kind of read and no other: each costs insert rate.
// reasons is the index of rejected events by code, which SQLite cannot build from
// the JSON in errors. Insert and Replace fill it, the triggers clear it: a trigger on INSERT
// would cost stored events 40 % of their rate.
var layout1 = []string{
	`CREATE TABLE IF NOT EXISTS meta (key TEXT PRIMARY KEY NOT NULL, value INTEGER NOT NULL) WITHOUT ROWID`,
	`CREATE TABLE IF NOT EXISTS events (
		id TEXT PRIMARY KEY NOT NULL,
		status TEXT NOT NULL,
		application TEXT NOT NULL,
		event_id TEXT NOT NULL,
		session_id TEXT NOT NULL,
		category TEXT NOT NULL,
		name TEXT NOT NULL,
		data TEXT,
		timestamp_us INTEGER,
		received_at INTEGER NOT NULL,
		expires_at INTEGER,
		content_hash TEXT NOT NULL,
		epoch INTEGER NOT NULL,
		seq INTEGER NOT NULL,
		revision INTEGER NOT NULL,
		schema_version INTEGER NOT NULL,
		errors TEXT,
		original BLOB)`,
	`CREATE INDEX IF NOT EXISTS session_time_v1 ON events (session_id, timestamp_us, id) WHERE status = 'stored'`,
	`CREATE INDEX IF NOT EXISTS category_time_v1 ON events (category, timestamp_us, id, name) WHERE status = 'stored'`,
	`CREATE INDEX IF NOT EXISTS application_time_v1 ON events (application, timestamp_us, id) WHERE status = 'stored'`,
	`CREATE INDEX IF NOT EXISTS time_v1 ON events (timestamp_us, id) WHERE status = 'stored'`,
	`CREATE INDEX IF NOT EXISTS rejected_received_v1 ON events (received_at, id) WHERE status = 'rejected'`,
	`CREATE INDEX IF NOT EXISTS rejected_event_id_v1 ON events (event_id) WHERE status = 'rejected'`,
	`CREATE INDEX IF NOT EXISTS expiry_v1 ON events (expires_at) WHERE expires_at IS NOT NULL`,
	`CREATE TABLE IF NOT EXISTS reasons (
		code TEXT NOT NULL, received_at INTEGER NOT NULL, id TEXT NOT NULL, path TEXT NOT NULL,
		PRIMARY KEY (code, received_at, id, path)) WITHOUT ROWID`,
	`CREATE TRIGGER IF NOT EXISTS reasons_update_v1 AFTER UPDATE ON events
	 WHEN OLD.errors IS NOT NULL BEGIN ` + dropReasons + `END`,
	`CREATE TRIGGER IF NOT EXISTS reasons_delete_v1 AFTER DELETE ON events
	 WHEN OLD.errors IS NOT NULL BEGIN ` + dropReasons + `END`,
}

// dropReasons ignores the paths: SQLite's JSON ends a text at NUL.
const dropReasons = `DELETE FROM reasons WHERE (code, received_at, id) IN
	(SELECT value ->> 'code', OLD.received_at, OLD.id FROM json_each(OLD.errors)); `

// Keys of meta.
const (
	// metaRevision is the highest registry revision.
	metaRevision = "revision"
	// metaID is the identity of the store, a text.
	metaID = "id"
	// metaUnmarked is the received time, in milliseconds, from which on documents may
	// have no marks. It is absent where all have.
	metaUnmarked = "unmarked"
)

// Prepare implements store.Store.
func (s *Store) Prepare(ctx context.Context) error {
	version, err := s.readVersion(ctx)
	if err == nil && version < layout {
		err = s.writer.inTransaction(ctx, upgradeLayout)
	}
	if err == nil {
		err = s.prepareMarks(ctx)
	}
	if err != nil {
		return fmt.Errorf("prepare database: %w", err)
	}
	return nil
}

// upgradeLayout runs the missing upgrades. It reads the layout again, inside of
// the transaction, because another process may have been faster.
func upgradeLayout(w *writer) error {
	var version int
	if err := w.conn.QueryRowContext(w.detached, `PRAGMA user_version`).Scan(&version); err != nil {
		return classify(err)
	}
	if version >= layout {
		return nil
	}
	for _, statements := range upgrades[version:] {
		for _, statement := range statements {
			if err := w.exec(statement); err != nil {
				return err
			}
		}
	}
	return w.exec(fmt.Sprintf(`PRAGMA user_version = %d`, layout))
}

// Ready implements store.Store.
func (s *Store) Ready(ctx context.Context) error {
	version, err := s.readVersion(ctx)
	if err != nil {
		return fmt.Errorf("read layout: %w", err)
	}
	if version < layout {
		return fmt.Errorf("%w: layout %d is not prepared yet", store.ErrUnavailable, layout)
	}
	return s.checkMarked(ctx)
}

func (s *Store) readVersion(ctx context.Context) (int, error) {
	ctx, cancel := s.withDeadline(ctx)
	defer cancel()
	var version int
	if err := s.readers.QueryRowContext(ctx, `PRAGMA user_version`).Scan(&version); err != nil {
		return 0, classify(err)
	}
	return version, nil
}

// HighestRevision implements store.Store.
func (s *Store) HighestRevision(ctx context.Context) (uint64, error) {
	ctx, cancel := s.withDeadline(ctx)
	defer cancel()
	var revision int64
	err := s.readers.QueryRowContext(ctx,
		`SELECT coalesce(max(value), 0) FROM meta WHERE key = ?`, metaRevision).Scan(&revision)
	if err != nil {
		return 0, fmt.Errorf("read revision: %w", classify(err))
	}
	return uint64(revision), nil
}

// RaiseRevision implements store.Store.
func (s *Store) RaiseRevision(ctx context.Context, revision uint64) error {
	err := s.writer.inTransaction(ctx, func(w *writer) error {
		return w.exec(`INSERT INTO meta (key, value) VALUES (?, ?)
			ON CONFLICT (key) DO UPDATE SET value = max(value, excluded.value)`,
			metaRevision, int64(revision))
	})
	if err != nil {
		return fmt.Errorf("raise revision: %w", err)
	}
	return nil
}
