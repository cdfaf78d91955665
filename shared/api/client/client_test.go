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
		r.Header.Get("Content-Type"), r.UserAgent(), s.Bodies[0],
	}
	want := []string{
		"PUT", "/v1/schemas/a%2Fb%20%3F/%C3%BC%25?x=%26", "Bearer " + clienttest.Token, `"7"`, "wé",
		"application/json", "test/1", `{"n":1}`,
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
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
	if want := "422 invalid_declaration: 2 faults\n  /type: must be a type\n  : is wrong"; err == nil || err.Error() != want {
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
	_, err := s.NewClient(t, &delays).Do(t.Context(), get)
	var total time.Duration
	for _, d := range delays {
		total += d
	}
	if !client.IsUnavailable(err) || len(delays) < 3 || total > 20*time.Second {
		t.Errorf("%v after %v", err, delays)
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
	if _, err := s.NewClient(t, nil).Do(ctx, get); !errors.Is(err, cause) {
		t.Errorf("%v", err)
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
	s := clienttest.NewServer(t, clienttest.Answer{Status: 200})
	r := put
	r.Note = "two\nlines"
	var invalid *client.InvalidError
	if _, err := s.NewClient(t, nil).Do(t.Context(), r); !errors.As(err, &invalid) || len(s.Requests) != 0 {
		t.Errorf("%v", err)
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
		{5, []clienttest.Answer{page("", `"c"`)}, []string{"limit=2&x=y"}, ""},
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
