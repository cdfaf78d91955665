package httpapi

import (
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/theeye/theeye/queryapi/access"
	"github.com/theeye/theeye/queryapi/admin"
	"github.com/theeye/theeye/queryapi/analytics/interval"
	"github.com/theeye/theeye/queryapi/events"
	"github.com/theeye/theeye/shared/api"
	"github.com/theeye/theeye/shared/event"
	"github.com/theeye/theeye/shared/httpserver"
	"github.com/theeye/theeye/shared/query"
	"github.com/theeye/theeye/shared/registry/editor"
	"github.com/theeye/theeye/shared/stream"
	"github.com/theeye/theeye/shared/when"
)

// Bounds of parameters.
const (
	maxCodeLength  = 64
	maxPathBytes   = 4 << 10
	maxCursorBytes = 4 << 10
	defaultLimit   = 100
)

// params is a parsed query string. Zero fields were not given. Every field is a
// typed value: no text of a client ever becomes an operator of a database.
type params struct {
	events.Query
	clock when.Clock
	// zone is parameter tz.
	zone     string
	cursor   string
	revision uint64
	kind     string
	sessions sessionsQuery
	export   exportQuery
	live     liveQuery
	// lastOperator allows the only operator token to be removed.
	lastOperator bool
	// series asks for the series of every group.
	series bool
	// byCode groups by code alone.
	byCode bool
	// relative are the texts of From and To where they name a time relative to
	// the present one, else "".
	relative struct{ from, to string }
	// ranged is set where the range depends on the present time; a cursor then
	// carries it.
	ranged bool
	// filters are the values of parameter filter; Filters are the same, parsed.
	filters []string
}

// parser parses the value of one parameter into p. If the value is invalid it
// returns the fault, else "".
type parser func(p *params, value string) (fault string)

// parsers are those of all parameters; each call allows some of them.
var parsers = map[string]parser{
	"application": func(p *params, v string) string {
		p.Application = v
		return wantUnless(stream.ValidApplication(v), "the name of an application, [a-z0-9][a-z0-9-]{0,31}")
	},
	"session_id": func(p *params, v string) string {
		id, ok := event.ParseUUID(v)
		p.SessionID = id
		return wantUnless(ok, wantUUID)
	},
	"category": func(p *params, v string) string { return parseText(&p.Category, v, event.MaxIDLength) },
	"name":     func(p *params, v string) string { return parseText(&p.Name, v, event.MaxIDLength) },
	"event_id": func(p *params, v string) string { return parseText(&p.EventID, v, event.MaxIDLength) },
	"code":     func(p *params, v string) string { return parseText(&p.Code, v, maxCodeLength) },
	"path": func(p *params, v string) string {
		p.Path = &v
		return wantUnless(v == "" || v[0] == '/' && len(v) <= maxPathBytes, "a JSON pointer, or empty for the event itself")
	},
	"from": func(p *params, v string) string { return p.parseTime(&p.From, &p.relative.from, v) },
	"to":   func(p *params, v string) string { return p.parseTime(&p.To, &p.relative.to, v) },
	"order": func(p *params, v string) string {
		p.Descending = v == "desc"
		return wantUnless(v == "asc" || v == "desc", "asc or desc")
	},
	"limit": func(p *params, v string) string {
		n, ok := parseLimit(v)
		p.Limit = n
		return wantUnless(ok, "an integer from 1 to 1000")
	},
	"cursor": func(p *params, v string) string {
		p.cursor = v
		return wantUnless(v != "" && len(v) <= maxCursorBytes, "the next_cursor of an earlier answer")
	},
	"revision": func(p *params, v string) string {
		n, err := strconv.ParseUint(v, 10, 63)
		p.revision = n
		return wantUnless(err == nil && n > 0, "a revision, an integer from 1")
	},
	"kind": func(p *params, v string) string {
		p.kind = v
		return wantUnless(slices.Contains(changeKinds, v), "one of "+strings.Join(changeKinds, ", "))
	},
	api.CodeLastOperator: func(p *params, v string) string {
		p.lastOperator = v == "true"
		return wantUnless(v == "true" || v == "false", "true or false")
	},
	"series": func(p *params, v string) string {
		p.series = v == "true"
		return wantUnless(v == "true" || v == "false", "true or false")
	},
	"group_by": func(p *params, v string) string {
		p.byCode = v == "code"
		return wantUnless(p.byCode, "code")
	},
	"by": func(p *params, v string) string {
		p.sessions.active = v == byActive
		return wantUnless(v == byStarted || v == byActive, byStarted+" or "+byActive)
	},
	"min_events": func(p *params, v string) string { return parseCount(&p.sessions.minEvents, v) },
	"tz": func(p *params, v string) string {
		return wantUnless(p.zone == v, "the IANA name of a time zone, such as Europe/Berlin or UTC")
	},
	"min_seconds": func(p *params, v string) string { return parseCount(&p.sessions.minSeconds, v) },
	"filter":      func(p *params, v string) string { p.filters = append(p.filters, v); return "" },
	"format":      func(p *params, v string) string { return parseOneOf(&p.export.format, v, exportFormats) },
	"columns":     parseColumns,
	"outcome":     func(p *params, v string) string { return parseOneOf(&p.live.outcome, v, liveOutcomes) },
}

const wantUUID = "a UUID in the form xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx"

// changeKinds are the values of parameter kind.
var changeKinds = []string{"schema", "policy", "application", "token", "replay"}

// The parameters of each call.
var (
	eventsParams   = []string{"application", "session_id", "category", "name", "event_id", "from", "to", "filter", "order", "limit", "cursor"}
	eventParams    = []string{"application"}
	sessionParams  = []string{"application", "limit", "cursor"}
	rejectedParams = append([]string{"code", "path"}, eventsParams...)
	versionParams  = []string{"revision"}
	historyParams  = []string{"limit", "cursor"}
	changesParams  = []string{"kind", "name", "limit", "cursor"}
	typesParams    = []string{"application", "from", "to"}
	exportParams   = []string{"application", "category", "name", "session_id", "filter", "from", "to", "format", "columns", "cursor"}
	liveParams     = []string{"application", "category", "name", "session_id", "filter", "outcome"}
	sessionsParams = []string{
		"application", "category", "name", "session_id", "from", "to", "by", "min_events", "min_seconds", "order", "limit", "cursor", "filter", "tz",
	}
	summaryParams = []string{"code", "application", "session_id", "category", "name", "event_id", "from", "to", "limit", "group_by", "series"}
)

// parseParams parses the query string of a request, in which each allowed
// parameter may stand once, a filter several times, and no other. The error is a
// *httpserver.Failure with status 400.
func parseParams(r *http.Request, allowed []string) (params, error) {
	p := params{clock: when.UTC()}
	p.Limit = defaultLimit
	if slices.Contains(allowed, "tz") {
		p.setZone(r.URL.Query().Get("tz"))
	}
	set := func(name, value string) string { return parsers[name](&p, value) }
	if err := httpserver.ParseQuery(r.URL.RawQuery, allowed, set, "filter"); err != nil {
		return params{}, err
	}
	if !p.From.IsZero() && !p.To.IsZero() && p.From.After(p.To) {
		return params{}, httpserver.BadRequest(api.CodeInvalidParameter, "parameter from (%s) must not be after parameter to (%s)",
			event.FormatTime(p.From), event.FormatTime(p.To))
	}
	if p.Path != nil && p.Code == "" {
		return params{}, httpserver.BadRequest(api.CodeInvalidParameter, "parameter path needs code: it is the path of an error with that code")
	}
	return p, p.parseFilters(p.clock.Now)
}

// setZone sets the zone in which times are read, before they are; an unknown one stays
// unset.
func (p *params) setZone(name string) {
	if zone, err := interval.LoadZone(name); err == nil {
		p.zone, p.clock.Zone = name, zone
	}
}

// parsePage parses the parameters of a page, its position included.
func parsePage(r *http.Request, allowed []string, route string) (params, error) {
	q, err := parseParams(r, allowed)
	if err != nil {
		return q, err
	}
	q.After, err = q.position(route)
	return q, err
}

// wantUnless returns what a value must be unless it is valid.
func wantUnless(valid bool, want string) string {
	if valid {
		return ""
	}
	return "must be " + want
}

func parseText(dst *string, v string, limit int) string {
	*dst = v
	n := utf8.RuneCountInString(v)
	return wantUnless(n >= 1 && n <= limit, "a string of 1 to "+strconv.Itoa(limit)+" characters")
}

// parseTime parses a time as package when reads it, in UTC.
func (p *params) parseTime(dst *time.Time, relative *string, v string) string {
	t, err := p.clock.Parse(v)
	if err != nil {
		return err.Error()
	}
	*dst = bounding(t)
	if when.Relative(v) {
		*relative, p.ranged = v, true
	}
	return ""
}

// bounding returns a time as the end of a range. The zero time would be no bound; the
// microsecond after it bounds the same events, because none has the zero time.
func bounding(t time.Time) time.Time {
	if t.IsZero() {
		return t.Add(time.Microsecond)
	}
	return t
}

// parseCount reads a whole number of at most twelve digits.
func parseCount(dst *int64, v string) string {
	const most = 12
	n, err := strconv.ParseUint(v, 10, 63)
	*dst = int64(n)
	return wantUnless(err == nil && len(v) <= most, "a whole number from 0")
}

// parseOneOf reads one of a few words.
func parseOneOf(dst *string, v string, words []string) string {
	*dst = v
	return wantUnless(slices.Contains(words, v), "one of "+strings.Join(words, ", "))
}

// parseLimit reads decimal digits alone: no sign and no exponent.
func parseLimit(v string) (int, bool) {
	n := 0
	for i := range len(v) {
		if v[i] < '0' || v[i] > '9' || i >= len("1000") {
			return 0, false
		}
		n = n*10 + int(v[i]-'0')
	}
	return n, n >= 1 && n <= query.MaxEvents
}

// inQuery is a segment of a path whose value is the parameter of the query of the same name.
const inQuery = "-"

// queryable are the parameters of paths that may have any characters. A browser resolves the
// segments "." and "..", however they are escaped, and some proxies unescape %2F, so these
// may stand in the query.
var queryable = []string{"category", "name", "event_id"}

// pathParams returns the segments of a request's path that are parameters of
// the route, unescaped once. It reads the path as it was sent: an id may
// contain '/', which is sent as %2F. Parameters taken from the query are removed there.
func pathParams(r *http.Request, route string) ([]string, error) {
	names, segments := strings.Split(route, "/"), strings.Split(r.URL.EscapedPath(), "/")
	if len(names) != len(segments) {
		return nil, httpserver.NoSuchPath()
	}
	var values []string
	for i, name := range names {
		if !strings.HasPrefix(name, ":") {
			continue
		}
		value, err := url.PathUnescape(segments[i])
		if err != nil {
			return nil, httpserver.NoSuchPath()
		}
		if value == inQuery {
			value = takeQueried(r, name[1:])
		}
		if !utf8.ValidString(value) {
			return nil, httpserver.BadRequest(api.CodeInvalidParameter, "a segment of the path is not UTF-8")
		}
		values = append(values, value)
	}
	return values, nil
}

// takeQueried returns the value of a segment inQuery, and removes its parameter from the
// query. Without that, or with several of it, the segment is itself the value; the query is
// then refused where it is parsed.
func takeQueried(r *http.Request, name string) string {
	query, err := url.ParseQuery(r.URL.RawQuery)
	if err != nil || !slices.Contains(queryable, name) || len(query[name]) != 1 {
		return inQuery
	}
	value := query.Get(name)
	query.Del(name)
	u := *r.URL
	u.RawQuery, r.URL = query.Encode(), &u
	return value
}

// parseChange parses the headers of a request that changes something: the
// precondition, and the note. Such a request has no parameters. Without
// If-Match, the change is made only if nothing is present, or, where optional
// is set, whatever is present.
func parseChange(r *http.Request, p access.Principal, optional bool) (c admin.Change, err error) {
	if _, err = parseParams(r, nil); err != nil {
		return c, err
	}
	return parseChangeHeaders(r, p, optional)
}

// parseChangeHeaders is parseChange for a request whose parameters are parsed.
func parseChangeHeaders(r *http.Request, p access.Principal, optional bool) (c admin.Change, err error) {
	match, err := httpserver.IfMatch(r.Header)
	if err != nil {
		return c, err
	}
	switch {
	case match.Any:
		c.Match = editor.Present
	case !match.Given && optional:
		c.Match = editor.Any
	default:
		c.Match = editor.Precondition(match.Revision)
	}
	c.By.Author = p.ID
	c.By.Note, err = parseNote(r.Header)
	return c, err
}

// parseRemoval is parseChange for a removal that must not be made without
// If-Match.
func parseRemoval(r *http.Request, p access.Principal) (admin.Change, error) {
	c, err := parseChange(r, p, false)
	if err == nil && len(r.Header.Values(api.HeaderIfMatch)) == 0 {
		err = httpserver.NewFailure(http.StatusPreconditionRequired, api.CodePreconditionRequired,
			"header If-Match must say which revision is removed; ETag of a GET is the present one")
	}
	return c, err
}

// parseNote returns the reason for a change, "" without one.
func parseNote(h http.Header) (string, error) {
	note := strings.TrimSpace(strings.Join(h.Values(api.HeaderNote), " "))
	switch {
	case !utf8.ValidString(note):
		return "", httpserver.BadRequest(api.CodeInvalidHeader, "header %s must be UTF-8", api.HeaderNote)
	case utf8.RuneCountInString(note) > editor.MaxNote:
		return "", httpserver.BadRequest(api.CodeInvalidHeader, "header %s must have at most %d characters", api.HeaderNote, editor.MaxNote)
	case strings.ContainsFunc(note, breaksLine):
		return "", httpserver.BadRequest(api.CodeInvalidHeader, "header %s must be one line without control characters", api.HeaderNote)
	}
	return note, nil
}

// breaksLine reports whether r would break a line, or control a terminal, where
// a note is shown.
func breaksLine(r rune) bool {
	return unicode.IsControl(r) || unicode.In(r, unicode.Zl, unicode.Zp)
}
