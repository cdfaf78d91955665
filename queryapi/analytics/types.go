package analytics

import (
	"cmp"
	"context"
	"math"
	"slices"
	"time"

	"github.com/theeye/theeye/queryapi/refresh"
	"github.com/theeye/theeye/shared/api"
	"github.com/theeye/theeye/shared/columns"
	"github.com/theeye/theeye/shared/query"
	"github.com/theeye/theeye/shared/schema"
)

// typeBuckets is the number of intervals in the series of a type.
const typeBuckets = 24

// TypesQuery asks for the types of the events, of both outcomes, that were received in
// [From, To).
type TypesQuery struct {
	Applications []string
	From, To     time.Time
}

// Need returns the rows that the question is about.
func (q *TypesQuery) Need() refresh.Need {
	return refresh.Need{Applications: q.Applications, ReceivedFrom: q.From, ReceivedTo: q.To}
}

// Types answers from a snapshot of what the question needs: every type that was received
// in the range or is registered in set.
func (a *Analytics) Types(ctx context.Context, s *columns.Snapshot, q TypesQuery, set *schema.Set) (*api.TypeList, error) {
	c := &receivedCounter{receivedRange: receivedRange{query.Ceil(q.From, time.Millisecond), query.Ceil(q.To, time.Millisecond), s.Now.UnixMilli()}}
	c.fromMicros, c.micros = q.From.UnixMicro(), q.To.UnixMicro()-q.From.UnixMicro()
	views := allViews(s)
	workers := workersFor(len(views))
	counted := make([]map[columns.Type]*receivedType, workers)
	err := inParallel(ctx, workers, len(views), func(worker, i int) error {
		if counted[worker] == nil {
			counted[worker] = map[columns.Type]*receivedType{}
		}
		return c.countView(ctx, views[i], counted[worker])
	})
	if err != nil {
		return nil, err
	}
	list := &api.TypeList{From: api.TimeOf(q.From), To: api.TimeOf(q.To), AsOf: api.TimeOf(s.AsOf)}
	list.Types, list.Truncated = listTypes(counted, set)
	return list, nil
}

// receivedType counts the events of a type.
type receivedType struct {
	columns.Type
	stored, rejected int64
	// first and last are the earliest and latest received time in milliseconds.
	first, last int64
	series      [typeBuckets]int64
}

// receivedCounter counts events by received time.
type receivedCounter struct {
	receivedRange
	// fromMicros and micros are the start and the length of the range.
	fromMicros, micros int64
}

// bucket returns the bucket of a received time within the range.
func (c *receivedCounter) bucket(ms int64) int {
	// The years 0 to 9999 are less than 2^59 microseconds, 24 of them less than 2^63.
	return int((ms*1000 - c.fromMicros) * typeBuckets / c.micros)
}

// countView counts the rows of a view: by the counts in the description of its part,
// and by its rows where these do not suffice.
func (c *receivedCounter) countView(ctx context.Context, v columns.View, counted map[columns.Type]*receivedType) error {
	t := &viewTypes{part: v.Part, counted: counted, byCode: make([]*receivedType, len(v.Part.Types()))}
	whole := v.IsWhole(c.now)
	cut := c.addCounts(t, v.Part.StoredReceived(), false, whole)
	if err := c.eachRow(ctx, v, 0, v.Part.Stored(), cut, func(_ int, ms int64, typ uint32) {
		t.typeOf(typ).addReceived(false, 1, ms, ms, c.bucket(ms))
	}); err != nil {
		return err
	}
	cut = c.addCounts(t, v.Part.RejectedReceived(), true, whole)
	return c.eachRow(ctx, v, v.Part.Stored(), v.Part.Rows(), cut, func(_ int, ms int64, typ uint32) {
		t.typeOf(typ).addReceived(true, 1, ms, ms, c.bucket(ms))
	})
}

// addCounts adds the counts of one outcome whose rows lie in one bucket, and returns the
// quarters of which the rows have to be looked at, nil if none.
func (c *receivedCounter) addCounts(t *viewTypes, counts *columns.ReceivedCounts, rejected, whole bool) (cut quarterSet) {
	first, last, some := counts.Span()
	if !some || c.misses(first, last) {
		return nil
	}
	if whole && c.holdsBucket(first, last) {
		for i := range counts.Totals() {
			n := &counts.Totals()[i]
			t.typeOf(n.Type).addReceived(rejected, n.N, n.First, n.Last, c.bucket(first))
		}
		return nil
	}
	for i := range counts.CountQuarters() {
		first, last := counts.SpanAt(i)
		switch {
		case c.misses(first, last):
		case whole && c.holdsBucket(first, last):
			bucket := c.bucket(first)
			for n := range counts.CountsAt(i) {
				t.typeOf(n.Type).addReceived(rejected, n.N, n.First, n.Last, bucket)
			}
		default:
			cut = cut.addQuarter(counts.QuarterAt(i))
		}
	}
	return cut
}

// holdsBucket reports whether all times of a span lie in one bucket of the range.
func (c *receivedCounter) holdsBucket(first, last int64) bool {
	return c.holds(first, last) && c.bucket(first) == c.bucket(last)
}

// viewTypes finds the counts of the types of a part.
type viewTypes struct {
	part    *columns.Part
	counted map[columns.Type]*receivedType
	byCode  []*receivedType
}

func (t *viewTypes) typeOf(code uint32) *receivedType {
	r := t.byCode[code]
	if r == nil {
		r = receivedTypeOf(t.counted, t.part.Types()[code])
		t.byCode[code] = r
	}
	return r
}

func receivedTypeOf(counted map[columns.Type]*receivedType, t columns.Type) *receivedType {
	r := counted[t]
	if r == nil {
		r = &receivedType{Type: t, first: math.MaxInt64, last: math.MinInt64}
		counted[t] = r
	}
	return r
}

// addReceived counts n events of one outcome in one bucket.
func (t *receivedType) addReceived(rejected bool, n, first, last int64, bucket int) {
	if rejected {
		t.rejected += n
	} else {
		t.stored += n
	}
	t.first, t.last = min(t.first, first), max(t.last, last)
	t.series[bucket] += n
}

// listTypes merges the counts of the workers, joins them with the registered types and
// sorts them. If there are more than query.MaxTypes, those with the fewest events are
// omitted, and so are registered types among which they may be.
func listTypes(counted []map[columns.Type]*receivedType, set *schema.Set) (list []api.TypeSummary, truncated bool) {
	all := map[columns.Type]*receivedType{}
	for _, types := range counted {
		for t, c := range types {
			sum := receivedTypeOf(all, t)
			sum.stored, sum.rejected = sum.stored+c.stored, sum.rejected+c.rejected
			sum.first, sum.last = min(sum.first, c.first), max(sum.last, c.last)
			for i, n := range c.series {
				sum.series[i] += n
			}
		}
	}
	largest := make([]*receivedType, 0, len(all))
	for _, t := range all {
		largest = append(largest, t)
	}
	slices.SortFunc(largest, func(a, b *receivedType) int {
		return cmp.Or(cmp.Compare(b.stored+b.rejected, a.stored+a.rejected), cmp.Compare(a.Category, b.Category), cmp.Compare(a.Name, b.Name))
	})
	if truncated = len(largest) >= query.MaxTypes; truncated {
		largest = largest[:query.MaxTypes]
	} else {
		for _, t := range set.Types() {
			if all[columns.Type(t)] == nil {
				largest = append(largest, &receivedType{Type: columns.Type(t)})
			}
		}
	}
	list = make([]api.TypeSummary, len(largest))
	for i, t := range largest {
		list[i] = t.summary(set)
	}
	slices.SortFunc(list, func(a, b api.TypeSummary) int {
		return cmp.Or(cmp.Compare(a.Category, b.Category), cmp.Compare(a.Name, b.Name))
	})
	return list, truncated
}

func (t *receivedType) summary(set *schema.Set) api.TypeSummary {
	s := api.TypeSummary{
		Category: t.Category, Name: t.Name, Registered: set.Known(t.Category, t.Name), SchemaVersion: set.Version(schema.Type(t.Type)),
		Stored: t.stored, Rejected: t.rejected, Series: t.series[:],
	}
	if all := t.stored + t.rejected; all > 0 {
		s.ShareRejected = float64(t.rejected) / float64(all)
		s.FirstSeen, s.LastSeen = api.TimeOf(time.UnixMilli(t.first)), api.TimeOf(time.UnixMilli(t.last))
	}
	return s
}
