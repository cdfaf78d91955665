package mongo

import (
	"context"
	"fmt"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"

	"github.com/theeye/theeye/shared/store"
)

// typeRow is a row of Types.
type typeRow struct {
	Key              struct{ Category, Name string } `bson:"_id"`
	Stored, Rejected int64
	Last             time.Time
}

// Types implements store.Reader. It reads the events of the range by the index
// of received times.
func (s *Store) Types(ctx context.Context, q store.TypesQuery) ([]store.TypeSummary, error) {
	if q.Limit < 1 || q.Limit > store.MaxTypes {
		return nil, fmt.Errorf("%w: limit %d is not in 1..%d types", store.ErrInvalidQuery, q.Limit, store.MaxTypes)
	}
	if none(q.Applications) {
		return nil, nil
	}
	match := byReceived.between(append(ofApplications(q.Applications), s.alive()),
		byReceived.bound(q.From, earliest), byReceived.bound(q.To, latest))
	var rows []typeRow
	if err := s.aggregate(ctx, &rows, groupTypes(match, q.Limit)...); err != nil {
		return nil, fmt.Errorf("count types: %w", err)
	}
	var types []store.TypeSummary
	for _, r := range rows {
		types = append(types, store.TypeSummary{
			Category: r.Key.Category, Name: r.Key.Name,
			Stored: r.Stored, Rejected: r.Rejected, LastSeen: r.Last.UTC(),
		})
	}
	return types, nil
}

// groupTypes counts events by type and outcome, and then brings the two counts
// of a type together: so little is computed for each event.
func groupTypes(match bson.D, limit int) []bson.D {
	orEmpty := func(field string) bson.D {
		return bson.D{{Key: "$ifNull", Value: bson.A{"$" + field, ""}}}
	}
	count := func(status store.Status) bson.D {
		is := bson.D{{Key: "$eq", Value: bson.A{"$_id." + fieldStatus, string(status)}}}
		return bson.D{{Key: "$sum", Value: bson.D{{Key: "$cond", Value: bson.A{is, "$n", 0}}}}}
	}
	return []bson.D{
		stage("$match", match),
		stage("$group", bson.D{
			{Key: fieldID, Value: bson.D{
				{Key: fieldCategory, Value: "$" + fieldCategory},
				{Key: fieldName, Value: "$" + fieldName},
				{Key: fieldStatus, Value: "$" + fieldStatus},
			}},
			{Key: "n", Value: bson.D{{Key: "$sum", Value: 1}}},
			{Key: "last", Value: bson.D{{Key: "$max", Value: "$" + fieldReceivedAt}}},
		}),
		stage("$group", bson.D{
			{Key: fieldID, Value: bson.D{
				{Key: fieldCategory, Value: orEmpty(fieldID + "." + fieldCategory)},
				{Key: fieldName, Value: orEmpty(fieldID + "." + fieldName)},
			}},
			{Key: "all", Value: bson.D{{Key: "$sum", Value: "$n"}}},
			{Key: "stored", Value: count(store.Stored)},
			{Key: "rejected", Value: count(store.Rejected)},
			{Key: "last", Value: bson.D{{Key: "$max", Value: "$last"}}},
		}),
		stage("$sort", bson.D{{Key: "all", Value: -1}, {Key: fieldID, Value: 1}}),
		stage("$limit", limit),
	}
}
