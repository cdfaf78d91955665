package mongo

import (
	"context"
	"fmt"
	"math"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo"
	"go.mongodb.org/mongo-driver/v2/mongo/options"

	"github.com/theeye/theeye/shared/store"
)

// Bounds of a page.
const (
	maxPage   = 1000
	maxLookup = 10_000
)

// page is a keyset query: documents that match filter, with from <= field < to,
// in the order (field, _id), from after on.
type page struct {
	filter bson.D
	clock  clock
	// from and to are in microseconds since 1970.
	from, to   int64
	descending bool
	after      *store.Position
	limit      int
	// narrow says that the filter alone selects few documents.
	narrow bool
}

// clock is a field that orders documents, and how its values are written.
type clock struct {
	field string
	value func(us int64) any
	// step is the field's precision in microseconds.
	step int64
}

var (
	byTimestamp = clock{field: fieldTimestampUS, step: 1, value: func(us int64) any { return us }}
	byReceived  = clock{field: fieldReceivedAt, step: 1000, value: func(us int64) any {
		return bson.DateTime(floorDiv(us, 1000))
	}}
)

// floorDiv rounds down, also below 1970.
func floorDiv(a, b int64) int64 {
	q := a / b
	if a%b < 0 {
		q--
	}
	return q
}

// bound returns the first value of the clock that is not before t: documents
// are before it exactly when they are before t.
func (c clock) bound(t time.Time, open int64) int64 {
	if t.IsZero() {
		return open
	}
	us := t.UnixMicro()
	if t.Nanosecond()%1000 != 0 {
		us++
	}
	return floorDiv(us+c.step-1, c.step) * c.step
}

// Open ends of a range.
const (
	earliest = math.MinInt64
	latest   = math.MaxInt64
)

// between adds the range to a filter.
func (c clock) between(filter bson.D, from, to int64) bson.D {
	var r bson.D
	if from != earliest {
		r = append(r, bson.E{Key: "$gte", Value: c.value(from)})
	}
	if to != latest {
		r = append(r, bson.E{Key: "$lt", Value: c.value(to)})
	}
	if r == nil {
		return filter
	}
	return append(filter[:len(filter):len(filter)], bson.E{Key: c.field, Value: r})
}

// narrowed returns the range without what lies before the position, and the
// condition that leaves out the position itself and its equals before it.
func (p *page) narrowed() (from, to int64, behind bson.D) {
	from, to = p.from, p.to
	if p.after == nil {
		return from, to, nil
	}
	at := p.clock.bound(p.after.Time, 0)
	if p.after.Time.IsZero() {
		at = time.Time{}.UnixMicro()
	}
	than := "$gt"
	if p.descending {
		than, to = "$lt", min(to, at+p.clock.step)
	} else {
		from = max(from, at)
	}
	return from, to, bson.D{{Key: "$or", Value: bson.A{
		bson.D{{Key: p.clock.field, Value: bson.D{{Key: than, Value: p.clock.value(at)}}}},
		bson.D{{Key: fieldID, Value: bson.D{{Key: than, Value: p.after.ID}}}},
	}}}
}

// read returns the page.
func (s *Store) read(ctx context.Context, p page) ([]*store.Document, error) {
	if p.limit < 1 || p.limit > maxPage {
		return nil, fmt.Errorf("%w: limit %d is not in 1..%d", store.ErrInvalidQuery, p.limit, maxPage)
	}
	from, to, behind := p.narrowed()
	p.filter = append(p.filter[:len(p.filter):len(p.filter)], behind...)
	if from >= to {
		return nil, nil
	}
	if p.narrow {
		return s.readRange(ctx, &p, from, to, p.limit)
	}
	windows, err := s.needsWindows(ctx)
	if err != nil {
		return nil, err
	}
	if windows {
		return s.readWindows(ctx, &p, from, to)
	}
	return s.readRange(ctx, &p, from, to, p.limit)
}

// readRange asks the server once.
func (s *Store) readRange(ctx context.Context, p *page, from, to int64, limit int) ([]*store.Document, error) {
	direction := 1
	if p.descending {
		direction = -1
	}
	cur, err := s.pages.Find(ctx, p.clock.between(p.filter, from, to), options.Find().
		SetSort(bson.D{{Key: p.clock.field, Value: direction}, {Key: fieldID, Value: direction}}).
		SetLimit(int64(limit)))
	var docs []*store.Document
	err = each(ctx, cur, err, func(d *store.Document) bool {
		docs = append(docs, d)
		return len(docs) < limit
	})
	return docs, err
}

// each decodes a cursor's documents until yield returns false, and closes it.
// It takes the error of the call that made the cursor.
func each(ctx context.Context, cur *mongo.Cursor, err error, yield func(*store.Document) bool) error {
	if err != nil {
		return classify(err)
	}
	// Closing must reach the server even if ctx has ended: a cursor is memory
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
