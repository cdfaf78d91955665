package httpapi

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/theeye/theeye/queryapi/access"
	"github.com/theeye/theeye/queryapi/analytics"
	"github.com/theeye/theeye/queryapi/apidoc/apicheck"
	"github.com/theeye/theeye/queryapi/refresh"
	"github.com/theeye/theeye/shared/api"
	"github.com/theeye/theeye/shared/columns"
	"github.com/theeye/theeye/shared/store"
)

// fixedSource is a source of one snapshot, of which it gives the applications asked for.
type fixedSource struct{ held columns.Snapshot }

func (f *fixedSource) Snapshot(_ context.Context, n refresh.Need) (*columns.Snapshot, error) {
	return restrictSnapshot(&f.held, n.Applications), nil
}

var visitorsStart = time.Date(2026, 10, 19, 10, 0, 0, 0, time.UTC)

// newVisitorService serves the events of two sessions of shop, and of one of them again
// in blog: a view, a click and a submission, an hour apart.
func newVisitorService(t *testing.T) *service {
	t.Helper()
	source := &fixedSource{columns.Snapshot{AsOf: visitorsStart.Add(48 * time.Hour), Now: visitorsStart.Add(48 * time.Hour), Version: "1"}}
	for _, application := range []string{"blog", "shop"} {
		b := columns.NewBuilder(columns.Key{Application: application, Day: visitorsStart.Unix() / 86400})
		slots := map[int64]uint64{}
		for i, name := range []string{"view", "click", "submit", "view"} {
			d := &store.Document{
				Status: store.Stored, Application: application, EventID: fmt.Sprint(i), SessionID: fmt.Sprintf("00000000-0000-4000-8000-%012d", i/3),
				Category: "page", Name: name, Timestamp: visitorsStart.Add(time.Duration(i) * time.Hour), ReceivedAt: visitorsStart,
				Data: []byte(`{"path":"/` + name + `","tags":["a"]}`),
			}
			d.ID = store.DocumentID(application, d.EventID)
			if err := b.Add(d); err != nil {
				t.Fatal(err)
			}
			slots[d.ReceivedAt.UnixMilli()/10_000] = 1
		}
		part, err := b.Build(slots)
		if err != nil {
			t.Fatal(err)
		}
		source.held.Applications = append(source.held.Applications, columns.ApplicationViews{Name: application, Views: []columns.View{{Part: part}}})
	}
	return &service{analytics: analytics.New(source), stats: newBoundedSlots(maxStats, maxTokenStats)}
}

// analystOf is a principal that may read some applications.
func analystOf(applications ...string) access.Principal {
	return access.Principal{ID: "a", Applications: applications}
}

// ask sends a request to the handler of its route, and compares the answer with the
// document.
func (s *service) ask(t *testing.T, p access.Principal, method, target, body string) (int, string) {
	t.Helper()
	r := httptest.NewRequestWithContext(t.Context(), method, target, strings.NewReader(body))
	handle := map[string]handler{
		"POST " + api.PathFunnel: s.postFunnel, "GET " + api.PathFunnel: s.getFunnel, "GET " + api.PathRetention: s.answerStats("retention"),
		"GET " + api.PathPaths: s.answerStats("paths"), "GET " + api.PathSessions: s.listSessions, "POST " + api.PathStatsQuery: s.answerBatch,
	}[method+" "+r.URL.Path]
	w := httptest.NewRecorder()
	if err := handle(w, r, p); err != nil {
		failureOf(r.Context(), err).Write(w)
	}
	if err := apicheck.Check(r, w.Result()); err != nil {
		t.Error(err)
	}
	return w.Code, w.Body.String()
}

const visitorsRange = `"from":"2026-10-19","to":"2026-10-20"`

// mustContain checks a status and members of an answer.
func mustContain(t *testing.T, question string, status int, body string, want ...string) {
	t.Helper()
	for _, text := range want {
		if status != http.StatusOK || !strings.Contains(body, text) {
			t.Errorf("%s: %d %s\nwant %s", question, status, body, text)
		}
	}
}

func TestFunnelIsAnsweredByPostAndGet(t *testing.T) {
	s := newVisitorService(t)
	body := `{"application":"shop",` + visitorsRange + `,"window":"2h","group_by":"data.path","steps":[{"name":"view"},{"label":"Sent","filters":["data.path=/submit"]}]}`
	want := []string{
		`"entered":2,"completed":1,`, `{"label":"view","count":2,"of_first":1,"of_previous":1,"dropped":0,"seconds":null}`,
		`{"label":"Sent","count":1,"of_first":0.5,"of_previous":0.5,"dropped":1,"seconds":{"p50":7200,"p90":7200}}`, `"group":"/view"`, `"by":"session_id"`,
	}
	status, answer := s.ask(t, analystOf("shop"), http.MethodPost, api.PathFunnel, body)
	mustContain(t, body, status, answer, want...)
	for _, encoding := range []*base64.Encoding{base64.RawURLEncoding, base64.URLEncoding} {
		status, answer = s.ask(t, analystOf("shop"), http.MethodGet, api.PathFunnel+"?q="+url.QueryEscape(encoding.EncodeToString([]byte(body))), "")
		mustContain(t, body, status, answer, want...)
	}
	if status, answer = s.ask(t, analystOf("blog"), http.MethodPost, api.PathFunnel, body); status != http.StatusForbidden {
		t.Errorf("another application: %d %s", status, answer)
	}
	// Without an application, all that the token may read.
	all := strings.Replace(body, `"application":"shop",`, "", 1)
	for token, want := range map[string]string{"blog": `"entered":2,`, "blog shop": `"entered":4,`} {
		status, answer = s.ask(t, analystOf(strings.Fields(token)...), http.MethodPost, api.PathFunnel, all)
		mustContain(t, token, status, answer, want)
	}
}

func TestRetentionPathsAndSessionsAreAnswered(t *testing.T) {
	s, shop := newVisitorService(t), analystOf("shop")
	for target, want := range map[string][]string{
		"/v1/stats/retention?from=2026-10-19&to=2026-10-20&tz=Europe/Berlin&periods=2&by=data.tags": {
			`"start":"2026-10-19T00:00:00+02:00","size":1,"returned":[1,0],"complete":[true,true]`, `"average":[1,0]`, `"tz":"Europe/Berlin"`,
		},
		"/v1/stats/retention?from=2026-10-19&to=2026-10-20&interval=week&again=name=submit": {`"size":2,"returned":[1,0`, `"note":`, `"average":[null`},
		"/v1/stats/paths?from=2026-10-19&to=2026-10-20&start=name=view&depth=1&value=data.path": {
			`"direction":"forward"`, `"sessions":2`, `{"id":1,"step":1,"value":"/click","sessions":1}`, `{"id":2,"step":1,"ended":true,"sessions":1}`, `{"from":0,"to":2,"sessions":1}`,
		},
		"/v1/stats/paths?from=2026-10-19&to=2026-10-20&end=name=submit&collapse=false": {
			`"direction":"backward"`, `{"id":1,"step":1,"value":"page / click","category":"page","name":"click","sessions":1}`,
		},
		"/v1/sessions?from=2026-10-19&to=2026-10-20&filter=data.path%3D/click&tz=Asia/Tokyo": {`"count":3`, `"matched":1`, `"tz":"Asia/Tokyo"`, `"next_cursor":null`},
		"/v1/sessions?from=2026-10-19T23:00:00&to=2026-10-20&tz=Asia/Tokyo":                  {`"sessions":[]`},
	} {
		status, answer := s.ask(t, shop, http.MethodGet, target, "")
		mustContain(t, target, status, answer, want...)
	}
}

// A cursor continues the same question alone, and every session is on one page.
func TestSessionsOfColumnsComeInPages(t *testing.T) {
	s, both := newVisitorService(t), analystOf("blog", "shop")
	const target = "/v1/sessions?from=2026-10-19&to=2026-10-20&limit=1&order=desc"
	var seen []string
	for next := ""; ; {
		status, answer := s.ask(t, both, http.MethodGet, target+next, "")
		var page api.SessionPage
		if err := json.Unmarshal([]byte(answer), &page); err != nil || status != http.StatusOK || len(page.Sessions) != 1 {
			t.Fatal(status, answer, err)
		}
		seen = append(seen, page.Sessions[0].Application+page.Sessions[0].SessionID[35:])
		if page.NextCursor == "" {
			break
		}
		next = "&cursor=" + url.QueryEscape(string(page.NextCursor))
		if status, answer = s.ask(t, both, http.MethodGet, target+"&filter=name=view"+next, ""); status != http.StatusBadRequest || !strings.Contains(answer, api.CodeInvalidCursor) {
			t.Errorf("a cursor continues another question: %d %s", status, answer)
		}
	}
	if got := strings.Join(seen, " "); got != "shop1 blog1 shop0 blog0" {
		t.Error(got)
	}
}

func TestBatchHoldsQuestionsAboutVisitors(t *testing.T) {
	s := newVisitorService(t)
	body := `{"queries":[{"id":"1","kind":"funnel",` + visitorsRange + `,"steps":[{"name":"view"},{"name":"click"}]},
		{"id":"2","kind":"retention",` + visitorsRange + `,"first":["name=view"]},{"id":"3","kind":"paths",` + visitorsRange + `,"start":["name=view"],"depth":2},
		{"id":"4","kind":"sessions",` + visitorsRange + `,"filters":["name=click"],"limit":5},{"id":"5","kind":"funnel"},{"id":"6","kind":"sessions","cursor":"x"}]}`
	status, answer := s.ask(t, analystOf("shop"), http.MethodPost, api.PathStatsQuery, body)
	mustContain(t, body, status, answer, `"id":"1","status":200`, `"id":"2","status":200`, `"id":"3","status":200`, `"id":"4","status":200`,
		`"id":"5","status":400`, `"id":"6","status":400`, `"completed":1`, `"matched":1`)
}

func TestQuestionsAboutVisitorsRefuseWhatTheyCannotMean(t *testing.T) {
	s := newVisitorService(t)
	const steps = `"steps":[{"name":"a"},{"name":"b"}]`
	for body, want := range map[string]string{
		`[]`: "invalid_json", `{`: "invalid_json", `null`: "invalid_json", `{"steps":[],"steps":[]}`: "invalid_json",
		`{}`:                                                   "2 to 10 objects",
		`{"steps":[{"name":"a"}]}`:                             "2 to 10 objects",
		`{"steps":{"name":"a"}}`:                               "2 to 10 objects",
		`{"steps":[{"name":"a"},{}]}`:                          "steps[1] must have a category",
		`{"steps":[{"name":"a"},{"x":1}]}`:                     `no member \"x\" in steps[1]`,
		`{"steps":[{"name":"a"},{"name":1}]}`:                  "steps[1].name must be a string",
		`{"steps":[{"name":"a"},{"name":null}]}`:               "steps[1].name must be a string",
		`{"steps":[{"name":"a"},{"filters":"x=1"}]}`:           "steps[1].filters must be an array",
		`{"steps":[{"name":"a"},{"filters":["a=1","dat=1"]}]}`: `"code":"invalid_filter"`,
		`{"window":"0s",` + steps + `}`:                        "window must be longer",
		`{"window":"soon",` + steps + `}`:                      "window",
		`{"order":"any",` + steps + `}`:                        "order must be one of ordered, strict",
		`{"by":"data.tags[]",` + steps + `}`:                   "by must be a field of one value",
		`{"by":"nothing",` + steps + `}`:                       "by must be a field",
		`{"group_by":"type","top":101,` + steps + `}`:          "top must be an integer from 1 to 100",
		`{"top":3,` + steps + `}`:                              "give group_by as well",
		`{"kind":"funnel",` + steps + `}`:                      "no member kind",
		`{"step":1,` + steps + `}`:                             `no member \"step\"`,
		`{"filter":["name=a"],` + steps + `}`:                  `no member \"filter\"`,
		`{"from":"soon",` + steps + `}`:                        "from must be a time",
	} {
		if status, answer := s.ask(t, analystOf("shop"), http.MethodPost, api.PathFunnel, body); status != http.StatusBadRequest || !strings.Contains(answer, want) {
			t.Errorf("%s: %d %s, want %s", body, status, answer, want)
		}
	}
	for target, want := range map[string]string{
		"/v1/stats/funnel": "q must be the body", "/v1/stats/funnel?q=*": "q must be the body", "/v1/stats/funnel?q=e30": "2 to 10 objects",
		"/v1/stats/retention?periods=61": "periods must be an integer from 1 to 60", "/v1/stats/retention?interval=hour": "one of day, week, month",
		"/v1/stats/retention?from=0001-01-01": "too_large", "/v1/stats/retention?again=x": "invalid_filter", "/v1/stats/retention?by=data.a[]": "one value",
		"/v1/stats/paths?start=name=a&end=name=b": "end cannot stand beside start", "/v1/stats/paths?depth=6": "depth must be an integer from 1 to 5",
		"/v1/stats/paths?value=data.a[]": "one value", "/v1/stats/paths?collapse=1": "one of true, false", "/v1/stats/paths?top=0": "from 1 to 50",
		"/v1/sessions?tz=Mars": "tz must be the IANA name", "/v1/sessions?tz=Local": "tz must be the IANA name", "/v1/sessions?filter=x": "invalid_filter",
	} {
		if status, answer := s.ask(t, analystOf("shop"), http.MethodGet, target, ""); status != http.StatusBadRequest || !strings.Contains(answer, want) {
			t.Errorf("%s: %d %s, want %s", target, status, answer, want)
		}
	}
}

// The figures have a tag, by which a client asks whether they changed.
func TestFunnelHasATag(t *testing.T) {
	s := newVisitorService(t)
	body := `{` + visitorsRange + `,"steps":[{"name":"view"},{"name":"click"}]}`
	tags := map[string]bool{}
	for _, b := range []string{body, strings.Replace(body, "click", "submit", 1), strings.Replace(body, `{"name":"view"}`, `{"name":"view","label":"x"}`, 1)} {
		r := httptest.NewRequestWithContext(t.Context(), http.MethodPost, api.PathFunnel, strings.NewReader(b))
		w := httptest.NewRecorder()
		if err := s.postFunnel(w, r, analystOf("shop")); err != nil {
			t.Fatal(err)
		}
		tags[w.Header().Get(api.HeaderETag)] = true
		r = httptest.NewRequestWithContext(t.Context(), http.MethodPost, api.PathFunnel, strings.NewReader(b))
		r.Header.Set("If-None-Match", w.Header().Get(api.HeaderETag))
		w = httptest.NewRecorder()
		if err := s.postFunnel(w, r, analystOf("shop")); err != nil || w.Code != http.StatusNotModified || w.Body.Len() > 0 {
			t.Error(err, w.Code, w.Body)
		}
	}
	if len(tags) != 3 {
		t.Errorf("three questions have the tags %v", tags)
	}
}
