package problem_test

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

	"github.com/theeye/theeye/shared/problem"
)

func answerOf(f *problem.Failure) (*httptest.ResponseRecorder, map[string]any) {
	rec := httptest.NewRecorder()
	f.Write(rec)
	var body map[string]any
	if err := json.Unmarshal(rec.Body.Bytes(), &body); err != nil {
		panic(fmt.Sprintf("%s: %v", rec.Body, err))
	}
	return rec, body
}

// A client that waits as long as it is told to never comes too early.
func TestRetryAfterIsRoundedUp(t *testing.T) {
	for wait, want := range map[time.Duration]string{
		0: "", 1: "1", time.Millisecond: "1", time.Second: "1", time.Second + 1: "2", 90*time.Second - 1: "90",
	} {
		rec, _ := answerOf(problem.Unavailable("overloaded", "d", wait, nil))
		if got := rec.Header().Get("Retry-After"); got != want || rec.Code != http.StatusServiceUnavailable {
			t.Errorf("%v: %d, Retry-After %q, want %q", wait, rec.Code, got, want)
		}
	}
}

func TestUnauthorizedSaysWhatIsWanted(t *testing.T) {
	for status, want := range map[int]string{401: `Bearer realm="theeye"`, 403: "", 503: ""} {
		rec, _ := answerOf(problem.NewFailure(status, "c", "d"))
		if got := rec.Header().Get("WWW-Authenticate"); got != want {
			t.Errorf("%d: WWW-Authenticate %q, want %q", status, got, want)
		}
	}
}

func TestMembersAndHeader(t *testing.T) {
	f := problem.NewFailure(http.StatusPreconditionFailed, "revision_conflict", "it changed")
	f.Header = http.Header{"Etag": {`"7"`}}
	f.Members = []problem.Member{
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
	// An answer never writes into a failure that all requests share.
	rec.Header()["Etag"][0] = "other"
	if f.Header.Get("ETag") != `"7"` {
		t.Error("the answer's header is the failure's")
	}
}

// What went wrong is for the log alone.
func TestCauseIsNotShown(t *testing.T) {
	cause := errors.New("password=hunter2")
	for _, f := range []*problem.Failure{problem.Internal(cause), problem.Unavailable("c", "d", time.Second, cause)} {
		rec, _ := answerOf(f)
		if strings.Contains(rec.Body.String()+fmt.Sprint(rec.Header()), "hunter2") {
			t.Errorf("the answer shows it: %v %s", rec.Header(), rec.Body)
		}
		if !errors.Is(fmt.Errorf("x: %w", f), cause) || !strings.Contains(f.Error(), "hunter2") {
			t.Errorf("the log does not: %v", f)
		}
	}
	if got := problem.NewFailure(400, "c", "d").Error(); got != "c: d" {
		t.Errorf("without a cause: %q", got)
	}
}
