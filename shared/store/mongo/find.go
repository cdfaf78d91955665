package mongo

import (
	"context"
	"fmt"
	"math"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo"
	"go.mongodb.org/mongo-driver/v2/mongo/options"

	"github.com/theeye/theeye/shared/query"
	"github.com/theeye/theeye/shared/store"
)

// Find implements store.Reader.
func (s *Store) Find(ctx context.Context, q query.Events) ([]*store.Document, error) {
	if err := q.CheckBounds(); err != nil {
		return nil, fmt.Errorf("find events: %w", err)
	}
	if q.MatchesNothing() {
		return nil, nil
	}
	p := page{
		in: s.pages, filter: s.filterOf(store.Stored, &q.Filter), time: timestampField,
		descending: q.Descending, after: q.After, limit: q.Limit, maxBytes: q.MaxBytes,
		selective: q.SessionID != "" || q.EventID != "",
	}
	if q.Rejected {
		p.filter, p.time = s.filterOf(store.Rejected, &q.Filter), receivedField
		p.selective = q.EventID != ""
	}
	if !q.Rejected && !p.selective && (q.Category != "" || q.Name != "") {
		if some, err := s.narrow(ctx, &p, &q.Filter); err != nil || !some {
			return nil, findError(err)
		}
	}
	p.from, p.to = p.time.bound(q.From, earliest), p.time.bound(q.To, latest)
	docs, err := s.readPage(ctx, p)
	if err != nil {
		return nil, findError(err)
	}
	return docs, nil
}

// findError adds what failed to an error, and is nil for nil.
func findError(err error) error {
	if err != nil {
		return fmt.Errorf("find events: %w", err)
	}
	return nil
}

// filterOf returns the conditions of a filter except its range of time.
func (s *Store) filterOf(status store.Status, f *query.Filter) bson.D {
	conditions := bson.D{{Key: fieldStatus, Value: string(status)}}
	if f.EventID != "" && status == store.Stored && f.Applications != nil {
		// The id of a stored event consists of both; no other index has event_id.
		ids := make([]string, len(f.Applications))
		for i, a := range f.Applications {
			ids[i] = store.DocumentID(a, f.EventID)
		}
		conditions = append(conditions, bson.E{Key: fieldID, Value: bson.D{{Key: "$in", Value: ids}}})
	} else {
		conditions = append(conditions, inApplications(f.Applications)...)
	}
	for _, e := range []struct{ field, value string }{
		{fieldSessionID, f.SessionID},
		{fieldCategory, f.Category},
		{fieldName, f.Name},
		{fieldEventID, f.EventID},
	} {
		if e.value != "" {
			conditions = append(conditions, bson.E{Key: e.field, Value: e.value})
		}
	}
	conditions = append(conditions, s.notExpired())
	if f.Code != "" {
		conditions = append(conditions, bson.E{Key: fieldErrors + "." + fieldCode, Value: f.Code})
	}
	if f.Path != nil {
		conditions = append(conditions, bson.E{Key: fieldErrors, Value: bson.D{
			{Key: "$elemMatch", Value: bson.D{{Key: fieldCode, Value: f.Code}, {Key: fieldPath, Value: *f.Path}}},
		}})
	}
	return conditions
}

// inApplications limits to a list, where nil is every application. A list of one
// becomes an equality, which the index by application serves.
func inApplications(list []string) bson.D {
	switch {
	case list == nil:
		return nil
	case len(list) == 1:
		return bson.D{{Key: fieldApplication, Value: list[0]}}
	default:
		return bson.D{{Key: fieldApplication, Value: bson.D{{Key: "$in", Value: list}}}}
	}
}

// notExpired leaves out documents that are past their retention: the TTL monitor
// removes them later.
func (s *Store) notExpired() bson.E {
	return bson.E{Key: fieldExpiresAt, Value: bson.D{
		{Key: "$not", Value: bson.D{{Key: "$lte", Value: bson.NewDateTimeFromTime(s.now())}}},
	}}
}

// page is a keyset query: documents that match filter, with from <= time < to,
// in the order (time, _id), behind the position after.
type page struct {
	// in is the collection with the read preference of the question.
	in     *mongo.Collection
	filter bson.D
	time   timeField
	// from and to are in microseconds since 1970.
	from, to   int64
	descending bool
	after      *query.Position
	limit      int
	// fields are the projection of each document; nil reads all of it.
	fields bson.D
	// maxBytes, unless it is 0, ends the page once size reaches it, the size of
	// the documents so far.
	maxBytes, size int
	// selective says that the filter alone selects few documents.
	selective bool
	// inWindows asks for windows of time whatever Config.TimeWindows says.
	inWindows bool
}

// timeField is a field that orders documents, and the encoding of its values.
type timeField struct {
	name  string
	value func(us int64) any
	// unit is the precision in which values are kept.
	unit time.Duration
}

var (
	timestampField = timeField{name: fieldTimestampUS, unit: time.Microsecond, value: func(us int64) any { return us }}
	receivedField  = timeField{name: fieldReceivedAt, unit: time.Millisecond, value: dateOf}
	expiresField   = timeField{name: fieldExpiresAt, unit: time.Millisecond, value: dateOf}
)

// dateOf is a time in microseconds as a date.
func dateOf(us int64) any { return bson.DateTime(floorDiv(us, 1000)) }

// floorDiv rounds down, also below 1970.
func floorDiv(a, b int64) int64 {
	q := a / b
	if a%b < 0 {
		q--
	}
	return q
}

// bound returns t as an end of a range, in microseconds; a zero time is open.
func (f timeField) bound(t time.Time, open int64) int64 {
	if t.IsZero() {
		return open
	}
	return f.ceil(t)
}

// ceil returns t rounded up to the field's precision, in microseconds.
func (f timeField) ceil(t time.Time) int64 { return query.Ceil(t, f.unit) * f.unit.Microseconds() }

// Open ends of a range.
const (
	earliest = math.MinInt64
	latest   = math.MaxInt64
)

// addRange adds from <= f < to to a filter, without changing it.
func (f timeField) addRange(filter bson.D, from, to int64) bson.D {
	var r bson.D
	if from != earliest {
		r = append(r, bson.E{Key: "$gte", Value: f.value(from)})
	}
	if to != latest {
		r = append(r, bson.E{Key: "$lt", Value: f.value(to)})
	}
	if r == nil {
		return filter
	}
	return append(filter[:len(filter):len(filter)], bson.E{Key: f.name, Value: r})
}

// rangeBehind returns the part of the range that is not before the position of
// the page, and the condition that excludes the position itself and the
// documents of the same time before it.
func (p *page) rangeBehind() (from, to int64, behind bson.D) {
	from, to = p.from, p.to
	if p.after == nil {
		return from, to, nil
	}
	at := p.time.ceil(p.after.Time)
	than := "$gt"
	if p.descending {
		than, to = "$lt", min(to, at+p.time.unit.Microseconds())
	} else {
		from = max(from, at)
	}
	return from, to, bson.D{{Key: "$or", Value: bson.A{
		bson.D{{Key: p.time.name, Value: bson.D{{Key: than, Value: p.time.value(at)}}}},
		bson.D{{Key: fieldID, Value: bson.D{{Key: than, Value: p.after.ID}}}},
	}}}
}

// readPage returns the documents of the page.
func (s *Store) readPage(ctx context.Context, p page) ([]*store.Document, error) {
	from, to, behind := p.rangeBehind()
	p.filter = append(p.filter[:len(p.filter):len(p.filter)], behind...)
	if from >= to {
		return nil, nil
	}
	if p.inWindows || s.timeWindows && !p.selective {
		return s.readWindows(ctx, &p, from, to)
	}
	return s.readRange(ctx, &p, from, to, p.limit)
}

// readRange reads the documents of one range by one query.
func (s *Store) readRange(ctx context.Context, p *page, from, to int64, limit int) ([]*store.Document, error) {
	direction := 1
	if p.descending {
		direction = -1
	}
	opts := options.Find().
		SetSort(bson.D{{Key: p.time.name, Value: direction}, {Key: fieldID, Value: direction}}).
		SetLimit(int64(limit))
	if p.fields != nil {
		opts.SetProjection(p.fields)
	}
	cur, err := p.in.Find(ctx, p.time.addRange(p.filter, from, to), opts)
	var docs []*store.Document
	err = forEach(ctx, cur, err, func(d *store.Document) bool {
		docs = append(docs, d)
		p.size += d.Size()
		return len(docs) < limit && !p.isFull()
	})
	return docs, err
}

// isFull reports whether the documents so far reach the size of the page.
func (p *page) isFull() bool { return p.maxBytes != 0 && p.size >= p.maxBytes }

// forEach decodes a cursor's documents until yield returns false, and closes the
// cursor. It takes the error of the call that made the cursor.
func forEach(ctx context.Context, cur *mongo.Cursor, err error, yield func(*store.Document) bool) error {
	if err != nil {
		return classify(err)
	}
	// Closing must reach the server even if ctx has ended: a cursor takes memory
	// there. The client's timeout bounds it.
	defer func() { _ = cur.Close(context.WithoutCancel(ctx)) }()
	for cur.Next(ctx) {
		d, err := decode(cur.Current)
		if err != nil {
			return err
		}
		if !yield(d) {
			return nil
		}
	}
	return classify(cur.Err())
}
