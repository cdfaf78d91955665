package analytics

import (
	"context"
	"errors"
	"slices"
	"strings"

	"github.com/theeye/theeye/queryapi/analytics/interval"
	"github.com/theeye/theeye/queryapi/problem"
	"github.com/theeye/theeye/queryapi/refresh"
	"github.com/theeye/theeye/shared/api"
	"github.com/theeye/theeye/shared/columns"
	"github.com/theeye/theeye/shared/query/filter"
)

// Metric is what a statistic shows of events.
type Metric string

// The metrics. All but the first two are of the numbers of a field.
const (
	MetricEvents   Metric = "events"
	MetricSessions Metric = "sessions"
	MetricSum      Metric = "sum"
	MetricAvg      Metric = "avg"
	MetricMin      Metric = "min"
	MetricMax      Metric = "max"
)

// percentiles are the metrics that are percentiles.
var percentiles = map[Metric]int{"p50": 50, "p90": 90, "p95": 95, "p99": 99}

// metrics are all of them, in the order of messages.
var metrics = []Metric{MetricEvents, MetricSessions, MetricSum, MetricAvg, MetricMin, MetricMax, "p50", "p90", "p95", "p99"}

// Metrics lists the names of the metrics, for messages.
func Metrics() string {
	names := make([]string, len(metrics))
	for i, m := range metrics {
		names[i] = string(m)
	}
	return strings.Join(names, ", ")
}

// ParseMetric returns the metric of a name.
func ParseMetric(name string) (Metric, bool) {
	return Metric(name), slices.Contains(metrics, Metric(name))
}

// NeedsField reports whether the metric is of the numbers of a field.
func (m Metric) NeedsField() bool { return m != MetricEvents && m != MetricSessions }

// Bounds of a Timeseries.
const (
	DefaultSeries = 10
	MaxSeries     = 1000
	// maxValues bounds the figures of an answer.
	maxValues = 500_000
)

// TimeseriesQuery asks for figures by intervals.
type TimeseriesQuery struct {
	Scope
	Unit   interval.Unit
	Metric Metric
	// Field is that of the numbers, GroupBy that of the groups; nil for none.
	Field, GroupBy *filter.Field
	// Top is the number of groups with a series of their own, 1 to MaxSeries.
	Top int
	// Previous asks for the total of as many intervals before.
	Previous bool
}

// timeseries is a TimeseriesQuery with its intervals.
type timeseries struct {
	*TimeseriesQuery
	current, previous interval.List
}

// divide counts the intervals and bounds the answer.
func (q *TimeseriesQuery) divide() (*timeseries, error) {
	list, err := interval.Divide(q.Unit, q.Location, q.From, q.To)
	if errors.Is(err, interval.ErrTooMany) {
		return nil, problem.Newf(api.CodeAnswerTooLarge,
			"there are more than %d intervals of a %v in the range; ask for a shorter range or a longer interval", interval.Most, q.Unit)
	}
	if err != nil {
		return nil, err
	}
	if n := len(list.Starts); q.GroupBy != nil && n*(q.Top+3) > maxValues {
		return nil, problem.Newf(api.CodeAnswerTooLarge,
			"%d intervals of %d groups are more than %d figures; ask for fewer groups by top, or for a longer interval", n, q.Top, maxValues)
	}
	t := &timeseries{TimeseriesQuery: q, current: list}
	if q.Previous {
		t.previous = list.Previous()
	}
	return t, nil
}

// Need returns the rows that the question is about.
func (q *TimeseriesQuery) Need() (refresh.Need, error) {
	t, err := q.divide()
	if err != nil {
		return refresh.Need{}, err
	}
	need := q.Scope.need()
	if len(t.previous.Starts) > 0 {
		need.From = t.previous.Starts[0]
	}
	return need, nil
}

// Timeseries answers from a snapshot of what the question needs.
func (a *Analytics) Timeseries(ctx context.Context, s *columns.Snapshot, q TimeseriesQuery) (*api.Timeseries, error) {
	t, err := q.divide()
	if err != nil {
		return nil, err
	}
	answer := &api.Timeseries{
		StatsRange: q.statsRange(s), Interval: q.Unit.String(), Metric: string(q.Metric), Intervals: make([]string, len(t.current.Starts)),
	}
	if q.Field != nil {
		answer.Field = q.Field.String()
	}
	if q.GroupBy != nil {
		answer.GroupBy = q.GroupBy.String()
	}
	for i, start := range t.current.Starts {
		answer.Intervals[i] = interval.FormatStart(start)
	}
	answer.Partial.First, answer.Partial.Last = t.current.Partial(q.From, q.To)
	if answer.Total, answer.Series, err = a.measureSeries(ctx, s, t); err != nil {
		return nil, err
	}
	if q.Previous {
		total, _, err := a.measureSeries(ctx, s, t.before())
		if err != nil {
			return nil, err
		}
		answer.Previous = &total
	}
	return answer, nil
}

// before returns the question for the total of the previous intervals.
func (t *timeseries) before() *timeseries {
	q := *t.TimeseriesQuery
	q.GroupBy, q.To = nil, q.From // nothing, without intervals
	if len(t.previous.Starts) > 0 {
		q.From, q.To = t.previous.Starts[0], t.previous.End
	}
	return &timeseries{TimeseriesQuery: &q, current: t.previous}
}

// measureSeries makes the series of a range.
func (a *Analytics) measureSeries(ctx context.Context, s *columns.Snapshot, t *timeseries) (total api.SeriesValues, series []api.Series, err error) {
	run := a.newRun(s, &t.Scope)
	if err := run.measureOf(ctx, t.Metric, t.Field); err != nil {
		return total, nil, err
	}
	var chosen *groupChoice
	var m measure
	l := &layout{timeline: &timeline{t.current.Bounds()}}
	if t.GroupBy != nil {
		if chosen, err = run.chooseGroups(ctx, *t.GroupBy, t.Top, l.timeline); err != nil {
			return total, nil, err
		}
		l.groups, l.slots, l.groupSlots = chosen.grouping, chosen.slots, len(chosen.largest)+2
	}
	if chosen != nil && chosen.counts != nil {
		m = chosen.sumCounts(l)
	} else if m, err = run.measureCells(ctx, l); err != nil {
		return total, nil, err
	}
	total = formatSlot(m, l, l.groupSlots)
	if chosen != nil {
		series = chosen.formatSeries(m, l)
	}
	return total, series, nil
}

// formatSlot writes the figures of a slot.
func formatSlot(m measure, l *layout, slot int) api.SeriesValues {
	n := l.intervals()
	v := api.SeriesValues{Total: m.format(l.cell(slot, n)), Values: make([]api.Figure, n)}
	for i := range v.Values {
		v.Values[i] = m.format(l.cell(slot, i))
	}
	return v
}
