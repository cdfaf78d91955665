package bench

import (
	"context"
	"errors"
	"path/filepath"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"
	driver "go.mongodb.org/mongo-driver/v2/mongo"
	"go.mongodb.org/mongo-driver/v2/mongo/options"
	"go.mongodb.org/mongo-driver/v2/mongo/writeconcern"
	"golang.org/x/sync/errgroup"

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
	s, err := sqlite.Open(ctx, sqlite.Config{Path: filepath.Join(dir, "data", "events.db")})
	if err != nil {
		return replacer{}, err
	}
	return replacer{s, 1, func(docs []*store.Document) (func(context.Context) error, error) {
		// One transaction of one prepared statement: there is nothing barer.
		return func(ctx context.Context) error {
			errs, err := s.Replace(ctx, docs)
			return errors.Join(append(errs, err)...)
		}, nil
	}, s.Close}, nil
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

// lower is the guard as the adapter has it.
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

// bareReplaces replaces up to n of the stored documents by themselves at a
// higher revision and returns documents a second. Reading them is not counted.
func (r replacer) bareReplaces(ctx context.Context, n int) (rate float64, err error) {
	defer func() { err = errors.Join(err, r.close(ctx)) }()
	var spent time.Duration
	var after *query.Position
	done := 0
	for done < n {
		var bulks []func(context.Context) error
		for len(bulks) < 20 && done < n {
			docs, err := r.Find(ctx, query.Events{After: after, Limit: bareBatch})
			if err != nil {
				return 0, err
			}
			if len(docs) == 0 {
				n = done
				break
			}
			last := docs[len(docs)-1].Position()
			after = &last
			for _, d := range docs {
				d.Revision++
			}
			replace, err := r.ready(docs)
			if err != nil {
				return 0, err
			}
			bulks, done = append(bulks, replace), done+len(docs)
		}
		begun := time.Now()
		group, ctx := errgroup.WithContext(ctx)
		group.SetLimit(r.writers)
		for _, replace := range bulks {
			group.Go(func() error { return replace(ctx) })
		}
		if err := group.Wait(); err != nil {
			return 0, err
		}
		spent += time.Since(begun)
	}
	return float64(done) / spent.Seconds(), nil
}
