package queryapi_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/theeye/theeye/queryapi"
	"github.com/theeye/theeye/shared/api"
)

// awaitColumns waits until statistics show every event that is written so far.
func (fx *fixture) awaitColumns() {
	fx.t.Helper()
	if fx.awaited.After(fx.written) {
		return
	}
	eventually(fx.t, "the columns have every event", func() bool {
		resp, body := fx.getPlain(operator, "/v1/status", "")
		var status api.Status
		if resp.StatusCode != http.StatusOK || json.Unmarshal(body, &status) != nil || status.Columns == nil || status.Columns.StaleDays > 0 {
			return false
		}
		fx.awaited = status.Columns.AsOf.Time
		return fx.awaited.After(fx.written)
	})
}

// readStats asks for a statistic.
func readStats[T any](fx *fixture, token, target string) T {
	fx.t.Helper()
	var answer T
	resp, body := fx.do(http.MethodGet, token, target)
	if err := json.Unmarshal([]byte(body), &answer); err != nil || resp.StatusCode != http.StatusOK {
		fx.t.Fatalf("%s: %d %v %s", target, resp.StatusCode, err, body)
	}
	return answer
}

// countApplications returns the events by application that a token sees, as JSON.
func (fx *fixture) countApplications(token string) string {
	fx.t.Helper()
	counts := map[string]int64{}
	for _, v := range readStats[api.Top](fx, token, "/v1/stats/top?field=application&from=2020-01-01").Values {
		counts[strings.Trim(string(v.Value), `"`)] = v.Count
	}
	text, err := json.Marshal(counts)
	if err != nil {
		fx.t.Fatal(err)
	}
	return string(text)
}

func statsEvent(id, session, name, at, data string) string {
	return fmt.Sprintf(`{"event_id":%q,"session_id":%q,"category":"page","name":%q,"data":%s,"timestamp":%q}`, id, session, name, data, at)
}

// putStatsEvents writes events of two days in Berlin, the second of which has 25 hours.
func putStatsEvents(fx *fixture) {
	fx.t.Helper()
	fx.putEvents("shop", time.Date(2026, 10, 25, 12, 0, 0, 0, time.UTC),
		statsEvent("1", aSession, "view", "2026-10-24T21:59:59Z", `{"path":"/","price":0.1}`),
		statsEvent("2", aSession, "view", "2026-10-24T22:00:00Z", `{"path":"/a","price":0.2,"tags":["x","y"]}`),
		statsEvent("3", anotherOne, "view", "2026-10-25T22:30:00Z", `{"path":"/a","price":0.3,"tags":["x"]}`),
		statsEvent("4", anotherOne, "leave", "2026-10-25T22:59:59Z", `{"price":"0.4"}`))
	fx.awaitColumns()
}

const statsRange = "from=2026-10-24T00:00&to=2026-10-26T12:00&tz=Europe/Berlin"

func TestStatistics(t *testing.T) {
	fx := newFixtureOnMongo(t)
	putStatsEvents(fx)
	series := readStats[api.Timeseries](fx, analyst, "/v1/stats/timeseries?group_by=data.path&compare=previous&"+statsRange)
	text, err := json.Marshal([]any{series.Intervals, series.Partial, series.Series, series.Total, series.Previous})
	const want = `[["2026-10-24T00:00:00+02:00","2026-10-25T00:00:00+02:00","2026-10-26T00:00:00+01:00"],{"first":false,"last":true},` +
		`[{"group":"/a","total":2,"values":[0,2,0]},{"group":"/","total":1,"values":[1,0,0]},{"missing":true,"total":1,"values":[0,1,0]}],` +
		`{"total":4,"values":[1,3,0]},{"total":0,"values":[0,0,0]}]`
	if err != nil || string(text) != want {
		t.Errorf("%v %s", err, text)
	}
	if series.TZ != "Europe/Berlin" || series.From.String() != "2026-10-23T22:00:00.000000Z" {
		t.Errorf("%+v", series.StatsRange)
	}
	sum := readStats[api.Timeseries](fx, analyst, "/v1/stats/timeseries?metric=sum&field=data.price&interval=month&"+statsRange)
	if sum.Total.Total != "0.6" { // 0.1+0.2+0.3 adds up to 0.6000000000000001 where each step rounds
		t.Errorf("%+v", sum.Total)
	}
	sessions := readStats[api.Timeseries](fx, analyst, "/v1/stats/timeseries?metric=sessions&"+statsRange)
	if text, err := json.Marshal(sessions.Total); err != nil || string(text) != `{"total":2,"values":[1,2,0]}` {
		t.Errorf("%s", text)
	}
	top := readStats[api.Top](fx, analyst, "/v1/stats/top?field=data.tags[]&limit=1&filter=name%3Dview&"+statsRange)
	if len(top.Values) != 1 || string(top.Values[0].Value) != `"x"` || top.Values[0].Share != 1 || top.Total != 3 || top.Missing != 1 || top.Other.Count != 1 {
		t.Errorf("%+v", top)
	}
	fields := readStats[api.FieldList](fx, analyst, "/v1/fields?from=2026-10-24&to=2026-10-26&prefix=data.p")
	if len(fields.Fields) != 2 || fields.Events != 4 || fields.Fields[1].Types["number"] != 3 || string(fields.Fields[1].Max) != "0.3" {
		t.Errorf("%+v", fields)
	}
}

// An answer is not sent again while its figures are the same, and no tag serves a token
// that sees others.
func TestStatisticsAreNotSentAgain(t *testing.T) {
	fx := newFixtureOnMongo(t)
	putStatsEvents(fx)
	target := "/v1/stats/top?field=type&" + statsRange
	resp, _ := fx.do(http.MethodGet, analyst, target)
	etag := resp.Header.Get("ETag")
	if resp.StatusCode != http.StatusOK || !strings.HasPrefix(etag, `W/"`) || resp.Header.Get("Cache-Control") != "private, no-store" {
		t.Fatalf("%d %v", resp.StatusCode, resp.Header)
	}
	ask := func(token, target, match string) int {
		req, err := http.NewRequestWithContext(fx.ctx(), http.MethodGet, fx.base+target, http.NoBody)
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("Authorization", "Bearer "+token)
		req.Header.Set("If-None-Match", match)
		resp, err := fx.client.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		_ = resp.Body.Close()
		return resp.StatusCode
	}
	tagOf := func(target string) string {
		resp, body := fx.do(http.MethodGet, analyst, target)
		if resp.StatusCode != http.StatusOK || !strings.HasPrefix(resp.Header.Get("ETag"), `W/"`) || resp.Header.Get("Cache-Control") != "private, no-store" {
			t.Fatalf("%s: %d %v %s", target, resp.StatusCode, resp.Header, body)
		}
		return resp.Header.Get("ETag")
	}
	const list, summary = "/v1/sessions?limit=1&" + statsRange, "/v1/rejected/summary?from=2026-10-24&to=2100-01-01"
	listTag, summaryTag := tagOf(list), tagOf(summary)
	next := list + "&cursor=" + url.QueryEscape(string(readStats[api.SessionPage](fx, analyst, list).NextCursor))
	nextTag := tagOf(next)
	for _, c := range []struct {
		token, target, match string
		want                 int
	}{
		{analyst, target, etag, http.StatusNotModified},
		{analyst, target, `"x", ` + strings.TrimPrefix(etag, "W/"), http.StatusNotModified},
		{analyst, target + "&limit=3", etag, http.StatusOK},
		{analyst, strings.Replace(target, "Berlin", "Paris", 1), etag, http.StatusOK},
		{shopOnly, target, etag, http.StatusOK}, // it sees one application of several
		{noApplication, target, etag, http.StatusOK},
		{"wrong", target, etag, http.StatusUnauthorized},
		{analyst, list, listTag, http.StatusNotModified},
		{analyst, next, nextTag, http.StatusNotModified},
		{analyst, next, listTag, http.StatusOK},
		{analyst, list, nextTag, http.StatusOK},
		{analyst, list + "&by=active", listTag, http.StatusOK},
		{analyst, list + "&min_events=1", listTag, http.StatusOK},
		{analyst, list + "&min_seconds=1", listTag, http.StatusOK},
		{analyst, list + "&order=desc", listTag, http.StatusOK},
		{analyst, list + "&filter=name%3Dview", listTag, http.StatusOK},
		{analyst, list + "&name=view", listTag, http.StatusOK},
		{analyst, list + "&session_id=" + aSession, listTag, http.StatusOK},
		{analyst, strings.Replace(list, "limit=1", "limit=2", 1), listTag, http.StatusOK},
		{analyst, strings.Replace(list, "Berlin", "Paris", 1), listTag, http.StatusOK},
		{shopOnly, list, listTag, http.StatusOK},
		{analyst, summary, summaryTag, http.StatusNotModified},
		{analyst, summary + "&code=unknown_type", summaryTag, http.StatusOK},
		{analyst, summary + "&limit=1", summaryTag, http.StatusOK},
		{shopOnly, summary, summaryTag, http.StatusOK},
	} {
		if got := ask(c.token, c.target, c.match); got != c.want {
			t.Errorf("%s %s: %d, want %d", c.token, c.target, got, c.want)
		}
	}
	fx.putEvents("shop", time.Now(), statsEvent("5", aSession, "view", "2026-10-24T21:59:59Z", `{}`))
	fx.awaitColumns()
	if got := ask(analyst, target, etag); got != http.StatusOK {
		t.Errorf("after another event: %d", got)
	}
	if got := ask(analyst, list, listTag); got != http.StatusOK {
		t.Errorf("sessions after another event: %d", got)
	}
	fx.putEvents("shop", time.Now(), `{"event_id":"r","session_id":1}`)
	fx.awaitColumns()
	if got := ask(analyst, summary, summaryTag); got != http.StatusOK {
		t.Errorf("reasons after another event: %d", got)
	}
}

func TestBatchOfStatistics(t *testing.T) {
	fx := newFixtureOnMongo(t)
	putStatsEvents(fx)
	const window = `"from":"2026-10-24","to":"2026-10-27"`
	a := fx.send("POST", analyst, "/v1/stats/query", `{"queries":[
		{"id":"a","kind":"timeseries",`+window+`,"filters":["name=view"],"group_by":"data.path","top":1},
		{"id":"b","kind":"top","field":"type",`+window+`,"application":"shop"},
		{"id":"c","kind":"top"},
		{"id":"d","kind":"nothing"},
		{"id":"e","kind":"types",`+window+`},
		{"id":"f","kind":"fields",`+window+`,"limit":2},
		{"id":"g","kind":"top","field":"type","filters":["name~x"]},
		{"id":"h","kind":"top","field":"type","cursor":"x"}]}`)
	var batch api.StatsBatch
	if err := json.Unmarshal([]byte(a.raw), &batch); err != nil || a.status != http.StatusOK {
		t.Fatalf("%d %v %s", a.status, err, a.raw)
	}
	var got []string
	for _, r := range batch.Results {
		var problem api.Problem
		_ = json.Unmarshal(r.Answer, &problem)
		got = append(got, fmt.Sprint(r.ID, r.Status, problem.Code))
	}
	if want := "a200 b200 c400invalid_parameter d400invalid_parameter e200 f200 g400invalid_filter h400unknown_parameter"; strings.Join(got, " ") != want {
		t.Errorf("%s, want %s", got, want)
	}
	var series api.Timeseries
	if err := json.Unmarshal(batch.Results[0].Answer, &series); err != nil || series.Total.Total != "3" || !series.AsOf.Equal(batch.AsOf.Time) {
		t.Errorf("%v %+v", err, series)
	}
	only := fx.send("POST", shopOnly, "/v1/stats/query", `{"queries":[{"id":"a","kind":"top","field":"type","application":"blog"}]}`)
	if only.status != http.StatusOK || !strings.Contains(only.raw, "application_not_allowed") {
		t.Errorf("%d %s", only.status, only.raw)
	}
	for body, want := range map[string]int{
		``: 400, `[]`: 400, `{}`: 400, `{"queries":[]}`: 400, `{"queries":[{}]}`: 400, `{"queries":[{"id":1,"kind":"top"}]}`: 400,
		`{"queries":[{"id":"a"},{"id":"a"}]}`: 400, `{"queries":[],"x":1}`: 400,
		`{"queries":[` + strings.Repeat(`{"id":"a"},`, 12) + `{"id":"b"}]}`:                    400,
		`{"queries":[{"id":"a","kind":"top","field":"` + strings.Repeat("x", 300<<10) + `"}]}`: 413,
	} {
		if a := fx.send("POST", analyst, "/v1/stats/query", body); a.status != want {
			t.Errorf("%.80s: %d %s", body, a.status, a.raw)
		}
	}
}

// Every fault names the parameter and what to do.
func TestFaultsOfStatistics(t *testing.T) {
	fx := newFixtureOnMongo(t)
	fx.awaitColumns()
	for target, want := range map[string]string{
		"timeseries?interval=year":                                 "invalid_parameter: parameter interval must be one of minute, hour",
		"timeseries?metric=median":                                 "invalid_parameter: parameter metric must be one of events",
		"timeseries?metric=sum":                                    "invalid_parameter: parameter field is needed",
		"timeseries?field=data.n":                                  "invalid_parameter: parameter field is not for metric events",
		"timeseries?metric=sum&field=nonsense":                     "invalid_parameter: parameter field must be a field",
		"timeseries?top=3":                                         "invalid_parameter: parameter top is the number of groups",
		"timeseries?group_by=type&top=0":                           "invalid_parameter: parameter top must be an integer from 1 to 1000",
		"timeseries?group_by=type&top=1e2":                         "invalid_parameter: parameter top must be an integer",
		"timeseries?compare=next":                                  "invalid_parameter: parameter compare must be one of previous",
		"timeseries?interval=minute":                               "too_large: there are more than 2000",
		"timeseries?interval=minute&from=0001-01-01&to=9999-12-31": "too_large: there are more than 2000",
		"timeseries?interval=hour&group_by=type&top=1000&from=30d": "too_large: 721 intervals of 1000 groups",
		"timeseries?tz=Local":                                      "invalid_parameter: parameter tz must be",
		"timeseries?tz=../../etc/passwd":                           "invalid_parameter: parameter tz must be",
		"timeseries?from=2999-01-01":                               "invalid_parameter: parameter from is in the future",
		"timeseries?from=2026-01-02&to=2026-01-01":                 "invalid_parameter: parameter from (2026-01-02T00:00:00.000000Z) must not be after",
		"timeseries?session_id=x":                                  "invalid_parameter: parameter session_id must be a UUID",
		"timeseries?application=A":                                 "invalid_parameter: parameter application must be",
		"timeseries?filter=data.a%20~%20b":                         "invalid_filter: filter cannot be read: number 1",
		"timeseries?limit=3":                                       "unknown_parameter: there is no parameter",
		"timeseries?tz=UTC&tz=UTC":                                 "repeated_parameter: parameter tz",
		"timeseries?tz=%ff":                                        "invalid_query: ",
		"top":                                                      "invalid_parameter: parameter field is needed",
		"top?field=type&limit=1001":                                "invalid_parameter: parameter limit must be an integer from 1 to 1000",
		"top?field=type&metric=sum":                                "invalid_parameter: parameter metric must be one of events, sessions",
		"top?field=type&prefix=":                                   "invalid_parameter: parameter prefix must be a string of 1 to 200",
		"top?field=data." + strings.Repeat("a", 5000):              "invalid_parameter: parameter field must have at most",
		"top?field=" + url.QueryEscape(`data."\u0000"[][][]`):      "",
	} {
		resp, body := fx.do(http.MethodGet, analyst, "/v1/stats/"+target)
		var p api.Problem
		if err := json.Unmarshal([]byte(body), &p); err != nil {
			t.Fatalf("%s: %v %s", target, err, body)
		}
		if want == "" {
			if resp.StatusCode != http.StatusOK {
				t.Errorf("%s: %d %s", target, resp.StatusCode, body)
			}
			continue
		}
		if got := p.Code + ": " + p.Detail; resp.StatusCode != http.StatusBadRequest || !strings.HasPrefix(got, want) {
			t.Errorf("%.80s: %d %q, want %q", target, resp.StatusCode, got, want)
		}
	}
}

// A service without a folder for columns says that it answers no statistics.
func TestWithoutColumnsThereAreNoStatistics(t *testing.T) {
	fx := newFixtureOnMongo(t, func(c *queryapi.Config) { c.ColumnsDir = "" })
	for _, target := range []string{"/v1/stats/top?field=type", "/v1/types", "/v1/fields", "/v1/sessions"} {
		if resp, body := fx.do(http.MethodGet, analyst, target); resp.StatusCode != http.StatusServiceUnavailable {
			t.Errorf("%s: %d %s", target, resp.StatusCode, body)
		}
	}
}

// A value that is too long for columns is read from the store, whether its day is in
// memory or in a file.
func TestValueThatColumnsDoNotHold(t *testing.T) {
	fx := newFixtureOnMongo(t)
	long := strings.Repeat("x", 70<<10)
	for i, at := range []time.Time{time.Now().Add(-72 * time.Hour), time.Now()} {
		fx.putEvents("shop", at, statsEvent(fmt.Sprint("l", i), aSession, "view", at.UTC().Format(time.RFC3339), `{"text":"`+long+`"}`),
			statsEvent(fmt.Sprint("s", i), aSession, "view", at.UTC().Format(time.RFC3339), `{"text":"short"}`))
	}
	fx.awaitColumns()
	got := readStats[api.Top](fx, operator, "/v1/stats/top?field=data.text&from=2020-01-01&prefix=sh")
	if got.Total != 4 || len(got.Values) != 1 || got.Values[0].Count != 2 {
		t.Errorf("%+v", got)
	}
	got = readStats[api.Top](fx, operator, "/v1/stats/top?field=name&from=2020-01-01&filter="+url.QueryEscape("data.text^=xxx"))
	if got.Total != 2 || len(got.Values) != 1 || got.Values[0].Count != 2 {
		t.Errorf("%+v", got)
	}
	if fields := readStats[api.FieldList](fx, operator, "/v1/fields?from=2020-01-01"); !fields.Truncated || fields.Events != 4 {
		t.Errorf("%+v", fields)
	}
}
