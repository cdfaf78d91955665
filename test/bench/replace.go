package bench

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"
	driver "go.mongodb.org/mongo-driver/v2/mongo"
	"go.mongodb.org/mongo-driver/v2/mongo/options"
	"go.mongodb.org/mongo-driver/v2/mongo/writeconcern"
	"golang.org/x/sync/errgroup"

	"github.com/theeye/theeye/shared/event"
	"github.com/theeye/theeye/shared/query"
	"github.com/theeye/theeye/shared/store"
	"github.com/theeye/theeye/shared/store/mongo"
	"github.com/theeye/theeye/shared/store/sqlite"
	"github.com/theeye/theeye/test/harness"
)

// replacer replaces what a store holds, by the guard of the write rule and
// nothing else of it.
type replacer struct {
	store.Store
	// writers is with how many at once the store is fastest.
	writers int
	// ready prepares documents and returns the function that replaces them as fast
	// as the database can.
	ready func([]*store.Document) (replace func(context.Context) error, err error)
	close func(context.Context) error
}

func openSQLite(ctx context.Context, _ *harness.Pipeline, dir string) (replacer, error) {
	path := filepath.Join(dir, "data", "events.db")
	s, err := sqlite.Open(ctx, sqlite.Config{Path: path})
	if err != nil {
		return replacer{}, err
	}
	db, err := sql.Open("sqlite", "file:"+path+"?_pragma=journal_mode(WAL)&_pragma=synchronous(FULL)"+
		"&_pragma=wal_autocheckpoint(4000)&_pragma=cache_size(-16000)&_txlock=immediate")
	if err != nil {
		return replacer{}, err
	}
	db.SetMaxOpenConns(1)
	replace, err := db.PrepareContext(ctx, bareReplacement)
	if err != nil {
		return replacer{}, errors.Join(err, db.Close(), s.Close(ctx))
	}
	return replacer{s, 1, func(docs []*store.Document) (func(context.Context) error, error) {
		return func(ctx context.Context) error { return replaceRows(ctx, db, replace, docs) }, nil
	}, func(ctx context.Context) error { return errors.Join(replace.Close(), db.Close(), s.Close(ctx)) }}, nil
}

// bareReplacement replaces a row as a whole, by its id and store.Supersedes: all columns
// but the id, whether their values differ or not. It is what a loop of guarded
// replacements costs where nothing was read before: it cannot know what stays as it is.
// The adapter's guard has the slot as well.
const bareReplacement = `UPDATE events SET (status, application, event_id, session_id, category, name, data, timestamp_us,
		received_at, expires_at, content_hash, epoch, seq, revision, schema_version, errors, original,
		sent_schema_version, clock_offset_ms, slot)
	= (?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17, ?18, ?19, ?20, ?21)
	WHERE id = ?1 AND content_hash = ?12 AND (epoch > ?13 OR epoch = ?13 AND (seq > ?14 OR seq = ?14 AND revision < ?15))`

// rowOf returns the values of bareReplacement. The events of these benchmarks never
// expire.
func rowOf(d *store.Document) []any {
	var faults, original any
	if d.Status == store.Rejected {
		faults, original = rejectedFaults, d.Original
	}
	return []any{
		d.ID, string(d.Status), d.Application, d.EventID, d.SessionID, d.Category, d.Name, string(d.Data),
		d.Timestamp.UnixMicro(), d.ReceivedAt.UnixMilli(), nil, d.ContentHash, d.Origin.Epoch, int64(d.Origin.Seq),
		int64(d.Revision), d.SchemaVersion, faults, original, d.SentSchemaVersion, d.ClockOffsetMS, nil,
	}
}

// replaceRows replaces rows in one transaction of one prepared statement, and does
// nothing else.
func replaceRows(ctx context.Context, db *sql.DB, replace *sql.Stmt, docs []*store.Document) error {
	tx, err := db.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	stmt := tx.StmtContext(ctx, replace)
	for _, d := range docs {
		result, err := stmt.ExecContext(ctx, rowOf(d)...)
		if err != nil {
			return errors.Join(err, tx.Rollback())
		}
		if n, err := result.RowsAffected(); err != nil || n != 1 {
			return errors.Join(fmt.Errorf("%d rows of %s are replaced: %w", n, d.ID, err), tx.Rollback())
		}
	}
	return tx.Commit()
}

func openMongo(ctx context.Context, p *harness.Pipeline, _ string) (replacer, error) {
	uri, name := p.Database()
	s, err := mongo.Open(ctx, mongo.Config{URI: uri, Database: name})
	if err != nil {
		return replacer{}, err
	}
	client, err := driver.Connect(options.Client().ApplyURI(uri).SetWriteConcern(writeconcern.Journaled()))
	if err != nil {
		return replacer{}, err
	}
	events := client.Database(name).Collection("events")
	return replacer{s, 2, func(docs []*store.Document) (func(context.Context) error, error) {
		models := make([]driver.WriteModel, len(docs))
		for i, d := range docs {
			raw, err := mongo.AppendDocument(nil, d)
			if err != nil {
				return nil, err
			}
			models[i] = driver.NewReplaceOneModel().SetFilter(lower(d)).SetReplacement(bson.Raw(raw))
		}
		return func(ctx context.Context) error {
			_, err := events.BulkWrite(ctx, models, options.BulkWrite().SetOrdered(false))
			return err
		}, nil
	}, func(ctx context.Context) error { return errors.Join(s.Close(ctx), client.Disconnect(ctx)) }}, nil
}

// lower is store.Supersedes as a filter. The adapter's guard has the slot as well.
func lower(d *store.Document) bson.D {
	epoch, seq := d.Origin.Epoch, int64(d.Origin.Seq)
	return bson.D{{Key: "_id", Value: d.ID}, {Key: "content_hash", Value: d.ContentHash}, {Key: "$or", Value: bson.A{
		bson.D{{Key: "origin.epoch", Value: bson.D{{Key: "$gt", Value: epoch}}}},
		bson.D{{Key: "origin.epoch", Value: epoch}, {Key: "origin.seq", Value: bson.D{{Key: "$gt", Value: seq}}}},
		bson.D{
			{Key: "origin.epoch", Value: epoch},
			{Key: "origin.seq", Value: seq},
			{Key: "revision", Value: bson.D{{Key: "$lt", Value: int64(d.Revision)}}},
		},
	}}}
}

// bareRate replaces up to n of the stored documents by themselves at a higher revision,
// by the bare statement, and returns documents a second. Reading them is not counted.
func (r replacer) bareRate(ctx context.Context, n int) (float64, error) {
	rates, err := r.replaceRates(ctx, n, r.ready, func(*store.Document) {})
	return rates[0], err
}

// bareChangeRates is bareRate of documents that become rejected, and then stored again.
// It writes the columns of a document and not the index of reasons.
func (r replacer) bareChangeRates(ctx context.Context, n int) (rejecting, mending float64, err error) {
	rates, err := r.replaceRates(ctx, n, r.ready, func(d *store.Document) {
		d.Status, d.Errors, d.Original = store.Rejected, []event.Fault{{Code: event.CodeSchemaViolation, Path: "/data/absent"}}, originalOf(d)
	}, func(d *store.Document) {
		d.Status, d.Errors, d.Original = store.Stored, nil, nil
	})
	return rates[0], rates[1], err
}

// rejectedFaults are the faults of bareChangeRates in a row.
const rejectedFaults = `[{"code":"schema_violation","path":"/data/absent"}]`

// originalOf returns a message about as long as that of the event.
func originalOf(d *store.Document) []byte {
	return fmt.Appendf(nil, `{"session_id":%q,"category":%q,"name":%q,"event_id":%q,"timestamp":%q,"data":%s}`,
		d.SessionID, d.Category, d.Name, d.EventID, d.Timestamp.Format(time.RFC3339Nano), d.Data)
}

// adapterRate is bareRate of the adapter's own Replace, which raises the revision alone
// where documents stay as they are.
func (r replacer) adapterRate(ctx context.Context, n int) (float64, error) {
	rates, err := r.replaceRates(ctx, n, func(docs []*store.Document) (func(context.Context) error, error) {
		slices.SortFunc(docs, func(a, b *store.Document) int { return strings.Compare(a.ID, b.ID) })
		return func(ctx context.Context) error {
			errs, err := r.Replace(ctx, docs)
			return errors.Join(append(errs, err)...)
		}, nil
	}, func(*store.Document) {})
	return rates[0], err
}

// replaceRates replaces up to n of the stored documents by the functions that ready
// returns, once for each change and at a higher revision each time. It returns documents
// a second of each change.
func (r replacer) replaceRates(
	ctx context.Context, n int, ready func([]*store.Document) (func(context.Context) error, error), changes ...func(*store.Document),
) ([]float64, error) {
	rates := make([]float64, len(changes))
	spent := make([]time.Duration, len(changes))
	var after *query.Position
	done := 0
	for done < n {
		var bulks [][]*store.Document
		for len(bulks) < 20 && done < n {
			docs, err := r.Find(ctx, query.Events{After: after, Limit: bareBatch})
			if err != nil {
				return rates, err
			}
			if len(docs) == 0 {
				n = done
				break
			}
			last := docs[len(docs)-1].Position()
			after = &last
			bulks, done = append(bulks, docs), done+len(docs)
		}
		for i, change := range changes {
			took, err := r.replaceBulks(ctx, bulks, ready, change)
			if err != nil {
				return rates, err
			}
			spent[i] += took
		}
	}
	for i := range rates {
		rates[i] = float64(done) / spent[i].Seconds()
	}
	return rates, nil
}

// replaceBulks replaces bulks of documents by what change makes of them, at a higher
// revision, and returns how long that took.
func (r replacer) replaceBulks(
	ctx context.Context, bulks [][]*store.Document, ready func([]*store.Document) (func(context.Context) error, error), change func(*store.Document),
) (time.Duration, error) {
	replacing := make([]func(context.Context) error, len(bulks))
	for i, docs := range bulks {
		for _, d := range docs {
			d.Revision++
			change(d)
		}
		var err error
		if replacing[i], err = ready(docs); err != nil {
			return 0, err
		}
	}
	begun := time.Now()
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(r.writers)
	for _, replace := range replacing {
		group.Go(func() error { return replace(ctx) })
	}
	err := group.Wait()
	return time.Since(begun), err
}
