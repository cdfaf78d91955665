// Package example serves a small site that has the browser script, so that a developer
// sees events of a page. Its files are those of deploy/example-site.
package example

import (
	"embed"
	"net/http"
)

//go:embed index.html site.js
var files embed.FS

// Path is that of the site, under which all its pages are.
const Path = "/example/"

// contentSecurityPolicy is strict, so that the site shows what the script needs.
const contentSecurityPolicy = "default-src 'none'; script-src 'self'; connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"

// NewHandler returns the handler of the paths under Path. It answers GET and HEAD.
func NewHandler() http.Handler {
	mux := http.NewServeMux()
	for pattern, name := range map[string]string{Path + "{$}": "index.html", Path + "pricing": "index.html", Path + "site.js": "site.js"} {
		mux.HandleFunc("GET "+pattern, func(w http.ResponseWriter, r *http.Request) {
			h := w.Header()
			h.Set("Content-Security-Policy", contentSecurityPolicy)
			h.Set("X-Content-Type-Options", "nosniff")
			h.Set("Cache-Control", "no-cache")
			http.ServeFileFS(w, r, files, name)
		})
	}
	return mux
}
