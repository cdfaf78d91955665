package analytics

import (
	"context"
	"math"
	"slices"
	"time"

	"github.com/theeye/theeye/shared/columns"
	"github.com/theeye/theeye/shared/query"
	"github.com/theeye/theeye/shared/query/filter"
	"github.com/theeye/theeye/shared/store"
)

// rejectedCounter counts rejected events by received time.
type rejectedCounter struct {
	*RejectedQuery
	receivedRange
}

func newRejectedCounter(q *RejectedQuery, now time.Time) *rejectedCounter {
	c := &rejectedCounter{q, receivedRange{from: math.MinInt64, to: math.MaxInt64, now: now.UnixMilli()}}
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
	whole := v.IsWhole(c.now) && c.SessionID == "" && c.EventID == ""
	selected := c.selectTypes(v.Part)
	local := newReasonTable(v.Part)
	taken, err := c.countWhole(ctx, v.Part, whole, selected, local)
	if err != nil || taken {
		local.moveTo(counted)
		return err
	}
	// Counts of one quarter are all taken, or its rows are looked at.
	cut := map[int64]bool{}
	received := v.Part.ReceivedCounts()
	for i := range received {
		if r := &received[i]; c.concerns(r, selected) && !(whole && c.holds(r)) {
			cut[r.Quarter] = true
		}
	}
	for i := range received {
		if r := &received[i]; !cut[r.Quarter] && c.concerns(r, selected) {
			local.addCount(r)
		}
	}
	if len(cut) > 0 {
		if err := c.countRows(ctx, v, cut, selected, local); err != nil {
			return err
		}
	}
	local.moveTo(counted)
	return nil
}

// countWhole counts the rows of a part of which all that are asked for are in the range:
// by the few counts of the whole part. It reports false where they are not.
func (c *rejectedCounter) countWhole(ctx context.Context, p *columns.Part, whole bool, selected []bool, local *reasonTable) (bool, error) {
	counts, err := p.RejectedCounts(ctx)
	if err != nil {
		return false, err
	}
	for i := range counts {
		if c.concerns(&counts[i], selected) && !(whole && c.holds(&counts[i])) {
			return false, nil
		}
	}
	for i := range counts {
		if c.concerns(&counts[i], selected) {
			local.addCount(&counts[i])
		}
	}
	return true, nil
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
func (c *rejectedCounter) concerns(r *columns.ReceivedCount, selected []bool) bool {
	return r.Status == store.Rejected && !c.misses(r) && selected[r.Type] && c.hasCode(r.Errors)
}

// hasCode reports whether the code that is asked for is among reasons.
func (c *rejectedCounter) hasCode(reasons []columns.Reason) bool {
	return c.Code == "" || slices.ContainsFunc(reasons, func(r columns.Reason) bool { return r.Code == c.Code })
}

// countRows counts the rows of some quarters.
func (c *rejectedCounter) countRows(ctx context.Context, v columns.View, cut map[int64]bool, selected []bool, local *reasonTable) error {
	rows, err := c.loadRows(ctx, v)
	if err != nil {
		return err
	}
	rejections, err := v.Part.Rejections(ctx)
	if err != nil {
		return err
	}
	inSession, err := c.sessionRows(ctx, v.Part)
	if err != nil {
		return err
	}
	for row := v.Part.Stored(); row < v.Part.Rows(); row++ {
		ms, typ := rows.received[row], rows.types[row]
		switch {
		case !rows.isCounted(row) || !selected[typ]:
		case !cut[quarterOf(ms)] || !inSession(row) || c.EventID != "" && string(rejections.EventID(row)) != c.EventID:
		default:
			if reasons := rejections.Reasons(row); c.hasCode(reasons) {
				local.addReasons(typ, reasons, reasonGroup{1, ms, ms, rejections.DocumentID(row), string(rejections.EventID(row))})
			}
		}
	}
	return nil
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

// reasonTable counts the rejected events of one part.
type reasonTable struct {
	part   *columns.Part
	total  int64
	groups map[localReason]*reasonGroup
}

// localReason is a reasonKey within a part.
type localReason struct {
	typ uint32
	columns.Reason
}

func newReasonTable(p *columns.Part) *reasonTable {
	return &reasonTable{part: p, groups: map[localReason]*reasonGroup{}}
}

// addReasons counts events with the same reasons, once in the group of each.
func (t *reasonTable) addReasons(typ uint32, reasons []columns.Reason, events reasonGroup) {
	t.total += events.n
	for i, r := range reasons {
		if slices.Contains(reasons[:i], r) {
			continue
		}
		g := t.groups[localReason{typ, r}]
		if g == nil {
			g = &reasonGroup{}
			t.groups[localReason{typ, r}] = g
		}
		g.mergeGroup(&events)
	}
}

func (t *reasonTable) addCount(r *columns.ReceivedCount) {
	t.addReasons(r.Type, r.Errors, reasonGroup{r.N, r.First, r.Last, r.SampleID, r.SampleEventID})
}

// moveTo adds the counts to those of other parts.
func (t *reasonTable) moveTo(counted *reasonCounts) {
	counted.total += t.total
	for k, g := range t.groups {
		counted.addGroup(reasonKey{t.part.Key().Application, t.part.Types()[k.typ], k.Reason}, g)
	}
}
