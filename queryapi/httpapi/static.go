package httpapi

import (
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"sync"

	"github.com/theeye/theeye/queryapi/apidoc"
	"github.com/theeye/theeye/queryapi/apidoc/swagger"
	"github.com/theeye/theeye/queryapi/asset"
	"github.com/theeye/theeye/queryapi/ui"
	"github.com/theeye/theeye/shared/api"
	"github.com/theeye/theeye/shared/httpserver"
	"github.com/theeye/theeye/shared/httpserver/router"
)

// documentAsset is the OpenAPI document.
var documentAsset = sync.OnceValue(func() asset.Asset {
	return asset.New(api.ContentTypeJSON, apidoc.Document())
})

func serveDocument(w http.ResponseWriter, r *http.Request) error {
	return writeAsset(w, r, documentAsset())
}

// serveDocs serves a file of the pages that show the document.
func serveDocs(name string) router.Handler {
	return func(w http.ResponseWriter, r *http.Request) error {
		setPageHeaders(w.Header(), swagger.ContentSecurityPolicy)
		return writeAsset(w, r, swagger.Assets()[name])
	}
}

// setPageHeaders sets the headers of a page. Its name stays the same in the next
// version, so that browsers ask for it each time.
func setPageHeaders(h http.Header, policy string) {
	h.Set("Content-Security-Policy", policy)
	h.Set("Cross-Origin-Opener-Policy", "same-origin")
	h.Set("Referrer-Policy", "no-referrer")
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Cache-Control", "no-cache")
}

// redirectToUI answers GET /: what a person opens first leads to the UI.
func redirectToUI(w http.ResponseWriter, r *http.Request) error {
	w.Header().Set("Cache-Control", "no-cache")
	http.Redirect(w, r, api.PathUI+"/", http.StatusSeeOther)
	return nil
}

// serveUI serves the page of the UI, which is the same under every path of a screen.
func serveUI(w http.ResponseWriter, r *http.Request) error {
	// The framework lets the last parameter of a route hold more than one segment.
	if strings.Count(r.URL.EscapedPath(), "/") > strings.Count(api.PathUI, "/")+2 {
		return httpserver.NoSuchPath()
	}
	setPageHeaders(w.Header(), ui.ContentSecurityPolicy)
	return writeAsset(w, r, ui.Page())
}

// serveUIAsset serves a file that the page loads. The name contains a hash of the
// content: browsers keep it without asking again.
func serveUIAsset(w http.ResponseWriter, r *http.Request) error {
	file, ok := ui.Assets()[strings.TrimPrefix(r.URL.Path, api.PathUIAssets+"/")]
	if !ok {
		return httpserver.NoSuchPath()
	}
	h := w.Header()
	h.Set("Content-Security-Policy", ui.ContentSecurityPolicy)
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Cache-Control", "public, max-age=31536000, immutable")
	return writeAsset(w, r, file)
}

// writeAsset writes a file in the encoding that the client prefers.
func writeAsset(w http.ResponseWriter, r *http.Request, a asset.Asset) error {
	h, content := w.Header(), a.Plain
	h.Set("Content-Type", a.ContentType)
	h.Set("Vary", "Accept-Encoding")
	if httpserver.WantsGzip(r.Header) {
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
