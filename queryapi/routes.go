package queryapi

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/labstack/echo/v4"

	"github.com/theeye/theeye/queryapi/apidoc"
	"github.com/theeye/theeye/shared/daemon"
	"github.com/theeye/theeye/shared/problem"
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
	// callOther is every path that is none of the API's.
	callOther = "other"
)

// answer is one call of the API: it parses, finds and renders, or returns an
// error before it wrote anything.
type answer func(w http.ResponseWriter, r *http.Request, who scope) error

// routes is the whole HTTP surface.
func (s *Service) routes() http.Handler {
	e := echo.New()
	e.HideBanner, e.HidePort = true, true
	// Nobody stands between: headers that claim another address are not
	// believed.
	e.IPExtractor = echo.ExtractIPDirect()
	e.HTTPErrorHandler = s.fail
	e.Use(s.observe, s.recoverPanics)
	for path, call := range map[string]answer{
		callEvents:   s.events,
		callEvent:    s.event,
		callTrace:    s.trace,
		callSession:  s.session,
		callRejected: s.rejected,
		callSummary:  s.rejectedSummary,
		callTypes:    s.types,
	} {
		get(e, path, s.query(call))
	}
	get(e, callStatus, s.operate(s.status))
	s.registryRoutes(e)
	get(e, callDocument, serveDocument)
	get(e, callHealth, echo.WrapHandler(daemon.Health()))
	for _, r := range e.Routes() {
		s.metrics.routes[r.Path] = true
	}
	return e
}

func get(e *echo.Echo, path string, h echo.HandlerFunc) {
	e.GET(path, h)
	e.HEAD(path, h)
}

// query admits a question about events. It needs the store.
func (s *Service) query(call answer) echo.HandlerFunc {
	return s.admit(everyRole, func(w http.ResponseWriter, r *http.Request, who scope) error {
		if err := s.started(r.Context()); err != nil {
			return err
		}
		return call(w, r, who)
	})
}

// operate admits a request of an operator. It does not need the store: the
// registry must be mended while that is away, too.
func (s *Service) operate(call answer) echo.HandlerFunc {
	return s.admit(operatorsOnly, call)
}

// admit lets a request in: a good token first, of a role that allow takes, then
// one of the bounded places, then a time to be done within.
func (s *Service) admit(allow func(scope) error, call answer) echo.HandlerFunc {
	return func(c echo.Context) error {
		r := c.Request()
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
		if err := call(c.Response(), r.WithContext(ctx), who); err != nil {
			return answerFor(ctx, err)
		}
		return nil
	}
}

// observe measures every request and sets the headers of every answer.
func (s *Service) observe(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) error {
		start := time.Now()
		s.metrics.inFlight.Inc()
		defer s.metrics.inFlight.Dec()
		problem.SetHeaders(c.Response().Header())
		if err := next(c); err != nil {
			c.Error(err) // so that the status is known below
		}
		s.metrics.observe(c.Path(), c.Response().Status, time.Since(start))
		return nil
	}
}

// recoverPanics turns a panic into an answer and a log line.
func (s *Service) recoverPanics(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) error {
		answering := func() bool { return c.Response().Committed }
		return problem.Recover(c.Request().Context(), s.log, c.Path(), answering, func() error { return next(c) })
	}
}

// fail answers every error; echo calls it and nothing else does.
func (s *Service) fail(err error, c echo.Context) {
	f := failureOf(err, c)
	if f.Cause != nil && f.Status >= http.StatusInternalServerError {
		s.quiet.Do(func() {
			s.log.WarnContext(c.Request().Context(), "query failed",
				slog.String("route", c.Path()), slog.String("code", f.Code), slog.Any("error", f.Cause))
		})
	}
	if !c.Response().Committed {
		f.Write(c.Response())
	}
}

func failureOf(err error, c echo.Context) *failure {
	var he *echo.HTTPError
	if !errors.As(err, &he) {
		return answerFor(c.Request().Context(), err)
	}
	switch he.Code {
	case http.StatusNotFound:
		return notFound("there is nothing at this path")
	case http.StatusMethodNotAllowed:
		return &failure{
			Status: he.Code, Code: codeMethodNotAllowed,
			Detail: "this path does not answer the method; Allow says which it answers",
		}
	}
	return &failure{Status: he.Code, Code: codeInternal, Detail: http.StatusText(he.Code), Cause: he.Internal}
}

func notFound(detail string) *failure {
	return &failure{Status: http.StatusNotFound, Code: codeNotFound, Detail: detail}
}

// pathSegment returns the one segment behind prefix, unescaped once. It reads
// the path as it was sent: an id may hold '/', which arrives as %2F.
func pathSegment(r *http.Request, prefix string) (string, error) {
	raw := strings.TrimPrefix(r.URL.EscapedPath(), prefix)
	segment, err := url.PathUnescape(raw)
	if err != nil || strings.Contains(raw, "/") {
		return "", notFound("there is nothing at this path")
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
			return segments, notFound("there is nothing at this path")
		}
		if !utf8.ValidString(segments[i]) {
			return segments, badRequest(codeInvalidParameter, "a segment of the path is not UTF-8")
		}
	}
	return segments, nil
}

func serveDocument(c echo.Context) error {
	if err := c.Blob(http.StatusOK, "application/json", apidoc.Document()); err != nil {
		return fmt.Errorf("write the document: %w", err)
	}
	return nil
}
