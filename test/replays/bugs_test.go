package replays

import (
	"context"

	"go.mongodb.org/mongo-driver/v2/bson"
	driver "go.mongodb.org/mongo-driver/v2/mongo"
	"go.mongodb.org/mongo-driver/v2/mongo/options"

	"github.com/theeye/theeye/processor"
	"github.com/theeye/theeye/shared/heartbeat"
	"github.com/theeye/theeye/shared/store"
	"github.com/theeye/theeye/shared/store/mongo"
)

// bug is a mistake of a processor, planted where its program composes it.
type bug struct {
	store     func(mongo.Config, store.Store) (store.Store, error)
	heart     func(*heartbeat.Config)
	processor func(*processor.Config)
}

// bugs each break one part of what keeps an old validation from outliving a
// replay. The sweep and the order of its parts cannot be broken from outside;
// the model in the processor's package replay leaves each of them out.
var bugs = map[string]bug{
	noBug: {},
	// Last come is written, whatever is held.
	"no guard": {store: unguarded},
	// It does not care whether anybody counts on it.
	"no fence": {processor: func(c *processor.Config) { c.Heartbeat = nil }},
	// It counts as live again before it has caught up with the registry.
	"no catching up": {heart: func(c *heartbeat.Config) { c.CatchUp = nil }},
	// It claims to have validated by every future revision.
	"no barrier": {heart: func(c *heartbeat.Config) {
		c.Revision = func() uint64 { return 1 << 40 }
	}},
	// Its heartbeat does not report the batches in flight.
	"hides its batches in flight": {heart: func(c *heartbeat.Config) { c.Oldest = nil }},
}

// careless is a store that replaces the held document by any other.
type careless struct {
	store.Store
	events *driver.Collection
}

func unguarded(cfg mongo.Config, s store.Store) (store.Store, error) {
	client, err := driver.Connect(options.Client().ApplyURI(cfg.URI))
	if err != nil {
		return nil, err
	}
	return careless{s, client.Database(cfg.Database).Collection("events")}, nil
}

// Holders makes everything that is held look worse than what comes.
func (c careless) Holders(ctx context.Context, ids []string) (map[string]store.Holder, error) {
	held, err := c.Store.Holders(ctx, ids)
	for id, h := range held {
		h.Origin.Epoch, h.Revision = 1<<62, 0
		held[id] = h
	}
	return held, err
}

func (c careless) Replace(ctx context.Context, docs []*store.Document) ([]error, error) {
	for _, d := range docs {
		raw, err := mongo.AppendDocument(nil, d)
		if err != nil {
			return nil, err
		}
		if _, err := c.events.ReplaceOne(ctx, bson.D{{Key: "_id", Value: d.ID}}, bson.Raw(raw)); err != nil {
			return nil, err
		}
	}
	return make([]error, len(docs)), nil
}
