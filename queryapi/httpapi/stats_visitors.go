package httpapi

import (
	"context"
	"net/url"
	"slices"

	"github.com/theeye/theeye/queryapi/access"
	"github.com/theeye/theeye/queryapi/analytics"
	"github.com/theeye/theeye/queryapi/analytics/interval"
	"github.com/theeye/theeye/shared/api"
	"github.com/theeye/theeye/shared/columns"
	"github.com/theeye/theeye/shared/query/filter"
	"github.com/theeye/theeye/shared/when"
)

// The parameters of the kinds of statistics about visitors.
var (
	funnelParams    = slices.Concat(commonParams, []string{"by", "window", "order", "group_by", "top"})
	funnelMembers   = []string{"steps"}
	retentionParams = slices.Concat(commonParams, []string{"by", "interval", "periods", "first", "again"})
	pathsParams     = slices.Concat(commonParams, []string{"start", "end", "value", "depth", "top", "collapse"})
)

// Defaults of the parameters.
const (
	defaultFunnelGroups = 10
	defaultPeriods      = 12
	defaultPathDepth    = 3
	defaultPathTop      = 8
)

// oneValue returns a field of which an event has at most one value, the default without
// the parameter.
func (in *statsInput) oneValue(name string, otherwise filter.Name) filter.Field {
	f := in.field(name)
	switch {
	case f == nil:
		return filter.Field{Name: otherwise}
	case f.Path.Many():
		in.fail(name, "must be a field of one value, without []")
	}
	return *f
}

// readFunnel reads the question of POST /v1/stats/funnel.
func (s *service) readFunnel(in *statsInput, p access.Principal) statsQuestion {
	q := &analytics.FunnelQuery{
		Scope: in.scope(s, p), By: in.oneValue("by", filter.SessionID), GroupBy: in.field("group_by"),
		Strict: in.word("order", api.FunnelOrdered, api.FunnelOrdered, api.FunnelStrict) == api.FunnelStrict,
		Top:    in.number("top", defaultFunnelGroups, analytics.MaxFunnelGroups),
	}
	if v, ok := in.readText("window"); ok {
		d, err := when.ParseDuration(v)
		switch {
		case err != nil:
			in.fail("window", "%v", err)
		case d <= 0:
			in.fail("window", "must be longer than nothing, such as 1h")
		}
		q.Window = d
	}
	if _, ok := in.values["top"]; ok && q.GroupBy == nil {
		in.fail("top", "is the number of groups; give group_by as well")
	}
	if in.err == nil {
		q.Steps, in.err = readFunnelSteps(in)
	}
	return statsQuestion{need: q.Need(), answer: func(ctx context.Context, a *analytics.Analytics, snapshot *columns.Snapshot) (any, error) {
		return a.Funnel(ctx, snapshot, q)
	}}
}

// readRetention reads the question of GET /v1/stats/retention.
func (s *service) readRetention(in *statsInput, p access.Principal) (question statsQuestion) {
	q := &analytics.RetentionQuery{
		Scope: in.scope(s, p), By: in.oneValue("by", filter.SessionID), Periods: in.number("periods", defaultPeriods, analytics.MaxPeriods),
		First: in.conditions("first"), Again: in.conditions("again"),
	}
	day, week, month := interval.Day.String(), interval.Week.String(), interval.Month.String()
	q.Interval, _ = interval.ParseUnit(in.word("interval", day, day, week, month))
	if in.err != nil {
		return question
	}
	question.need, in.err = q.Need()
	question.answer = func(ctx context.Context, a *analytics.Analytics, snapshot *columns.Snapshot) (any, error) {
		return a.Retention(ctx, snapshot, q)
	}
	return question
}

// readPaths reads the question of GET /v1/stats/paths.
func (s *service) readPaths(in *statsInput, p access.Principal) statsQuestion {
	q := &analytics.PathsQuery{
		Scope: in.scope(s, p), Value: in.oneValue("value", filter.Type), Depth: in.number("depth", defaultPathDepth, analytics.MaxDepth),
		Top: in.number("top", defaultPathTop, analytics.MaxPathTop), Collapse: in.word("collapse", "true", "true", "false") == "true",
		Match: in.conditions("start"), Backward: len(in.lists["end"]) > 0,
	}
	if q.Backward {
		if len(in.lists["start"]) > 0 {
			in.fail("end", "cannot stand beside start: paths lead from the one or to the other")
		}
		q.Match = in.conditions("end")
	}
	return statsQuestion{need: q.Need(), answer: func(ctx context.Context, a *analytics.Analytics, snapshot *columns.Snapshot) (any, error) {
		return a.Paths(ctx, snapshot, q)
	}}
}

// readSessions reads the question for a page of sessions.
func (s *service) readSessions(in *statsInput, p access.Principal) (question statsQuestion) {
	if _, ok := in.readText("cursor"); ok {
		in.fail("cursor", "continues %s alone", api.PathSessions)
		return question
	}
	q, err := parseSessions(in.encode())
	if err != nil {
		in.err = err
		return question
	}
	asked := q.sessionsQuestion(in.applications(s, p))
	return statsQuestion{need: asked.Need(), answer: func(ctx context.Context, a *analytics.Analytics, snapshot *columns.Snapshot) (any, error) {
		return q.sessionPage(ctx, a, snapshot, asked)
	}}
}

// encode returns the parameters as a query string.
func (in *statsInput) encode() string {
	values := url.Values{}
	for name, v := range in.values {
		values.Set(name, v)
	}
	for name, list := range in.lists {
		values[name] = list
	}
	return values.Encode()
}
