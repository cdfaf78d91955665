package mongo

import (
	"context"
	"fmt"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo"
	"go.mongodb.org/mongo-driver/v2/mongo/options"

	"github.com/theeye/theeye/shared/store"
)

// Session implements store.Reader.
func (s *Store) Session(ctx context.Context, applications []string, sessionID string) (store.SessionSummary, error) {
	if none(applications) {
		return store.SessionSummary{}, nil
	}
	field := "$" + fieldTimestampUS
	var rows []struct {
		Count       int64
		First, Last int64
	}
	err := s.aggregate(ctx, &rows,
		stage("$match", s.filter(store.Stored, selection{applications: applications, sessionID: sessionID})),
		stage("$group", bson.D{
			{Key: fieldID, Value: nil},
			{Key: "count", Value: bson.D{{Key: "$sum", Value: 1}}},
			{Key: "first", Value: bson.D{{Key: "$min", Value: field}}},
			{Key: "last", Value: bson.D{{Key: "$max", Value: field}}},
		}))
	if err != nil {
		return store.SessionSummary{}, fmt.Errorf("summarise session: %w", err)
	}
	if len(rows) == 0 || rows[0].Count == 0 {
		return store.SessionSummary{}, nil
	}
	return store.SessionSummary{
		Count: rows[0].Count,
		First: time.UnixMicro(rows[0].First).UTC(),
		Last:  time.UnixMicro(rows[0].Last).UTC(),
	}, nil
}

// groupRow is a row of RejectedSummary.
type groupRow struct {
	Key struct {
		Application, Category, Name, Code, Path string
	} `bson:"_id"`
	Count       int64
	First, Last time.Time
	Sample      string
}

// RejectedSummary implements store.Reader. q's position and direction do not
// matter to it.
func (s *Store) RejectedSummary(ctx context.Context, q store.RejectedQuery) ([]store.RejectedGroup, error) {
	if q.Limit < 1 || q.Limit > maxPage {
		return nil, fmt.Errorf("%w: limit %d is not in 1..%d", store.ErrInvalidQuery, q.Limit, maxPage)
	}
	if none(q.Applications) {
		return nil, nil
	}
	match := byReceived.between(s.rejectedFilter(q),
		byReceived.bound(q.From, earliest), byReceived.bound(q.To, latest))
	var rows []groupRow
	if err := s.aggregate(ctx, &rows, groupReasons(match, q.Limit)...); err != nil {
		return nil, fmt.Errorf("summarise rejected events: %w", err)
	}
	return s.groups(ctx, rows)
}

// groupReasons counts events by type and reason. An event that has a reason
// twice counts once.
func groupReasons(match bson.D, limit int) []bson.D {
	orEmpty := func(field string) bson.D {
		return bson.D{{Key: "$ifNull", Value: bson.A{"$" + field, ""}}}
	}
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

// groups adds the samples' event_ids, which are no part of the aggregation:
// the id alone does not always tell them.
func (s *Store) groups(ctx context.Context, rows []groupRow) ([]store.RejectedGroup, error) {
	ids := make([]string, len(rows))
	for i, r := range rows {
		ids[i] = r.Sample
	}
	eventIDs := make(map[string]string, len(ids))
	if len(ids) > 0 {
		cur, err := s.pages.Find(ctx, bson.D{{Key: fieldID, Value: bson.D{{Key: "$in", Value: ids}}}},
			options.Find().SetProjection(bson.D{{Key: fieldEventID, Value: 1}}))
		err = each(ctx, cur, err, func(d *store.Document) bool {
			eventIDs[d.ID] = d.EventID
			return true
		})
		if err != nil {
			return nil, fmt.Errorf("read samples: %w", err)
		}
	}
	var groups []store.RejectedGroup
	for _, r := range rows {
		groups = append(groups, store.RejectedGroup{
			Application: r.Key.Application, Category: r.Key.Category, Name: r.Key.Name,
			Code: r.Key.Code, Path: r.Key.Path,
			Count: r.Count, First: r.First.UTC(), Last: r.Last.UTC(),
			SampleID: r.Sample, SampleEventID: eventIDs[r.Sample],
		})
	}
	return groups, nil
}

func stage(name string, value any) bson.D { return bson.D{{Key: name, Value: value}} }

// aggregate runs a pipeline and decodes all of its rows, which it bounds
// itself.
func (s *Store) aggregate(ctx context.Context, rows any, stages ...bson.D) error {
	cur, err := s.pages.Aggregate(ctx, mongo.Pipeline(stages))
	if err != nil {
		return classify(err)
	}
	if err := cur.All(ctx, rows); err != nil {
		return classify(err)
	}
	return nil
}
