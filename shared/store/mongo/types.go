package mongo

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"unicode/utf8"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo"
	"go.mongodb.org/mongo-driver/v2/mongo/options"

	"github.com/theeye/theeye/shared/query"
	"github.com/theeye/theeye/shared/store"
)

// The index of types has the events of one type and application together, in the
// order of a page. A question that names a category or a name, and leaves the rest
// open, is narrowed to the types and applications that there are: the server then
// reads that many ranges of the index, whatever the number of other events.
//
// The collection types has a document for each type and application with a stored
// event. It is written before the first such event, and none is ever removed.

const (
	// maxNarrowed bounds the types and applications that a question is narrowed to.
	maxNarrowed = 500
	// maxExploded is the number of ranges that MongoDB merges by itself in their
	// order. It would sort all events of more; those are read in windows of time.
	maxExploded = 200
	// maxKnown bounds the types that a process remembers as written. Types beyond
	// it are written again with each bulk.
	maxKnown = 100_000
)

// typeKey is a type with an application, and the _id of its document.
type typeKey struct {
	Category    string `bson:"category"`
	Name        string `bson:"name"`
	Application string `bson:"application"`
}

// encodable reports whether documents of the type have an encoding.
func (t typeKey) encodable() bool {
	return utf8.ValidString(t.Category) && utf8.ValidString(t.Name) && utf8.ValidString(t.Application)
}

// knownTypes are types that the collection is known to have. It is safe for
// concurrent use.
type knownTypes struct {
	mu    sync.RWMutex
	known map[typeKey]struct{}
}

// missing returns the types of stored documents that are not known, each once.
func (k *knownTypes) missing(docs []*store.Document) (list []typeKey) {
	k.mu.RLock()
	defer k.mu.RUnlock()
	var last typeKey
	for _, d := range docs {
		t := typeKey{d.Category, d.Name, d.Application}
		if d.Status != store.Stored || t == last {
			continue
		}
		last = t
		if _, ok := k.known[t]; !ok && !slices.Contains(list, t) && t.encodable() {
			list = append(list, t)
		}
	}
	return list
}

func (k *knownTypes) add(list []typeKey) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.known == nil {
		k.known = map[typeKey]struct{}{}
	}
	for _, t := range list {
		if len(k.known) < maxKnown {
			k.known[t] = struct{}{}
		}
	}
}

// recordTypes makes sure that the collection has the types of the documents.
func (s *Store) recordTypes(ctx context.Context, docs []*store.Document) error {
	list := s.known.missing(docs)
	if len(list) == 0 {
		return nil
	}
	if err := s.addTypes(ctx, list); err != nil {
		return fmt.Errorf("record types: %w", err)
	}
	s.known.add(list)
	return nil
}

func (s *Store) addTypes(ctx context.Context, list []typeKey) error {
	docs := make([]any, len(list))
	for i, t := range list {
		docs[i] = bson.D{{Key: fieldID, Value: t}}
	}
	_, err := s.types.InsertMany(ctx, docs, options.InsertMany().SetOrdered(false))
	errs, err := perDocument(len(list), err)
	for _, e := range errs {
		if err == nil && e != nil && !errors.Is(e, store.ErrDuplicate) {
			err = e
		}
	}
	return err
}

// fillTypes records the types of events that a build without the collection wrote.
func (s *Store) fillTypes(ctx context.Context) error {
	cur, err := s.events.Aggregate(ctx, mongo.Pipeline{
		stage("$match", bson.D{{Key: fieldStatus, Value: string(store.Stored)}}),
		stage("$group", bson.D{{Key: fieldID, Value: bson.D{
			{Key: fieldCategory, Value: "$" + fieldCategory},
			{Key: fieldName, Value: "$" + fieldName},
			{Key: fieldApplication, Value: "$" + fieldApplication},
		}}}),
	})
	if err != nil {
		return classify(err)
	}
	defer func() { _ = cur.Close(context.WithoutCancel(ctx)) }()
	var list []typeKey
	for cur.Next(ctx) {
		var row struct {
			ID typeKey `bson:"_id"`
		}
		if err := cur.Decode(&row); err != nil {
			return fmt.Errorf("%w: read a type: %w", store.ErrUnknown, err)
		}
		list = append(list, row.ID)
	}
	if err := cur.Err(); err != nil {
		return classify(err)
	}
	for part := range slices.Chunk(list, 1000) {
		if err := s.addTypes(ctx, part); err != nil {
			return err
		}
	}
	return nil
}

// narrow limits a page to the types and applications that there are. It returns
// false if no stored event matches.
func (s *Store) narrow(ctx context.Context, p *page, f *query.Filter) (bool, error) {
	list, err := s.listTypes(ctx, f)
	if err != nil || len(list) == 0 {
		return err != nil, err
	}
	if len(list) > maxNarrowed {
		p.inWindows = true
		return true, nil
	}
	var categories, names, applications []string
	for _, t := range list {
		categories, names, applications = append(categories, t.Category), append(names, t.Name), append(applications, t.Application)
	}
	ranges := 1
	for _, e := range []struct {
		field  string
		values []string
	}{{fieldCategory, categories}, {fieldName, names}, {fieldApplication, applications}} {
		slices.Sort(e.values)
		values := slices.Compact(e.values)
		ranges *= len(values)
		p.filter = slices.DeleteFunc(p.filter, func(c bson.E) bool { return c.Key == e.field })
		if len(values) == 1 {
			p.filter = append(p.filter, bson.E{Key: e.field, Value: values[0]})
		} else {
			p.filter = append(p.filter, bson.E{Key: e.field, Value: bson.D{{Key: "$in", Value: values}}})
		}
	}
	p.inWindows = ranges > maxExploded
	return true, nil
}

// listTypes returns the types and applications that match a filter, at most one
// more than maxNarrowed.
func (s *Store) listTypes(ctx context.Context, f *query.Filter) ([]typeKey, error) {
	filter := bson.D{}
	for _, e := range []struct{ field, value string }{{fieldCategory, f.Category}, {fieldName, f.Name}} {
		if e.value != "" {
			filter = append(filter, bson.E{Key: fieldID + "." + e.field, Value: e.value})
		}
	}
	if f.Applications != nil {
		filter = append(filter, bson.E{Key: fieldID + "." + fieldApplication, Value: bson.D{{Key: "$in", Value: f.Applications}}})
	}
	cur, err := s.types.Find(ctx, filter, options.Find().SetLimit(maxNarrowed+1))
	if err != nil {
		return nil, classify(err)
	}
	var rows []struct {
		ID typeKey `bson:"_id"`
	}
	if err := cur.All(ctx, &rows); err != nil {
		return nil, classify(err)
	}
	list := make([]typeKey, len(rows))
	for i, r := range rows {
		list[i] = r.ID
	}
	return list, nil
}
