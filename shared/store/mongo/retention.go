package mongo

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"sync/atomic"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo"
	"go.mongodb.org/mongo-driver/v2/mongo/options"
	"golang.org/x/sync/errgroup"

	"github.com/theeye/theeye/shared/query"
	"github.com/theeye/theeye/shared/store"
)

// retentionFields are what a retention compares of one document.
var retentionFields = bson.D{
	{Key: fieldStatus, Value: 1},
	{Key: fieldCategory, Value: 1},
	{Key: fieldName, Value: 1},
	{Key: fieldReceivedAt, Value: 1},
	{Key: fieldExpiresAt, Value: 1},
	{Key: fieldOrigin, Value: 1},
	{Key: fieldRevision, Value: 1},
}

// retentionPlace is the position of the last document of a portion: its received
// time, or its expiry where that is the order, in milliseconds.
type retentionPlace struct {
	At int64  `json:"at"`
	ID string `json:"id"`
}

// ApplyRetention implements store.Retainer. Each document is read, and then updated
// only where it is still the one that was read and no policy as new was applied to
// it. So an update that a suspended process sends late has no effect.
//
// A portion is read in windows of time whatever Config.TimeWindows says: no index
// has the order of its documents.
func (s *Store) ApplyRetention(ctx context.Context, p store.RetentionPortion) (store.RetentionResult, error) {
	docs, next, err := s.readPortion(ctx, &p)
	if err != nil {
		return store.RetentionResult{}, fmt.Errorf("apply retention: %w", err)
	}
	changed, err := s.updateExpiries(ctx, docs, &p)
	if err == nil {
		err = s.markChanged(ctx, docs, p.Revision)
	}
	if err != nil {
		return store.RetentionResult{}, fmt.Errorf("apply retention: %w", err)
	}
	return store.RetentionResult{Next: next, Read: len(docs), Changed: changed}, nil
}

// readPortion reads the documents of a portion in the order of their received
// time, or of their expiry.
func (s *Store) readPortion(ctx context.Context, p *store.RetentionPortion) (docs []*store.Document, next string, err error) {
	if err := p.CheckBounds(); err != nil {
		return nil, "", err
	}
	q := page{in: s.events, filter: bson.D{}, time: receivedField, fields: retentionFields, from: earliest, to: latest, limit: p.Limit}
	if !p.DueBefore.IsZero() {
		q.time, q.to = expiresField, expiresField.ceil(p.DueBefore)
	}
	if p.After != "" {
		var place retentionPlace
		if err := json.Unmarshal([]byte(p.After), &place); err != nil {
			return nil, "", fmt.Errorf("%w: the place of a portion: %w", query.ErrInvalid, err)
		}
		q.after = &query.Position{Time: time.UnixMilli(place.At), ID: place.ID}
	}
	from, to, behind := q.rangeBehind()
	q.filter = append(q.filter, behind...)
	if docs, err = s.readWindows(ctx, &q, from, to); err != nil || len(docs) < p.Limit {
		return docs, "", err
	}
	last := docs[len(docs)-1]
	place := retentionPlace{At: last.ReceivedAt.UnixMilli(), ID: last.ID}
	if !p.DueBefore.IsZero() {
		place.At = last.ExpiresAt.UnixMilli()
	}
	text, err := json.Marshal(place)
	return docs, string(text), err
}

// updateExpiries updates the documents whose expiry is another under the
// retention, and returns their number.
func (s *Store) updateExpiries(ctx context.Context, docs []*store.Document, p *store.RetentionPortion) (int, error) {
	var changes, marks []mongo.WriteModel
	for _, d := range docs {
		if d.Revision >= p.Revision {
			continue // written under a policy as new as this one
		}
		want := p.ExpiresAt(d.ReceivedAt, d.Category, d.Name, d.Status)
		update := mongo.NewUpdateOneModel().SetFilter(retentionGuard(d, p.Revision)).SetUpdate(expiryUpdate(want, p.Revision))
		if !want.Equal(d.ExpiresAt) {
			changes = append(changes, update)
		} else if p.Mark {
			marks = append(marks, update)
		}
	}
	changed, err := s.updateEach(ctx, changes)
	if err != nil {
		return 0, err
	}
	_, err = s.updateEach(ctx, marks)
	return changed, err
}

// markChanged marks the slots of the documents that a policy was applied to: by this
// call, or by an earlier one of the same portion, which may have failed before its
// marks.
func (s *Store) markChanged(ctx context.Context, docs []*store.Document, revision uint64) error {
	if len(docs) == 0 {
		return nil
	}
	ids := make([]string, len(docs))
	for i, d := range docs {
		ids[i] = d.ID
	}
	cur, err := s.events.Find(ctx, bson.D{
		{Key: fieldID, Value: bson.D{{Key: "$in", Value: ids}}},
		{Key: fieldRetentionRevision, Value: int64(revision)},
	}, options.Find().SetProjection(markFields))
	var marks []store.SlotMark
	err = forEach(ctx, cur, err, func(d *store.Document) bool {
		marks = append(marks, store.MarkOf(d))
		return true
	})
	if err != nil || len(marks) == 0 {
		return err
	}
	return s.Mark(ctx, marks)
}

// markFields are the fields that a mark needs.
var markFields = bson.D{
	{Key: fieldID, Value: 0},
	{Key: fieldApplication, Value: 1},
	{Key: fieldReceivedAt, Value: 1},
	{Key: fieldSlot, Value: 1},
	{Key: fieldStatus, Value: 1},
	{Key: fieldTimestampUS, Value: 1},
}

// retentionGuard selects a document that is still the one that was read, unless a
// policy of the revision or a later one was applied to it.
func retentionGuard(d *store.Document, revision uint64) bson.D {
	return bson.D{
		{Key: fieldID, Value: d.ID},
		{Key: fieldOrigin + "." + fieldEpoch, Value: d.Origin.Epoch},
		{Key: fieldOrigin + "." + fieldSeq, Value: int64(d.Origin.Seq)},
		{Key: fieldRevision, Value: int64(d.Revision)},
		{Key: fieldRetentionRevision, Value: bson.D{{Key: "$not", Value: bson.D{{Key: "$gte", Value: int64(revision)}}}}},
	}
}

func expiryUpdate(at time.Time, revision uint64) bson.D {
	set := bson.D{{Key: fieldRetentionRevision, Value: int64(revision)}}
	if at.IsZero() {
		return bson.D{{Key: "$set", Value: set}, {Key: "$unset", Value: bson.D{{Key: fieldExpiresAt, Value: ""}}}}
	}
	return bson.D{{Key: "$set", Value: append(set, bson.E{Key: fieldExpiresAt, Value: bson.NewDateTimeFromTime(at)})}}
}

// updateBulks is how many bulks the updates of a portion are sent in at once: a
// server works on the updates of one bulk one after the other.
const updateBulks = 2

// updateEach runs the updates as unordered bulks and returns how many matched.
func (s *Store) updateEach(ctx context.Context, updates []mongo.WriteModel) (int, error) {
	var matched atomic.Int64
	group, ctx := errgroup.WithContext(ctx)
	for bulk := range slices.Chunk(updates, len(updates)/updateBulks+1) {
		group.Go(func() error {
			result, err := s.events.BulkWrite(ctx, bulk, options.BulkWrite().SetOrdered(false))
			if err == nil {
				matched.Add(result.MatchedCount)
			}
			return classify(err)
		})
	}
	err := group.Wait()
	return int(matched.Load()), err
}

// CountDocuments implements store.Retainer. The server's estimate is not used:
// FerretDB's is wrong.
func (s *Store) CountDocuments(ctx context.Context) (uint64, error) {
	n, err := s.events.CountDocuments(ctx, bson.D{})
	if err != nil {
		return 0, fmt.Errorf("count documents: %w", classify(err))
	}
	return uint64(n), nil
}
