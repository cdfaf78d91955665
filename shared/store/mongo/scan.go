package mongo

import (
	"context"
	"fmt"
	"iter"
	"slices"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo/options"

	"github.com/theeye/theeye/shared/store"
)

// atOnce bounds the timestamps of one query of At: MongoDB merges up to 200 ranges of
// an index in their order, and would sort more.
const atOnce = 100

// Scan implements store.Marks. Documents with a slot of their own come first: one that
// gets its own while the others are read is left out.
func (s *Store) Scan(ctx context.Context, application string, from, to int64) iter.Seq2[*store.Document, error] {
	return func(yield func(*store.Document, error) bool) {
		moved := make(map[string]struct{})
		wanted := true
		err := s.eachOf(ctx, s.movedFilter(application, from, to), nil, func(d *store.Document) bool {
			moved[d.ID] = struct{}{}
			wanted = yield(d, nil)
			return wanted
		})
		if err == nil && wanted {
			err = s.eachOf(ctx, s.unmovedFilter(application, from, to), nil, func(d *store.Document) bool {
				if _, ok := moved[d.ID]; !ok {
					wanted = yield(d, nil)
				}
				return wanted
			})
		}
		if err != nil && wanted {
			yield(nil, fmt.Errorf("scan slots: %w", err))
		}
	}
}

// movedFilter selects the documents with a slot of their own in a range.
func (s *Store) movedFilter(application string, from, to int64) bson.D {
	return bson.D{
		{Key: fieldApplication, Value: application},
		{Key: fieldSlot, Value: bson.D{{Key: "$gte", Value: from}, {Key: "$lt", Value: to}}},
		s.notExpired(),
	}
}

// unmovedFilter selects the documents whose slot in a range is that of their received
// time.
func (s *Store) unmovedFilter(application string, from, to int64) bson.D {
	fromMS, toMS := store.ReceivedRange(from, to)
	received := bson.D{{Key: "$lt", Value: bson.DateTime(toMS)}}
	if from > 0 {
		received = append(received, bson.E{Key: "$gte", Value: bson.DateTime(fromMS)})
	}
	return bson.D{
		{Key: fieldReceivedAt, Value: received},
		{Key: fieldApplication, Value: application},
		{Key: fieldSlot, Value: nil},
		s.notExpired(),
	}
}

// eachOf reads the documents that a filter selects from the primary, until use returns
// false.
func (s *Store) eachOf(ctx context.Context, filter, sort bson.D, use func(*store.Document) bool) error {
	opts := options.Find().SetBatchSize(1000)
	if sort != nil {
		opts.SetSort(sort)
	}
	cur, err := s.events.Find(ctx, filter, opts)
	return forEach(ctx, cur, err, use)
}

// At implements store.Marks.
func (s *Store) At(ctx context.Context, application string, timestamps []time.Time) iter.Seq2[*store.Document, error] {
	return func(yield func(*store.Document, error) bool) {
		sorted, err := store.SortTimestamps(timestamps)
		wanted := true
		for us := range slices.Chunk(sorted, atOnce) {
			if err != nil || !wanted {
				break
			}
			err = s.eachOf(ctx, bson.D{
				{Key: fieldStatus, Value: string(store.Stored)},
				{Key: fieldApplication, Value: application},
				{Key: fieldTimestampUS, Value: bson.D{{Key: "$in", Value: us}}},
				s.notExpired(),
			}, ascending(fieldTimestampUS, fieldID), func(d *store.Document) bool {
				wanted = yield(d, nil)
				return wanted
			})
		}
		if err != nil && wanted {
			yield(nil, fmt.Errorf("read events: %w", err))
		}
	}
}
