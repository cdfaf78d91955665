package apicheck_test

import (
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/theeye/theeye/queryapi/apidoc/apicheck"
)

func TestDocumentIsValid(t *testing.T) {
	if err := apicheck.Valid(); err != nil {
		t.Fatal(err)
	}
}

const (
	problem = `{"type":"about:blank","title":"T","status":400,"code":"invalid_parameter","detail":"d"}`
	origin  = `"origin":{"epoch":1700000000000000,"seq":7}`
	schema  = "/v1/schemas/page%20interaction/a%2Fb"
	app     = `{"name":"site","revision":3,"time":"2026-01-02T03:04:05.000000Z","author":"o","note":"","keys":[{"id":"0123456789ab","kind":"server"}]}`
	taken   = `{"type":"about:blank","title":"T","status":412,"code":"revision_conflict","detail":"d","revision":7}`
	pending = `{"event_id":"a/b","application":"demo","received_at":"2026-01-02T03:04:05.000000Z","status":"pending",` + origin + `}`
)

// The checker counts only because it is seen to fail.
func TestCheck(t *testing.T) {
	const (
		js  = "application/json"
		prb = "application/problem+json"
	)
	for name, c := range map[string]struct {
		method, target string
		status         int
		header         http.Header
		body           string
		wrong          string // part of the error, "" when the answer is right
	}{
		"empty page":            {"GET", "/v1/events?limit=5", 200, header(js), `{"events":[],"next_cursor":null}`, ""},
		"cursor":                {"GET", "/v1/events", 200, header(js), `{"events":[],"next_cursor":"x"}`, ""},
		"head":                  {"HEAD", "/v1/events", 200, header(js), "", ""},
		"problem":               {"GET", "/v1/events?limit=0", 400, header(prb), problem, ""},
		"pending":               {"GET", "/v1/events/a%2Fb", 200, header(js), pending, ""},
		"unknown path":          {"GET", "/v2/x", 404, header(prb), problem, ""},
		"unknown method":        {"PUT", "/v1/events", 405, header(prb, "Allow", "GET"), problem, ""},
		"schema":                {"GET", schema, 200, header("application/schema+json", "ETag", `"3"`), `{"type":"object"}`, ""},
		"application":           {"GET", "/v1/applications/site", 200, header(js, "ETag", `"3"`), app, ""},
		"conflict":              {"PUT", schema, 412, header(prb, "ETag", `"7"`), taken, ""},
		"schema without ETag":   {"GET", schema, 200, header("application/schema+json"), `{}`, "ETag"},
		"conflict, no revision": {"PUT", schema, 412, header(prb, "ETag", `"7"`), strings.Replace(taken, "revision\"", "revising\"", 1), "revision"},
		"secret shown":          {"GET", "/v1/applications/site", 200, header(js, "ETag", `"3"`), strings.Replace(app, `"kind"`, `"secret":"s","kind"`, 1), "secret"},
		"hash shown":            {"GET", "/v1/applications/site", 200, header(js, "ETag", `"3"`), strings.Replace(app, `"kind"`, `"sha256":"s","kind"`, 1), "sha256"},
		"nameless type":         {"GET", "/v1/schemas//b", 200, header("application/schema+json", "ETag", `"3"`), `{}`, "no such call"},
		"member missing":        {"GET", "/v1/events", 200, header(js), `{"events":[]}`, "next_cursor"},
		"member unknown":        {"GET", "/v1/events", 200, header(js), `{"events":[],"next_cursor":null,"total":1}`, "total"},
		"cursor of wrong type":  {"GET", "/v1/events", 200, header(js), `{"events":[],"next_cursor":1}`, "next_cursor"},
		"event half empty":      {"GET", "/v1/events", 200, header(js), `{"events":[{"event_id":"x"}],"next_cursor":null}`, "events"},
		"milliseconds only":     {"GET", "/v1/events/a", 200, header(js), strings.Replace(pending, ".000000Z", ".000Z", 1), "/received_at"},
		"status unknown":        {"GET", "/v1/events", 418, header(prb), problem, "status is not supported"},
		"content type":          {"GET", "/v1/events", 400, header("text/plain"), problem, "Content-Type"},
		"problem without code":  {"GET", "/v1/events", 400, header(prb), `{"type":"about:blank","title":"T","status":400,"detail":"d"}`, "code"},
		"401 without challenge": {"GET", "/v1/events", 401, header(prb), problem, "WWW-Authenticate"},
		"503 without retry":     {"GET", "/v1/events", 503, header(prb), problem, "Retry-After"},
		"granted limit 0":       {"GET", "/v1/events?limit=0", 200, header(js), `{"events":[],"next_cursor":null}`, "granted"},
		"unknown path granted":  {"GET", "/v2/x", 200, header(js), `{}`, "no such call"},
		"405 without Allow":     {"PUT", "/v1/events", 405, header(prb), problem, "without Allow"},
		"404 of another shape":  {"GET", "/v2/x", 404, header(prb), `{}`, "required"},
	} {
		t.Run(name, func(t *testing.T) {
			u, err := url.Parse("http://127.0.0.1" + c.target)
			if err != nil {
				t.Fatal(err)
			}
			req := &http.Request{Method: c.method, URL: u, Header: http.Header{}}
			resp := &http.Response{StatusCode: c.status, Header: c.header, Body: io.NopCloser(strings.NewReader(c.body))}
			err = apicheck.Check(req, resp)
			switch {
			case c.wrong == "" && err != nil:
				t.Errorf("a right answer is refused: %v", err)
			case c.wrong != "" && err == nil:
				t.Error("a wrong answer passes")
			case c.wrong != "" && !strings.Contains(err.Error(), c.wrong):
				t.Errorf("error does not name %q: %v", c.wrong, err)
			}
			if body, _ := io.ReadAll(resp.Body); string(body) != c.body {
				t.Errorf("the body is not put back: %q", body)
			}
		})
	}
}

func header(contentType string, more ...string) http.Header {
	h := http.Header{"Content-Type": {contentType}}
	for i := 0; i < len(more); i += 2 {
		h.Set(more[i], more[i+1])
	}
	return h
}
