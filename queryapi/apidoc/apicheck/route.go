package apicheck

import (
	"net/http"
	"net/url"
	"strings"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/getkin/kin-openapi/routers"
)

// route finds the operation of a request. Segments are compared as they were
// sent, so that an escaped '/' stays inside its segment, and a path without
// parameters goes before one with them.
func route(document *openapi3.T, method string, u *url.URL) (*routers.Route, map[string]string, bool) {
	path := u.EscapedPath()
	item := document.Paths.Value(path)
	template, params := path, map[string]string{}
	if item == nil {
		for candidate, i := range document.Paths.Map() {
			if p, ok := match(candidate, path); ok {
				template, item, params = candidate, i, p
			}
		}
	}
	if item == nil || item.GetOperation(method) == nil {
		return nil, nil, false
	}
	return &routers.Route{
		Spec: document, Server: document.Servers[0], Path: template,
		PathItem: item, Method: method, Operation: item.GetOperation(method),
	}, params, true
}

// match compares a path with a template such as /v1/events/{event_id}.
func match(template, path string) (map[string]string, bool) {
	want, got := strings.Split(template, "/"), strings.Split(path, "/")
	if len(want) != len(got) {
		return nil, false
	}
	params := map[string]string{}
	for i, segment := range want {
		name, isParam := strings.CutPrefix(segment, "{")
		value, err := url.PathUnescape(got[i])
		switch {
		case err != nil, !isParam && segment != value, isParam && value == "":
			return nil, false
		case isParam:
			params[strings.TrimSuffix(name, "}")] = value
		}
	}
	return params, true
}

// described is the method under which the document describes a request: HEAD
// is GET without the body, and not repeated.
func described(method string) string {
	if method == http.MethodHead {
		return http.MethodGet
	}
	return method
}
