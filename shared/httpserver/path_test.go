package httpserver_test

import (
	"net/http"
	"net/http/httptest"
	"net/url"
	"testing"

	"github.com/theeye/theeye/shared/httpserver"
)

// Every spelling of a path that RFC 3986 takes for the same is the same route.
func TestCleanPathHasOneSpellingOfEachPath(t *testing.T) {
	known := func(escaped string) bool {
		return httpserver.MatchPattern("/v1/events/:id", escaped) || httpserver.MatchPattern("/v1/events/:id/trace", escaped)
	}
	for target, want := range map[string]string{
		"/v1/events":            "/v1/events",
		"/v1/events/":           "/v1/events",
		"/v1/events///":         "/v1/events",
		"//v1/events":           "/v1/events",
		"/v1//events":           "/v1/events",
		"/v1/%65vents":          "/v1/events",
		"/%76%31/events":        "/v1/events",
		"/v1/./events":          "/v1/events",
		"/v1/events/.":          "/v1/events/.",
		"/v1/events/./":         "/v1/events",
		"/v1/events/../trace":   "/v1/events/../trace",
		"/v1/%65vents/..":       "/v1",
		"/v1/x/../events":       "/v1/events",
		"/../../v1/events":      "/v1/events",
		"/v1/%2e/events":        "/v1/events",
		"/v1/x/%2E%2e/events":   "/v1/events",
		"/%2e%2e/v1/events":     "/v1/events",
		"/openapi%2Ejson":       "/openapi.json",
		"/":                     "/",
		"//":                    "/",
		"/healthz/":             "/healthz",
		"/v1/events/a%2Fb":      "/v1/events/a%2Fb",
		"/v1/events/a%2fb":      "/v1/events/a%2fb",
		"/v1/events/a%2Fb/":     "/v1/events/a%2Fb",
		"/v1/events/%2F":        "/v1/events/%2F",
		"/v1/events/%2E":        "/v1/events/%2E",
		"/v1/events/%2e%2E":     "/v1/events/%2e%2E",
		"/v1/events/.%2e/trace": "/v1/events/.%2e/trace",
		"/v1//events/%2e%2E":    "/v1/events/%2E%2E",
		"/v1/events/...":        "/v1/events/...",
		"/v1/events/.a":         "/v1/events/.a",
		"/v1/events/%252F":      "/v1/events/%252F",
		"/v1/events/%20%3F%23":  "/v1/events/%20%3F%23",
		"/v1/events/%41%c3%a9":  "/v1/events/%41%c3%a9",
		"/v1//events/%41%c3%a9": "/v1/events/A%C3%A9",
		"/V1/Events":            "/V1/Events",
		"/v1/events%2F":         "/v1/events%2F",
		"*":                     "*",
	} {
		r := httptest.NewRequest(http.MethodPost, "/?write_key=k", nil)
		u, err := url.Parse("http://eye" + target + "?write_key=k")
		if target == "*" {
			r.URL.Path = "*"
		} else if r.URL = u; err != nil {
			t.Fatal(err)
		}
		got := httpserver.CleanPath(r, known)
		if got.URL.EscapedPath() != want || got.Method != http.MethodPost || got.URL.RawQuery != "write_key=k" {
			t.Errorf("%s becomes %s %s, want %s", target, got.Method, got.URL, want)
		}
		if again := httpserver.CleanPath(got, known); again != got && again.URL.EscapedPath() != want {
			t.Errorf("%s changes twice, to %s", target, again.URL)
		}
		if target == want && got != r {
			t.Errorf("%s is copied", target)
		}
	}
}

func BenchmarkCleanPath(b *testing.B) {
	for _, target := range []string{"/v1/events", "/v1/%65vents"} {
		r := httptest.NewRequest(http.MethodPost, target, nil)
		b.Run(target, func(b *testing.B) {
			for b.Loop() {
				httpserver.CleanPath(r, func(string) bool { return false })
			}
		})
	}
}
