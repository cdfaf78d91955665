package collector

import (
	"net/http"
	"slices"
	"strings"

	"github.com/theeye/theeye/shared/api"
	"github.com/theeye/theeye/shared/httpserver"
	"github.com/theeye/theeye/shared/registry"
)

// What a page of another origin may do (WHATWG Fetch Standard, "CORS protocol").
const (
	// corsMaxAge is how long a browser keeps the answer to a preflight request,
	// in seconds: two hours, the most that browsers take.
	corsMaxAge = "7200"
	// corsMaxAgeStarting is that while it is not known who may send events.
	corsMaxAgeStarting = "5"
	// eventMethods is the header Allow of the paths that take events.
	eventMethods = "POST, OPTIONS"
)

var errServerKeyInPage = httpserver.NewFailure(http.StatusForbidden, api.CodeServerKeyInPage,
	"this is the key of a server, and must not be in a page or a mail where everyone can read it: rotate it, and use a key of kind browser that lists the page's origin")

// checkOrigin refuses a key that is used from an origin that its owner did not
// list. The pages of the collector's own origin, such as the playground of the web
// UI, need not be listed for a browser key: browsers alone set Sec-Fetch-Site.
func checkOrigin(key registry.Key, h http.Header) error {
	for _, origin := range h["Origin"] {
		switch {
		// Browsers never send the header empty.
		case origin != "" && key.AllowsOrigin(origin):
		case key.Kind == registry.Browser && h.Get("Sec-Fetch-Site") == "same-origin":
		case key.Kind == registry.Server:
			return errServerKeyInPage
		case origin == registry.NullOrigin:
			return httpserver.NewFailure(http.StatusForbidden, api.CodeOriginNotAllowed,
				`the write key may not be used from the origin null, which files and sandboxed frames have: serve the page by HTTP, or list "null" among the key's origins`)
		default:
			return httpserver.NewFailure(http.StatusForbidden, api.CodeOriginNotAllowed,
				"the write key may not be used from this origin; its origins are listed with the key")
		}
	}
	return nil
}

// AllowReading lets the page that sent a request read its answer, whatever the
// answer is, if any application lists the page's origin. Before the registry is
// loaded every page may: all answers are the same then.
func (s *Service) AllowReading(h http.Header, r *http.Request) {
	if !slices.Contains(h["Vary"], "Origin") {
		h.Add("Vary", "Origin")
	}
	origin := r.Header.Get("Origin")
	if origin == "" {
		return
	}
	if snapshot := s.registry.Snapshot(); snapshot == nil || snapshot.Access.OriginListed(origin) {
		h.Set("Access-Control-Allow-Origin", origin)
		// Beacons, and requests with credentials, are lost without it. The
		// collector has no cookies: the write key alone decides.
		h.Set("Access-Control-Allow-Credentials", "true")
		h.Set("Access-Control-Expose-Headers", "Retry-After")
	}
}

// servePreflight answers the preflight request of a browser. That carries no
// key, so it is granted if any application lists the origin; the request itself
// is checked against its key. All headers are granted: tracing and monitoring
// libraries add theirs to every request of a page. So are all methods, or the page
// could not read that the path does not have one.
func (s *Service) servePreflight(w http.ResponseWriter, r *http.Request) error {
	h := w.Header()
	h.Set("Allow", eventMethods)
	h.Add("Vary", "Access-Control-Request-Method")
	h.Add("Vary", "Access-Control-Request-Headers")
	if isPreflight(r) {
		// Set by AllowReading.
		if h.Get("Access-Control-Allow-Origin") == "" {
			return httpserver.NewFailure(http.StatusForbidden, api.CodeOriginNotAllowed, "no application lists this origin")
		}
		grantAsAsked(h, r.Header, "Access-Control-Allow-Methods", "Access-Control-Request-Method")
		grantAsAsked(h, r.Header, "Access-Control-Allow-Headers", "Access-Control-Request-Headers")
		h.Set("Access-Control-Max-Age", corsMaxAge)
		if s.registry.Snapshot() == nil {
			h.Set("Access-Control-Max-Age", corsMaxAgeStarting)
		}
	}
	w.WriteHeader(http.StatusNoContent)
	return nil
}

// grantAsAsked answers the list in one header of a preflight request by the same
// list in another.
func grantAsAsked(answer, request http.Header, grant, ask string) {
	if asked := strings.Join(request[ask], ", "); isTokenList(asked) {
		answer.Set(grant, asked)
	}
}

// serveUnknownPath answers requests for paths that do not exist. A preflight
// request is granted, or the page could not read the answer that follows.
func (s *Service) serveUnknownPath(w http.ResponseWriter, r *http.Request) error {
	if isPreflight(r) {
		return s.servePreflight(w, r)
	}
	return httpserver.NoSuchPath()
}

// isPreflight reports whether a browser asks if a page may send a request.
func isPreflight(r *http.Request) bool {
	return r.Method == http.MethodOptions && r.Header.Get("Origin") != "" && r.Header.Get("Access-Control-Request-Method") != ""
}

// isTokenList reports whether s is a list of methods or header names and not empty
// (RFC 9110, 5.6.1 and 5.6.2).
func isTokenList(s string) bool {
	names := false
	for i := range len(s) {
		c := s[i]
		switch {
		case c >= 'a' && c <= 'z', c >= 'A' && c <= 'Z', c >= '0' && c <= '9', strings.IndexByte("!#$%&'*+-.^_`|~", c) >= 0:
			names = true
		case c != ',' && c != ' ' && c != '\t':
			return false
		}
	}
	return names
}

// methodNotAllowed returns a failure that names the methods of a path.
func methodNotAllowed(pattern string) *httpserver.Failure {
	methods := eventMethods
	switch pattern {
	case api.PathHealth, api.PathSegmentSettings, api.PathSourceConfig, api.PathPixel, api.PathTracker:
		methods = "GET, HEAD"
	case api.PathSnowplowImage:
		methods = "GET, HEAD, " + eventMethods
	}
	f := httpserver.NewFailure(http.StatusMethodNotAllowed, api.CodeMethodNotAllowed, "the methods of this path are "+methods)
	f.Header = http.Header{"Allow": {methods}}
	return f
}
