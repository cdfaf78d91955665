package analytics

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/theeye/theeye/shared/api"
	"github.com/theeye/theeye/test/analytics/oracle"
)

// hostile are values that no parameter was made for.
var hostile = []string{
	"", " ", "\x00", "a\x00b", "\xff\xfe", "null", "true", "-1", "0", "1e999", "NaN", "+1", "01", "99999999999999999999", "0x10", "1.5",
	`{"$ne":null}`, `{"$where":"1"}`, "[$ne]", "' OR 1=1 --", "%s%n", "../../etc/passwd", "data", "data.", "data[]", "data.a.", `data."`, `data."\u0000"`,
	"data.a=", "=x", "data.a in", "data.a in [", "data.a in []", "data.n>", "timestamp^=2", "timestamp>never", "data.a=\ud7ff", "data.a exists maybe",
	"0000-01-01T00:00:00Z", "9999-12-31T23:59:60Z", "10000-01-01", "-1-01-01", "now-", "now-99999999999999d", "Europe/../UTC", "Local", "/etc/localtime",
	"👁", strings.Repeat("9", 4000), strings.Repeat("a.", 3000), strings.Repeat("[]", 3000), "data." + strings.Repeat("[]", 2000),
	"data.a=" + strings.Repeat("[", 3000), "data.a=" + strings.Repeat("x", 5000), "data.n=1e-99999999", "data.n>1E+99999999",
}

// statisticsParams are the parameters of every statistic that is asked for by GET.
var statisticsParams = map[string]string{
	"/v1/stats/timeseries": "application category name session_id filter from to tz interval metric field group_by top compare",
	"/v1/stats/top":        "application category name session_id filter from to tz field metric limit prefix",
	"/v1/stats/retention":  "application category name session_id filter from to tz by interval periods first again",
	"/v1/stats/paths":      "application category name session_id filter from to tz start end value depth top collapse",
	"/v1/sessions":         "application category name session_id filter from to by order min_events min_seconds limit cursor",
	"/v1/types":            "application from to",
	"/v1/fields":           "application category name from to prefix limit",
	"/v1/export":           "application category name session_id filter from to format columns cursor",
	"/v1/stats/funnel":     "q",
	api.PathLive:           "application category name session_id filter outcome",
}

// Every parameter of every statistic with hostile values: a 400 that names the parameter,
// or the value is compared as it is.
func TestStatisticsSurviveHostileValues(t *testing.T) {
	s := newSchedule(newInstallation(t), 0, 5)
	s.ingest(t.Context())
	s.refresh()
	refused := 0
	for path, params := range statisticsParams {
		for name := range strings.FieldsSeq(params) {
			for _, value := range hostile {
				v := url.Values{name: {value}}
				if path == "/v1/stats/top" && name != "field" {
					v.Set("field", "type")
				}
				a := s.in.askHostile(path + "?" + v.Encode())
				if fault := judgeAnswer(a, name); fault != "" {
					t.Errorf("%s %s=%.60q: %s %d %.300s", path, name, value, fault, a.status, a.body)
				}
				if a.status == http.StatusBadRequest {
					refused++
				}
			}
		}
	}
	if refused < 500 {
		t.Errorf("only %d are refused", refused)
	}
}

// askHostile asks for a statistic. A live stream that begins does not end, so its headers
// alone are asked for first.
func (in *installation) askHostile(target string) answer {
	token := tokenOf(0, "both")
	if strings.HasPrefix(target, api.PathLive) {
		if a := in.ask(http.MethodHead, token, target, ""); a.status == http.StatusOK {
			return a
		}
	}
	return in.ask(http.MethodGet, token, target, "")
}

// judgeAnswer returns the fault of an answer to a hostile value of a parameter.
func judgeAnswer(a answer, name string) string {
	switch a.status {
	case http.StatusOK, http.StatusForbidden:
		return ""
	case http.StatusBadRequest:
	default:
		return "the status"
	}
	var problem api.Problem
	if err := json.Unmarshal([]byte(a.body), &problem); err != nil || problem.Code == "" {
		return "no code"
	}
	if problem.Code == api.CodeInvalidFilter && (problem.Index == nil || problem.Position == nil || problem.Expected == "") {
		return "the place of the fault is not named"
	}
	// These codes are about the query string, and the answer, as a whole.
	if problem.Code != "invalid_query" && problem.Code != "too_large" && !strings.Contains(problem.Detail+problem.Parameter, name) {
		return "the parameter is not named"
	}
	return ""
}

// Hostile members of bodies.
func TestStatisticsSurviveHostileBodies(t *testing.T) {
	s := newSchedule(newInstallation(t), 0, 5)
	values := []string{
		"null", "1", `""`, `"x"`, "[]", "{}", "[[]]", "[{}]", "[null]", "true", "-1", "1e999", `"\ud800"`, "[" + strings.Repeat("[", 500), strings.Repeat(`[`, 20_000),
		`[1,2]`, `[{"name":1},{"name":2}]`, `[{"name":"a"}]`, `[{"name":"a","x":1},{"name":"b"}]`, `[{"name":"a","filters":["data."]},{"name":"b"}]`,
	}
	allowed := []int{http.StatusOK, http.StatusBadRequest, http.StatusForbidden, http.StatusRequestEntityTooLarge}
	for _, name := range []string{"application", "from", "to", "tz", "filters", "by", "window", "order", "steps", "group_by", "top", "id", "kind", "x"} {
		for _, value := range values {
			for path, body := range map[string]string{
				"/v1/stats/funnel": fmt.Sprintf(`{"steps":[{"name":"view"},{"name":"buy"}],%q:%s}`, name, value),
				"/v1/stats/query":  fmt.Sprintf(`{"queries":[{"id":"1","kind":"top","field":"type",%q:%s}]}`, name, value),
			} {
				a := s.in.ask(http.MethodPost, tokenOf(0, "both"), path, body)
				if !slices.Contains(allowed, a.status) || !json.Valid([]byte(a.body)) {
					t.Errorf("%s %.80s: %d %.300s", path, body, a.status, a.body)
				}
			}
		}
	}
}

// extremes are applications whose events are far from ordinary.
func TestStatisticsOfExtremeEventsAreRight(t *testing.T) {
	in := newInstallation(t)
	s := newSchedule(in, 0, 7)
	s.present().keep = 0
	add := func(at time.Time, session string, data map[string]any) {
		m := s.newMessage()
		m.Name, m.Session, m.Timestamp, m.Data, m.Application = "view", session, at, data, s.apps[0]
		m.ID = fmt.Sprint("x", m.seq)
		m.DocumentID = m.Application + "/" + m.ID
		if at.After(m.Received) {
			m.Received = at
		}
		m.encode()
	}
	now := in.clock.now()
	for i := range 3000 { // unique values, and 12,000 paths
		data := map[string]any{"unique": fmt.Sprint("value ", i), "mixed": []any{nil, true, json.Number("1"), "x", []any{}}[i%5]}
		for j := range 4 {
			data[fmt.Sprint("path", i, "_", j)] = i
		}
		add(now.Add(-time.Duration(i)*time.Second), sessions[i%2], data)
	}
	for day := range 410 { // a session over 400 days
		add(now.Add(-time.Duration(day)*24*time.Hour), sessions[2], map[string]any{"n": json.Number("1")})
	}
	add(time.Date(1, 1, 1, 0, 0, 1, 0, time.UTC), sessions[3], map[string]any{"n": json.Number("7")})
	add(time.Date(9999, 12, 30, 23, 59, 59, 0, time.UTC), sessions[3], map[string]any{"n": json.Number("8")})
	s.deliver(t.Context(), s.sent, s.present(), "extremes")
	in.clock.advance(3 * time.Second)
	w := s.model.world(in.clock.now())

	all := oracle.Scope{Applications: s.apps, Zone: time.UTC, From: time.Date(1, 1, 1, 0, 0, 0, 0, time.UTC), To: time.Date(9999, 12, 31, 0, 0, 0, 0, time.UTC)}
	year := all
	year.From, year.To = now.AddDate(0, 0, -420), now.Add(time.Hour)
	series := oracle.Timeseries{Scope: year, Interval: "day", Metric: "sessions", GroupBy: "data.mixed", Top: 3}
	span := func(sc oracle.Scope) url.Values {
		return url.Values{"from": {sc.From.Format(time.RFC3339)}, "to": {sc.To.Format(time.RFC3339)}}
	}
	with := func(v url.Values, pairs ...string) url.Values {
		v = maps.Clone(v)
		for i := 0; i < len(pairs); i += 2 {
			v.Set(pairs[i], pairs[i+1])
		}
		return v
	}
	top := func(sc oracle.Scope, field, metric string) question {
		q := oracle.Top{Scope: sc, Field: field, Metric: metric, Limit: 7}
		return get("/v1/stats/top", with(span(sc), "field", field, "metric", metric, "limit", "7"), func(tree map[string]any) error { return same(tree, q.Answer(w)) })
	}
	questions := []question{
		get("/v1/stats/timeseries", with(span(year), "interval", "day", "metric", "sessions", "group_by", "data.mixed", "top", "3"), func(tree map[string]any) error {
			return same(tree, series.Answer(w))
		}),
		top(all, "data.unique", "events"), top(all, "data.mixed", "sessions"), top(all, "data.path2999_3", "events"), top(all, "data.n", "events"),
		get("/v1/sessions", with(span(all), "by", "active", "limit", "10"), func(tree map[string]any) error {
			return same(map[string]any{"rows": tree["sessions"]}, map[string]any{"rows": (&oracle.Sessions{Scope: all, Active: true}).Answer(w)})
		}),
	}
	for _, q := range questions {
		a := in.ask(q.method, s.token(), q.target, q.body)
		tree, err := a.tree()
		if err == nil {
			err = q.check(tree)
		}
		if err != nil {
			t.Errorf("%s: %.2000v", q.target, err)
		}
	}
	// The zero time is a bound like any other.
	for _, target := range []string{"/v1/events?to=0001-01-01T00:00:00Z", "/v1/stats/top?field=type&to=0001-01-01T00:00:00Z", "/v1/sessions?to=0001-01-01T00:00:00Z"} {
		if a := in.ask("GET", s.token(), target, ""); a.status != http.StatusOK || strings.Contains(a.body, "shop 0") {
			t.Errorf("%s: %d %.300s", target, a.status, a.body)
		}
	}
	// A field beyond the bound of an application and day is not held in columns.
	if a := in.ask("GET", s.token(), "/v1/stats/top?"+with(span(all), "field", "data.path7_1").Encode(), ""); !strings.Contains(a.body, "data.path7_1") {
		t.Errorf("a field beyond the bound: %d %.300s", a.status, a.body)
	}
	// Too many intervals, and the facts about more fields than are listed, are said.
	if a := in.ask("GET", s.token(), "/v1/stats/timeseries?"+with(span(all), "interval", "minute").Encode(), ""); a.status != http.StatusBadRequest || !strings.Contains(a.body, "too_large") {
		t.Errorf("minutes of 10,000 years: %d %.300s", a.status, a.body)
	}
	a := in.ask("GET", s.token(), "/v1/fields?"+span(all).Encode(), "")
	tree, err := a.tree()
	if list, _ := tree["fields"].([]any); err != nil || tree["truncated"] != true || len(list) > 1000 {
		t.Errorf("fields: %v, %d, truncated %v", err, len(list), tree["truncated"])
	}
}
