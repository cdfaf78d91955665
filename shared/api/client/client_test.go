package client_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/go-json-experiment/json/jsontext"
	"github.com/google/go-cmp/cmp"

	"github.com/theeye/theeye/shared/api"
	"github.com/theeye/theeye/shared/api/client"
	"github.com/theeye/theeye/shared/api/client/clienttest"
)

// get is a request that is repeated, post one that is not.
var (
	get  = client.Request{Method: http.MethodGet, Path: "/"}
	post = client.Request{Method: http.MethodPost, Path: "/"}
	put  = client.Request{Method: http.MethodPut, Path: "/", Body: []byte("same")}
)

func TestRequestCarriesEveryField(t *testing.T) {
	s := clienttest.NewServer(t, clienttest.Answer{Status: 200, Header: map[string]string{"ETag": `"18446744073709551615"`}, Body: `{}`})
	resp, err := s.NewClient(t, nil).Do(t.Context(), client.Request{
		Method: http.MethodPut, Path: api.SchemaPath("a/b ?", "ü%"), Query: url.Values{"x": {"&"}},
		Body: []byte(`{"n":1}`), IfMatch: client.Match(7), Note: "wé",
	})
	if err != nil || resp.Revision() != 1<<64-1 {
		t.Fatal(resp, err)
	}
	r := s.Requests[0]
	got := []string{
		r.Method, r.RequestURI, r.Header.Get("Authorization"), r.Header.Get("If-Match"), r.Header.Get("X-Eye-Note"),
		r.Header.Get("Content-Type"), r.Header.Get("Accept"), r.UserAgent(), s.Bodies[0],
	}
	want := []string{
		"PUT", "/v1/schemas/a%2Fb%20%3F/%C3%BC%25?x=%26", "Bearer " + clienttest.Token, `"7"`, "wé",
		"application/json", "application/json", "test/1", `{"n":1}`,
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestRequestCarriesNoEmptyField(t *testing.T) {
	s := clienttest.NewServer(t, clienttest.Answer{Status: 204})
	c, err := client.New(client.Config{URL: s.URL})
	if err != nil {
		t.Fatal(err)
	}
	resp, err := c.DoOnce(t.Context(), client.Request{Method: http.MethodGet, Path: "/", IfMatch: client.Match(0)})
	if err != nil || resp.Status != 204 || resp.Revision() != 0 || len(resp.Body) != 0 {
		t.Fatal(resp, err)
	}
	for _, name := range []string{"Authorization", "If-Match", "X-Eye-Note", "Content-Type"} {
		if values := s.Requests[0].Header.Values(name); len(values) != 0 {
			t.Errorf("%s is %q", name, values)
		}
	}
	if r := s.Requests[0]; r.RequestURI != "/" || s.Bodies[0] != "" {
		t.Errorf("%s with the body %q", r.RequestURI, s.Bodies[0])
	}
}

// Another server can forward a path to The Eye.
func TestURLMayHaveAPath(t *testing.T) {
	s := clienttest.NewServer(t, clienttest.Answer{Status: 200, Body: `{}`})
	for _, suffix := range []string{"/eye", "/eye/"} {
		c, err := client.New(client.Config{URL: s.URL + suffix})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := c.Do(t.Context(), client.Request{Method: http.MethodGet, Path: api.SchemaPath("a/b", "c")}); err != nil {
			t.Fatal(err)
		}
		if r := s.Requests[len(s.Requests)-1]; r.RequestURI != "/eye/v1/schemas/a%2Fb/c" || r.Header.Get("Authorization") != "" {
			t.Errorf("%s: %s %v", suffix, r.RequestURI, r.Header)
		}
	}
}

func TestProblemNamesEveryFault(t *testing.T) {
	s := clienttest.NewServer(t, clienttest.Answer{Status: 422, Body: `{"code": "invalid_declaration", "detail": "2 faults", "status": 422, "faults": [
		{"code": "x", "path": "/type", "message": "must be a type"}, {"code": "x", "path": "", "message": "is wrong"}]}`})
	_, err := s.NewClient(t, nil).Do(t.Context(), put)
	if want := "422 invalid_declaration: 2 faults\n  /type: must be a type\n  is wrong"; err == nil || err.Error() != want {
		t.Errorf("%v", err)
	}
}

func TestForeignAnswersAreRecognized(t *testing.T) {
	for _, body := range []string{"", "<html>502", `{"error": "gateway"}`, `{"code": 7}`, `[]`} {
		s := clienttest.NewServer(t, clienttest.Answer{Status: 502, Body: body})
		_, err := s.NewClient(t, nil).Do(t.Context(), get)
		if client.Status(err) != 502 || !strings.Contains(err.Error(), "not from The Eye") || strings.Contains(err.Error(), "gateway") {
			t.Errorf("%q: %v", body, err)
		}
	}
	s := clienttest.NewServer(t, clienttest.Answer{Status: 200, Body: "<html>welcome"})
	var foreign *client.ForeignError
	if _, err := s.NewClient(t, nil).Get(t.Context(), "/", nil, &api.SchemaList{}); !errors.As(err, &foreign) {
		t.Errorf("%v", err)
	}
}

func TestUnavailableServiceIsRetriedAfterTheRequestedDelay(t *testing.T) {
	unavailable := clienttest.Answer{Status: 503, Body: `{"code": "starting", "detail": "soon"}`}
	later := clienttest.Answer{Status: 503, Header: map[string]string{"Retry-After": "3"}, Body: unavailable.Body}
	var delays []time.Duration
	s := clienttest.NewServer(t, unavailable, later, clienttest.Answer{Status: 200, Body: `{}`})
	if _, err := s.NewClient(t, &delays).Do(t.Context(), put); err != nil {
		t.Error(err)
	}
	if diff := cmp.Diff([]time.Duration{250 * time.Millisecond, 3 * time.Second}, delays); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff([]string{"same", "same", "same"}, s.Bodies); diff != "" {
		t.Error(diff)
	}
}

func TestRetriesAreBounded(t *testing.T) {
	var delays []time.Duration
	s := clienttest.NewServer(t, clienttest.Answer{Status: 503, Body: `{"code": "starting"}`})
	if _, err := s.NewClient(t, &delays).Do(t.Context(), get); client.Status(err) != 503 {
		t.Errorf("%v", err)
	}
	const ms = time.Millisecond // the next delay would exceed 20 s in total
	if diff := cmp.Diff([]time.Duration{250 * ms, 500 * ms, 1000 * ms, 2000 * ms, 4000 * ms, 8000 * ms}, delays); diff != "" {
		t.Errorf("the delays do not double (-want +got):\n%s", diff)
	}
	delays = nil
	s = clienttest.NewServer(t, clienttest.Answer{Status: 503, Header: map[string]string{"Retry-After": "3600"}, Body: `{"code": "starting"}`})
	if _, err := s.NewClient(t, &delays).Do(t.Context(), get); err == nil || len(delays) != 0 {
		t.Errorf("%v after %v", err, delays)
	}
}

func TestPostIsSentOnce(t *testing.T) {
	s := clienttest.NewServer(t, clienttest.Answer{Status: 503, Body: `{"code": "starting"}`})
	if _, err := s.NewClient(t, nil).Do(t.Context(), post); client.Status(err) != 503 || len(s.Requests) != 1 {
		t.Errorf("%v after %d requests", err, len(s.Requests))
	}
}

// A change that was answered 503 may have been carried out.
func TestConflictAfterARetryIsMarked(t *testing.T) {
	conflict := clienttest.Answer{Status: 412, Body: `{"code": "revision_conflict", "detail": "the present revision is 9", "revision": 9}`}
	s := clienttest.NewServer(t, clienttest.Answer{Status: 503, Body: `{"code": "registry_unavailable"}`}, conflict)
	var delays []time.Duration
	_, err := s.NewClient(t, &delays).Do(t.Context(), put)
	var p *client.ProblemError
	if !errors.As(err, &p) || p.Revision == nil || *p.Revision != 9 || !p.Retried || !strings.Contains(err.Error(), "may have been carried out") {
		t.Errorf("%v", err)
	}
	s = clienttest.NewServer(t, conflict)
	_, err = s.NewClient(t, nil).Do(t.Context(), put)
	if client.Status(err) != 412 || strings.Contains(err.Error(), "carried out") {
		t.Errorf("%v", err)
	}
	// A request that reads carries nothing out.
	s = clienttest.NewServer(t, clienttest.Answer{Status: 503, Body: `{"code": "starting"}`}, clienttest.Answer{Status: 404, Body: `{"code": "not_found"}`})
	_, err = s.NewClient(t, &delays).Do(t.Context(), get)
	if client.Status(err) != 404 || strings.Contains(err.Error(), "carried out") {
		t.Errorf("%v", err)
	}
}

// The token is sent to the configured address and to no other.
func TestRedirectsAreNotFollowed(t *testing.T) {
	other := clienttest.NewServer(t, clienttest.Answer{Status: 200, Body: `{}`})
	s := clienttest.NewServer(t, clienttest.Answer{Status: 307, Header: map[string]string{"Location": other.URL}})
	if _, err := s.NewClient(t, nil).Do(t.Context(), get); client.Status(err) != 307 {
		t.Error(err)
	}
	if len(other.Requests) != 0 {
		t.Error("the token was sent to another address")
	}
}

func TestUnreachableServiceIsNamed(t *testing.T) {
	s := clienttest.NewServer(t)
	s.Close()
	_, err := s.NewClient(t, nil).Do(t.Context(), get)
	var unreachable *client.UnreachableError
	if !errors.As(err, &unreachable) || !client.IsUnavailable(err) || !strings.Contains(err.Error(), s.URL) {
		t.Errorf("%v", err)
	}
}

func TestCancellationReturnsItsCause(t *testing.T) {
	cause := errors.New("the user pressed a key")
	s := clienttest.NewServer(t, clienttest.Answer{Status: 503, Header: map[string]string{"Retry-After": "20"}, Body: `{"code": "starting"}`})
	ctx, cancel := context.WithCancelCause(t.Context())
	duringDelay := s.NewClientWithSleep(t, func(ctx context.Context, _ time.Duration) error {
		cancel(cause)
		return ctx.Err()
	})
	if _, err := duringDelay.Do(ctx, get); !errors.Is(err, cause) {
		t.Errorf("%v", err)
	}
	if err := duringDelay.Sleep(ctx, time.Second); !errors.Is(err, cause) {
		t.Errorf("%v", err)
	}
	if _, err := s.NewClient(t, nil).Do(ctx, get); !errors.Is(err, cause) || client.IsUnavailable(err) {
		t.Errorf("the service is blamed: %v", err)
	}
}

func TestInvalidConfigurationIsRefusedWithoutItsSecrets(t *testing.T) {
	for _, cfg := range []client.Config{
		{URL: ""},
		{URL: "127.0.0.1:8080"},
		{URL: "ftp://127.0.0.1"},
		{URL: "http://"},
		{URL: "http://u:secret@127.0.0.1"},
		{URL: "http://127.0.0.1?secret"},
		{URL: "http://127.0.0.1#secret"},
		{URL: "http://127.0.0.1", Token: "secret\r\nX-Other: 1"},
		{URL: "http://127.0.0.1", Token: "secret secret"},
		{URL: "http://127.0.0.1", Token: "secrét"},
	} {
		var invalid *client.InvalidError
		if _, err := client.New(cfg); !errors.As(err, &invalid) || strings.Contains(err.Error(), "secr") {
			t.Errorf("%+v: %v", cfg, err)
		}
	}
	if _, err := client.New(client.Config{URL: "http://127.0.0.1", Token: "!secret~"}); err != nil {
		t.Errorf("every visible character of ASCII may be in a token: %v", err)
	}
}

func TestNoteMustBeOneLine(t *testing.T) {
	s := clienttest.NewServer(t, clienttest.Answer{Status: 200})
	for _, note := range []string{"two\nlines", "a\rb", "a\tb", "\x7f", "a\u0085b"} {
		r := put
		r.Note = note
		var invalid *client.InvalidError
		if _, err := s.NewClient(t, nil).Do(t.Context(), r); !errors.As(err, &invalid) || invalid.Field != client.FieldNote || len(s.Requests) != 0 {
			t.Errorf("%q: %v", note, err)
		}
	}
}

func TestPagesAreReadUpToTheLimit(t *testing.T) {
	page := func(items, next string) clienttest.Answer {
		return clienttest.Answer{Status: 200, Body: fmt.Sprintf(`{"events":[%s],"next_cursor":%s}`, items, next)}
	}
	for _, c := range []struct {
		limit   int
		answers []clienttest.Answer
		queries []string
		want    string
	}{
		{5, []clienttest.Answer{page("", "null")}, []string{"limit=2&x=y"}, ""},
		// A page may be empty and not the last; a cursor that does not move ends the list.
		{5, []clienttest.Answer{page("", `"c"`), page("", `"d"`), page("1", "null")}, []string{"limit=2&x=y", "cursor=c&limit=2&x=y", "cursor=d&limit=2&x=y"}, "1"},
		{5, []clienttest.Answer{page("", `"c"`), page("", `"c"`)}, []string{"limit=2&x=y", "cursor=c&limit=2&x=y"}, ""},
		{5, []clienttest.Answer{page("1.50", `"c d"`), page("2", "null")}, []string{"limit=2&x=y", "cursor=c+d&limit=2&x=y"}, "1.50 2"},
		{3, []clienttest.Answer{page("1,2", `"c"`), page("3", `"d"`)}, []string{"limit=2&x=y", "cursor=c&limit=1&x=y"}, "1 2 3"},
	} {
		s := clienttest.NewServer(t, c.answers...)
		query := url.Values{"x": {"y"}}
		items, err := s.NewClient(t, nil).All(t.Context(), client.List{Path: "/", Member: "events", Query: query, PageSize: 2, Limit: c.limit})
		if err != nil {
			t.Error(err)
		}
		if got := fmt.Sprint(items); got != "["+c.want+"]" {
			t.Errorf("%+v: items %s", c, got)
		}
		var queries []string
		for _, r := range s.Requests {
			queries = append(queries, r.URL.RawQuery)
		}
		if diff := cmp.Diff(c.queries, queries); diff != "" || len(query) != 1 {
			t.Errorf("queries %s", diff)
		}
	}
}

// answerPages is two pages of a list.
var answerPages = []clienttest.Answer{
	{Status: 200, Body: `{"events":[{"event_id":"1","new":1.0}],"next_cursor":"c","new":true}`},
	{Status: 200, Body: `{"events":[{"event_id":"2"}],"next_cursor":null}`},
}

func TestPageSaysWhetherMoreFollow(t *testing.T) {
	var got []string
	list := client.List{Path: "/", Member: "events", PageSize: 1, Limit: 9}
	for page, err := range clienttest.NewServer(t, answerPages...).NewClient(t, nil).Pages(t.Context(), list) {
		if err != nil {
			t.Fatal(err)
		}
		got = append(got, fmt.Sprint(page.Items, page.More))
	}
	if diff := cmp.Diff([]string{`[{"event_id":"1","new":1.0}] true`, `[{"event_id":"2"}] false`}, got); diff != "" {
		t.Errorf("pages (-want +got):\n%s", diff)
	}
}

func TestPagesEndWithTheFirstError(t *testing.T) {
	for name, last := range map[string]clienttest.Answer{
		"problem":       {Status: 500, Body: `{"code":"internal"}`},
		"another shape": {Status: 200, Body: `{"events":7}`},
	} {
		s := clienttest.NewServer(t, answerPages[0], last)
		list := client.List{Path: "/", Member: "events", PageSize: 1, Limit: 9}
		pages, errs := 0, 0
		for page, err := range s.NewClient(t, nil).Pages(t.Context(), list) {
			if (page == nil) != (err != nil) {
				t.Errorf("%s: %v beside %v", name, page, err)
			}
			if pages++; err != nil {
				errs++
			}
		}
		if pages != 2 || errs != 1 || len(s.Requests) != 2 {
			t.Errorf("%s: %d pages, %d errors, %d requests", name, pages, errs, len(s.Requests))
		}
		if items, err := clienttest.NewServer(t, last).NewClient(t, nil).All(t.Context(), list); err == nil || items != nil {
			t.Errorf("%s: %v, %v", name, items, err)
		}
	}
}

func TestPagesStopWithTheCaller(t *testing.T) {
	s := clienttest.NewServer(t, answerPages...)
	list := client.List{Path: "/", Member: "events", PageSize: 1, Limit: 9}
	for page, err := range s.NewClient(t, nil).Pages(t.Context(), list) {
		if err != nil || !page.More {
			t.Errorf("%v, %v", page, err)
		}
		break
	}
	if len(s.Requests) != 1 {
		t.Errorf("%d requests for one page", len(s.Requests))
	}
}

func TestItemsAreDecodedInOrder(t *testing.T) {
	items, err := clienttest.NewServer(t, answerPages...).NewClient(t, nil).
		All(t.Context(), client.List{Path: "/", Member: "events", PageSize: 1, Limit: 9})
	if err != nil {
		t.Fatal(err)
	}
	events, err := client.DecodeItems[api.Event](items)
	if err != nil || len(events) != 2 || events[0].EventID != "1" || events[1].EventID != "2" {
		t.Errorf("%v, %v", events, err)
	}
	if events, err := client.DecodeItems[api.Event](append(items, jsontext.Value("7"))); err == nil || events != nil {
		t.Errorf("%v, %v", events, err)
	}
}

func TestPagesOfAnotherShapeAreForeign(t *testing.T) {
	var foreign *client.ForeignError
	for _, body := range []string{`<html>`, `[]`, `{"events":{}}`, `{"events":[],"next_cursor":7}`} {
		s := clienttest.NewServer(t, clienttest.Answer{Status: 200, Body: body})
		if _, err := s.NewClient(t, nil).All(t.Context(), client.List{Path: "/", Member: "events", PageSize: 2, Limit: 2}); !errors.As(err, &foreign) {
			t.Errorf("%s: %v", body, err)
		}
	}
	if _, err := client.DecodeItems[api.Event]([]jsontext.Value{jsontext.Value(`{"event_id":1}`)}); !errors.As(err, &foreign) {
		t.Errorf("%v", err)
	}
}
