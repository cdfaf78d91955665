package mongo

import (
	"context"
	"encoding/json"
	"strings"

	"go.mongodb.org/mongo-driver/v2/bson"

	"github.com/theeye/theeye/shared/query"
	"github.com/theeye/theeye/shared/store"
)

// ExplainFind returns the server's plan for a question, as text without spaces,
// quotation marks and brackets.
func (s *Store) ExplainFind(ctx context.Context, f query.Filter) (string, error) {
	p := page{in: s.pages, filter: s.filterOf(store.Stored, &f), time: timestampField, from: earliest, to: latest}
	if _, err := s.narrow(ctx, &p, &f); err != nil {
		return "", err
	}
	return s.explain(ctx, bson.D{
		{Key: "find", Value: collectionEvents},
		{Key: "filter", Value: p.filter},
		{Key: "sort", Value: bson.D{{Key: fieldTimestampUS, Value: 1}, {Key: fieldID, Value: 1}}},
		{Key: "limit", Value: 100},
	})
}

// ExplainScan returns the plan for the documents of a Scan that have the slot of their
// received time.
func (s *Store) ExplainScan(ctx context.Context, application string, from, to int64) (string, error) {
	return s.explain(ctx, bson.D{
		{Key: "find", Value: collectionEvents},
		{Key: "filter", Value: s.unmovedFilter(application, from, to)},
	})
}

func (s *Store) explain(ctx context.Context, command bson.D) (string, error) {
	var plan bson.M
	err := s.events.Database().RunCommand(ctx, bson.D{
		{Key: "explain", Value: command}, {Key: "verbosity", Value: "queryPlanner"},
	}).Decode(&plan)
	if err != nil {
		return "", err
	}
	text, err := json.Marshal(plan)
	return strings.NewReplacer(" ", "", `\"`, "", `"`, "", "[", "", "]", "", `\`, "").Replace(string(text)), err
}

// ForgetTypes makes the database look as if a build without the collection of types
// had written it.
func (s *Store) ForgetTypes(ctx context.Context) error {
	if err := s.types.Drop(ctx); err != nil {
		return err
	}
	_, err := s.meta.UpdateOne(ctx, bson.D{{Key: fieldID, Value: metaLayout}}, bson.D{{Key: "$set", Value: bson.D{{Key: metaValue, Value: 1}}}})
	return err
}

// ReplaceAfter is Replace with a call between its reads and its writes.
func (s *Store) ReplaceAfter(ctx context.Context, docs []*store.Document, between func()) ([]error, error) {
	return withEncoded(docs, func(bulk []encodedDocument) ([]error, error) {
		raises, rest, err := s.findRaises(ctx, bulk)
		if err != nil {
			return nil, err
		}
		between()
		errs := make([]error, len(bulk))
		if err := s.raiseRevisions(ctx, raises, errs); err != nil {
			return nil, err
		}
		return errs, s.replaceWhole(ctx, bulk, rest, errs)
	})
}
