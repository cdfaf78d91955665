package queryapi

import (
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/theeye/theeye/shared/event"
	"github.com/theeye/theeye/shared/stream"
)

// Bounds of what a query may say.
const (
	maxQueryBytes  = 16 << 10
	maxCodeLength  = 64
	maxCursorBytes = 4 << 10
	defaultLimit   = 100
	maxLimit       = 1000
)

// query is a parsed query string. Zero fields were not given. Every field is a
// typed value: no text of a client ever becomes an operator of a database.
type query struct {
	application string
	sessionID   string // 36-character form, lower case
	category    string
	name        string
	eventID     string
	code        string
	from, to    time.Time
	descending  bool
	limit       int
	cursor      string
	revision    uint64
	kind        string
}

// param parses the value of one parameter into a query. It returns what a
// right value is when this one is wrong, else "".
type param func(q *query, value string) (want string)

// params are all parameters there are; each call allows some of them.
var params = map[string]param{
	"application": func(q *query, v string) string {
		q.application = v
		return wantIf(!stream.ValidApplication(v), "the name of an application, [a-z0-9][a-z0-9-]{0,31}")
	},
	"session_id": func(q *query, v string) string {
		id, ok := event.ParseUUID(v)
		q.sessionID = id
		return wantIf(!ok, "a UUID in the form xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx")
	},
	"category": func(q *query, v string) string { return text(&q.category, v, event.MaxIDLength) },
	"name":     func(q *query, v string) string { return text(&q.name, v, event.MaxIDLength) },
	"event_id": func(q *query, v string) string { return text(&q.eventID, v, event.MaxIDLength) },
	"code":     func(q *query, v string) string { return text(&q.code, v, maxCodeLength) },
	"from":     func(q *query, v string) string { return instant(&q.from, v) },
	"to":       func(q *query, v string) string { return instant(&q.to, v) },
	"order": func(q *query, v string) string {
		q.descending = v == "desc"
		return wantIf(v != "asc" && v != "desc", "asc or desc")
	},
	"limit": func(q *query, v string) string {
		n, ok := parseLimit(v)
		q.limit = n
		return wantIf(!ok, "a whole number from 1 to 1000")
	},
	"cursor": func(q *query, v string) string {
		q.cursor = v
		return wantIf(v == "" || len(v) > maxCursorBytes, "the next_cursor of an earlier answer")
	},
	"revision": func(q *query, v string) string {
		n, err := strconv.ParseUint(v, 10, 63)
		q.revision = n
		return wantIf(err != nil || n == 0, "a revision, a whole number from 1")
	},
	"kind": func(q *query, v string) string {
		q.kind = v
		return wantIf(!slices.Contains(changeKinds, v), strings.Join(changeKinds, ", "))
	},
}

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

// parseQuery parses a raw query string in which only the allowed parameters
// may stand, each once. The error is a *failure with status 400.
func parseQuery(raw string, allowed []string) (query, error) {
	q := query{limit: defaultLimit}
	if len(raw) > maxQueryBytes {
		return query{}, badRequest(codeInvalidQuery, "the query string is longer than %d bytes", maxQueryBytes)
	}
	seen := make(map[string]bool, 4)
	for raw != "" {
		var pair string
		pair, raw, _ = strings.Cut(raw, "&")
		if pair == "" {
			continue
		}
		name, value, err := unescapePair(pair)
		if err != nil {
			return query{}, err
		}
		if !slices.Contains(allowed, name) {
			return query{}, unknownParameter(name, allowed)
		}
		if seen[name] {
			return query{}, badRequest(codeRepeatedParameter, "parameter %s is given more than once", name)
		}
		seen[name] = true
		if want := params[name](&q, value); want != "" {
			return query{}, badRequest(codeInvalidParameter, "parameter %s must be %s", name, want)
		}
	}
	if !q.from.IsZero() && !q.to.IsZero() && q.from.After(q.to) {
		return query{}, badRequest(codeInvalidParameter, "parameter from must not be after parameter to")
	}
	return q, nil
}

func unknownParameter(name string, allowed []string) *failure {
	if len(allowed) == 0 {
		return badRequest(codeUnknownParameter, "there is no parameter %s here, nor any other", quote(name))
	}
	return badRequest(codeUnknownParameter, "there is no parameter %s here; there are: %s",
		quote(name), strings.Join(allowed, ", "))
}

// unescapePair is stricter than url.ParseQuery, which drops what it cannot
// read: a filter that silently does not apply shows an analyst too much.
func unescapePair(pair string) (name, value string, err error) {
	rawName, rawValue, _ := strings.Cut(pair, "=")
	name, err1 := url.QueryUnescape(rawName)
	value, err2 := url.QueryUnescape(rawValue)
	if err1 != nil || err2 != nil || strings.Contains(pair, ";") {
		return "", "", badRequest(codeInvalidQuery, "the query string is not name=value pairs, percent-encoded and joined by &")
	}
	if !utf8.ValidString(name) || !utf8.ValidString(value) {
		return "", "", badRequest(codeInvalidQuery, "the query string is not UTF-8")
	}
	return name, value, nil
}

func wantIf(wrong bool, want string) string {
	if wrong {
		return want
	}
	return ""
}

func text(dst *string, v string, limit int) string {
	*dst = v
	if n := utf8.RuneCountInString(v); n >= 1 && n <= limit {
		return ""
	}
	if limit == maxCodeLength {
		return "a text of 1 to 64 characters"
	}
	return "a text of 1 to 200 characters"
}

func instant(dst *time.Time, v string) string {
	t, err := event.ParseTime(v)
	*dst = t
	return wantIf(err != nil, "a time as RFC 3339 or YYYY-MM-DD HH:MM:SS (send '+' as %2B)")
}

func parseLimit(v string) (int, bool) {
	n := 0
	for i := range len(v) {
		if v[i] < '0' || v[i] > '9' || i >= len("1000") {
			return 0, false
		}
		n = n*10 + int(v[i]-'0')
	}
	return n, n >= 1 && n <= maxLimit
}

// quote shows a client its own text, bounded.
func quote(s string) string {
	const most = 64
	if len(s) > most {
		s = strings.ToValidUTF8(s[:most], "") + "…"
	}
	return `"` + s + `"`
}
