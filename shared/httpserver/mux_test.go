package httpserver_test

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/theeye/theeye/shared/api"
	"github.com/theeye/theeye/shared/httpserver"
)

// namedHandler answers every request with its name.
type namedHandler string

func (h namedHandler) ServeHTTP(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Answered-By", string(h))
}

func TestMuxServesEachRouteByItsAPI(t *testing.T) {
	const writer, reader = namedHandler("writer"), namedHandler("reader")
	m := httpserver.NewMux(namedHandler("fallback"),
		httpserver.Route{Method: "POST", Pattern: "/things", Handler: writer},
		httpserver.Route{Method: "POST", Pattern: "/checks", Handler: writer},
		httpserver.Route{Method: "GET", Pattern: "/things", Handler: reader},
		httpserver.Route{Method: "GET", Pattern: "/things/:id", Handler: reader},
		httpserver.Route{Method: "GET", Pattern: "/things/:id/trace", Handler: reader},
		httpserver.Route{Method: "POST", Pattern: "/things", Handler: reader},
	)
	for _, c := range []struct{ method, target, want string }{
		{"POST", "/things", "writer"},
		{"POST", "/things?x=/y", "writer"},
		{"GET", "/things", "reader"},
		{"GET", "/checks", "writer"}, // answers itself which methods it has
		{"GET", "/things/a%2Fb", "reader"},
		{"DELETE", "/things/a", "reader"},
		{"GET", "/things/a/trace", "reader"},
		{"POST", "/things/", "writer"},
		{"POST", "//things", "writer"},
		{"POST", "/%74hings", "writer"},
		{"POST", "/./things", "writer"},
		{"GET", "/things/a/", "reader"},
		{"GET", "/things/%2E%2E/trace", "reader"},
		{"GET", "/things/a/trace/b", "fallback"},
		{"GET", "/things%2F", "fallback"},
		{"GET", "/", "fallback"},
	} {
		w := httptest.NewRecorder()
		m.ServeHTTP(w, httptest.NewRequestWithContext(t.Context(), c.method, c.target, nil))
		if got := w.Header().Get("Answered-By"); got != c.want {
			t.Errorf("%s %s is answered by %q, want %q", c.method, c.target, got, c.want)
		}
	}
}

// A path of several APIs is answered for none of them, with all their methods in
// order.
func TestMuxNamesTheMethodsOfAPathOfSeveralAPIs(t *testing.T) {
	var routes []httpserver.Route
	for _, method := range []string{"POST", "GET", "PATCH", "DELETE", "HEAD"} {
		routes = append(routes, httpserver.Route{Method: method, Pattern: "/things", Handler: namedHandler(method)})
	}
	m := httpserver.NewMux(namedHandler("fallback"), routes...)
	w := httptest.NewRecorder()
	m.ServeHTTP(w, httptest.NewRequestWithContext(t.Context(), "PUT", "/things", nil))
	if w.Code != http.StatusMethodNotAllowed || w.Header().Get("Allow") != "DELETE, GET, HEAD, PATCH, POST" ||
		!strings.Contains(w.Body.String(), api.CodeMethodNotAllowed) || w.Header().Get("Answered-By") != "" {
		t.Errorf("PUT answers %d %v %s", w.Code, w.Header(), w.Body)
	}
}
