package httpserver

import (
	"maps"
	"net/http"
	"slices"
	"strings"

	"github.com/theeye/theeye/shared/api"
)

// Route is a method and path of an API, with the handler of the API that serves
// it.
type Route struct {
	Method string
	// Pattern is a path whose segments are literal or, with a leading colon,
	// parameters: /v1/events/:event_id.
	Pattern string
	Handler http.Handler
}

// Mux serves the routes of several APIs on one listener. Unlike http.ServeMux it
// never redirects (see CleanPath), and it leaves unknown paths and methods to the API that they
// belong to.
type Mux struct {
	// literal holds the methods of each path without parameters, patterns those
	// of the others.
	literal  map[string]methods
	patterns map[string]methods
	fallback http.Handler
}

// methods are the handlers of one path, by method.
type methods map[string]http.Handler

// NewMux mounts the routes of several APIs. Of two routes with the same method
// and pattern the first is used. fallback serves every path that no route has.
func NewMux(fallback http.Handler, routes ...Route) *Mux {
	m := &Mux{literal: map[string]methods{}, patterns: map[string]methods{}, fallback: fallback}
	for _, r := range routes {
		table := m.literal
		if strings.Contains(r.Pattern, "/:") {
			table = m.patterns
		}
		if table[r.Pattern] == nil {
			table[r.Pattern] = methods{}
		}
		if _, taken := table[r.Pattern][r.Method]; !taken {
			table[r.Pattern][r.Method] = r.Handler
		}
	}
	return m
}

// ServeHTTP serves a request by the API that has its route. A method that the
// path does not have is answered by the API of the path, if it is one alone.
func (m *Mux) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	r, found := m.Find(r)
	found.ServeHTTP(w, r)
}

// Found is the handler of a request.
type Found struct {
	http.Handler

	// Path says that a route has the path of the request, Method that it has its
	// method, too.
	Path, Method bool
}

// Find returns the handler that serves a request, and the request with its path in
// the normal form.
func (m *Mux) Find(r *http.Request) (*http.Request, Found) {
	r = CleanPath(r, func(escaped string) bool { return m.methodsOf(escaped) != nil })
	of := m.methodsOf(r.URL.EscapedPath())
	if of == nil {
		return r, Found{Handler: m.fallback}
	}
	if h := of[r.Method]; h != nil {
		return r, Found{Handler: h, Path: true, Method: true}
	}
	if h := of.onlyHandler(); h != nil {
		return r, Found{Handler: h, Path: true}
	}
	return r, Found{Handler: http.HandlerFunc(of.refuseMethod), Path: true}
}

// methodsOf returns the methods of an escaped path, nil if no route has it.
func (m *Mux) methodsOf(path string) methods {
	if of := m.literal[path]; of != nil {
		return of
	}
	for pattern, of := range m.patterns {
		if MatchPattern(pattern, path) {
			return of
		}
	}
	return nil
}

// onlyHandler returns the handler of all methods, nil if they have several.
func (of methods) onlyHandler() (only http.Handler) {
	for _, h := range of {
		if only != nil && only != h {
			return nil
		}
		only = h
	}
	return only
}

// refuseMethod answers a method that a path of several APIs does not have.
func (of methods) refuseMethod(w http.ResponseWriter, _ *http.Request) {
	allow := strings.Join(slices.Sorted(maps.Keys(of)), ", ")
	w.Header().Set("Allow", allow)
	WriteProblem(w, http.StatusMethodNotAllowed, api.CodeMethodNotAllowed, "the methods of this path are "+allow)
}

// MatchPattern reports whether an escaped path has the pattern of a Route. A
// parameter matches any segment that is not empty.
func MatchPattern(pattern, path string) bool {
	for {
		want, morePattern, patternGoesOn := strings.Cut(pattern, "/")
		got, morePath, pathGoesOn := strings.Cut(path, "/")
		if want != got && (!strings.HasPrefix(want, ":") || got == "") || patternGoesOn != pathGoesOn {
			return false
		}
		if !patternGoesOn {
			return true
		}
		pattern, path = morePattern, morePath
	}
}
