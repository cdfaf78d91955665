package httpapi

import (
	"crypto/sha256"
	"encoding/binary"
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
	"github.com/theeye/theeye/queryapi/events"
	"github.com/theeye/theeye/shared/api"
	"github.com/theeye/theeye/shared/event"
	"github.com/theeye/theeye/shared/httpserver"
	"github.com/theeye/theeye/shared/query"
	"github.com/theeye/theeye/shared/registry/editor"
	"github.com/theeye/theeye/shared/stream"
)

// Bounds of parameters.
const (
	maxCodeLength  = 64
	maxCursorBytes = 4 << 10
	defaultLimit   = 100
)

// params is a parsed query string. Zero fields were not given. Every field is a
// typed value: no text of a client ever becomes an operator of a database.
type params struct {
	events.Query
	cursor   string
	revision uint64
	kind     string
}

// parser parses the value of one parameter into p. If the value is invalid it
// returns a description of a valid one, else "".
type parser func(p *params, value string) (want string)

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
	"from":     func(p *params, v string) string { return parseTime(&p.From, v) },
	"to":       func(p *params, v string) string { return parseTime(&p.To, v) },
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
		return wantUnless(slices.Contains(changeKinds, v), strings.Join(changeKinds, ", "))
	},
}

const wantUUID = "a UUID in the form xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx"

// changeKinds are the values of parameter kind.
var changeKinds = []string{"schema", "policy", "application", "token", "replay"}

// The parameters of each call.
var (
	eventsParams   = []string{"application", "session_id", "category", "name", "event_id", "from", "to", "order", "limit", "cursor"}
	eventParams    = []string{"application"}
	sessionParams  = []string{"application", "limit", "cursor"}
	rejectedParams = append([]string{"code"}, eventsParams...)
	versionParams  = []string{"revision"}
	historyParams  = []string{"limit", "cursor"}
	changesParams  = []string{"kind", "name", "limit", "cursor"}
	typesParams    = []string{"application", "from", "to"}
	summaryParams  = []string{"code", "application", "session_id", "category", "name", "event_id", "from", "to", "limit"}
)

// parseParams parses the query string of a request, in which each allowed
// parameter may stand once, and no other. The error is a *httpserver.Failure
// with status 400.
func parseParams(r *http.Request, allowed []string) (params, error) {
	p := params{}
	p.Limit = defaultLimit
	err := httpserver.ParseQuery(r.URL.RawQuery, allowed, func(name, value string) string { return parsers[name](&p, value) })
	if err != nil {
		return params{}, err
	}
	if !p.From.IsZero() && !p.To.IsZero() && p.From.After(p.To) {
		return params{}, httpserver.BadRequest(api.CodeInvalidParameter, "parameter from must not be after parameter to")
	}
	return p, nil
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

func wantUnless(valid bool, want string) string {
	if valid {
		return ""
	}
	return want
}

func parseText(dst *string, v string, limit int) string {
	*dst = v
	n := utf8.RuneCountInString(v)
	return wantUnless(n >= 1 && n <= limit, "a string of 1 to "+strconv.Itoa(limit)+" characters")
}

func parseTime(dst *time.Time, v string) string {
	t, err := event.ParseTime(v)
	*dst = t
	return wantUnless(err == nil, "a time as RFC 3339 or YYYY-MM-DD HH:MM:SS (send '+' as %2B)")
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

// fingerprint identifies a query: the route and everything that selects and
// orders. The limit is not part of it, so pages may differ in size; neither is
// the token, which is checked on its own.
func (p *params) fingerprint(route string) [8]byte {
	var b []byte
	order := "asc"
	if p.Descending {
		order = "desc"
	}
	for _, s := range []string{route, p.Application, p.SessionID, p.Category, p.Name, p.EventID, p.Code, p.kind, order} {
		b = binary.AppendUvarint(b, uint64(len(s)))
		b = append(b, s...)
	}
	for _, t := range []time.Time{p.From, p.To} {
		b = binary.AppendVarint(b, t.Unix())
		b = binary.AppendVarint(b, int64(t.Nanosecond()))
	}
	sum := sha256.Sum256(b)
	return [8]byte(sum[:8])
}

// position returns where the query continues: nil at the start. The error is a
// *httpserver.Failure for a cursor of another query.
func (p *params) position(route string) (*query.Position, error) {
	if p.cursor == "" {
		return nil, nil
	}
	c, err := httpserver.DecodeCursor(p.fingerprint(route), p.cursor)
	if err != nil {
		return nil, errCursor
	}
	return &query.Position{Time: c.Time, ID: c.ID}, nil
}

var errCursor = httpserver.NewFailure(http.StatusBadRequest, api.CodeInvalidCursor,
	"parameter cursor is not the next_cursor of an answer to the same query")

// nextCursor returns the cursor of the page behind a position, "" for nil.
func (p *params) nextCursor(route string, next *query.Position) api.Cursor {
	if next == nil {
		return ""
	}
	return api.Cursor(httpserver.Cursor{Time: next.Time, ID: next.ID}.Encode(p.fingerprint(route)))
}

// before returns where a list continues that is ordered by descending numbers:
// 0 at its start.
func (p *params) before(route string) (uint64, error) {
	c, err := p.position(route)
	if c == nil || err != nil {
		return 0, err
	}
	n, err := strconv.ParseUint(c.ID, 10, 64)
	if err != nil || n == 0 {
		return 0, errCursor
	}
	return n, nil
}

// cursorBefore returns the cursor of the page below number n.
func (p *params) cursorBefore(route string, n uint64) api.Cursor {
	return p.cursorBehind(route, strconv.FormatUint(n, 10))
}

// cursorBehind returns the cursor of the page behind an id, in a list without
// times.
func (p *params) cursorBehind(route, id string) api.Cursor {
	return p.nextCursor(route, &query.Position{Time: time.UnixMicro(0), ID: id})
}

// pathParams returns the segments of a request's path that are parameters of
// the route, unescaped once. It reads the path as it was sent: an id may
// contain '/', which is sent as %2F.
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
		if !utf8.ValidString(value) {
			return nil, httpserver.BadRequest(api.CodeInvalidParameter, "a segment of the path is not UTF-8")
		}
		values = append(values, value)
	}
	return values, nil
}

// parseChange parses the headers of a request that changes something: the
// precondition, and the note. Such a request has no parameters. Without
// If-Match, the change is made only if nothing is present, or, where optional
// is set, whatever is present.
func parseChange(r *http.Request, p access.Principal, optional bool) (c admin.Change, err error) {
	if _, err = parseParams(r, nil); err != nil {
		return c, err
	}
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
