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

func TestMuxServesEachRouteByItsService(t *testing.T) {
	d := newPublicMux(newServices(t))
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
