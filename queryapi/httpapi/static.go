package httpapi

import (
	"fmt"
	"net/http"
	"strconv"
	"sync"

	"github.com/theeye/theeye/queryapi/apidoc"
	"github.com/theeye/theeye/queryapi/apidoc/swagger"
	"github.com/theeye/theeye/shared/api"
	"github.com/theeye/theeye/shared/httpserver/router"
)

// documentAsset is the OpenAPI document.
var documentAsset = sync.OnceValue(func() swagger.Asset {
	document := apidoc.Document()
	return swagger.Asset{ContentType: api.ContentTypeJSON, Plain: document, Compressed: compress(document)}
})

func serveDocument(w http.ResponseWriter, r *http.Request) error {
	return writeAsset(w, r, documentAsset())
}

// serveDocs serves a file of the pages that show the document.
func serveDocs(name string) router.Handler {
	return func(w http.ResponseWriter, r *http.Request) error {
		h := w.Header()
		h.Set("Content-Security-Policy", swagger.ContentSecurityPolicy)
		h.Set("Cross-Origin-Opener-Policy", "same-origin")
		h.Set("Referrer-Policy", "no-referrer")
		h.Set("X-Content-Type-Options", "nosniff")
		// The name of a file stays the same in the next version.
		h.Set("Cache-Control", "no-cache")
		return writeAsset(w, r, swagger.Assets()[name])
	}
}

// writeAsset writes a file in the encoding that the client prefers.
func writeAsset(w http.ResponseWriter, r *http.Request, a swagger.Asset) error {
	h, content := w.Header(), a.Plain
	h.Set("Content-Type", a.ContentType)
	h.Set("Vary", "Accept-Encoding")
	if wantsGzip(r.Header) {
		h.Set("Content-Encoding", "gzip")
		content = a.Compressed
	}
	h.Set("Content-Length", strconv.Itoa(len(content)))
	w.WriteHeader(http.StatusOK)
	if _, err := w.Write(content); err != nil {
		return fmt.Errorf("write %s: %w", r.URL.Path, err)
	}
	return nil
}
