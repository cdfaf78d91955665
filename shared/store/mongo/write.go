package mongo

import (
	"context"
	"sync"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo"
	"go.mongodb.org/mongo-driver/v2/mongo/options"

	"github.com/theeye/theeye/shared/store"
)

// Insert implements store.Backend by one unordered bulk.
func (s *Store) Insert(ctx context.Context, docs []*store.Document) ([]error, error) {
	if err := s.recordTypes(ctx, docs); err != nil {
		return nil, err
	}
	return withEncoded(docs, func(bulk []encodedDocument) ([]error, error) {
		raws := make([]any, len(bulk))
		for i, e := range bulk {
			raws[i] = e.raw
		}
		_, err := s.events.InsertMany(ctx, raws, options.InsertMany().SetOrdered(false))
		return perDocument(len(bulk), err)
	})
}

// Replace implements store.Backend by one unordered bulk of guarded replacements. Of
// documents that stay as they are, as most do in a replay, it only raises the revision.
func (s *Store) Replace(ctx context.Context, docs []*store.Document) ([]error, error) {
	if err := s.recordTypes(ctx, docs); err != nil {
		return nil, err
	}
	return withEncoded(docs, func(bulk []encodedDocument) ([]error, error) {
		raises, rest, err := s.findRaises(ctx, bulk)
		if err != nil {
			return nil, err
		}
		errs := make([]error, len(bulk))
		if err := s.raiseRevisions(ctx, raises, errs); err != nil {
			return nil, err
		}
		return errs, s.replaceWhole(ctx, bulk, rest, errs)
	})
}

// replaceWhole replaces the documents at some positions of a bulk, and sets their errors.
func (s *Store) replaceWhole(ctx context.Context, bulk []encodedDocument, positions []int, errs []error) error {
	if len(positions) == 0 {
		return nil
	}
	models := make([]mongo.WriteModel, len(positions))
	for n, i := range positions {
		e := bulk[i]
		models[n] = mongo.NewReplaceOneModel().SetFilter(guard(e.doc)).SetReplacement(e.raw).SetUpsert(false)
	}
	result, err := s.events.BulkWrite(ctx, models, options.BulkWrite().SetOrdered(false))
	replaced, err := perDocument(len(positions), err)
	if err != nil {
		return err
	}
	noteMatches(replaced, result)
	for n, i := range positions {
		errs[i] = replaced[n]
	}
	return nil
}

// noteMatches sets store.ErrNoMatch for every document without an error where fewer
// matched: the server does not report which.
func noteMatches(errs []error, result *mongo.BulkWriteResult) {
	sent := int64(0)
	for _, err := range errs {
		if err == nil {
			sent++
		}
	}
	if result != nil && result.MatchedCount >= sent {
		return
	}
	for i, err := range errs {
		if err == nil {
			errs[i] = store.ErrNoMatch
		}
	}
}

// guard is store.MayReplace as a filter: the server evaluates it in the same
// atomic step as the replacement.
func guard(d *store.Document) bson.D {
	const epoch, seq = fieldOrigin + "." + fieldEpoch, fieldOrigin + "." + fieldSeq
	o := d.Origin
	return bson.D{
		{Key: fieldID, Value: d.ID},
		{Key: fieldContentHash, Value: d.ContentHash},
		{Key: "$or", Value: bson.A{
			bson.D{{Key: epoch, Value: bson.D{{Key: "$gt", Value: o.Epoch}}}},
			bson.D{{Key: epoch, Value: o.Epoch}, {Key: seq, Value: bson.D{{Key: "$gt", Value: o.Seq}}}},
			bson.D{
				{Key: epoch, Value: o.Epoch},
				{Key: seq, Value: o.Seq},
				{Key: fieldRevision, Value: bson.D{{Key: "$lt", Value: d.Revision}}},
			},
		}},
		{Key: "$and", Value: bson.A{inSlot(d.EffectiveSlot())}},
	}
}

// inSlot selects the documents of a slot.
func inSlot(slot int64) bson.D {
	from, to := store.ReceivedRange(slot, slot+1)
	received := bson.D{{Key: "$lt", Value: bson.DateTime(to)}}
	if slot > 0 {
		received = append(received, bson.E{Key: "$gte", Value: bson.DateTime(from)})
	}
	return bson.D{{Key: "$or", Value: bson.A{
		bson.D{{Key: fieldSlot, Value: slot}},
		bson.D{{Key: fieldSlot, Value: nil}, {Key: fieldReceivedAt, Value: received}},
	}}}
}

// encodedDocument is a document and its BSON.
type encodedDocument struct {
	doc *store.Document
	raw bson.Raw
}

// buffers are reused from bulk to bulk: the driver copies its input.
var buffers = sync.Pool{New: func() any { return new([]byte) }}

// maxBuffer bounds the capacity of a buffer that is kept for reuse.
const maxBuffer = 4 << 20

// withEncoded encodes every document singly, calls do with those that have an
// encoding, and merges both results.
func withEncoded(
	docs []*store.Document, do func([]encodedDocument) ([]error, error),
) ([]error, error) {
	buffer, _ := buffers.Get().(*[]byte)
	defer func() {
		if cap(*buffer) <= maxBuffer {
			buffers.Put(buffer)
		}
	}()
	errs := make([]error, len(docs))
	ends := make([]int, len(docs))
	dst := (*buffer)[:0]
	for i, d := range docs {
		dst, errs[i] = AppendDocument(dst, d)
		ends[i] = len(dst)
	}
	*buffer = dst

	bulk := make([]encodedDocument, 0, len(docs))
	start := 0
	for i, d := range docs {
		if errs[i] == nil {
			bulk = append(bulk, encodedDocument{doc: d, raw: dst[start:ends[i]:ends[i]]})
		}
		start = ends[i]
	}
	if len(bulk) == 0 {
		return errs, nil
	}
	results, err := do(bulk)
	if err != nil {
		return nil, err
	}
	for i := range errs {
		if errs[i] == nil {
			errs[i], results = results[0], results[1:]
		}
	}
	return errs, nil
}
