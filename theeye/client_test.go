package main

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/theeye/theeye/shared/daemon"
)

// double answers each request with the next of its answers, the last one for
// ever, and records what it was asked.
type double struct {
	*httptest.Server
	answers []doubled
	asked   []*http.Request
	bodies  []string
}

type doubled struct {
	status int
	header map[string]string
	body   string
}

func newDouble(t *testing.T, answers ...doubled) *double {
	t.Helper()
	d := &double{answers: answers}
	d.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		d.asked, d.bodies = append(d.asked, r), append(d.bodies, string(body))
		a := d.answers[min(len(d.asked), len(d.answers))-1]
		for name, value := range a.header {
			w.Header().Set(name, value)
		}
		w.WriteHeader(a.status)
		_, _ = io.WriteString(w, a.body)
	}))
	t.Cleanup(d.Close)
	return d
}

// hasty returns a client that notes its pauses in place of waiting.
func (d *double) hasty(t *testing.T, waits *[]time.Duration) *client {
	t.Helper()
	c, err := remote{URL: d.URL, Token: "eye_secret"}.client()
	if err != nil {
		t.Fatal(err)
	}
	c.pause = func(ctx context.Context, wait time.Duration) error {
		*waits = append(*waits, wait)
		return ctx.Err()
	}
	return c
}

func TestClientAsks(t *testing.T) {
	d := newDouble(t, doubled{status: 200, header: map[string]string{"ETag": `"18446744073709551615"`}, body: `{}`})
	a, err := d.hasty(t, nil).do(t.Context(), request{
		method: http.MethodPut, path: schemaPath("a/b ?", "ü%"), query: url.Values{"x": {"&"}},
		body: []byte(`{"n":1}`), match: matching(7), note: "wé",
	})
	if err != nil || a.revision() != 1<<64-1 {
		t.Fatal(a, err)
	}
	r := d.asked[0]
	got := []string{
		r.Method, r.RequestURI, r.Header.Get("Authorization"), r.Header.Get("If-Match"), r.Header.Get("X-Eye-Note"),
		r.Header.Get("Content-Type"), d.bodies[0],
	}
	want := []string{
		"PUT", "/v1/schemas/a%2Fb%20%3F/%C3%BC%25?x=%26", "Bearer eye_secret", `"7"`, "wé", "application/json", `{"n":1}`,
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	if !strings.HasPrefix(r.UserAgent(), "theeye/") {
		t.Errorf("user agent %q", r.UserAgent())
	}
}

// The address may have a path, when The Eye stands behind another server.
func TestClientBelowAPath(t *testing.T) {
	d := newDouble(t, doubled{status: 200, body: `{}`})
	for _, suffix := range []string{"/eye", "/eye/"} {
		c, err := remote{URL: d.URL + suffix}.client()
		if err != nil {
			t.Fatal(err)
		}
		if _, err := c.do(t.Context(), request{method: http.MethodGet, path: schemaPath("a/b", "c")}); err != nil {
			t.Fatal(err)
		}
		if r := d.asked[len(d.asked)-1]; r.RequestURI != "/eye/v1/schemas/a%2Fb/c" || r.Header.Get("Authorization") != "" {
			t.Errorf("%s: %s %v", suffix, r.RequestURI, r.Header)
		}
	}
}

// The status decides the exit code.
func TestExitCodes(t *testing.T) {
	for status, want := range map[int]int{
		400: 2, 401: 2, 403: 2, 404: 1, 405: 1, 408: 3, 409: 1, 410: 1, 412: 1, 413: 2, 415: 1, 422: 2, 428: 1, 429: 1,
		500: 1, 502: 1, 503: 3, 504: 3, 301: 1, 418: 1,
	} {
		d := newDouble(t, doubled{status: status, header: map[string]string{"Location": "/elsewhere"}, body: `{"code": "some_code", "detail": "why"}`})
		_, err := d.hasty(t, &[]time.Duration{}).do(t.Context(), request{method: http.MethodPost, path: "/"})
		if code := daemon.ExitCode(err); code != want {
			t.Errorf("%d: exit code %d, want %d", status, code, want)
		}
		if err == nil || !strings.Contains(err.Error(), "some_code: why") {
			t.Errorf("%d: %v", status, err)
		}
		if len(d.asked) != 1 {
			t.Errorf("%d: a POST was sent %d times", status, len(d.asked))
		}
	}
}

// Every fault is told, and what no Eye answered is not taken for an answer.
func TestProblems(t *testing.T) {
	d := newDouble(t, doubled{status: 422, body: `{"code": "invalid_declaration", "detail": "2 faults", "status": 422, "faults": [
		{"code": "x", "path": "/type", "message": "wants a type"}, {"code": "x", "path": "", "message": "is wrong"}]}`})
	_, err := d.hasty(t, nil).do(t.Context(), request{method: http.MethodPut, path: "/"})
	if want := "422 invalid_declaration: 2 faults\n  /type: wants a type\n  : is wrong"; err == nil || err.Error() != want {
		t.Errorf("%v", err)
	}
	for _, body := range []string{"", "<html>502", `{"error": "gateway"}`, `{"code": 7}`, `[]`} {
		d := newDouble(t, doubled{status: 502, body: body})
		_, err := d.hasty(t, nil).do(t.Context(), request{method: http.MethodGet, path: "/"})
		if err == nil || !strings.Contains(err.Error(), "no answer of The Eye") || strings.Contains(err.Error(), "gateway") {
			t.Errorf("%q: %v", body, err)
		}
	}
	var list schemaList
	d = newDouble(t, doubled{status: 200, body: "<html>welcome"})
	if _, err := d.hasty(t, nil).get(t.Context(), "/", nil, &list); err == nil || !strings.Contains(err.Error(), "--url") {
		t.Errorf("%v", err)
	}
	d = newDouble(t, doubled{status: 401, body: `{"code": "unauthorized", "detail": "the token is not valid"}`})
	if _, err := d.hasty(t, nil).get(t.Context(), "/", nil, &list); err == nil || !strings.Contains(err.Error(), "EYE_TOKEN") {
		t.Errorf("%v", err)
	}
}

// 503 is asked again after as long as it says, but not for ever.
func TestRetries(t *testing.T) {
	away := doubled{status: 503, body: `{"code": "starting", "detail": "soon"}`}
	later := doubled{status: 503, header: map[string]string{"Retry-After": "3"}, body: away.body}
	var waits []time.Duration
	d := newDouble(t, away, later, doubled{status: 200, body: `{}`})
	if _, err := d.hasty(t, &waits).do(t.Context(), request{method: http.MethodPut, path: "/", body: []byte("same")}); err != nil {
		t.Error(err)
	}
	if diff := cmp.Diff([]time.Duration{250 * time.Millisecond, 3 * time.Second}, waits); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff([]string{"same", "same", "same"}, d.bodies); diff != "" {
		t.Error(diff)
	}
	waits = nil
	d = newDouble(t, away)
	_, err := d.hasty(t, &waits).do(t.Context(), request{method: http.MethodGet, path: "/"})
	var total time.Duration
	for _, w := range waits {
		total += w
	}
	if daemon.ExitCode(err) != daemon.ExitUnreachable || len(waits) < 3 || total > retryFor {
		t.Errorf("%v after %v", err, waits)
	}
	waits = nil
	d = newDouble(t, doubled{status: 503, header: map[string]string{"Retry-After": "3600"}, body: away.body})
	if _, err := d.hasty(t, &waits).do(t.Context(), request{method: http.MethodGet, path: "/"}); err == nil || len(waits) != 0 {
		t.Errorf("%v after %v", err, waits)
	}
}

// A change that was answered 503 may have been carried out: a conflict after
// it says so.
func TestConflictAfterRetry(t *testing.T) {
	conflict := doubled{status: 412, body: `{"code": "revision_conflict", "detail": "the present revision is 9", "revision": 9}`}
	d := newDouble(t, doubled{status: 503, body: `{"code": "registry_unavailable"}`}, conflict)
	_, err := d.hasty(t, &[]time.Duration{}).do(t.Context(), request{method: http.MethodPut, path: "/"})
	var told *answered
	if !errors.As(err, &told) || told.Revision != 9 || !strings.Contains(err.Error(), "may have been carried out") {
		t.Errorf("%v", err)
	}
	d = newDouble(t, conflict)
	_, err = d.hasty(t, nil).do(t.Context(), request{method: http.MethodPut, path: "/"})
	if status(err) != 412 || strings.Contains(err.Error(), "carried out") {
		t.Errorf("%v", err)
	}
}

// The token is sent to the address that was given, and to no other.
func TestRedirectIsNotFollowed(t *testing.T) {
	thief := newDouble(t, doubled{status: 200, body: `{}`})
	d := newDouble(t, doubled{status: 307, header: map[string]string{"Location": thief.URL}})
	if _, err := d.hasty(t, nil).do(t.Context(), request{method: http.MethodGet, path: "/"}); status(err) != 307 {
		t.Error(err)
	}
	if len(thief.asked) != 0 {
		t.Error("the token was sent elsewhere")
	}
}

func TestUnreachable(t *testing.T) {
	d := newDouble(t, doubled{})
	d.Close()
	_, err := d.hasty(t, nil).do(t.Context(), request{method: http.MethodGet, path: "/"})
	if daemon.ExitCode(err) != daemon.ExitUnreachable || !strings.Contains(err.Error(), d.URL) {
		t.Errorf("%v", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := d.hasty(t, nil).do(ctx, request{method: http.MethodGet, path: "/"}); !errors.Is(err, errInterrupted) {
		t.Errorf("%v", err)
	}
}

// An interrupt ends a pause.
func TestInterruptedPause(t *testing.T) {
	d := newDouble(t, doubled{status: 503, header: map[string]string{"Retry-After": "20"}, body: `{"code": "starting"}`})
	ctx, cancel := context.WithCancel(t.Context())
	c := d.hasty(t, nil)
	c.pause = func(ctx context.Context, wait time.Duration) error { cancel(); return pause(ctx, wait) }
	if _, err := c.do(ctx, request{method: http.MethodGet, path: "/"}); !errors.Is(err, errInterrupted) {
		t.Errorf("%v", err)
	}
}

// What cannot be sent is wrong usage, and no part of it is told again: it may
// be the secret.
func TestWrongRemote(t *testing.T) {
	for _, r := range []remote{
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
		if _, err := r.client(); daemon.ExitCode(err) != daemon.ExitUsage || strings.Contains(err.Error(), "secr") {
			t.Errorf("%+v: %v", r, err)
		}
	}
	d := newDouble(t, doubled{status: 200})
	_, err := d.hasty(t, nil).do(t.Context(), request{method: http.MethodPut, path: "/", note: "two\nlines"})
	if daemon.ExitCode(err) != daemon.ExitUsage || len(d.asked) != 0 {
		t.Errorf("%v", err)
	}
}
