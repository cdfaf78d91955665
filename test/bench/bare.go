package bench

import (
	"context"
	"crypto/rand"
	"database/sql"
	"errors"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"
	driver "go.mongodb.org/mongo-driver/v2/mongo"
	"go.mongodb.org/mongo-driver/v2/mongo/options"
	"go.mongodb.org/mongo-driver/v2/mongo/writeconcern"

	"github.com/theeye/theeye/shared/store/mongo"
	"github.com/theeye/theeye/shared/store/sqlite"
)

const bareBatch = 1000

// bareMongo is the rate, in documents a second, of two writers that insert
// documents of the pipeline's own form into a collection with the pipeline's
// indexes, unordered, 1,000 at a time, and do nothing else.
func bareMongo(ctx context.Context, d time.Duration) (float64, error) {
	uri := os.Getenv("EYE_TEST_MONGO_URI")
	if uri == "" {
		return 0, errors.New("set EYE_TEST_MONGO_URI or run make bench")
	}
	database := "bare_" + rand.Text()
	adapter, err := mongo.Open(ctx, mongo.Config{URI: uri, Database: database})
	if err != nil {
		return 0, err
	}
	if err := errors.Join(adapter.Prepare(ctx), adapter.Close(ctx)); err != nil {
		return 0, err
	}
	client, err := driver.Connect(options.Client().ApplyURI(uri).SetWriteConcern(writeconcern.Journaled()))
	if err != nil {
		return 0, err
	}
	defer func() {
		_ = client.Database(database).Drop(ctx)
		_ = client.Disconnect(ctx)
	}()
	events := client.Database(database).Collection("events")
	return rate(d, 2, func(s *source) error {
		docs := make([]any, bareBatch)
		for i := range docs {
			doc, err := s.document()
			if err != nil {
				return err
			}
			raw, err := mongo.AppendDocument(nil, doc)
			if err != nil {
				return err
			}
			docs[i] = bson.Raw(raw)
		}
		_, err := events.InsertMany(ctx, docs, options.InsertMany().SetOrdered(false))
		return err
	})
}

// bareSQLite is the rate, in rows a second, of one writer that inserts into
// the pipeline's own table, 1,000 rows a transaction, and does nothing else.
func bareSQLite(ctx context.Context, dir string, d time.Duration) (float64, error) {
	path := filepath.Join(dir, "bare-"+rand.Text()+".db")
	adapter, err := sqlite.Open(ctx, sqlite.Config{Path: path})
	if err != nil {
		return 0, err
	}
	if err := errors.Join(adapter.Prepare(ctx), adapter.Close(ctx)); err != nil {
		return 0, err
	}
	db, err := sql.Open("sqlite", "file:"+path+"?_pragma=journal_mode(WAL)&_pragma=synchronous(FULL)")
	if err != nil {
		return 0, err
	}
	defer func() { _ = db.Close() }()
	db.SetMaxOpenConns(1)
	insert, err := db.PrepareContext(ctx, `INSERT INTO events (id, status, application, event_id, session_id, category, name, data,
		timestamp_us, received_at, content_hash, epoch, seq, revision, schema_version)
		VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`)
	if err != nil {
		return 0, err
	}
	return rate(d, 1, func(s *source) error { return bareTransaction(ctx, db, insert, s) })
}

func bareTransaction(ctx context.Context, db *sql.DB, insert *sql.Stmt, s *source) error {
	tx, err := db.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	stmt := tx.StmtContext(ctx, insert)
	for range bareBatch {
		doc, err := s.document()
		if err != nil {
			return errors.Join(err, tx.Rollback())
		}
		if _, err := stmt.ExecContext(ctx, doc.ID, string(doc.Status), doc.Application, doc.EventID, doc.SessionID,
			doc.Category, doc.Name, string(doc.Data), doc.Timestamp.UnixMicro(), doc.ReceivedAt.UnixMilli(), doc.ContentHash,
			doc.Origin.Epoch, int64(doc.Origin.Seq), int64(doc.Revision), doc.SchemaVersion); err != nil {
			return errors.Join(err, tx.Rollback())
		}
	}
	return tx.Commit()
}

// rate runs insert, which inserts bareBatch documents, from several writers
// for d and returns documents a second.
func rate(d time.Duration, writers int, insert func(*source) error) (float64, error) {
	var inserted atomic.Int64
	var wg sync.WaitGroup
	errs := make(chan error, writers)
	start := time.Now()
	for range writers {
		wg.Add(1)
		go func() {
			defer wg.Done()
			s := &source{}
			for time.Since(start) < d {
				if err := insert(s); err != nil {
					errs <- err
					return
				}
				inserted.Add(bareBatch)
			}
		}()
	}
	wg.Wait()
	elapsed := time.Since(start)
	close(errs)
	return float64(inserted.Load()) / elapsed.Seconds(), <-errs
}
