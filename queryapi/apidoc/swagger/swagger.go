// Package swagger holds the pages of `/docs`: Swagger UI, which shows the OpenAPI
// document and sends requests from the page. Everything that the pages load comes
// from this server; the token that a person enters stays in the memory of the page.
//
// The files of Swagger UI are those of its release, unchanged; files/SOURCE.md has
// where they come from, and deploy/vendor-swagger.sh compares them with it.
package swagger

import (
	"embed"
	"fmt"
	"sync"

	"github.com/theeye/theeye/queryapi/asset"
)

//go:embed files
var files embed.FS

// ContentSecurityPolicy is that of every page: no script, no style sheet and no
// request of another origin. Swagger UI sets styles of elements.
const ContentSecurityPolicy = "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; " +
	"img-src 'self' data:; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"

// Names of the assets. Index is the page itself.
const (
	Index  = "index.html"
	Start  = "start.js"
	Bundle = "swagger-ui-bundle.js"
	Style  = "swagger-ui.css"
)

// Assets returns every asset by its name. The result is shared and read-only.
var Assets = sync.OnceValue(func() map[string]asset.Asset {
	const script, style, page = "text/javascript; charset=utf-8", "text/css; charset=utf-8", "text/html; charset=utf-8"
	return map[string]asset.Asset{
		Index:  asset.New(page, read(Index)),
		Start:  asset.New(script, read(Start)),
		Bundle: asset.FromGzip(script, read(Bundle+".gz")),
		Style:  asset.FromGzip(style, read(Style+".gz")),
	}
})

func read(name string) []byte {
	content, err := files.ReadFile("files/" + name)
	if err != nil {
		panic(fmt.Sprintf("swagger: %v", err))
	}
	return content
}
