// Package tracker holds the browser script of The Eye, which sites load from the
// collector at /tracker.js. It is built from the TypeScript beside this file, and
// committed under dist; README.md describes its use.
//
// `make js` builds dist; `make js-check` checks the sources, builds them again and
// compares.
package tracker

import (
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	_ "embed"
	"encoding/hex"
	"fmt"
	"net/http"
	"strconv"
	"sync"

	"github.com/theeye/theeye/shared/httpserver"
)

//go:embed dist/tracker.js
var script string

// cacheControl lets browsers and shared caches keep the script for an hour, and use it
// for a day more while they ask for a newer one: its address stays the same.
const cacheControl = "public, max-age=3600, stale-while-revalidate=86400"

// Script returns the script.
func Script() string { return script }

// compressed is the script under gzip.
var compressed = sync.OnceValue(func() []byte {
	var b bytes.Buffer
	z, err := gzip.NewWriterLevel(&b, gzip.BestCompression)
	if err != nil {
		panic(err) // the level is one
	}
	// A buffer takes everything.
	_, _ = z.Write([]byte(script))
	_ = z.Close()
	return b.Bytes()
})

// tag is the entity tag of the script without its quotes, which the encoding still ends.
var tag = sync.OnceValue(func() string {
	sum := sha256.Sum256([]byte(script))
	return hex.EncodeToString(sum[:12])
})

// ServeScript answers a request with the script, for pages of every origin. It is safe
// for concurrent use.
func ServeScript(w http.ResponseWriter, r *http.Request) error {
	h, content, etag := w.Header(), []byte(script), `"`+tag()+`"`
	zipped := httpserver.WantsGzip(r.Header)
	if zipped {
		content, etag = compressed(), `"`+tag()+`-gzip"`
	}
	h.Set("ETag", etag)
	h.Set("Cache-Control", cacheControl)
	h.Set("Vary", "Accept-Encoding")
	// A page that lists no origin may load it, also under Cross-Origin-Embedder-Policy,
	// and with the attribute integrity.
	h.Set("Cross-Origin-Resource-Policy", "cross-origin")
	h.Set("Access-Control-Allow-Origin", "*")
	h.Del("Access-Control-Allow-Credentials")
	if httpserver.MatchesNone(r.Header, etag) {
		w.WriteHeader(http.StatusNotModified)
		return nil
	}
	if zipped {
		h.Set("Content-Encoding", "gzip")
	}
	h.Set("Content-Type", "text/javascript; charset=utf-8")
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Content-Length", strconv.Itoa(len(content)))
	w.WriteHeader(http.StatusOK)
	if _, err := w.Write(content); err != nil {
		return fmt.Errorf("write the browser script: %w", err)
	}
	return nil
}
