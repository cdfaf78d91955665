// Package swagger holds the pages of `/docs`: Swagger UI, which shows the OpenAPI
// document and sends requests from the page. Everything that the pages load comes
// from this server; the token that a person enters stays in the memory of the page.
//
// The files of Swagger UI are those of its release, unchanged; files/SOURCE.md has
// where they come from, and deploy/vendor-swagger.sh compares them with it.
package swagger

import (
	"bytes"
	"compress/gzip"
	"embed"
	"fmt"
	"io"
	"sync"
)

//go:embed files
var files embed.FS

// ContentSecurityPolicy is that of every page: no script, no style sheet and no
// request of another origin. Swagger UI sets styles of elements.
const ContentSecurityPolicy = "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; " +
	"img-src 'self' data:; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"

// Asset is a file that the server sends as it is.
type Asset struct {
	ContentType string
	// Plain and Compressed are the content, and the content under gzip.
	Plain, Compressed []byte
}

// Names of the assets. Index is the page itself.
const (
	Index  = "index.html"
	Start  = "start.js"
	Bundle = "swagger-ui-bundle.js"
	Style  = "swagger-ui.css"
)

// Assets returns every asset by its name. The result is shared and read-only.
var Assets = sync.OnceValue(func() map[string]Asset {
	const script, style, page = "text/javascript; charset=utf-8", "text/css; charset=utf-8", "text/html; charset=utf-8"
	return map[string]Asset{
		Index:  own(Index, page),
		Start:  own(Start, script),
		Bundle: vendored(Bundle, script),
		Style:  vendored(Style, style),
	}
})

// own returns a file of this package.
func own(name, contentType string) Asset {
	plain := read("files/" + name)
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	_, _ = z.Write(plain) // a buffer takes everything
	_ = z.Close()
	return Asset{ContentType: contentType, Plain: plain, Compressed: b.Bytes()}
}

// vendored returns a file of Swagger UI, which is kept compressed.
func vendored(name, contentType string) Asset {
	compressed := read("files/" + name + ".gz")
	z, err := gzip.NewReader(bytes.NewReader(compressed))
	if err != nil {
		panic(fmt.Sprintf("swagger: %s: %v", name, err)) // embedded: a test opens it
	}
	plain, err := io.ReadAll(z)
	if err != nil {
		panic(fmt.Sprintf("swagger: %s: %v", name, err))
	}
	return Asset{ContentType: contentType, Plain: plain, Compressed: compressed}
}

func read(path string) []byte {
	content, err := files.ReadFile(path)
	if err != nil {
		panic(fmt.Sprintf("swagger: %v", err))
	}
	return content
}
