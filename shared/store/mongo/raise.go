package mongo

import (
	"bytes"
	"context"
	"fmt"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo/options"
	"go.mongodb.org/mongo-driver/v2/x/bsonx/bsoncore"

	"github.com/theeye/theeye/shared/store"
)

// A replay changes most documents in nothing but their revision, and in the version of their
// schema after a change of it. One command raises these for all documents of a bulk that
// were so, which costs a fraction of as many guarded replacements: a server works on those
// one after the other.

const (
	// raiseProbe is how many documents of a bulk are read to learn whether the others
	// are worth it: where most differ, they are replaced without being read.
	raiseProbe = 20
	// maxRaises bounds the commands of a bulk, each for one revision that was held and one
	// version of a schema.
	maxRaises = 4
)

// revisionRaise is documents of a bulk that differ from their holders, as they were read, in
// nothing but their revision and the version of their schema. The guard of the command
// describes exactly those holders:
//
//   - origin: a sequence is that of one message, and so of one id and one content.
//   - revision: a document of the same origin changes only to a higher one, and with it
//     the version of its schema.
//   - no retention_revision: its expiry is that of its own revision.
//   - no slot: it is in the slot of its received time, also after an expiry and
//     another insertion.
type revisionRaise struct {
	// from is the revision that was held, to the one to write.
	epoch, from, to int64
	// version is that of the schema to write, 0 without one.
	version int64
	ids     []string
	seqs    []int64
	// indexes are the positions of the documents in the bulk.
	indexes []int
}

func (r *revisionRaise) guard() bson.D {
	return bson.D{
		{Key: fieldID, Value: bson.D{{Key: "$in", Value: r.ids}}},
		{Key: fieldOrigin + "." + fieldEpoch, Value: r.epoch},
		{Key: fieldOrigin + "." + fieldSeq, Value: bson.D{{Key: "$in", Value: r.seqs}}},
		{Key: fieldRevision, Value: r.from},
		{Key: fieldRetentionRevision, Value: nil},
		{Key: fieldSlot, Value: nil},
	}
}

// findRaises reads the holders of a bulk and returns the raises, and the positions of
// the other documents.
func (s *Store) findRaises(ctx context.Context, bulk []encodedDocument) (raises []*revisionRaise, rest []int, err error) {
	found := &equalHolders{bulk: bulk, byID: make(map[string]int, len(bulk)), raised: make([]bool, len(bulk))}
	probe := min(raiseProbe, len(bulk))
	if err = s.compareHolders(ctx, found, 0, probe); err != nil {
		return nil, nil, err
	}
	if probe < len(bulk) && 2*found.count >= probe {
		if err = s.compareHolders(ctx, found, probe, len(bulk)); err != nil {
			return nil, nil, err
		}
	}
	for i, raised := range found.raised {
		if !raised {
			rest = append(rest, i)
		}
	}
	return found.raises, rest, nil
}

// equalHolders gathers the raises of a bulk.
type equalHolders struct {
	bulk   []encodedDocument
	byID   map[string]int
	raises []*revisionRaise
	raised []bool
	count  int
}

// compareHolders reads the holders of the documents with from <= position < to.
func (s *Store) compareHolders(ctx context.Context, found *equalHolders, from, to int) error {
	ids := make([]string, 0, to-from)
	for i, e := range found.bulk[from:to] {
		if e.doc.Slot == nil {
			ids = append(ids, e.doc.ID)
			found.byID[e.doc.ID] = from + i
		}
	}
	if len(ids) == 0 {
		return nil
	}
	cur, err := s.events.Find(ctx, bson.D{{Key: fieldID, Value: bson.D{{Key: "$in", Value: ids}}}},
		options.Find().SetBatchSize(int32(len(ids))))
	if err != nil {
		return fmt.Errorf("read holders: %w", classify(err))
	}
	defer func() { _ = cur.Close(context.WithoutCancel(ctx)) }()
	for cur.Next(ctx) {
		id, _ := cur.Current.Lookup(fieldID).StringValueOK()
		if i, ok := found.byID[id]; ok {
			found.addHolder(i, cur.Current)
		}
	}
	if err := cur.Err(); err != nil {
		return fmt.Errorf("read holders: %w", classify(err))
	}
	return nil
}

// addHolder notes the document at a position if it differs from its holder in nothing
// but a higher revision and the version of its schema.
func (h *equalHolders) addHolder(i int, held bson.Raw) {
	d := h.bulk[i].doc
	from, ok := equalButRevision(held, h.bulk[i].raw)
	to := int64(d.Revision)
	if !ok || from >= to || h.raised[i] {
		return
	}
	for _, r := range h.raises {
		if r.epoch == d.Origin.Epoch && r.from == from && r.to == to && r.version == d.SchemaVersion {
			h.addTo(r, i)
			return
		}
	}
	if len(h.raises) < maxRaises {
		r := &revisionRaise{epoch: d.Origin.Epoch, from: from, to: to, version: d.SchemaVersion}
		h.raises = append(h.raises, r)
		h.addTo(r, i)
	}
}

func (h *equalHolders) addTo(r *revisionRaise, i int) {
	d := h.bulk[i].doc
	r.ids, r.seqs, r.indexes = append(r.ids, d.ID), append(r.seqs, int64(d.Origin.Seq)), append(r.indexes, i)
	h.raised[i] = true
	h.count++
}

// equalButRevision reports whether two documents have the same fields in the same
// order with the same values but for their revisions and the versions of their schemas, and
// returns the revision of the first.
func equalButRevision(held, doc bson.Raw) (revision int64, equal bool) {
	if len(held) != len(doc) {
		return 0, false
	}
	compared := 0
	for _, field := range [...]string{fieldRevision, fieldSchemaVersion} { // in their order
		at, ok := int64At(doc, field)
		if !ok && field == fieldSchemaVersion {
			break
		}
		if !ok || !bytes.Equal(held[compared:at], doc[compared:at]) {
			return 0, false
		}
		if field == fieldRevision {
			revision, _, _ = bsoncore.ReadInt64(held[at:])
		}
		compared = at + 8
	}
	return revision, bytes.Equal(held[compared:], doc[compared:])
}

// int64At returns where the 8 bytes of a field begin.
func int64At(doc bson.Raw, field string) (offset int, ok bool) {
	rest := doc[4:]
	for len(rest) > 1 {
		element, after, ok := bsoncore.ReadElement(rest)
		if !ok {
			return 0, false
		}
		if key, err := element.KeyErr(); err == nil && key == field {
			return len(doc) - len(after) - 8, element.Value().Type == bsoncore.TypeInt64
		}
		rest = after
	}
	return 0, false
}

// raiseRevisions runs the raises and sets store.ErrNoMatch for every document of one of
// which fewer matched: the server does not report which.
func (s *Store) raiseRevisions(ctx context.Context, raises []*revisionRaise, errs []error) error {
	for _, r := range raises {
		raised := bson.D{{Key: fieldRevision, Value: r.to}}
		if r.version != 0 {
			raised = append(raised, bson.E{Key: fieldSchemaVersion, Value: r.version})
		}
		result, err := s.events.UpdateMany(ctx, r.guard(), bson.D{{Key: "$set", Value: raised}})
		if err != nil {
			return fmt.Errorf("raise revisions: %w", classify(err))
		}
		if result.MatchedCount == int64(len(r.ids)) {
			continue
		}
		for _, i := range r.indexes {
			errs[i] = store.ErrNoMatch
		}
	}
	return nil
}
