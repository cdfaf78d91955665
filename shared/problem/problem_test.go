package problem_test

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/theeye/theeye/shared/problem"
)

func TestWrite(t *testing.T) {
	hostile := "line\r\nbreak <script> \x1b[31m \xff \"quoted\""
	rec := httptest.NewRecorder()
	rec.Header().Set("Retry-After", "1")
	problem.Write(rec, http.StatusServiceUnavailable, "overloaded", hostile)

	if rec.Code != http.StatusServiceUnavailable {
		t.Errorf("status = %d", rec.Code)
	}
	for name, want := range map[string]string{
		"Content-Type":           "application/problem+json",
		"Cache-Control":          "no-store",
		"X-Content-Type-Options": "nosniff",
		"Retry-After":            "1",
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

func TestTitleOfUnknownStatus(t *testing.T) {
	if got := string(problem.Append(nil, 499, "x", "y")); !strings.Contains(got, `"title":"Error"`) {
		t.Errorf("problem = %s", got)
	}
}
