package httpserver

import "net/http"

// Route is a method and path of an API, with the handler of the API that serves
// it. A process that serves several APIs on one listener mounts their routes.
type Route struct {
	Method string
	// Pattern is a path whose segments are literal or, with a leading colon,
	// parameters: /v1/events/:event_id.
	Pattern string
	Handler http.Handler
}
