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
// never redirects, and it leaves unknown paths and methods to the API that they
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
	of := m.methodsOf(r.URL.EscapedPath())
	if of == nil {
		m.fallback.ServeHTTP(w, r)
		return
	}
	if h := of[r.Method]; h != nil {
		h.ServeHTTP(w, r)
		return
	}
	if h := of.onlyHandler(); h != nil {
		h.ServeHTTP(w, r)
		return
	}
	allow := strings.Join(slices.Sorted(maps.Keys(of)), ", ")
	w.Header().Set("Allow", allow)
	WriteProblem(w, http.StatusMethodNotAllowed, api.CodeMethodNotAllowed, "the methods of this path are "+allow)
}

// methodsOf returns the methods of an escaped path, nil if no route has it.
func (m *Mux) methodsOf(path string) methods {
	if of := m.literal[path]; of != nil {
		return of
	}
	for pattern, of := range m.patterns {
		if matchPattern(pattern, path) {
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

// matchPattern compares segment by segment; a parameter matches any segment
// that is not empty.
func matchPattern(pattern, path string) bool {
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
