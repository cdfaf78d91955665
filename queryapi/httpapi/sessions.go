package httpapi

import (
	"context"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/theeye/theeye/queryapi/access"
	"github.com/theeye/theeye/queryapi/analytics"
	"github.com/theeye/theeye/shared/api"
	"github.com/theeye/theeye/shared/columns"
	"github.com/theeye/theeye/shared/event"
	"github.com/theeye/theeye/shared/httpserver"
	"github.com/theeye/theeye/shared/query"
)

// kindSessions is the kind of sessions in a batch of statistics.
const kindSessions = "sessions"

// Values of parameter by.
const (
	byStarted = "started"
	byActive  = "active"
)

// sessionsQuery are the parameters that sessions alone have.
type sessionsQuery struct {
	active                bool
	minEvents, minSeconds int64
}

// queryText is the part of a fingerprint.
func (q sessionsQuery) queryText() string {
	return "sessions " + strconv.FormatBool(q.active) + " " + strconv.FormatInt(q.minEvents, 10) + " " + strconv.FormatInt(q.minSeconds, 10)
}

// defaultWindow is the range of a statistic, a question for sessions or an export that names none.
const defaultWindow = 7 * 24 * time.Hour

// parseSessions parses the query string of a question for sessions.
func parseSessions(rawQuery string) (params, error) {
	q, err := parseParams(&http.Request{URL: &url.URL{RawQuery: rawQuery}}, sessionsParams)
	if err != nil {
		return q, err
	}
	return q, q.completeRange()
}

// sessionsQuestion returns the question to columns, of its first page.
func (p *params) sessionsQuestion(applications []string) *analytics.SessionsQuery {
	return &analytics.SessionsQuery{
		Scope: analytics.Scope{
			Applications: applications, Category: p.Category, Name: p.Name, SessionID: p.SessionID, Filter: p.Filters,
			From: p.From, To: p.To, Location: p.clock.Zone,
		},
		Active: p.sessions.active, MinEvents: p.sessions.minEvents, MinDuration: boundSeconds(p.sessions.minSeconds),
		Descending: p.Descending, Limit: p.Limit,
	}
}

// sessionPage answers from columns.
func (p *params) sessionPage(ctx context.Context, a *analytics.Analytics, snapshot *columns.Snapshot, q *analytics.SessionsQuery) (*api.SessionPage, error) {
	page, next, err := a.Sessions(ctx, snapshot, q)
	if err != nil {
		return nil, err
	}
	if next != nil {
		page.NextCursor = p.nextCursor(routeSessions, &query.Position{Time: next.First, ID: next.Application + "/" + next.SessionID})
	}
	return page, nil
}

// listSessions answers GET /v1/sessions: sessions in the order of their first
// events, with figures of each as a whole.
func (s *service) listSessions(w http.ResponseWriter, r *http.Request, p access.Principal) error {
	q, err := parseParams(r, sessionsParams)
	if err != nil {
		return err
	}
	if err := q.completeRange(); err != nil {
		return err
	}
	after, err := q.sessionPosition(routeSessions)
	if err != nil {
		return err
	}
	in := q.statsInput(kindSessions)
	asked := q.sessionsQuestion(in.applications(s, p))
	if asked.After = after; in.err != nil {
		return in.err
	}
	return s.writeAnswer(w, r, p, in, &statsQuestion{
		need: asked.Need(),
		answer: func(ctx context.Context, a *analytics.Analytics, snapshot *columns.Snapshot) (any, error) {
			return q.sessionPage(ctx, a, snapshot, asked)
		},
	})
}

// statsInput returns the input of a statistic that these parameters ask for, with what
// selects, orders and bounds it as read.
func (p *params) statsInput(kind string) *statsInput {
	in := newStatsInput(kind)
	if p.Application != "" {
		in.values["application"] = p.Application
	}
	for name, value := range map[string]string{
		"category": p.Category, "name": p.Name, "session_id": p.SessionID, "event_id": p.EventID, "code": p.Code,
		"filter": p.Filters.String(), "tz": p.zone, "from": p.From.String(), "to": p.To.String(), "cursor": p.cursor,
		"order": strconv.FormatBool(p.Descending), "limit": strconv.Itoa(p.Limit), "series": strconv.FormatBool(p.series), "by_code": strconv.FormatBool(p.byCode), "sessions": p.sessions.queryText(),
	} {
		in.read[name] = value
	}
	return in
}

// boundSeconds returns a number of seconds as a duration, the longest one where
// they are more.
func boundSeconds(n int64) time.Duration {
	const most = int64(1<<63-1) / int64(time.Second)
	return time.Duration(min(n, most)) * time.Second
}

// completeRange sets the ends of the range that the query does not name: the
// present time, and the default length before the end.
func (p *params) completeRange() error {
	if p.To.IsZero() {
		if fault := p.parseTime(&p.To, &p.relative.to, "now"); fault != "" {
			return httpserver.BadRequest(api.CodeInvalidParameter, "parameter to %s", fault)
		}
		if p.From.After(p.To) {
			return httpserver.BadRequest(api.CodeInvalidParameter, "parameter from is in the future; give parameter to as well")
		}
	}
	if p.From.IsZero() {
		p.From = p.To.Add(-defaultWindow)
		if p.relative.to != "" {
			p.relative.from = "before " + p.relative.to
		}
	}
	return nil
}

// sessionPosition returns where a list of sessions continues: nil at its start.
func (p *params) sessionPosition(route string) (*query.SessionPosition, error) {
	c, err := p.position(route)
	if c == nil || err != nil {
		return nil, err
	}
	application, id, _ := strings.Cut(c.ID, "/")
	if _, ok := event.ParseUUID(id); !ok || application == "" {
		return nil, errCursor
	}
	return &query.SessionPosition{First: c.Time, SessionKey: query.SessionKey{Application: application, SessionID: id}}, nil
}
