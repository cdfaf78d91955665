package mongo

import (
	"context"
	"fmt"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo"
	"go.mongodb.org/mongo-driver/v2/mongo/options"

	"github.com/theeye/theeye/shared/query"
	"github.com/theeye/theeye/shared/store"
)

// Aggregate implements store.Reader.
func (s *Store) Aggregate(ctx context.Context, q query.Aggregate) ([]query.Group, error) {
	if err := q.CheckBounds(); err != nil {
		return nil, fmt.Errorf("aggregate events: %w", err)
	}
	if q.MatchesNothing() {
		return nil, nil
	}
	switch q.By {
	case query.BySession:
		return s.summariseSession(ctx, &q)
	case query.ByReason:
		return s.countReasons(ctx, &q)
	default:
		return s.countTypes(ctx, &q)
	}
}

func (s *Store) summariseSession(ctx context.Context, q *query.Aggregate) ([]query.Group, error) {
	field := "$" + fieldTimestampUS
	var rows []struct {
		Count       int64
		First, Last int64
	}
	err := s.runPipeline(ctx, &rows,
		stage("$match", s.filterOf(store.Stored, &q.Filter)),
		stage("$group", bson.D{
			{Key: fieldID, Value: nil},
			{Key: "count", Value: bson.D{{Key: "$sum", Value: 1}}},
			{Key: "first", Value: bson.D{{Key: "$min", Value: field}}},
			{Key: "last", Value: bson.D{{Key: "$max", Value: field}}},
		}))
	if err != nil {
		return nil, fmt.Errorf("summarise session: %w", err)
	}
	if len(rows) == 0 || rows[0].Count == 0 {
		return nil, nil
	}
	return []query.Group{{
		Stored: rows[0].Count,
		First:  time.UnixMicro(rows[0].First).UTC(),
		Last:   time.UnixMicro(rows[0].Last).UTC(),
	}}, nil
}

// reasonRow is a row of an aggregate by reason.
type reasonRow struct {
	Key struct {
		Application, Category, Name, Code, Path string
	} `bson:"_id"`
	Count       int64
	First, Last time.Time
	Sample      string
}

func (s *Store) countReasons(ctx context.Context, q *query.Aggregate) ([]query.Group, error) {
	match := receivedField.addRange(s.filterOf(store.Rejected, &q.Filter),
		receivedField.bound(q.From, earliest), receivedField.bound(q.To, latest))
	var rows []reasonRow
	if err := s.runPipeline(ctx, &rows, reasonPipeline(match, q.Limit)...); err != nil {
		return nil, fmt.Errorf("summarise rejected events: %w", err)
	}
	return s.addSamples(ctx, rows)
}

// reasonPipeline counts events by type and reason. An event that has a reason
// twice counts once.
func reasonPipeline(match bson.D, limit int) []bson.D {
	reasons := bson.D{{Key: "$setUnion", Value: bson.A{bson.D{{Key: "$map", Value: bson.D{
		{Key: "input", Value: "$" + fieldErrors},
		{Key: "as", Value: "e"},
		{Key: "in", Value: bson.D{{Key: "code", Value: "$$e.code"}, {Key: "path", Value: "$$e.path"}}},
	}}}, bson.A{}}}}
	return []bson.D{
		stage("$match", match),
		stage("$project", bson.D{
			{Key: fieldApplication, Value: 1},
			{Key: fieldCategory, Value: 1},
			{Key: fieldName, Value: 1},
			{Key: fieldReceivedAt, Value: 1},
			{Key: "reason", Value: reasons},
		}),
		stage("$unwind", "$reason"),
		stage("$group", bson.D{
			{Key: fieldID, Value: bson.D{
				{Key: fieldApplication, Value: orEmpty(fieldApplication)},
				{Key: fieldCategory, Value: orEmpty(fieldCategory)},
				{Key: fieldName, Value: orEmpty(fieldName)},
				{Key: fieldCode, Value: "$reason.code"},
				{Key: fieldPath, Value: "$reason.path"},
			}},
			{Key: "count", Value: bson.D{{Key: "$sum", Value: 1}}},
			{Key: "first", Value: bson.D{{Key: "$min", Value: "$" + fieldReceivedAt}}},
			{Key: "last", Value: bson.D{{Key: "$max", Value: "$" + fieldReceivedAt}}},
			{Key: "sample", Value: bson.D{{Key: "$min", Value: "$" + fieldID}}},
		}),
		stage("$sort", bson.D{{Key: "count", Value: -1}, {Key: fieldID, Value: 1}}),
		stage("$limit", limit),
	}
}

// addSamples reads the samples' event_ids, which the aggregation does not
// return: a document's id alone does not always contain it.
func (s *Store) addSamples(ctx context.Context, rows []reasonRow) ([]query.Group, error) {
	ids := make([]string, len(rows))
	for i, r := range rows {
		ids[i] = r.Sample
	}
	eventIDs := make(map[string]string, len(ids))
	if len(ids) > 0 {
		cur, err := s.pages.Find(ctx, bson.D{{Key: fieldID, Value: bson.D{{Key: "$in", Value: ids}}}},
			options.Find().SetProjection(bson.D{{Key: fieldEventID, Value: 1}}))
		err = forEach(ctx, cur, err, func(d *store.Document) bool {
			eventIDs[d.ID] = d.EventID
			return true
		})
		if err != nil {
			return nil, fmt.Errorf("read samples: %w", err)
		}
	}
	var groups []query.Group
	for _, r := range rows {
		groups = append(groups, query.Group{
			Application: r.Key.Application, Category: r.Key.Category, Name: r.Key.Name,
			Code: r.Key.Code, Path: r.Key.Path,
			Rejected: r.Count, First: r.First.UTC(), Last: r.Last.UTC(),
			SampleID: r.Sample, SampleEventID: eventIDs[r.Sample],
		})
	}
	return groups, nil
}

// typeRow is a row of an aggregate by type.
type typeRow struct {
	Key              struct{ Category, Name string } `bson:"_id"`
	Stored, Rejected int64
	Last             time.Time
}

// countTypes reads the events of the range by the index of received times.
func (s *Store) countTypes(ctx context.Context, q *query.Aggregate) ([]query.Group, error) {
	match := receivedField.addRange(append(inApplications(q.Applications), s.notExpired()),
		receivedField.bound(q.From, earliest), receivedField.bound(q.To, latest))
	var rows []typeRow
	if err := s.runPipeline(ctx, &rows, typePipeline(match, q.Limit)...); err != nil {
		return nil, fmt.Errorf("count types: %w", err)
	}
	var groups []query.Group
	for _, r := range rows {
		groups = append(groups, query.Group{
			Category: r.Key.Category, Name: r.Key.Name,
			Stored: r.Stored, Rejected: r.Rejected, Last: r.Last.UTC(),
		})
	}
	return groups, nil
}

// typePipeline counts events by type and outcome and then joins the two counts
// of each type, so that little is computed for each event.
func typePipeline(match bson.D, limit int) []bson.D {
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

// orEmpty is the value of a field, or the empty string where it is absent.
func orEmpty(field string) bson.D {
	return bson.D{{Key: "$ifNull", Value: bson.A{"$" + field, ""}}}
}

func stage(name string, value any) bson.D { return bson.D{{Key: name, Value: value}} }

// runPipeline runs an aggregation and decodes all of its rows, whose number the
// pipeline bounds.
func (s *Store) runPipeline(ctx context.Context, rows any, stages ...bson.D) error {
	cur, err := s.pages.Aggregate(ctx, mongo.Pipeline(stages))
	if err != nil {
		return classify(err)
	}
	if err := cur.All(ctx, rows); err != nil {
		return classify(err)
	}
	return nil
}
