package httpapi

import (
	"context"
	"slices"
	"strings"

	"github.com/theeye/theeye/queryapi/access"
	"github.com/theeye/theeye/queryapi/analytics"
	"github.com/theeye/theeye/queryapi/analytics/interval"
	"github.com/theeye/theeye/shared/columns"
)

// The parameters of each kind of statistics.
var (
	timeseriesParams = slices.Concat(commonParams, []string{"interval", "metric", "field", "group_by", "top", "compare"})
	topParams        = slices.Concat(commonParams, []string{"field", "metric", "limit", "prefix"})
	fieldsParams     = slices.Concat(commonParams, []string{"prefix", "limit"})
)

// readTimeseries reads the question of GET /v1/stats/timeseries.
func (s *service) readTimeseries(in *statsInput, p access.Principal) (question statsQuestion) {
	q := analytics.TimeseriesQuery{
		Scope: in.scope(s, p), Metric: analytics.MetricEvents, Field: in.field("field"), GroupBy: in.field("group_by"),
		Top: in.number("top", analytics.DefaultSeries, analytics.MaxSeries), Previous: in.word("compare", "", "previous") != "",
	}
	unit, _ := interval.ParseUnit(in.word("interval", interval.Day.String(), strings.Split(interval.Units(), ", ")...))
	q.Unit = unit
	if v, ok := in.readText("metric"); ok {
		if q.Metric, ok = analytics.ParseMetric(v); !ok {
			in.fail("metric", "must be one of %s", analytics.Metrics())
		}
	}
	switch {
	case q.Metric.NeedsField() && q.Field == nil:
		in.fail("field", "is needed for metric %s: the field of the numbers, such as data.price", q.Metric)
	case !q.Metric.NeedsField() && q.Field != nil:
		in.fail("field", "is not for metric %s; leave it out, or ask for one of sum, avg, min, max, p50, p90, p95, p99", q.Metric)
	}
	if q.GroupBy == nil {
		if _, ok := in.values["top"]; ok {
			in.fail("top", "is the number of groups; give group_by as well")
		}
	}
	if in.err != nil {
		return question
	}
	question.need, in.err = q.Need()
	question.answer = func(ctx context.Context, a *analytics.Analytics, snapshot *columns.Snapshot) (any, error) {
		return a.Timeseries(ctx, snapshot, q)
	}
	return question
}

// readTop reads the question of GET /v1/stats/top.
func (s *service) readTop(in *statsInput, p access.Principal) statsQuestion {
	q := analytics.TopQuery{
		Scope: in.scope(s, p), Limit: in.number("limit", analytics.DefaultTop, analytics.MaxTop), Prefix: in.short("prefix"),
		Metric: analytics.Metric(in.word("metric", string(analytics.MetricEvents), string(analytics.MetricEvents), string(analytics.MetricSessions))),
	}
	if f := in.field("field"); f != nil {
		q.Field = *f
	} else {
		in.fail("field", "is needed: the field whose values are counted, such as type or data.path")
	}
	return statsQuestion{need: q.Need(), answer: func(ctx context.Context, a *analytics.Analytics, snapshot *columns.Snapshot) (any, error) {
		return a.Top(ctx, snapshot, q)
	}}
}

// readFields reads the question of GET /v1/fields.
func (s *service) readFields(in *statsInput, p access.Principal) statsQuestion {
	q := analytics.FieldsQuery{
		Scope: in.scope(s, p), Prefix: in.short("prefix"), Limit: in.number("limit", analytics.DefaultFields, analytics.MaxFields),
	}
	return statsQuestion{need: q.Need(), registered: true, answer: func(ctx context.Context, a *analytics.Analytics, snapshot *columns.Snapshot) (any, error) {
		return a.Fields(ctx, snapshot, q, s.registry.Snapshot().Schemas)
	}}
}

// readTypes reads the question of GET /v1/types: its range is of received time.
func (s *service) readTypes(in *statsInput, p access.Principal) statsQuestion {
	q := analytics.TypesQuery{Applications: in.applications(s, p)}
	q.From, q.To = in.timeRange()
	return statsQuestion{need: q.Need(), registered: true, answer: func(ctx context.Context, a *analytics.Analytics, snapshot *columns.Snapshot) (any, error) {
		return a.Types(ctx, snapshot, q, s.registry.Snapshot().Schemas)
	}}
}
