package analytics

import (
	"context"
	"errors"
	"time"

	"github.com/theeye/theeye/queryapi/analytics/interval"
	"github.com/theeye/theeye/queryapi/refresh"
	"github.com/theeye/theeye/shared/api"
	"github.com/theeye/theeye/shared/columns"
	"github.com/theeye/theeye/shared/query/filter"
)

// RetentionQuery asks how many visitors return in the intervals behind that of their first
// event.
type RetentionQuery struct {
	// Scope limits both events; its range bounds the first one alone.
	Scope
	// By is the field that names a visitor within an application; it crosses no array.
	By filter.Field
	// Interval is Day, Week or Month.
	Interval interval.Unit
	// Periods is the number of intervals of each cohort, from 1 to 60.
	Periods int
	// First selects the events that make a visitor part of a cohort, Again those by
	// which he returns.
	First, Again filter.Filter
}

// sessionNote is the note of a retention by session.
const sessionNote = "a session rarely returns after its end; name a field that identifies a visitor by parameter by"

// Need returns the rows that the question is about. The error is of code
// api.CodeAnswerTooLarge for a range of too many intervals.
func (q *RetentionQuery) Need() (refresh.Need, error) {
	table, err := newRetentionTable(q)
	if err != nil {
		return refresh.Need{}, err
	}
	return refresh.Need{Applications: q.Applications, From: q.From, To: table.rangeEnd(q)}, nil
}

// retentionTable are the intervals of a retention.
type retentionTable struct {
	cohorts interval.List
	// starts has the beginnings of the cohorts' intervals and of those behind them, and
	// the end of the last, in microseconds since 1970. It is empty without cohorts.
	starts []int64
}

func newRetentionTable(q *RetentionQuery) (*retentionTable, error) {
	list, err := interval.Divide(q.Interval, q.Location, q.From, q.To)
	if errors.Is(err, interval.ErrTooMany) {
		return nil, tooLarge(err.Error())
	} else if err != nil {
		return nil, err
	}
	t := &retentionTable{cohorts: list, starts: list.Bounds()}
	if len(t.starts) == 0 {
		return t, nil
	}
	end := list.End
	for range q.Periods - 1 {
		next, err := interval.Divide(q.Interval, q.Location, end, end.Add(time.Microsecond))
		if err != nil {
			return nil, err
		}
		end = next.End
		t.starts = append(t.starts, end.UnixMicro())
	}
	return t, nil
}

// rangeEnd returns the end of the last interval.
func (t *retentionTable) rangeEnd(q *RetentionQuery) time.Time {
	if len(t.starts) == 0 {
		return q.To
	}
	return time.UnixMicro(t.starts[len(t.starts)-1])
}

// Retention answers from a snapshot of what the question needs.
func (a *Analytics) Retention(ctx context.Context, snapshot *columns.Snapshot, q *RetentionQuery) (*api.Retention, error) {
	table, err := newRetentionTable(q)
	if err != nil {
		return nil, err
	}
	n := len(table.cohorts.Starts)
	whole := newCohorts(table.starts, n, q.Periods, q.From.UnixMicro(), q.To.UnixMicro())
	if n > 0 {
		sets := []EventSet{{Filter: q.First}, {Filter: q.Again}}
		w := a.newWalk(snapshot, &q.Scope, sets, q.From, table.rangeEnd(q), q.By)
		w.needed = firstEvent | againEvent
		if err := whole.countVisitors(ctx, w); err != nil {
			return nil, err
		}
	}
	answer := &api.Retention{
		StatsRange: q.statsRange(snapshot),
		By:         q.By.String(), Interval: q.Interval.String(),
	}
	if q.By.Name == filter.SessionID {
		answer.Note = sessionNote
	}
	answer.Cohorts, answer.Average = table.cells(whole, snapshot.AsOf.UnixMicro())
	return answer, nil
}

// cells returns the cohorts, and the averages over the cells that are complete as of a
// time.
func (t *retentionTable) cells(c *cohorts, asOf int64) ([]api.RetentionCohort, []*float64) {
	list := make([]api.RetentionCohort, len(c.sizes))
	sizes, returned := make([]int64, c.periods), make([]int64, c.periods)
	for i := range list {
		cohort := api.RetentionCohort{
			Start: interval.FormatStart(t.cohorts.Starts[i]), Size: c.sizes[i],
			Returned: c.returned[i*c.periods:][:c.periods], Complete: make([]bool, c.periods),
		}
		for period := range c.periods {
			if t.starts[i+period+1] <= asOf {
				cohort.Complete[period] = true
				sizes[period] += cohort.Size
				returned[period] += cohort.Returned[period]
			}
		}
		list[i] = cohort
	}
	average := make([]*float64, c.periods)
	for period, size := range sizes {
		if size > 0 {
			average[period] = new(share(returned[period], size))
		}
	}
	return list, average
}
