package mongo

import (
	"context"
	"fmt"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo"

	"github.com/theeye/theeye/shared/query"
	"github.com/theeye/theeye/shared/store"
)

// SummarizeSession implements store.Reader.
func (s *Store) SummarizeSession(ctx context.Context, applications []string, sessionID string) (query.SessionSummary, error) {
	session := query.Filter{Applications: applications, SessionID: sessionID}
	if session.MatchesNothing() {
		return query.SessionSummary{}, nil
	}
	field := "$" + fieldTimestampUS
	var rows []struct {
		Count       int64
		First, Last int64
	}
	err := s.runPipeline(ctx, &rows,
		stage("$match", s.filterOf(store.Stored, &session)),
		stage("$group", bson.D{
			{Key: fieldID, Value: nil},
			{Key: "count", Value: bson.D{{Key: "$sum", Value: 1}}},
			{Key: "first", Value: bson.D{{Key: "$min", Value: field}}},
			{Key: "last", Value: bson.D{{Key: "$max", Value: field}}},
		}))
	if err != nil {
		return query.SessionSummary{}, fmt.Errorf("summarise session: %w", err)
	}
	if len(rows) == 0 || rows[0].Count == 0 {
		return query.SessionSummary{}, nil
	}
	return query.SessionSummary{
		Count: rows[0].Count,
		First: time.UnixMicro(rows[0].First).UTC(),
		Last:  time.UnixMicro(rows[0].Last).UTC(),
	}, nil
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
