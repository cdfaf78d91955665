package collector

import (
	"fmt"
	"net/http"
	"strconv"

	"github.com/theeye/theeye/shared/api"
	"github.com/theeye/theeye/shared/format"
	snowplowformat "github.com/theeye/theeye/shared/format/snowplow"
	"github.com/theeye/theeye/shared/httpserver/router"
)

// The trackers of Snowplow read the status alone, and send a request again, for ever,
// until it is answered with 2xx.
var (
	snowplowDialect = dialect{
		format: format.Snowplow, isAdapter: true, keysIn: snowplowformat.Keys, hideKeys: snowplowformat.WithoutKeys,
		keepsRefused: true, answer: answerSnowplow,
	}
	// snowplowImageDialect is that of requests of method GET.
	snowplowImageDialect = dialect{
		format: format.Snowplow, isAdapter: true, keysIn: snowplowformat.Keys, hideKeys: snowplowformat.WithoutKeys,
		keepsRefused: true, answer: answerImage,
	}
)

// answerSnowplow answers as the collectors of Snowplow do.
func answerSnowplow(w http.ResponseWriter, _ []result) error {
	const ok = "ok"
	h := w.Header()
	h.Set("Content-Type", "text/plain; charset=utf-8")
	h.Set("Content-Length", strconv.Itoa(len(ok)))
	w.WriteHeader(http.StatusOK)
	if _, err := w.Write([]byte(ok)); err != nil {
		return fmt.Errorf("write the answer: %w", err)
	}
	return nil
}

// answerImage answers with an image, whatever the results are.
func answerImage(w http.ResponseWriter, _ []result) error { return writeImage(w, http.StatusOK) }

// withoutHead returns a handler that answers HEAD with an image and does nothing else:
// who asks for the header alone has not seen the page.
func withoutHead(handle router.Handler) router.Handler {
	return func(w http.ResponseWriter, r *http.Request) error {
		if r.Method == http.MethodHead {
			return writeImage(w, http.StatusOK)
		}
		return handle(w, r)
	}
}

// snowplowEndpoints returns the routes of the trackers of Snowplow. Those of Segment
// have PathSnowplowImage, too, by POST, with its preflight request.
func (s *Service) snowplowEndpoints() []router.Endpoint {
	return []router.Endpoint{
		{Method: http.MethodPost, Pattern: api.PathSnowplow, Handle: s.serveEvents(snowplowDialect)},
		{Method: http.MethodOptions, Pattern: api.PathSnowplow, Handle: s.servePreflight},
		{Method: http.MethodGet, Pattern: api.PathSnowplowImage, Handle: withoutHead(s.serveEvents(snowplowImageDialect))},
	}
}
