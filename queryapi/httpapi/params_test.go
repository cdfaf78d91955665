package httpapi

import (
	"errors"
	"net/http"
	"net/url"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/theeye/theeye/queryapi/events"
	"github.com/theeye/theeye/shared/api"
	"github.com/theeye/theeye/shared/httpserver"
	"github.com/theeye/theeye/shared/query"
	"github.com/theeye/theeye/shared/when"
)

const aSession = "e2085be5-9137-4e4e-80b5-f1ffddc25423"

// readsAll compares parameters with their unexported fields.
var readsAll = cmp.Exporter(func(t reflect.Type) bool { return t != reflect.TypeFor[time.Time]() })

// parse parses a raw query string as a request carries it.
func parse(raw string, allowed []string) (params, error) {
	return parseParams(&http.Request{URL: &url.URL{RawQuery: raw}}, allowed)
}

// selecting returns the parameters that select with a filter, by the default
// limit.
func selecting(f query.Filter) params {
	var p params
	p.Filter, p.Limit = f, defaultLimit
	return p
}

func TestParsesParameters(t *testing.T) {
	at := time.Date(2021, 1, 1, 9, 15, 27, 243860000, time.UTC)
	for raw, want := range map[string]params{
		"":   selecting(query.Filter{}),
		"&&": selecting(query.Filter{}),
		"application=demo&limit=1&order=desc": {Query: events.Query{
			Application: "demo", Events: query.Events{Limit: 1, Descending: true},
		}},
		"session_id=E2085BE5-9137-4E4E-80B5-F1FFDDC25423":         selecting(query.Filter{SessionID: aSession}),
		"category=page+interaction&name=cta%20click":              selecting(query.Filter{Category: "page interaction", Name: "cta click"}),
		"event_id=%2A%20%3E.%0D%0A%00%26&order=asc":               selecting(query.Filter{EventID: "* >.\r\n\x00&"}),
		"name=" + strings.Repeat("%C3%A9", 200):                   selecting(query.Filter{Name: strings.Repeat("é", 200)}),
		"from=2021-01-01+09:15:27.243860&to=2021-01-01T09:15:28Z": selecting(query.Filter{From: at, To: at.Truncate(time.Second).Add(time.Second)}),
		"from=2021-01-01T11:15:27.24386%2B02:00":                  selecting(query.Filter{From: at}),
		"from=2021-01-01T09:15:27Z&to=2021-01-01T09:15:27Z":       selecting(query.Filter{From: at.Truncate(time.Second), To: at.Truncate(time.Second)}),
		`category={"$ne":null}&name=%24where&event_id=[$gt]`:      selecting(query.Filter{Category: `{"$ne":null}`, Name: "$where", EventID: "[$gt]"}),
		"limit=1000&cursor=anything":                              {Query: events.Query{Events: query.Events{Limit: 1000}}, cursor: "anything"},
		"limit=0007":                                              {Query: events.Query{Events: query.Events{Limit: 7}}},
		"category=a=b":                                            selecting(query.Filter{Category: "a=b"}),
	} {
		got, err := parse(raw, eventsParams)
		want.clock, got.clock = when.Clock{}, when.Clock{}
		if err != nil || !cmp.Equal(got, want, readsAll) {
			t.Errorf("%q: %v, %s", raw, err, cmp.Diff(want, got, readsAll))
		}
	}
}

// hostileQueries are refused with 400 and this code, on every call that has
// the parameter.
var hostileQueries = map[string]string{
	"session_id[$ne]=x":                      api.CodeUnknownParameter,
	"session_id%5B%24ne%5D=":                 api.CodeUnknownParameter,
	"filter=$where=1":                        api.CodeInvalidFilter,
	"filter=":                                api.CodeInvalidFilter,
	"filter=data.a%3D1&filter=data.a":        api.CodeInvalidFilter,
	"filter=" + strings.Repeat("a", 5000):    api.CodeInvalidFilter,
	strings.Repeat("filter=data.a&", 21):     api.CodeInvalidFilter,
	"$where=1":                               api.CodeUnknownParameter,
	"Limit=1":                                api.CodeUnknownParameter,
	"limit%00=1":                             api.CodeUnknownParameter,
	"__proto__=1":                            api.CodeUnknownParameter,
	"=1":                                     api.CodeUnknownParameter,
	"x":                                      api.CodeUnknownParameter,
	"limit=1&limit=1":                        api.CodeRepeatedParameter,
	"application=demo&application=a":         api.CodeRepeatedParameter,
	"limit=":                                 api.CodeInvalidParameter,
	"limit=0":                                api.CodeInvalidParameter,
	"limit=-1":                               api.CodeInvalidParameter,
	"limit=%2B1":                             api.CodeInvalidParameter,
	"limit=+1":                               api.CodeInvalidParameter,
	"limit=1001":                             api.CodeInvalidParameter,
	"limit=1e9":                              api.CodeInvalidParameter,
	"limit=1e2":                              api.CodeInvalidParameter,
	"limit=NaN":                              api.CodeInvalidParameter,
	"limit=99999999999999999999":             api.CodeInvalidParameter,
	"limit=0x10":                             api.CodeInvalidParameter,
	"limit=%D9%A1":                           api.CodeInvalidParameter,
	"application=":                           api.CodeInvalidParameter,
	"application=Demo":                       api.CodeInvalidParameter,
	"application=a/b":                        api.CodeInvalidParameter,
	"application=" + strings.Repeat("a", 33): api.CodeInvalidParameter,
	"from=2026-02-30T00:00:00Z":              api.CodeInvalidParameter,
	"from=2026-01-01T00:00:00+02:00":         api.CodeInvalidParameter, // a space by the time it is read
	"from=soon":                              api.CodeInvalidParameter,
	"from=7":                                 api.CodeInvalidParameter,
	"from=-7d":                               api.CodeInvalidParameter,
	"from=1y":                                api.CodeInvalidParameter,
	"from=":                                  api.CodeInvalidParameter,
	"from=1d&to=2d":                          api.CodeInvalidParameter,
	"from=1700000000":                        api.CodeInvalidParameter,
	`from={"$gt":""}`:                        api.CodeInvalidParameter,
	"from=2026-01-02T00:00:00Z&to=2026-01-01T00:00:00Z": api.CodeInvalidParameter,
	"limit=%zz":    api.CodeInvalidQuery,
	"limit=1;to=2": api.CodeInvalidQuery,
	"limit=%ff":    api.CodeInvalidQuery,
}

func TestRejectsHostileQueries(t *testing.T) {
	more := map[string]string{
		"session_id=" + strings.ReplaceAll(aSession, "-", ""): api.CodeInvalidParameter,
		"session_id=%7B" + aSession + "%7D":                   api.CodeInvalidParameter,
		"session_id=urn:uuid:" + aSession:                     api.CodeInvalidParameter,
		"session_id=" + aSession[:35] + "g":                   api.CodeInvalidParameter,
		"session_id=" + strings.Repeat("-", 36):               api.CodeInvalidParameter,
		"session_id=" + aSession + "0":                        api.CodeInvalidParameter,
		`session_id={"$ne":""}`:                               api.CodeInvalidParameter,
		"category=":                                           api.CodeInvalidParameter,
		"category=" + strings.Repeat("a", 201):                api.CodeInvalidParameter,
		"code=" + strings.Repeat("a", 65):                     api.CodeInvalidParameter,
		"order=ASC":                                           api.CodeInvalidParameter,
		"order=1":                                             api.CodeInvalidParameter,
		"cursor=":                                             api.CodeInvalidParameter,
		"cursor=" + strings.Repeat("a", maxCursorBytes+1):     api.CodeInvalidParameter,
		"category=" + strings.Repeat("a", 16<<10):             api.CodeInvalidQuery,
	}
	for _, table := range []map[string]string{hostileQueries, more} {
		for raw, code := range table {
			_, err := parse(raw, rejectedParams)
			var f *httpserver.Failure
			if !errors.As(err, &f) || f.Status != http.StatusBadRequest || f.Code != code {
				t.Errorf("%.80q: %v, want %s", raw, err, code)
			}
			if len(err.Error()) > 600 {
				t.Errorf("%.80q: the answer has %d bytes", raw, len(err.Error()))
			}
		}
	}
}

func TestEveryParameterHasAParser(t *testing.T) {
	for _, list := range [][]string{eventsParams, eventParams, sessionParams, sessionsParams, rejectedParams, summaryParams} {
		for _, name := range list {
			if parsers[name] == nil {
				t.Errorf("parameter %s has no parser", name)
			}
		}
	}
}

func FuzzQuery(f *testing.F) {
	for raw := range hostileQueries {
		f.Add(raw)
	}
	f.Add("application=demo&category=a+b&name=%2B&from=2021-01-01+09:15:27.243860&order=desc&limit=7&cursor=x")
	f.Fuzz(func(t *testing.T, raw string) {
		q, err := parse(raw, rejectedParams)
		if err != nil {
			var failed *httpserver.Failure
			if !errors.As(err, &failed) || failed.Status != http.StatusBadRequest {
				t.Errorf("%q: %v", raw, err)
			}
			return
		}
		if q.Limit < 1 || q.Limit > query.MaxEvents || !q.From.IsZero() && !q.To.IsZero() && q.From.After(q.To) {
			t.Errorf("%q gave %+v", raw, q)
		}
		// Nothing is lost on the way: the standard library reads the same.
		values, err := url.ParseQuery(raw)
		if err != nil {
			t.Fatalf("%q passes, and url.ParseQuery says %v", raw, err)
		}
		for name, got := range map[string]string{
			"category": q.Category, "name": q.Name, "event_id": q.EventID, "code": q.Code,
			"application": q.Application, "cursor": q.cursor, "session_id": q.SessionID,
		} {
			if want := values.Get(name); !strings.EqualFold(got, want) || len(values[name]) > 1 {
				t.Errorf("%q: %s = %q, want %q", raw, name, got, want)
			}
		}
	})
}

// A cursor belongs to one query: everything that selects or orders is bound,
// the size of the page is not.
func TestCursorBelongsToItsQuery(t *testing.T) {
	base := selecting(query.Filter{Category: "a", Name: "bc"})
	base.Application = "demo"
	seen := map[[8]byte]string{base.fingerprint(routeEvents): "base"}
	at := time.UnixMicro(1700000000000001).UTC()
	for name, change := range map[string]func(*params){
		"application": func(q *params) { q.Application = "other" },
		"session":     func(q *params) { q.SessionID = "x" },
		"category":    func(q *params) { q.Category = "b" },
		"boundary":    func(q *params) { q.Category, q.Name = "ab", "c" },
		"event":       func(q *params) { q.EventID = "e" },
		"code":        func(q *params) { q.Code = "e" },
		"no path":     func(q *params) { q.Path = new(string) },
		"path":        func(q *params) { q.Path = &q.Category },
		"from":        func(q *params) { q.From = at },
		"to":          func(q *params) { q.To = at },
		"from by 1µs": func(q *params) { q.From = at.Add(time.Microsecond) },
		"kind":        func(q *params) { q.kind = "schema" },
		"order":       func(q *params) { q.Descending = true },
		"by":          func(q *params) { q.sessions.active = true },
		"min events":  func(q *params) { q.sessions.minEvents = 1 },
		"min seconds": func(q *params) { q.sessions.minSeconds = 1 },
		"7d":          func(q *params) { q.ranged, q.relative.from, q.From = true, "7d", at },
		"8d":          func(q *params) { q.ranged, q.relative.from, q.From = true, "8d", at },
	} {
		q := base
		change(&q)
		f := q.fingerprint(routeEvents)
		if other, taken := seen[f]; taken {
			t.Errorf("%s has the fingerprint of %s", name, other)
		}
		seen[f] = name
	}
	if _, taken := seen[base.fingerprint(routeRejected)]; taken {
		t.Error("a cursor of events passes for rejected")
	}
	larger := base
	larger.Limit, larger.cursor = 500, "x"
	if larger.fingerprint(routeEvents) != base.fingerprint(routeEvents) {
		t.Error("the limit is bound")
	}
}

func TestRejectsForeignCursor(t *testing.T) {
	q := selecting(query.Filter{Category: "a"})
	if p, err := q.position(routeEvents); p != nil || err != nil {
		t.Errorf("no cursor gave %v, %v", p, err)
	}
	q.cursor = "AAAA"
	_, err := q.position(routeEvents)
	var f *httpserver.Failure
	if !errors.As(err, &f) || f.Status != http.StatusBadRequest || f.Code != api.CodeInvalidCursor {
		t.Errorf("a wrong cursor gave %v", err)
	}
}

// A page behind a position continues at it.
func TestCursorCarriesThePosition(t *testing.T) {
	q := selecting(query.Filter{Category: "a"})
	want := query.Position{Time: time.UnixMicro(1700000000123456).UTC(), ID: "demo/1"}
	q.cursor = string(q.nextCursor(routeEvents, &want))
	if got, err := q.position(routeEvents); err != nil || *got != want {
		t.Errorf("%v, %v", got, err)
	}
	q.cursor = string(q.cursorBefore(routeChanges, 77))
	if n, err := q.before(routeChanges); n != 77 || err != nil {
		t.Errorf("%d, %v", n, err)
	}
	for _, id := range []string{"0", "-1", "x"} {
		q.cursor = string(q.cursorBehind(routeChanges, id))
		if n, err := q.before(routeChanges); err == nil {
			t.Errorf("%q is %d", id, n)
		}
	}
}

// A query that names its range relative to the present time continues in the
// range of its first page, whenever the next one is asked for.
func TestCursorKeepsARelativeRange(t *testing.T) {
	at := time.Date(2026, 11, 19, 10, 0, 0, 0, time.UTC)
	parseAt := func(now time.Time) params {
		q := selecting(query.Filter{Category: "a"})
		q.clock.Now = now
		if fault := parsers["from"](&q, "7d") + parsers["to"](&q, "yesterday"); fault != "" {
			t.Fatal(fault)
		}
		return q
	}
	first, later := parseAt(at), parseAt(at.Add(50*time.Hour))
	last := query.Position{Time: at, ID: "demo/1"}
	later.cursor = string(first.nextCursor(routeEvents, &last))
	got, err := later.position(routeEvents)
	if err != nil || *got != last || !later.From.Equal(at.Add(-7*24*time.Hour)) || !later.To.Equal(first.To) {
		t.Errorf("%v, %v; from %v to %v, want %v to %v", got, err, later.From, later.To, first.From, first.To)
	}
	// The same range as times is another query.
	absolute := selecting(query.Filter{Category: "a", From: first.From, To: first.To})
	absolute.cursor = later.cursor
	if _, err := absolute.position(routeEvents); err == nil {
		t.Error("a cursor of a relative range continues another query")
	}
}
