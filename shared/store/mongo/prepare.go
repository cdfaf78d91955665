package mongo

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"strconv"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo"
	"go.mongodb.org/mongo-driver/v2/mongo/options"

	"github.com/theeye/theeye/shared/store"
)

// layout is the version of the collections and indexes below. A later one only
// adds, so a store of a later layout serves this build, too.
const layout = 4

// The layouts that brought the collections types and marks.
const (
	layoutOfTypes = 2
	layoutOfMarks = 3
)

// Documents of the collection meta: {_id, value}.
const (
	metaLayout   = "layout"
	metaRevision = "revision"
	metaID       = "id"        // the identity of the store, a text
	metaUnmarked = "unmarked"  // see fillMarks
	metaMarked   = "marked_at" // when the first fillMarks ended, in milliseconds since 1970
	metaValue    = "value"
)

// prepareTimeout bounds Prepare when its context has no deadline: building an
// index over a large collection takes long.
const prepareTimeout = time.Hour

// index is an index of events. A changed one gets a higher version: Prepare
// then builds the new one before it drops the old one.
type index struct {
	base    string
	version int
	keys    bson.D
	partial bson.D
	expiry  bool
}

func (i index) name() string { return i.base + "_v" + strconv.Itoa(i.version) }

// indexes returns an index for each kind of read and no other: each costs insert
// rate. Those of stored events and those of rejected ones are partial, so that an
// event is only in its own. The index by category serves every question for a type:
// see narrow.
func indexes() []index {
	stored := bson.D{{Key: fieldStatus, Value: string(store.Stored)}}
	rejected := bson.D{{Key: fieldStatus, Value: string(store.Rejected)}}
	expiring := bson.D{{Key: fieldExpiresAt, Value: bson.D{{Key: "$exists", Value: true}}}}
	moved := bson.D{{Key: fieldSlot, Value: bson.D{{Key: "$exists", Value: true}}}}
	return []index{
		{base: "session_time", version: 1, partial: stored, keys: ascending(fieldSessionID, fieldTimestampUS, fieldID)},
		{
			base: "category_time", version: 2, partial: stored,
			keys: ascending(fieldCategory, fieldName, fieldApplication, fieldTimestampUS, fieldID),
		},
		{
			base: "application_time", version: 1, partial: stored,
			keys: ascending(fieldApplication, fieldTimestampUS, fieldID),
		},
		{base: "time", version: 1, partial: stored, keys: ascending(fieldTimestampUS, fieldID)},
		// Of every event, for Scan and a changed retention. Scan reads the entries of other
		// applications, and none of their documents.
		{base: "received", version: 2, keys: ascending(fieldReceivedAt, fieldApplication)},
		{base: "rejected_received", version: 1, partial: rejected, keys: ascending(fieldReceivedAt, fieldID)},
		{
			base: "rejected_code", version: 1, partial: rejected,
			keys: ascending(fieldErrors+"."+fieldCode, fieldReceivedAt, fieldID),
		},
		{base: "rejected_event_id", version: 1, partial: rejected, keys: ascending(fieldEventID)},
		// Of documents that do not have the slot of their received time: very few.
		{base: "slot", version: 1, partial: moved, keys: ascending(fieldApplication, fieldSlot)},
		{base: "expiry", version: 1, partial: expiring, keys: ascending(fieldExpiresAt), expiry: true},
	}
}

func ascending(fields ...string) bson.D {
	keys := make(bson.D, len(fields))
	for i, f := range fields {
		keys[i] = bson.E{Key: f, Value: 1}
	}
	return keys
}

func (i index) toModel() mongo.IndexModel {
	opts := options.Index().SetName(i.name())
	if i.partial != nil {
		opts.SetPartialFilterExpression(i.partial)
	}
	if i.expiry {
		opts.SetExpireAfterSeconds(0)
	}
	return mongo.IndexModel{Keys: i.keys, Options: opts}
}

// Prepare implements store.Store. It may run again at any time; two at once are
// safe on MongoDB but can fail each other on FerretDB, which is why one process
// alone calls it.
func (s *Store) Prepare(ctx context.Context) error {
	if _, ok := ctx.Deadline(); !ok {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, prepareTimeout)
		defer cancel()
	}
	present, err := s.indexNames(ctx)
	if err != nil {
		return fmt.Errorf("list indexes: %w", classify(err))
	}
	var missing []mongo.IndexModel
	for _, want := range indexes() {
		if !present[want.name()] {
			missing = append(missing, want.toModel())
		}
	}
	if len(missing) > 0 { // at once, so that documents that are there are read once
		if _, err := s.events.Indexes().CreateMany(ctx, missing); err != nil {
			return fmt.Errorf("create indexes: %w", classify(err))
		}
	}
	for _, name := range superseded(present) {
		if err := s.events.Indexes().DropOne(ctx, name); err != nil {
			return fmt.Errorf("drop index %s: %w", name, classify(err))
		}
	}
	if err := s.prepareTypes(ctx); err != nil {
		return fmt.Errorf("prepare the types of events: %w", err)
	}
	if err := s.prepareMarks(ctx); err != nil {
		return fmt.Errorf("mark the documents that are there: %w", err)
	}
	return s.raiseValue(ctx, metaLayout, layout)
}

// prepareTypes makes the collection of types, with those of the events that a
// former layout wrote.
func (s *Store) prepareTypes(ctx context.Context) error {
	keys := ascending(fieldID+"."+fieldCategory, fieldID+"."+fieldName)
	if _, err := s.types.Indexes().CreateOne(ctx, mongo.IndexModel{Keys: keys, Options: options.Index().SetName("type_v1")}); err != nil {
		return classify(err)
	}
	present, err := s.readMeta(ctx, metaLayout)
	if err != nil || present >= layoutOfTypes {
		return err
	}
	return s.fillTypes(ctx)
}

func (s *Store) indexNames(ctx context.Context) (map[string]bool, error) {
	specs, err := s.events.Indexes().ListSpecifications(ctx)
	names := make(map[string]bool, len(specs))
	for _, spec := range specs {
		names[spec.Name] = true
	}
	return names, err
}

var versioned = regexp.MustCompile(`^([a-z_]+)_v([0-9]+)$`)

// superseded returns the existing indexes that are older versions of this
// layout's. Indexes of other origin are kept.
func superseded(present map[string]bool) []string {
	current := make(map[string]int)
	for _, i := range indexes() {
		current[i.base] = i.version
	}
	var old []string
	for name := range present {
		m := versioned.FindStringSubmatch(name)
		if m == nil {
			continue
		}
		version, err := strconv.Atoi(m[2])
		if err == nil && version < current[m[1]] {
			old = append(old, name)
		}
	}
	return old
}

// Ready implements store.Store.
func (s *Store) Ready(ctx context.Context) error {
	v, err := s.readMeta(ctx, metaLayout)
	if err != nil {
		return fmt.Errorf("read layout: %w", err)
	}
	if v < layout {
		return fmt.Errorf("%w: no processor has prepared layout %d yet", store.ErrUnavailable, layout)
	}
	return nil
}

// HighestRevision implements store.Store.
func (s *Store) HighestRevision(ctx context.Context) (uint64, error) {
	v, err := s.readMeta(ctx, metaRevision)
	if err != nil {
		return 0, fmt.Errorf("read revision: %w", err)
	}
	return uint64(v), nil
}

// RaiseRevision implements store.Store.
func (s *Store) RaiseRevision(ctx context.Context, revision uint64) error {
	return s.raiseValue(ctx, metaRevision, int64(revision))
}

// readMeta returns 0 for an absent document.
func (s *Store) readMeta(ctx context.Context, id string) (int64, error) {
	raw, err := s.meta.FindOne(ctx, bson.D{{Key: fieldID, Value: id}}).Raw()
	if errors.Is(err, mongo.ErrNoDocuments) {
		return 0, nil
	}
	if err != nil {
		return 0, classify(err)
	}
	v, ok := raw.Lookup(metaValue).AsInt64OK()
	if !ok || v < 0 {
		return 0, fmt.Errorf("%w: meta document %s has no value", store.ErrConfiguration, id)
	}
	return v, nil
}

// raiseValue sets a meta document to value unless it is higher already. Of two
// processes that create it at once, one gets a duplicate and tries again.
func (s *Store) raiseValue(ctx context.Context, id string, value int64) error {
	var err error
	for range 3 {
		_, err = s.meta.UpdateOne(ctx,
			bson.D{{Key: fieldID, Value: id}},
			bson.D{{Key: "$max", Value: bson.D{{Key: metaValue, Value: value}}}},
			options.UpdateOne().SetUpsert(true))
		if !mongo.IsDuplicateKeyError(err) {
			break
		}
	}
	if err != nil {
		return fmt.Errorf("raise %s: %w", id, classify(err))
	}
	return nil
}
