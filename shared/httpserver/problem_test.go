package httpserver_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/go-json-experiment/json/jsontext"
	"github.com/google/go-cmp/cmp"

	"github.com/theeye/theeye/shared/httpserver"
)

func answerOf(f *httpserver.Failure) (*httptest.ResponseRecorder, map[string]any) {
	rec := httptest.NewRecorder()
	f.Write(rec)
	var body map[string]any
	if err := json.Unmarshal(rec.Body.Bytes(), &body); err != nil {
		panic(fmt.Sprintf("%s: %v", rec.Body, err))
	}
	return rec, body
}

// A client that waits for Retry-After never comes too early.
func TestRetryAfterIsRoundedUp(t *testing.T) {
	for wait, want := range map[time.Duration]string{
		0: "", 1: "1", time.Millisecond: "1", time.Second: "1", time.Second + 1: "2", 90*time.Second - 1: "90",
	} {
		rec, _ := answerOf(httpserver.Unavailable("overloaded", "d", wait, nil))
		if got := rec.Header().Get("Retry-After"); got != want || rec.Code != http.StatusServiceUnavailable {
			t.Errorf("%v: %d, Retry-After %q, want %q", wait, rec.Code, got, want)
		}
	}
}

func TestUnauthorizedNamesTheScheme(t *testing.T) {
	for status, want := range map[int]string{401: `Bearer realm="theeye"`, 403: "", 503: ""} {
		rec, _ := answerOf(httpserver.NewFailure(status, "c", "d"))
		if got := rec.Header().Get("WWW-Authenticate"); got != want {
			t.Errorf("%d: WWW-Authenticate %q, want %q", status, got, want)
		}
	}
}

func TestWritesMembersAndHeader(t *testing.T) {
	f := httpserver.NewFailure(http.StatusPreconditionFailed, "revision_conflict", "it changed")
	f.Header = http.Header{"Etag": {`"7"`}}
	f.Members = []httpserver.Member{
		{Name: "revision", Value: jsontext.Value("7")},
		{Name: "faults", Value: jsontext.Value(`[{"path":"/a"}]`)},
	}
	rec, body := answerOf(f)
	want := map[string]any{
		"type": "about:blank", "title": "Precondition Failed", "status": 412.0, "code": "revision_conflict",
		"detail": "it changed", "revision": 7.0, "faults": []any{map[string]any{"path": "/a"}},
	}
	if diff := cmp.Diff(want, body); diff != "" {
		t.Error(diff)
	}
	if rec.Header().Get("ETag") != `"7"` {
		t.Errorf("header %v", rec.Header())
	}
	// Writing an answer never changes a failure, which requests may share.
	rec.Header()["Etag"][0] = "other"
	if f.Header.Get("ETag") != `"7"` {
		t.Error("the answer's header is the failure's")
	}
}

// The cause is for the log only.
func TestCauseIsNotShown(t *testing.T) {
	cause := errors.New("password=hunter2")
	for _, f := range []*httpserver.Failure{httpserver.Internal(cause), httpserver.Unavailable("c", "d", time.Second, cause)} {
		rec, _ := answerOf(f)
		if strings.Contains(rec.Body.String()+fmt.Sprint(rec.Header()), "hunter2") {
			t.Errorf("the answer shows it: %v %s", rec.Header(), rec.Body)
		}
		if !errors.Is(fmt.Errorf("x: %w", f), cause) || !strings.Contains(f.Error(), "hunter2") {
			t.Errorf("the log does not: %v", f)
		}
	}
	if got := httpserver.NewFailure(400, "c", "d").Error(); got != "c: d" {
		t.Errorf("without a cause: %q", got)
	}
}

func TestWriteProblem(t *testing.T) {
	hostile := "line\r\nbreak <script> \x1b[31m \xff \"quoted\""
	rec := httptest.NewRecorder()
	rec.Header().Set("Retry-After", "1")
	rec.Header().Set("Content-Length", "7") // of another body
	httpserver.WriteProblem(rec, http.StatusServiceUnavailable, "overloaded", hostile)

	if rec.Code != http.StatusServiceUnavailable {
		t.Errorf("status = %d", rec.Code)
	}
	for name, want := range map[string]string{
		"Content-Type":           "application/problem+json",
		"Cache-Control":          "no-store",
		"X-Content-Type-Options": "nosniff",
		"Retry-After":            "1",
		"Content-Length":         "",
	} {
		if got := rec.Header().Get(name); got != want {
			t.Errorf("%s = %q, want %q", name, got, want)
		}
	}
	if strings.ContainsAny(strings.TrimSuffix(rec.Body.String(), "\n"), "\r\n\x1b") {
		t.Errorf("the body holds control characters: %q", rec.Body)
	}
	var got map[string]any
	if err := json.Unmarshal(rec.Body.Bytes(), &got); err != nil {
		t.Fatal(err)
	}
	want := map[string]any{
		"type": "about:blank", "title": "Service Unavailable", "status": 503.0, "code": "overloaded",
		"detail": strings.ReplaceAll(hostile, "\xff", "\uFFFD"),
	}
	for name, value := range want {
		if got[name] != value {
			t.Errorf("%s = %q, want %q", name, got[name], value)
		}
	}
	if len(got) != len(want) {
		t.Errorf("members: %v", got)
	}
}

func TestUnknownStatusHasATitle(t *testing.T) {
	rec := httptest.NewRecorder()
	httpserver.WriteProblem(rec, 499, "x", "y")
	if !strings.Contains(rec.Body.String(), `"title":"Error"`) {
		t.Errorf("problem = %s", rec.Body)
	}
}

func TestFailuresOfKnownKinds(t *testing.T) {
	for _, c := range []struct {
		failure *httpserver.Failure
		want    string
	}{
		{httpserver.BadRequest("code", "parameter %s", "a"), "400 code: parameter a"},
		{httpserver.NotFound("no event"), "404 not_found: no event"},
		{httpserver.NoSuchPath(), "404 not_found: there is nothing at this path"},
		{httpserver.Unavailable("starting", "soon", time.Second, nil), "503 starting: soon"},
	} {
		if got := fmt.Sprintf("%d %v", c.failure.Status, c.failure); got != c.want {
			t.Errorf("%s, want %s", got, c.want)
		}
	}
}
