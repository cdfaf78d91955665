package analytics

import (
	"context"
	"math"
	"slices"
	"time"
	"unique"

	"github.com/theeye/theeye/shared/columns"
	"github.com/theeye/theeye/shared/query"
	"github.com/theeye/theeye/shared/query/filter"
)

// rejectedCounter counts rejected events by received time.
type rejectedCounter struct {
	*RejectedQuery
	receivedCounter
}

func newRejectedCounter(q *RejectedQuery, now time.Time) *rejectedCounter {
	c := &rejectedCounter{RejectedQuery: q}
	c.receivedRange = receivedRange{from: math.MinInt64, to: math.MaxInt64, now: now.UnixMilli()}
	if q.Series {
		c.fromMicros, c.micros = q.From.UnixMicro(), q.To.UnixMicro()-q.From.UnixMicro()
	}
	if !q.From.IsZero() {
		c.from = query.Ceil(q.From, time.Millisecond)
	}
	if !q.To.IsZero() {
		c.to = query.Ceil(q.To, time.Millisecond)
	}
	return c
}

// countView counts the rows of a view: by the counts in the description of its part, and
// by its rows where these do not suffice.
func (c *rejectedCounter) countView(ctx context.Context, v columns.View, counted *reasonCounts) error {
	counts := v.Part.RejectedReceived()
	first, last, some := counts.Span()
	if !some || c.misses(first, last) {
		return nil
	}
	whole := v.IsWhole(c.now) && c.SessionID == "" && c.EventID == ""
	t := newViewReasons(v.Part, c, counted)
	if whole && c.addTotals(t, counts) {
		return nil
	}
	if cut := c.addQuarters(t, counts, whole); cut != nil {
		return c.countRows(ctx, v, cut, t)
	}
	return nil
}

// addTotals counts the rows of a part of which all that are asked for are in the range: by
// the few counts of the whole part. It reports false, and counts nothing, where they are
// not.
func (c *rejectedCounter) addTotals(t *viewReasons, counts *columns.ReceivedCounts) bool {
	totals := counts.Totals()
	for i := range totals {
		if n := &totals[i].ReceivedCount; c.concerns(t, n) && !c.holdsAlike(n.First, n.Last) {
			return false
		}
	}
	for i := range totals {
		if n := &totals[i]; c.concerns(t, &n.ReceivedCount) {
			t.addReasons(n.Type, n.Reasons, reasonGroup{n: n.N, first: n.First, last: n.Last, sampleID: n.SampleID, sampleEventID: n.SampleEventID})
		}
	}
	return true
}

// addQuarters adds the counts of the quarters of which all are in the range, and returns
// those of which the rows have to be looked at, nil if none.
func (c *rejectedCounter) addQuarters(t *viewReasons, counts *columns.ReceivedCounts, whole bool) (cut quarterSet) {
	for i := range counts.CountQuarters() {
		first, last := counts.SpanAt(i)
		switch {
		case c.misses(first, last):
		case whole && c.holdsAlike(first, last):
			for n := range counts.CountsAt(i) {
				if c.concerns(t, &n) {
					id, eventID := counts.SampleOf(&n, t.part.Key().Application)
					t.addReasons(n.Type, n.Reasons, reasonGroup{n: n.N, first: n.First, last: n.Last, sampleID: id, sampleEventID: eventID})
				}
			}
		default:
			cut = cut.addQuarter(counts.QuarterAt(i))
		}
	}
	return cut
}

// holdsAlike reports whether all times of a span count alike: they lie in the range, and
// where series are asked for in one bucket of it.
func (c *rejectedCounter) holdsAlike(first, last int64) bool {
	if c.Series {
		return c.holdsBucket(first, last)
	}
	return c.holds(first, last)
}

// selectTypes returns which types of a part are asked for, by code.
func (c *rejectedCounter) selectTypes(p *columns.Part) []bool {
	selected := make([]bool, len(p.Types()))
	for code, t := range p.Types() {
		selected[code] = (c.Category == "" || c.Category == t.Category) && (c.Name == "" || c.Name == t.Name)
	}
	return selected
}

// concerns reports whether rows of a count may be asked for.
func (c *rejectedCounter) concerns(t *viewReasons, n *columns.ReceivedCount) bool {
	return t.selected[n.Type] && !c.misses(n.First, n.Last) && c.hasCode(t.part.Reasons()[n.Reasons])
}

// hasCode reports whether the code that is asked for is among reasons.
func (c *rejectedCounter) hasCode(reasons []columns.Reason) bool {
	return c.Code == "" || slices.ContainsFunc(reasons, func(r columns.Reason) bool { return r.Code == c.Code })
}

// countRows counts the rows of some quarters.
func (c *rejectedCounter) countRows(ctx context.Context, v columns.View, cut quarterSet, t *viewReasons) error {
	rejections, err := v.Part.Rejections(ctx)
	if err != nil {
		return err
	}
	inSession, err := c.sessionRows(ctx, v.Part)
	if err != nil {
		return err
	}
	return c.eachRow(ctx, v, v.Part.Stored(), v.Part.Rows(), cut, func(row int, ms int64, typ uint32) {
		switch {
		case !t.selected[typ] || !inSession(row):
		case c.EventID != "" && string(rejections.EventID(row)) != c.EventID:
		default:
			if reasons := rejections.Reasons(row); c.hasCode(reasons) {
				t.addList(typ, c.groupsOf(reasons), reasonGroup{n: 1, first: ms, last: ms, sampleID: rejections.DocumentID(row), sampleEventID: string(rejections.EventID(row))})
			}
		}
	})
}

// sessionRows returns whether a row belongs to the session that is asked for.
func (c *rejectedCounter) sessionRows(ctx context.Context, p *columns.Part) (func(row int) bool, error) {
	if c.SessionID == "" {
		return func(int) bool { return true }, nil
	}
	column, err := p.Column(ctx, filter.Field{Name: filter.SessionID})
	if err != nil {
		return nil, err
	}
	code, found := column.Values.Find(filter.Text(c.SessionID))
	return func(row int) bool { return found && column.Codes.CodeAt(row) == code }, nil
}

// viewReasons adds the rejected events of one view to the counts of all.
type viewReasons struct {
	*reasonCounts

	counter *rejectedCounter
	part    *columns.Part
	// selected are the types that are asked for, by code.
	selected []bool
	// types and lists are those of the part, zero as long as none was counted.
	types       []unique.Handle[columns.Type]
	lists       [][]unique.Handle[columns.Reason]
	application unique.Handle[string]
}

func newViewReasons(p *columns.Part, c *rejectedCounter, counted *reasonCounts) *viewReasons {
	application := p.Key().Application
	if c.ByCode {
		application = ""
	}
	return &viewReasons{
		reasonCounts: counted, counter: c, part: p, selected: c.selectTypes(p), application: unique.Make(application),
		types: make([]unique.Handle[columns.Type], len(p.Types())), lists: make([][]unique.Handle[columns.Reason], len(p.Reasons())),
	}
}

// addReasons counts events of a type with the same list of reasons.
func (t *viewReasons) addReasons(typ, list uint32, events reasonGroup) {
	if t.lists[list] == nil {
		t.lists[list] = t.counter.groupsOf(t.part.Reasons()[list])
	}
	t.addList(typ, t.lists[list], events)
}

// addList counts events once in the group of each of their reasons.
func (t *viewReasons) addList(typ uint32, reasons []unique.Handle[columns.Reason], events reasonGroup) {
	t.total += events.n
	if t.types[typ] == (unique.Handle[columns.Type]{}) {
		t.types[typ] = t.counter.typeOf(t.part.Types()[typ])
	}
	for _, r := range reasons {
		sum := t.addGroup(reasonKey{t.application, t.types[typ], r}, &events)
		if t.counter.Series {
			if sum.series == nil {
				sum.series = new([typeBuckets]int64)
			}
			sum.series[t.counter.bucket(events.first)] += events.n
		}
	}
}

// typeOf returns the type in the key of a group.
func (c *rejectedCounter) typeOf(t columns.Type) unique.Handle[columns.Type] {
	if c.ByCode {
		t = columns.Type{}
	}
	return unique.Make(t)
}

// groupsOf returns the distinct reasons in the keys of groups.
func (c *rejectedCounter) groupsOf(reasons []columns.Reason) []unique.Handle[columns.Reason] {
	handles := make([]unique.Handle[columns.Reason], 0, len(reasons))
	for _, r := range reasons {
		if c.ByCode {
			r.Path = ""
		}
		if h := unique.Make(r); !slices.Contains(handles, h) {
			handles = append(handles, h)
		}
	}
	return handles
}
