package queryapi

import (
	"errors"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

const aSession = "e2085be5-9137-4e4e-80b5-f1ffddc25423"

func TestParseQuery(t *testing.T) {
	at := time.Date(2021, 1, 1, 9, 15, 27, 243860000, time.UTC)
	for raw, want := range map[string]query{
		"":                                    {},
		"&&":                                  {},
		"application=demo&limit=1&order=desc": {application: "demo", limit: 1, descending: true},
		"session_id=E2085BE5-9137-4E4E-80B5-F1FFDDC25423":         {sessionID: aSession},
		"category=page+interaction&name=cta%20click":              {category: "page interaction", name: "cta click"},
		"event_id=%2A%20%3E.%0D%0A%00%26&order=asc":               {eventID: "* >.\r\n\x00&"},
		"name=" + strings.Repeat("%C3%A9", 200):                   {name: strings.Repeat("é", 200)},
		"from=2021-01-01+09:15:27.243860&to=2021-01-01T09:15:28Z": {from: at, to: at.Truncate(time.Second).Add(time.Second)},
		"from=2021-01-01T11:15:27.24386%2B02:00":                  {from: at},
		"from=2021-01-01T09:15:27Z&to=2021-01-01T09:15:27Z":       {from: at.Truncate(time.Second), to: at.Truncate(time.Second)},
		`category={"$ne":null}&name=%24where&event_id=[$gt]`:      {category: `{"$ne":null}`, name: "$where", eventID: "[$gt]"},
		"limit=1000&cursor=anything":                              {limit: 1000, cursor: "anything"},
		"limit=0007":                                              {limit: 7},
		"category=a=b":                                            {category: "a=b"},
	} {
		got, err := parseQuery(raw, eventsParams)
		if want.limit == 0 {
			want.limit = defaultLimit
		}
		if err != nil || !cmp.Equal(got, want, cmp.AllowUnexported(query{})) {
			t.Errorf("%q: %v, %s", raw, err, cmp.Diff(want, got, cmp.AllowUnexported(query{})))
		}
	}
}

// hostileQueries are refused with 400 and this code, on every call that has
// the parameter.
var hostileQueries = map[string]string{
	"session_id[$ne]=x":                      codeUnknownParameter,
	"session_id%5B%24ne%5D=":                 codeUnknownParameter,
	"filter=$where=1":                        codeUnknownParameter,
	"$where=1":                               codeUnknownParameter,
	"Limit=1":                                codeUnknownParameter,
	"limit%00=1":                             codeUnknownParameter,
	"__proto__=1":                            codeUnknownParameter,
	"=1":                                     codeUnknownParameter,
	"x":                                      codeUnknownParameter,
	"limit=1&limit=1":                        codeRepeatedParameter,
	"application=demo&application=a":         codeRepeatedParameter,
	"limit=":                                 codeInvalidParameter,
	"limit=0":                                codeInvalidParameter,
	"limit=-1":                               codeInvalidParameter,
	"limit=%2B1":                             codeInvalidParameter,
	"limit=+1":                               codeInvalidParameter,
	"limit=1001":                             codeInvalidParameter,
	"limit=1e9":                              codeInvalidParameter,
	"limit=1e2":                              codeInvalidParameter,
	"limit=NaN":                              codeInvalidParameter,
	"limit=99999999999999999999":             codeInvalidParameter,
	"limit=0x10":                             codeInvalidParameter,
	"limit=%D9%A1":                           codeInvalidParameter,
	"application=":                           codeInvalidParameter,
	"application=Demo":                       codeInvalidParameter,
	"application=a/b":                        codeInvalidParameter,
	"application=" + strings.Repeat("a", 33): codeInvalidParameter,
	"from=2026-02-30T00:00:00Z":              codeInvalidParameter,
	"from=2026-01-01T00:00:00+02:00":         codeInvalidParameter, // a space by the time it is read
	"from=now":                               codeInvalidParameter,
	"from=1700000000":                        codeInvalidParameter,
	`from={"$gt":""}`:                        codeInvalidParameter,
	"from=2026-01-02T00:00:00Z&to=2026-01-01T00:00:00Z": codeInvalidParameter,
	"limit=%zz":    codeInvalidQuery,
	"limit=1;to=2": codeInvalidQuery,
	"limit=%ff":    codeInvalidQuery,
}

func TestHostileQueriesAreRefused(t *testing.T) {
	more := map[string]string{
		"session_id=" + strings.ReplaceAll(aSession, "-", ""): codeInvalidParameter,
		"session_id=%7B" + aSession + "%7D":                   codeInvalidParameter,
		"session_id=urn:uuid:" + aSession:                     codeInvalidParameter,
		"session_id=" + aSession[:35] + "g":                   codeInvalidParameter,
		"session_id=" + strings.Repeat("-", 36):               codeInvalidParameter,
		"session_id=" + aSession + "0":                        codeInvalidParameter,
		`session_id={"$ne":""}`:                               codeInvalidParameter,
		"category=":                                           codeInvalidParameter,
		"category=" + strings.Repeat("a", 201):                codeInvalidParameter,
		"code=" + strings.Repeat("a", 65):                     codeInvalidParameter,
		"order=ASC":                                           codeInvalidParameter,
		"order=1":                                             codeInvalidParameter,
		"cursor=":                                             codeInvalidParameter,
		"cursor=" + strings.Repeat("a", maxCursorBytes+1):     codeInvalidParameter,
		"category=" + strings.Repeat("a", maxQueryBytes):      codeInvalidQuery,
	}
	for _, table := range []map[string]string{hostileQueries, more} {
		for raw, code := range table {
			_, err := parseQuery(raw, rejectedParams)
			var f *failure
			if !errors.As(err, &f) || f.Status != http.StatusBadRequest || f.Code != code {
				t.Errorf("%.80q: %v, want %s", raw, err, code)
			}
			if len(err.Error()) > 600 {
				t.Errorf("%.80q: the answer has %d bytes", raw, len(err.Error()))
			}
		}
	}
}

func TestEveryCallNamesKnownParameters(t *testing.T) {
	for _, list := range [][]string{eventsParams, eventParams, sessionParams, rejectedParams, summaryParams} {
		for _, name := range list {
			if params[name] == nil {
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
		q, err := parseQuery(raw, rejectedParams)
		if err != nil {
			var failed *failure
			if !errors.As(err, &failed) || failed.Status != http.StatusBadRequest {
				t.Errorf("%q: %v", raw, err)
			}
			return
		}
		if q.limit < 1 || q.limit > maxLimit || !q.from.IsZero() && !q.to.IsZero() && q.from.After(q.to) {
			t.Errorf("%q gave %+v", raw, q)
		}
		// Nothing is lost on the way: the standard library reads the same.
		values, err := url.ParseQuery(raw)
		if err != nil {
			t.Fatalf("%q passes, and url.ParseQuery says %v", raw, err)
		}
		for name, got := range map[string]string{
			"category": q.category, "name": q.name, "event_id": q.eventID, "code": q.code,
			"application": q.application, "cursor": q.cursor, "session_id": q.sessionID,
		} {
			if want := values.Get(name); !strings.EqualFold(got, want) || len(values[name]) > 1 {
				t.Errorf("%q: %s = %q, want %q", raw, name, got, want)
			}
		}
	})
}
