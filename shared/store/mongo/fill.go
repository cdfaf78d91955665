package mongo

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"math"
	"slices"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo"
	"go.mongodb.org/mongo-driver/v2/mongo/options"

	"github.com/theeye/theeye/shared/store"
)

// Documents that a build without marks wrote get theirs in one pass, day by day of
// received time. The document "unmarked" of the collection meta has the progress of the
// pass, so that another process goes on from there.

// fieldRun names the pass that moves the position. Another one that begins takes it
// over; the first goes on without recording where it is.
const fieldRun = "run"

// prepareMarks makes the identity of the store and the marks that are missing.
func (s *Store) prepareMarks(ctx context.Context) error {
	_, err := s.meta.UpdateOne(ctx, bson.D{{Key: fieldID, Value: metaID}},
		bson.D{{Key: "$setOnInsert", Value: bson.D{{Key: metaValue, Value: rand.Text()}}}}, options.UpdateOne().SetUpsert(true))
	if err != nil && !mongo.IsDuplicateKeyError(err) {
		return classify(err)
	}
	present, err := s.readMeta(ctx, metaLayout)
	if err != nil {
		return err
	}
	from, unfinished, err := s.readUnmarked(ctx)
	if err != nil {
		return err
	}
	if !unfinished && present >= layoutOfMarks {
		marked, err := s.readMeta(ctx, metaMarked)
		if err != nil || s.now().UnixMilli() >= marked+rollingUpgrade.Milliseconds() {
			return err
		}
	}
	if err := s.fillMarks(ctx, from); err != nil || present == 0 || present >= layoutOfMarks {
		return err
	}
	return s.raiseValue(ctx, metaMarked, s.now().UnixMilli())
}

// rollingUpgrade is how long after the upgrade every processor that starts marks all
// documents again. Processors of the build before may go on writing beside the first
// one of this build, without marks, also into slots that have been marked: so the last
// to start, after the last of the other build has stopped, marks their writes.
const rollingUpgrade = time.Hour

// readUnmarked returns the received time in milliseconds from which on documents may
// have no marks, if a pass has begun and not ended.
func (s *Store) readUnmarked(ctx context.Context) (from int64, unfinished bool, err error) {
	raw, err := s.meta.FindOne(ctx, bson.D{{Key: fieldID, Value: metaUnmarked}}).Raw()
	if errors.Is(err, mongo.ErrNoDocuments) {
		return math.MinInt64, false, nil
	}
	if err != nil {
		return 0, false, classify(err)
	}
	from, ok := raw.Lookup(metaValue).AsInt64OK()
	if !ok {
		return 0, false, fmt.Errorf("%w: meta document %s has no value", store.ErrConfiguration, metaUnmarked)
	}
	return from, true, nil
}

// fillMarks marks the slots of all documents that were received at a time or later.
// Files that were derived before it ends are of another store afterwards: a build
// without marks may have moved documents between slots.
func (s *Store) fillMarks(ctx context.Context, from int64) error {
	run := rand.Text()
	position := func() bson.D {
		return bson.D{{Key: "$set", Value: bson.D{{Key: metaValue, Value: from}, {Key: fieldRun, Value: run}}}}
	}
	_, err := s.meta.UpdateOne(ctx, bson.D{{Key: fieldID, Value: metaUnmarked}}, position(), options.UpdateOne().SetUpsert(true))
	if err != nil {
		return classify(err)
	}
	mine := bson.D{{Key: fieldID, Value: metaUnmarked}, {Key: fieldRun, Value: run}}
	for {
		next, ok, err := s.nextReceived(ctx, from)
		if err != nil {
			return err
		}
		if !ok {
			break
		}
		if from, err = s.markDay(ctx, next); err != nil {
			return err
		}
		if _, err := s.meta.UpdateOne(ctx, mine, position()); err != nil {
			return classify(err)
		}
	}
	_, err = s.meta.UpdateOne(ctx, bson.D{{Key: fieldID, Value: metaID}},
		bson.D{{Key: "$set", Value: bson.D{{Key: metaValue, Value: rand.Text()}}}})
	if err == nil {
		_, err = s.meta.DeleteOne(ctx, mine)
	}
	return classify(err)
}

// nextReceived returns the earliest received time that is not before from, in
// milliseconds.
func (s *Store) nextReceived(ctx context.Context, from int64) (next int64, ok bool, err error) {
	p := page{in: s.events, filter: bson.D{}, time: receivedField, fields: bson.D{{Key: fieldReceivedAt, Value: 1}}, limit: 1}
	fromUS := int64(earliest)
	if from > firstInstant/1000 {
		fromUS = from * 1000
	}
	docs, err := s.readWindows(ctx, &p, fromUS, latest)
	if err != nil || len(docs) == 0 {
		return 0, false, err
	}
	return docs[0].ReceivedAt.UnixMilli(), true, nil
}

// markDay marks the slots of the documents received from a time until the end of its
// day, and returns that. Its memory is bounded by the slots of a day.
func (s *Store) markDay(ctx context.Context, from int64) (end int64, err error) {
	_, lastSlot := store.SlotsOf(max(0, from) / (24 * 60 * 60 * 1000))
	_, end = store.ReceivedRange(0, lastSlot)
	found := make(map[store.Slot]store.Span)
	filter := bson.D{{Key: fieldReceivedAt, Value: bson.D{
		{Key: "$gte", Value: bson.DateTime(from)}, {Key: "$lt", Value: bson.DateTime(end)},
	}}}
	cur, err := s.events.Find(ctx, filter, options.Find().SetProjection(markFields).SetBatchSize(10_000))
	err = forEach(ctx, cur, err, func(d *store.Document) bool {
		m := store.MarkOf(d)
		found[m.Slot] = found[m.Slot].Join(m.Timestamps)
		return true
	})
	if err != nil {
		return 0, err
	}
	marks := make([]store.SlotMark, 0, len(found))
	for slot, span := range found {
		marks = append(marks, store.SlotMark{Slot: slot, Timestamps: span})
	}
	for part := range slices.Chunk(store.JoinMarks(marks), 1000) {
		if err := s.Mark(ctx, part); err != nil {
			return 0, err
		}
	}
	return end, nil
}

// StoreID implements store.Marks.
func (s *Store) StoreID(ctx context.Context) (string, error) {
	raw, err := s.meta.FindOne(ctx, bson.D{{Key: fieldID, Value: metaID}}).Raw()
	if err != nil {
		return "", fmt.Errorf("read the identity of the store: %w", classify(err))
	}
	id, ok := raw.Lookup(metaValue).StringValueOK()
	if !ok {
		return "", fmt.Errorf("%w: the identity of the store is no text", store.ErrConfiguration)
	}
	return id, nil
}
