package collector

import (
	"net/http"
	"strings"

	"github.com/go-json-experiment/json"

	"github.com/theeye/theeye/shared/api"
	"github.com/theeye/theeye/shared/event"
	segmentformat "github.com/theeye/theeye/shared/format/segment"
	"github.com/theeye/theeye/shared/httpserver"
	"github.com/theeye/theeye/shared/httpserver/router"
)

// paramSegmentKey is the query parameter that carries a write key in the requests of
// the SDKs of RudderStack.
const paramSegmentKey = "writeKey"

// segmentKeys returns the write keys that a request carries in the places of Segment.
func segmentKeys(r *http.Request, body []byte) []string {
	return append(r.URL.Query()[paramSegmentKey], segmentformat.Keys(body)...)
}

// answerOK answers 200 with the result of each event, whatever the results are.
func answerOK(w http.ResponseWriter, results []result) error {
	_, answer := renderResults(results)
	return writeJSON(w, http.StatusOK, answer)
}

// segmentEndpoints returns the routes of the SDKs of Segment and RudderStack.
func (s *Service) segmentEndpoints() []router.Endpoint {
	var all []router.Endpoint
	post := func(pattern string, handle router.Handler) {
		all = append(all,
			router.Endpoint{Method: http.MethodPost, Pattern: pattern, Handle: handle},
			router.Endpoint{Method: http.MethodOptions, Pattern: pattern, Handle: s.servePreflight})
	}
	events := s.serveEvents(segmentDialect)
	for _, pattern := range api.SegmentPaths() {
		post(pattern, events)
	}
	post(api.PathSegmentMetrics, serveNothing)
	return append(all,
		router.Endpoint{Method: http.MethodGet, Pattern: api.PathSegmentSettings, Handle: s.serveSegmentSettings},
		router.Endpoint{Method: http.MethodGet, Pattern: api.PathSourceConfig, Handle: s.serveSourceConfig})
}

// serveNothing takes the metrics of an SDK about itself, and keeps nothing.
func serveNothing(w http.ResponseWriter, _ *http.Request) error {
	w.WriteHeader(http.StatusNoContent)
	return nil
}

// serveSegmentSettings answers what analytics.js asks for before it sends events: that
// it sends them here, with the key of its path.
func (s *Service) serveSegmentSettings(w http.ResponseWriter, r *http.Request) error {
	key := strings.Split(r.URL.Path, "/")[strings.Count(api.SegmentSettingsPath(""), "/")-1]
	if _, err := s.authenticate(r, segmentDialect, key); err != nil {
		return err
	}
	return writeValue(w, map[string]any{"integrations": map[string]any{"Segment.io": map[string]any{"apiKey": key}}})
}

// serveSourceConfig answers what the SDK of RudderStack for browsers asks for before
// it sends events: a source without destinations, which reports nothing about itself.
func (s *Service) serveSourceConfig(w http.ResponseWriter, r *http.Request) error {
	key := r.URL.Query().Get(paramSegmentKey)
	a, err := s.authenticate(r, segmentDialect, key)
	if err != nil {
		return err
	}
	off := map[string]any{"enabled": false}
	return writeValue(w, map[string]any{
		"source": map[string]any{
			"id": a.key.ID, "name": a.key.Application, "writeKey": key, "enabled": true, "workspaceId": a.key.Application,
			"config":       map[string]any{"statsCollection": map[string]any{"errors": off, "metrics": off}},
			"destinations": []any{},
		},
		"updatedAt": event.FormatTime(a.received),
	})
}

// writeValue answers 200 with a value as JSON.
func writeValue(w http.ResponseWriter, v any) error {
	b, err := json.Marshal(v)
	if err != nil {
		return httpserver.Internal(err)
	}
	return writeJSON(w, http.StatusOK, b)
}
