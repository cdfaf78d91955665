package queryapi

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"unicode/utf8"

	"github.com/theeye/theeye/queryapi/apidoc"
	"github.com/theeye/theeye/shared/daemon"
	"github.com/theeye/theeye/shared/httpserver"
	"github.com/theeye/theeye/shared/httpserver/router"
)

// Paths of the API; the two prefixes are followed by one escaped segment.
const (
	pathEvents   = "/v1/events/"
	pathSessions = "/v1/sessions/"
)

// The calls, as metrics and cursors name them.
const (
	callEvents   = "/v1/events"
	callEvent    = pathEvents + ":event_id"
	callTrace    = callEvent + "/trace"
	callSession  = pathSessions + ":session_id"
	callRejected = "/v1/rejected"
	callSummary  = "/v1/rejected/summary"
	callTypes    = "/v1/types"
	callStatus   = "/v1/status"
	callDocument = "/openapi.json"
	callHealth   = "/healthz"
)

// answer is one call of the API: it parses, finds and renders, or returns an
// error before it wrote anything.
type answer func(w http.ResponseWriter, r *http.Request, who scope) error

// newRouter returns the whole HTTP surface.
func (s *Service) newRouter() *router.Router {
	var endpoints []router.Endpoint
	for path, call := range map[string]answer{
		callEvents:   s.events,
		callEvent:    s.event,
		callTrace:    s.trace,
		callSession:  s.session,
		callRejected: s.rejected,
		callSummary:  s.rejectedSummary,
		callTypes:    s.types,
	} {
		endpoints = append(endpoints, get(path, s.query(call)))
	}
	endpoints = append(endpoints,
		get(callStatus, s.operate(s.status)), get(callDocument, serveDocument), get(callHealth, serveHealth))
	endpoints = append(endpoints, s.registryEndpoints()...)
	return router.New(router.Config{
		FailureOf: answerFor, Latency: s.metrics.seconds, InFlight: s.metrics.inFlight,
		Logger: s.log, LogLimit: &s.quiet,
	}, endpoints)
}

func get(path string, h router.Handler) router.Endpoint {
	return router.Endpoint{Method: http.MethodGet, Pattern: path, Handle: h}
}

// query admits a question about events. It needs the store.
func (s *Service) query(call answer) router.Handler {
	return s.admit(everyRole, func(w http.ResponseWriter, r *http.Request, who scope) error {
		if err := s.started(r.Context()); err != nil {
			return err
		}
		return call(w, r, who)
	})
}

// operate admits a request of an operator. It does not need the store: the
// registry must be mended while that is away, too.
func (s *Service) operate(call answer) router.Handler {
	return s.admit(operatorsOnly, call)
}

// admit lets a request in: a good token first, of a role that allow takes, then
// one of the bounded places, then a time to be done within.
func (s *Service) admit(allow func(scope) error, call answer) router.Handler {
	return func(w http.ResponseWriter, r *http.Request) error {
		who, err := authenticate(s.registry.Snapshot(), r.Header)
		if err == nil {
			err = allow(who)
		}
		if err != nil {
			return err
		}
		select {
		case s.slots <- struct{}{}:
			defer func() { <-s.slots }()
		default:
			return unavailable(codeOverloaded, "too many queries are at work", retrySoon, nil)
		}
		ctx, cancel := context.WithTimeout(r.Context(), s.timeout)
		defer cancel()
		if err := call(w, r.WithContext(ctx), who); err != nil {
			return answerFor(ctx, err)
		}
		return nil
	}
}

// pathSegment returns the one segment behind prefix, unescaped once. It reads
// the path as it was sent: an id may hold '/', which arrives as %2F.
func pathSegment(r *http.Request, prefix string) (string, error) {
	raw := strings.TrimPrefix(r.URL.EscapedPath(), prefix)
	segment, err := url.PathUnescape(raw)
	if err != nil || strings.Contains(raw, "/") {
		return "", httpserver.NoSuchPath()
	}
	if !utf8.ValidString(segment) {
		return "", badRequest(codeInvalidParameter, "the last segment of the path is not UTF-8")
	}
	return segment, nil
}

// pathSegments returns the three segments behind prefix, unescaped once; those
// that the path does not have are empty. Like pathSegment it reads the path as
// it was sent.
func pathSegments(r *http.Request, prefix string) ([3]string, error) {
	var escaped, segments [3]string
	copy(escaped[:], strings.Split(strings.TrimPrefix(r.URL.EscapedPath(), prefix), "/"))
	for i, raw := range escaped {
		var err error
		if segments[i], err = url.PathUnescape(raw); err != nil {
			return segments, httpserver.NoSuchPath()
		}
		if !utf8.ValidString(segments[i]) {
			return segments, badRequest(codeInvalidParameter, "a segment of the path is not UTF-8")
		}
	}
	return segments, nil
}

func serveDocument(w http.ResponseWriter, _ *http.Request) error {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(http.StatusOK)
	if _, err := w.Write(apidoc.Document()); err != nil {
		return fmt.Errorf("write the document: %w", err)
	}
	return nil
}

func serveHealth(w http.ResponseWriter, r *http.Request) error {
	daemon.Health().ServeHTTP(w, r)
	return nil
}
