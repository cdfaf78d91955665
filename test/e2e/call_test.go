package e2e

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"testing"

	"github.com/theeye/theeye/queryapi/apidoc/apicheck"
	"github.com/theeye/theeye/test/harness"
)

// wire is shared, so that connections are reused.
var wire = &http.Transport{MaxIdleConnsPerHost: 64, DisableCompression: true}

// caller talks to a pipeline. Every answer is held against the OpenAPI
// document.
type caller struct {
	t    *testing.T
	w    *fixture
	http *http.Client
}

func (w *fixture) caller(t *testing.T) *caller {
	return &caller{t, w, &http.Client{
		Transport:     &apicheck.Transport{T: t, Base: wire},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}}
}

// unchecked is a caller for reading very much: holding every event against the
// document takes longer than reading it.
func (w *fixture) unchecked(t *testing.T) *caller {
	return &caller{t, w, &http.Client{Transport: wire}}
}

// reply is an answer with its whole body.
type reply struct {
	status int
	header http.Header
	body   []byte
}

// code is the code of a problem, "" of anything else.
func (r reply) code() string {
	var p struct {
		Code string `json:"code"`
	}
	_ = json.Unmarshal(r.body, &p)
	return p.Code
}

// result is what the door said of one event.
type result struct {
	Index   int     `json:"index"`
	EventID string  `json:"event_id"`
	Status  string  `json:"status"`
	Code    string  `json:"code"`
	Errors  []fault `json:"errors"`
}

// verdict is "accepted", or the code of a refusal.
func (r result) verdict() string {
	if r.Status == "refused" {
		return r.Code
	}
	return r.Status
}

func (r reply) results() []result {
	var a struct {
		Results []result `json:"results"`
	}
	_ = json.Unmarshal(r.body, &a)
	return a.Results
}

func (r reply) String() string { return fmt.Sprintf("%d %.500s", r.status, r.body) }

// edit changes a request before it is sent.
type edit func(*http.Request)

func header(name, value string) edit {
	return func(r *http.Request) { r.Header.Set(name, value) }
}

func bearer(secret string) edit { return header("Authorization", "Bearer "+secret) }

// do sends a request; edits come last. It may be called by any goroutine.
func (c *caller) do(ctx context.Context, method, address string, body io.Reader, edits ...edit) (reply, error) {
	req, err := http.NewRequestWithContext(ctx, method, address, body)
	if err != nil {
		return reply{}, harness.Final(err)
	}
	for _, e := range edits {
		e(req)
	}
	resp, err := c.http.Do(req)
	if err != nil {
		return reply{}, err
	}
	defer func() { _ = resp.Body.Close() }()
	text, err := io.ReadAll(resp.Body)
	return reply{resp.StatusCode, resp.Header, text}, err
}

// try posts to the collector with the key of application site.
func (c *caller) try(path string, body []byte, edits ...edit) (reply, error) {
	edits = append([]edit{bearer(siteServerKey)}, edits...)
	return c.do(c.t.Context(), http.MethodPost, c.w.Collector+path, bytes.NewReader(body), edits...)
}

// post is try that has to be answered.
func (c *caller) post(path string, body []byte, edits ...edit) reply {
	c.t.Helper()
	r, err := c.try(path, body, edits...)
	if err != nil {
		c.t.Fatal(err)
	}
	return r
}

// accept posts events that all have to be accepted, and returns their ids.
func (c *caller) accept(body string, edits ...edit) []string {
	c.t.Helper()
	r := c.post("/v1/events", []byte(body), edits...)
	ids := make([]string, 0, len(r.results()))
	for _, res := range r.results() {
		ids = append(ids, res.EventID)
		if res.Status != "accepted" {
			c.t.Fatalf("the door says %+v", res)
		}
	}
	if r.status != http.StatusAccepted || len(ids) == 0 {
		c.t.Fatalf("the door answers %s", r)
	}
	return ids
}

// ask asks the query API, with the token that reads everything.
func (c *caller) ask(path string, query url.Values, edits ...edit) (reply, error) {
	address := c.w.Query + path
	if len(query) > 0 {
		address += "?" + query.Encode()
	}
	edits = append([]edit{bearer(c.w.Token)}, edits...)
	return c.do(c.t.Context(), http.MethodGet, address, nil, edits...)
}

// read asks for a 200 and decodes it.
func (c *caller) read(into any, path string, query url.Values) error {
	r, err := c.ask(path, query)
	if err != nil {
		return err
	}
	if r.status != http.StatusOK {
		return fmt.Errorf("%s?%s answers %s", path, query.Encode(), r)
	}
	return json.Unmarshal(r.body, into)
}
