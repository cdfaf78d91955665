package mongo

import (
	"context"
	"fmt"
	"slices"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo/options"

	"github.com/theeye/theeye/shared/query"
	"github.com/theeye/theeye/shared/store"
	"github.com/theeye/theeye/shared/store/sessions"
)

// Sessions implements store.Reader.
func (s *Store) Sessions(ctx context.Context, q query.Sessions) ([]query.Session, error) {
	list, err := sessions.Read(ctx, s, q)
	if err != nil {
		return nil, fmt.Errorf("list sessions: %w", err)
	}
	return list, nil
}

const (
	// startsChunk is the number of events among which beginnings are looked for
	// at once.
	startsChunk = 1000
	// firstsChunk is the number of sessions whose beginning is asked for at once.
	firstsChunk = 2000
)

// SessionStarts implements sessions.Source.
func (s *Store) SessionStarts(
	ctx context.Context, q sessions.Starts, after *query.SessionPosition, n int,
) ([]query.SessionPosition, error) {
	if q.Before {
		return s.startsBefore(ctx, &q, after, n)
	}
	return s.startsWithin(ctx, &q, after, n)
}

// startsWithin reads the events of the range in order, chunk by chunk, and of
// each chunk keeps the sessions that have no earlier event.
func (s *Store) startsWithin(
	ctx context.Context, q *sessions.Starts, after *query.SessionPosition, n int,
) ([]query.SessionPosition, error) {
	p := s.sessionsPage(q)
	if after != nil && q.Descending {
		p.to = min(p.to, p.time.ceil(after.First)+1)
	} else if after != nil {
		p.from = max(p.from, p.time.ceil(after.First))
	}
	found := map[query.SessionKey]time.Time{}
	for {
		docs, err := s.readPage(ctx, p)
		if err != nil {
			return nil, err
		}
		if err := s.addStarts(ctx, docs, found); err != nil {
			return nil, err
		}
		ended := len(docs) < p.limit
		var edge *query.SessionPosition
		if !ended {
			last := docs[len(docs)-1].Position()
			// The next chunk may have beginnings of the same time.
			p.after, edge = &last, &query.SessionPosition{First: last.Time}
		}
		if starts := orderStarts(found, q.Descending, after, edge); ended || len(starts) >= n {
			return starts[:min(n, len(starts))], nil
		}
	}
}

// sessionsPage is the page of light events in the range of a selection.
func (s *Store) sessionsPage(q *sessions.Starts) page {
	p := page{
		in: s.pages, filter: s.filterOf(store.Stored, &query.Filter{Applications: q.Applications, SessionID: q.SessionID}),
		time: timestampField, descending: q.Descending, limit: startsChunk, selective: q.SessionID != "",
		fields: bson.D{{Key: fieldApplication, Value: 1}, {Key: fieldSessionID, Value: 1}, {Key: fieldTimestampUS, Value: 1}},
	}
	p.from, p.to = p.time.bound(q.From, earliest), p.time.bound(q.To, latest)
	return p
}

// addStarts adds the sessions whose first event is among the documents, which
// are a part of all events without a gap.
func (s *Store) addStarts(ctx context.Context, docs []*store.Document, found map[query.SessionKey]time.Time) error {
	earliestIn := map[query.SessionKey]time.Time{}
	var latestIn time.Time
	for i, d := range docs {
		key := query.SessionKey{Application: d.Application, SessionID: d.SessionID}
		if _, ok := found[key]; ok {
			continue
		}
		if at, ok := earliestIn[key]; !ok || d.Timestamp.Before(at) {
			earliestIn[key] = d.Timestamp
		}
		if i == 0 || d.Timestamp.After(latestIn) {
			latestIn = d.Timestamp
		}
	}
	keys := make([]query.SessionKey, 0, len(earliestIn))
	for key := range earliestIn {
		keys = append(keys, key)
	}
	firsts, err := s.readFirsts(ctx, keys, latestIn.UnixMicro()+1)
	if err != nil {
		return err
	}
	for key, at := range earliestIn {
		if first, ok := firsts[key]; ok && first.Equal(at) {
			found[key] = first
		}
	}
	return nil
}

// orderStarts returns the positions behind after and before the edge, in order.
// The edge is a time; nil is the end.
func orderStarts(found map[query.SessionKey]time.Time, descending bool, after, edge *query.SessionPosition) []query.SessionPosition {
	list := make([]query.SessionPosition, 0, len(found))
	sign := 1
	if descending {
		sign = -1
	}
	for key, first := range found {
		p := query.SessionPosition{First: first, SessionKey: key}
		if (after == nil || sign*p.Compare(*after) > 0) && (edge == nil || sign*first.Compare(edge.First) < 0) {
			list = append(list, p)
		}
	}
	slices.SortFunc(list, func(a, b query.SessionPosition) int { return sign * a.Compare(b) })
	return list
}

// startsBefore goes through the sessions of the range and keeps the n first that
// began before it.
func (s *Store) startsBefore(
	ctx context.Context, q *sessions.Starts, after *query.SessionPosition, n int,
) ([]query.SessionPosition, error) {
	p := s.sessionsPage(q)
	cur, err := s.pages.Aggregate(ctx, []bson.D{
		stage("$match", p.time.addRange(p.filter, p.from, p.to)),
		stage("$group", bson.D{{Key: fieldID, Value: sessionKeyFields}}),
	})
	if err != nil {
		return nil, classify(err)
	}
	defer func() { _ = cur.Close(context.WithoutCancel(ctx)) }()
	var starts []query.SessionPosition
	keys := make([]query.SessionKey, 0, firstsChunk)
	for more := true; more; {
		keys = keys[:0]
		for more = len(keys) < firstsChunk && cur.Next(ctx); more; more = len(keys) < firstsChunk && cur.Next(ctx) {
			var row sessionRow
			if err := cur.Decode(&row); err != nil {
				return nil, classify(err)
			}
			keys = append(keys, row.Key.key())
		}
		more = len(keys) == firstsChunk
		firsts, err := s.readFirsts(ctx, keys, p.from)
		if err != nil {
			return nil, err
		}
		for _, start := range starts {
			firsts[start.SessionKey] = start.First
		}
		starts = orderStarts(firsts, q.Descending, after, nil)
		starts = starts[:min(n, len(starts))]
	}
	return starts, classify(cur.Err())
}

// sessionKeyFields group events by session.
var sessionKeyFields = bson.D{
	{Key: fieldApplication, Value: "$" + fieldApplication},
	{Key: fieldSessionID, Value: "$" + fieldSessionID},
}

type sessionRow struct {
	Key   sessionRowKey `bson:"_id"`
	First int64
}

type sessionRowKey struct {
	Application string
	SessionID   string `bson:"session_id"`
}

func (k sessionRowKey) key() query.SessionKey { return query.SessionKey(k) }

// readFirsts returns the time of the first event of each session, of those that
// have one before a time in microseconds.
func (s *Store) readFirsts(ctx context.Context, keys []query.SessionKey, before int64) (map[query.SessionKey]time.Time, error) {
	firsts := make(map[query.SessionKey]time.Time, len(keys))
	wanted := make(map[query.SessionKey]bool, len(keys))
	ids := make([]string, 0, len(keys))
	for _, key := range keys {
		ids, wanted[key] = append(ids, key.SessionID), true
	}
	if len(ids) == 0 {
		return firsts, nil
	}
	slices.Sort(ids)
	var rows []sessionRow
	err := s.runPipeline(ctx, &rows,
		stage("$match", timestampField.addRange(s.inSessions(slices.Compact(ids)), earliest, before)),
		stage("$group", bson.D{
			{Key: fieldID, Value: sessionKeyFields},
			{Key: "first", Value: bson.D{{Key: "$min", Value: "$" + fieldTimestampUS}}},
		}))
	if err != nil {
		return nil, err
	}
	for _, row := range rows {
		if wanted[row.Key.key()] {
			firsts[row.Key.key()] = time.UnixMicro(row.First).UTC()
		}
	}
	return firsts, nil
}

// inSessions selects the visible stored events with one of the session ids.
func (s *Store) inSessions(ids []string) bson.D {
	return append(s.filterOf(store.Stored, &query.Filter{}), bson.E{Key: fieldSessionID, Value: bson.D{{Key: "$in", Value: ids}}})
}

// SessionEvents implements sessions.Source.
func (s *Store) SessionEvents(ctx context.Context, ids []string, yield func(*sessions.Event) error) error {
	cur, err := s.pages.Find(ctx, s.inSessions(ids), options.Find().SetProjection(bson.D{
		{Key: fieldApplication, Value: 1},
		{Key: fieldSessionID, Value: 1},
		{Key: fieldCategory, Value: 1},
		{Key: fieldName, Value: 1},
		{Key: fieldTimestampUS, Value: 1},
	}))
	var stopped error
	err = forEach(ctx, cur, err, func(d *store.Document) bool {
		stopped = yield(&sessions.Event{
			ID: d.ID, Application: d.Application, SessionID: d.SessionID, Category: d.Category, Name: d.Name, Timestamp: d.Timestamp,
		})
		return stopped == nil
	})
	if err == nil {
		err = stopped
	}
	return err
}
