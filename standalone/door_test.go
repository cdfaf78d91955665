package standalone

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

func named(name string) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.Header().Set("Answered-By", name) })
}

func TestDoorLeads(t *testing.T) {
	d := &door{collector: named("collector"), queryapi: named("queryapi")}
	ask := func(method, target string) *httptest.ResponseRecorder {
		w := httptest.NewRecorder()
		d.ServeHTTP(w, httptest.NewRequest(method, target, nil))
		return w
	}
	if w := ask("POST", "/v1/events"); w.Code != http.StatusServiceUnavailable || w.Header().Get("Retry-After") == "" {
		t.Errorf("a closed door answers %d %v", w.Code, w.Header())
	}
	if w := ask("GET", "/healthz"); w.Code != http.StatusOK {
		t.Errorf("healthz behind a closed door answers %d", w.Code)
	}
	d.open.Store(true)
	for _, c := range []struct{ method, target, want string }{
		{"POST", "/v1/events", "collector"},
		{"POST", "/v1/events?write_key=x", "collector"},
		{"GET", "/v1/events?session_id=x", "queryapi"},
		{"HEAD", "/v1/events", "queryapi"},
		{"GET", "/v1/events/some-id", "queryapi"},
		{"POST", "/v1/events/", "queryapi"},
		{"OPTIONS", "/v1/events", "collector"},
		{"POST", "/v1/validate", "collector"},
		{"GET", "/v1/validate", "collector"},
		{"OPTIONS", "/v1/validate", "collector"},
		{"GET", "/v1/sessions/x", "queryapi"},
		{"GET", "/v1/rejected", "queryapi"},
		{"GET", "/openapi.json", "queryapi"},
		{"PUT", "/v1/schemas/page%20interaction/v1%2Fevents", "queryapi"},
		{"DELETE", "/v1/policy", "queryapi"},
		{"POST", "/v1/applications", "queryapi"},
		{"POST", "/v1/applications/site/keys", "queryapi"},
		{"POST", "/v1/tokens", "queryapi"},
		{"GET", "/v1/changes", "queryapi"},
		{"GET", "/v1/status", "queryapi"},
		{"GET", "/", "queryapi"},
		{"GET", "/v1//events", "queryapi"},
	} {
		if got := ask(c.method, c.target).Header().Get("Answered-By"); got != c.want {
			t.Errorf("%s %s is answered by %q, want %q", c.method, c.target, got, c.want)
		}
	}
	w := ask("PUT", "/v1/events")
	if w.Code != http.StatusMethodNotAllowed || !strings.Contains(w.Header().Get("Allow"), "POST") ||
		!strings.Contains(w.Body.String(), `"code":"method_not_allowed"`) {
		t.Errorf("PUT answers %d %v %s", w.Code, w.Header(), w.Body)
	}
}
