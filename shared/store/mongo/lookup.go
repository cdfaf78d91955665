package mongo

import (
	"context"
	"fmt"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo/options"

	"github.com/theeye/theeye/shared/query"
	"github.com/theeye/theeye/shared/store"
)

// Lookup implements store.Reader.
func (s *Store) Lookup(ctx context.Context, ids []string) ([]*store.Document, error) {
	if err := query.CheckIDs(ids); err != nil {
		return nil, err
	}
	if len(ids) == 0 {
		return nil, nil
	}
	cur, err := s.events.Find(ctx, bson.D{
		{Key: fieldID, Value: bson.D{{Key: "$in", Value: ids}}},
		s.notExpired(),
	}, options.Find())
	var docs []*store.Document
	err = forEach(ctx, cur, err, func(d *store.Document) bool {
		docs = append(docs, d)
		return true
	})
	if err != nil {
		return nil, fmt.Errorf("look up documents: %w", err)
	}
	return docs, nil
}

// Fields of a store.Holder, and of a store.Held.
var (
	holderFields = []string{fieldContentHash, fieldOrigin, fieldRevision, fieldReceivedAt, fieldSlot, fieldStatus, fieldTimestampUS}
	heldFields   = append([]string{fieldErrors, fieldExpiresAt}, holderFields...)
)

// Held implements store.Reader.
func (s *Store) Held(ctx context.Context, ids []string) (map[string]store.Held, error) {
	if err := query.CheckIDs(ids); err != nil {
		return nil, err
	}
	held := make(map[string]store.Held, len(ids))
	err := s.readFields(ctx, ids, heldFields, func(d *store.Document) {
		held[d.ID] = store.Held{Holder: store.HolderOf(d), Status: d.Status, Errors: d.Errors, ExpiresAt: d.ExpiresAt}
	})
	if err != nil {
		return nil, fmt.Errorf("read held documents: %w", err)
	}
	return held, nil
}

// Holders implements store.Backend. It reads from the primary, which is the
// server that reported the ids as taken.
func (s *Store) Holders(ctx context.Context, ids []string) (map[string]store.Holder, error) {
	holders := make(map[string]store.Holder, len(ids))
	err := s.readFields(ctx, ids, holderFields, func(d *store.Document) { holders[d.ID] = store.HolderOf(d) })
	if err != nil {
		return nil, fmt.Errorf("read holders: %w", err)
	}
	return holders, nil
}

// readFields reads some fields of the documents under the ids, expired or not.
func (s *Store) readFields(ctx context.Context, ids []string, fields []string, use func(*store.Document)) error {
	if len(ids) == 0 {
		return nil
	}
	projection := make(bson.D, len(fields))
	for i, field := range fields {
		projection[i] = bson.E{Key: field, Value: 1}
	}
	cur, err := s.events.Find(ctx,
		bson.D{{Key: fieldID, Value: bson.D{{Key: "$in", Value: ids}}}}, options.Find().SetProjection(projection))
	return forEach(ctx, cur, err, func(d *store.Document) bool {
		use(d)
		return true
	})
}
