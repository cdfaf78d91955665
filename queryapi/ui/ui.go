// Package ui holds the web UI: a page and its files, built from the TypeScript beside
// this file and committed under dist. It is a client of the public HTTP API and has no
// part on the server; docs/adr/0034-web-ui.md has the decisions, docs/ui.md the use.
//
// `make ui` builds dist; `make ui-check` tests the sources, builds them again and
// compares.
package ui

import (
	"embed"
	"fmt"
	"path"
	"sync"

	"github.com/theeye/theeye/queryapi/asset"
)

//go:embed dist
var files embed.FS

// ContentSecurityPolicy is that of the page: everything that it loads and asks comes
// from this server, no style or script stands in markup, and no page shows it in a frame.
const ContentSecurityPolicy = "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; " +
	"img-src 'self' data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"

// contentTypes are those of the files, by the end of their names.
var contentTypes = map[string]string{
	".html": "text/html; charset=utf-8", ".js": "text/javascript; charset=utf-8", ".css": "text/css; charset=utf-8",
	".svg": "image/svg+xml", ".txt": "text/plain; charset=utf-8",
}

// Page returns the page.
var Page = sync.OnceValue(func() asset.Asset { return load("dist/index.html") })

// Assets returns the files that the page loads, by their names, each of which contains
// a hash of the content. The result is shared and read-only.
var Assets = sync.OnceValue(func() map[string]asset.Asset {
	entries, err := files.ReadDir("dist/assets")
	if err != nil {
		panic(fmt.Sprintf("ui: %v", err)) // embedded
	}
	assets := make(map[string]asset.Asset, len(entries))
	for _, e := range entries {
		assets[e.Name()] = load("dist/assets/" + e.Name())
	}
	return assets
})

func load(name string) asset.Asset {
	content, err := files.ReadFile(name)
	if err != nil {
		panic(fmt.Sprintf("ui: %v", err)) // embedded
	}
	return asset.New(contentTypes[path.Ext(name)], content)
}
