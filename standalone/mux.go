package standalone

import (
	"net/http"
	"strings"
	"sync/atomic"
	"time"

	"github.com/theeye/theeye/shared/api"
	"github.com/theeye/theeye/shared/daemon"
	"github.com/theeye/theeye/shared/httpserver"
	"github.com/theeye/theeye/standalone/example"
)

// publicMux serves the collector and the query API on the public listener.
type publicMux struct {
	collector collectorService
	routes    *httpserver.Mux
	// exampleSite has the paths under example.Path; nil serves none.
	exampleSite http.Handler
	// open is set once the declarations given at the start are in force: an
	// event accepted before could be validated without its type.
	open atomic.Bool
}

// httpService is the HTTP surface of a service.
type httpService interface {
	Handler() http.Handler
	Routes() []httpserver.Route
}

// collectorService is the HTTP surface of the collector, which pages of other
// origins use.
type collectorService interface {
	httpService
	AllowReading(h http.Header, r *http.Request)
}

// newPublicMux mounts the routes of both services. The query API serves every
// path that is no route. Its routes are answered for the hosts of the listener alone,
// those of the collector for all: sites send to any name.
func newPublicMux(collector collectorService, queryapi httpService, hosts *httpserver.Hosts) *publicMux {
	return &publicMux{
		collector: collector,
		routes:    httpserver.NewMux(queryapi.Handler(), append(collector.Routes(), hosts.GuardRoutes(queryapi.Routes())...)...),
	}
}

// ServeHTTP serves a request by the service that has its route, and answers 503
// before the mux is open. A page that may send events may also read that its
// request has no route; it may read nothing of the query API.
func (m *publicMux) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if m.exampleSite != nil && strings.HasPrefix(r.URL.Path, example.Path) {
		m.exampleSite.ServeHTTP(w, r)
		return
	}
	r, found := m.routes.Find(r)
	preflight := r.Method == http.MethodOptions && !found.Path
	switch {
	case r.URL.Path == api.PathHealth:
		daemon.Health().ServeHTTP(w, r)
	// A page keeps its events until the service is open, if it has the script.
	case r.URL.Path == api.PathTracker && !m.open.Load():
		m.collector.Handler().ServeHTTP(w, r)
	case !m.open.Load() && r.Method == http.MethodOptions, preflight:
		m.collector.Handler().ServeHTTP(w, r)
	case !m.open.Load():
		m.collector.AllowReading(w.Header(), r)
		httpserver.Unavailable(api.CodeStarting, "the service is starting; try again", time.Second, nil).Write(w)
	default:
		if !found.Method {
			m.collector.AllowReading(w.Header(), r)
		}
		found.ServeHTTP(w, r)
	}
}
