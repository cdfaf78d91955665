package sqlite_test

import (
	"context"
	"database/sql"
	"encoding/json"
	"path/filepath"
	"testing"

	"github.com/theeye/theeye/shared/store"
	"github.com/theeye/theeye/shared/store/sqlite"
	"github.com/theeye/theeye/shared/store/storetest"
)

func BenchmarkWriter(b *testing.B) {
	bare := bareLoop(b)
	storetest.BenchWriter(b, openPrepared(b, sqlite.Config{}), 1, func(int, int) storetest.BulkFunc { return bare })
}

func BenchmarkDuplicates(b *testing.B) {
	storetest.BenchDuplicates(b, openPrepared(b, sqlite.Config{}))
}
func BenchmarkReplay(b *testing.B) { storetest.BenchReplay(b, openPrepared(b, sqlite.Config{})) }
func BenchmarkGrowth(b *testing.B) {
	storetest.BenchGrowth(b, openPrepared(b, sqlite.Config{}), openPrepared(b, sqlite.Config{}))
}

func BenchmarkTimeline(b *testing.B) { storetest.BenchTimeline(b, openPrepared(b, sqlite.Config{})) }

func BenchmarkRareType(b *testing.B) { storetest.BenchRareType(b, openPrepared(b, sqlite.Config{})) }

func BenchmarkRetention(b *testing.B) { storetest.BenchRetention(b, openPrepared(b, sqlite.Config{})) }

func BenchmarkRetentionBeside(b *testing.B) {
	storetest.BenchRetentionBeside(b, openPrepared(b, sqlite.Config{}))
}

// bareLoop is a transaction of prepared inserts into the same tables with the
// same settings, and nothing else.
func bareLoop(b *testing.B) storetest.BulkFunc {
	b.Helper()
	path := filepath.Join(b.TempDir(), "events.db")
	openPrepared(b, sqlite.Config{Path: path})
	db, err := sql.Open("sqlite", path+"?_pragma=journal_mode(WAL)&_pragma=synchronous(FULL)"+
		"&_pragma=wal_autocheckpoint(4000)&_pragma=cache_size(-16000)&_txlock=immediate")
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { _ = db.Close() })
	db.SetMaxOpenConns(1)
	insert, err := db.PrepareContext(b.Context(),
		`INSERT INTO events VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`)
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { _ = insert.Close() })
	return func(_ context.Context, docs []*store.Document) error {
		tx, err := db.Begin() //nolint:noctx // as fast as it goes
		if err != nil {
			return err
		}
		stmt := tx.Stmt(insert) //nolint:noctx // as above
		for _, d := range docs {
			if _, err := stmt.Exec(plainValues(d)...); err != nil { //nolint:noctx // as above
				return err
			}
		}
		return tx.Commit()
	}
}

func plainValues(d *store.Document) []any {
	var faults, original any
	if d.Status == store.Rejected {
		text, _ := json.Marshal(d.Errors)
		faults, original = string(text), d.Original
	}
	return []any{
		d.ID, string(d.Status), d.Application, d.EventID, d.SessionID, d.Category, d.Name, string(d.Data),
		d.Timestamp.UnixMicro(), d.ReceivedAt.UnixMilli(), nil, d.ContentHash, d.Origin.Epoch, int64(d.Origin.Seq),
		int64(d.Revision), d.SchemaVersion, faults, original, d.SentSchemaVersion, d.ClockOffsetMS, nil,
	}
}
