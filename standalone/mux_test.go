package standalone

import (
	"log/slog"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"github.com/prometheus/client_golang/prometheus"

	"github.com/theeye/theeye/collector"
	"github.com/theeye/theeye/queryapi"
	"github.com/theeye/theeye/shared/httpserver"
	"github.com/theeye/theeye/shared/registry"
)

// namedService answers every request with its name.
type namedService struct {
	name   string
	routes []httpserver.Route
}

func (s *namedService) ServeHTTP(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Answered-By", s.name)
}

func (s *namedService) Handler() http.Handler { return s }

func (s *namedService) AllowReading(h http.Header, _ *http.Request) { h.Set("Readable-By", s.name) }

// Routes returns the routes of the real service, with s as their handler.
func (s *namedService) Routes() []httpserver.Route {
	routes := slices.Clone(s.routes)
	for i := range routes {
		routes[i].Handler = s
	}
	return routes
}

// newServices returns both services with their real routes.
func newServices(t *testing.T) (collect, query *namedService) {
	t.Helper()
	conn := new(nats.Conn)
	js, err := jetstream.New(conn)
	if err != nil {
		t.Fatal(err)
	}
	reg := registry.New(registry.Config{JetStream: js, Logger: slog.New(slog.DiscardHandler)})
	c, err := collector.New(collector.Config{
		JetStream: js, Conn: conn, Registry: reg, Logger: slog.New(slog.DiscardHandler), Metrics: prometheus.NewRegistry(),
	})
	if err != nil {
		t.Fatal(err)
	}
	q, err := queryapi.New(queryapi.Config{
		Registry: reg, Store: struct{ queryapi.Store }{}, Logger: slog.New(slog.DiscardHandler), Metrics: prometheus.NewRegistry(),
	})
	if err != nil {
		t.Fatal(err)
	}
	return &namedService{"collector", c.Routes()}, &namedService{"queryapi", q.Routes()}
}

// newPublicMuxOf returns a mux of a listener on loopback, where requests of
// httptest, which have the host example.com, are allowed.
func newPublicMuxOf(collect, query *namedService) *publicMux {
	return newPublicMux(collect, query, httpserver.NewHosts("127.0.0.1:8080", []string{"example.com"}))
}

// Queries are answered for the hosts of the listener, events for any: sites send
// to any name.
func TestMuxAnswersQueriesForItsHostsAlone(t *testing.T) {
	d := newPublicMuxOf(newServices(t))
	d.open.Store(true)
	for _, c := range []struct {
		method, target string
		query          bool
	}{
		{"GET", "/v1/events", true},
		{"GET", "/v1/tokens", true},
		{"DELETE", "/v1/tokens/a", true},
		{"GET", "/openapi.json", true},
		{"POST", "/v1/events", false},
		{"POST", "/v1/validate", false},
		{"OPTIONS", "/v1/events", false},
		{"GET", "/healthz", false},
		{"GET", "/v1/nothing", false},
	} {
		for host, known := range map[string]bool{
			"127.0.0.1:8080": true, "localhost": true, "[::1]:80": true, "example.com:8080": true,
			"rebound.example": false, "localhost.rebound.example": false, "192.0.2.1": false,
		} {
			r := httptest.NewRequest(c.method, c.target, nil)
			r.Host = host
			w := httptest.NewRecorder()
			d.ServeHTTP(w, r)
			if got, want := w.Code == http.StatusMisdirectedRequest, c.query && !known; got != want {
				t.Errorf("%s %s of host %s: %d", c.method, c.target, host, w.Code)
			}
		}
	}
}

func TestMuxServesEachRouteByItsService(t *testing.T) {
	d := newPublicMuxOf(newServices(t))
	ask := func(method, target string) *httptest.ResponseRecorder {
		w := httptest.NewRecorder()
		d.ServeHTTP(w, httptest.NewRequest(method, target, nil))
		return w
	}
	if w := ask("POST", "/v1/events"); w.Code != http.StatusServiceUnavailable || w.Header().Get("Retry-After") == "" {
		t.Errorf("a closed mux answers %d %v", w.Code, w.Header())
	}
	if w := ask("GET", "/healthz"); w.Code != http.StatusOK {
		t.Errorf("healthz behind a closed mux answers %d", w.Code)
	}
	d.open.Store(true)
	for _, c := range []struct{ method, target, want string }{
		{"POST", "/v1/events", "collector"},
		{"POST", "/v1/events?write_key=x", "collector"},
		{"GET", "/v1/events?session_id=x", "queryapi"},
		{"HEAD", "/v1/events", "queryapi"},
		{"GET", "/v1/events/some-id", "queryapi"},
		{"POST", "/v1/events/", "collector"},
		{"POST", "//v1/events", "collector"},
		{"POST", "/v1/%65vents?write_key=x", "collector"},
		{"POST", "/v1/./events", "collector"},
		{"POST", "/v1/%2e/events", "collector"},
		{"GET", "/v1/events/", "queryapi"},
		{"POST", "/v1/events%2F", "queryapi"},
		{"POST", "/v1/validate/", "collector"},
		{"OPTIONS", "/v1/events", "collector"},
		{"POST", "/v1/validate", "collector"},
		{"GET", "/v1/validate", "collector"},
		{"OPTIONS", "/v1/validate", "collector"},
		{"OPTIONS", "/v1/event", "collector"},
		{"OPTIONS", "/v1/sessions/x", "queryapi"},
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

// A page may read that its request has no route, and no answer of the query API.
func TestMuxLetsPagesReadWhatHasNoRoute(t *testing.T) {
	d := newPublicMuxOf(newServices(t))
	d.open.Store(true)
	for _, c := range []struct {
		method, target string
		readable       bool
	}{
		{"PUT", "/v1/events", true},
		{"POST", "/v1/event", true},
		{"GET", "/v1", true},
		{"GET", "/", false},
		{"POST", "/v1/sessions/x", true},
		{"GET", "/v1/events", false},
		{"GET", "/v1/sessions/x", false},
		{"PUT", "/v1/policy", false},
		{"GET", "/openapi.json", false},
	} {
		w := httptest.NewRecorder()
		d.ServeHTTP(w, httptest.NewRequest(c.method, c.target, nil))
		if got := w.Header().Get("Readable-By") != ""; got != c.readable {
			t.Errorf("a page may read the answer to %s %s: %t", c.method, c.target, got)
		}
	}
	d.open.Store(false)
	w := httptest.NewRecorder()
	if d.ServeHTTP(w, httptest.NewRequest(http.MethodPost, "/v1/events", nil)); w.Header().Get("Readable-By") == "" {
		t.Error("a page may not read that the service starts")
	}
}
