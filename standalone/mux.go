package standalone

import (
	"net/http"
	"sync/atomic"
	"time"

	"github.com/theeye/theeye/shared/api"
	"github.com/theeye/theeye/shared/daemon"
	"github.com/theeye/theeye/shared/httpserver"
)

// publicMux serves the collector and the query API on the public listener.
type publicMux struct {
	collector http.Handler // for preflight requests
	routes    *httpserver.Mux
	// open is set once the declarations given at the start are in force: an
	// event accepted before could be validated without its type.
	open atomic.Bool
}

// httpService is the HTTP surface of a service.
type httpService interface {
	Handler() http.Handler
	Routes() []httpserver.Route
}

// newPublicMux mounts the routes of both services. The query API serves every
// path that is no route.
func newPublicMux(collector, queryapi httpService) *publicMux {
	return &publicMux{
		collector: collector.Handler(),
		routes:    httpserver.NewMux(queryapi.Handler(), append(collector.Routes(), queryapi.Routes()...)...),
	}
}

// ServeHTTP serves a request by the service that has its route, and answers 503
// before the mux is open.
func (m *publicMux) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	switch {
	case r.URL.Path == api.PathHealth:
		daemon.Health().ServeHTTP(w, r)
	case !m.open.Load():
		httpserver.Unavailable(api.CodeStarting, "the service is starting; try again", time.Second, nil).Write(w)
	case r.Method == http.MethodOptions:
		// Browsers call the collector alone.
		m.collector.ServeHTTP(w, r)
	default:
		m.routes.ServeHTTP(w, r)
	}
}
