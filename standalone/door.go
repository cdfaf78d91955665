package standalone

import (
	"net/http"
	"sync/atomic"

	"github.com/theeye/theeye/shared/daemon"
	"github.com/theeye/theeye/shared/httpserver"
)

// Paths by which the one listener tells its services apart.
const (
	pathEvents   = "/v1/events"
	pathValidate = "/v1/validate"
	pathHealth   = "/healthz"
)

// door leads each request to the service it is for, by path and method.
type door struct {
	collector, queryapi http.Handler
	// open is set once the declarations given at the start are in force: an
	// event taken before could be judged without the type it belongs to.
	open atomic.Bool
}

// ServeHTTP answers with the service's answer, or 503 before the door is open.
func (d *door) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	path := r.URL.Path
	switch {
	case path == pathHealth:
		daemon.Health().ServeHTTP(w, r)
	case !d.open.Load():
		w.Header().Set("Retry-After", "1")
		httpserver.WriteProblem(w, http.StatusServiceUnavailable, "starting", "the service is starting; try again")
	case path == pathValidate, r.Method == http.MethodOptions:
		d.collector.ServeHTTP(w, r)
	case path == pathEvents && r.Method == http.MethodPost:
		d.collector.ServeHTTP(w, r)
	case path == pathEvents && r.Method != http.MethodGet && r.Method != http.MethodHead:
		// Neither service knows what the other allows here.
		w.Header().Set("Allow", "GET, HEAD, OPTIONS, POST")
		httpserver.WriteProblem(w, http.StatusMethodNotAllowed, "method_not_allowed", "events are sent by POST and queried by GET")
	default:
		d.queryapi.ServeHTTP(w, r)
	}
}
