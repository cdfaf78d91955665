package queryapi

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"runtime/debug"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/labstack/echo/v4"

	"github.com/theeye/theeye/queryapi/apidoc"
	"github.com/theeye/theeye/shared/daemon"
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
	callSession  = pathSessions + ":session_id"
	callRejected = "/v1/rejected"
	callSummary  = "/v1/rejected/summary"
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
		callSession:  s.session,
		callRejected: s.rejected,
		callSummary:  s.rejectedSummary,
	} {
		get(e, path, s.query(call))
	}
	get(e, callDocument, serveDocument)
	get(e, callHealth, echo.WrapHandler(daemon.Health()))
	return e
}

func get(e *echo.Echo, path string, h echo.HandlerFunc) {
	e.GET(path, h)
	e.HEAD(path, h)
}

// query admits a request: a good token first, then one of the bounded places,
// then a time to be done within.
func (s *Service) query(call answer) echo.HandlerFunc {
	return func(c echo.Context) error {
		r := c.Request()
		who, err := authenticate(s.registry.Snapshot(), r.Header)
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
		err = s.started(ctx)
		if err == nil {
			err = call(c.Response(), r.WithContext(ctx), who)
		}
		if err != nil {
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
		h := c.Response().Header()
		h.Set("Cache-Control", "no-store")
		h.Set("X-Content-Type-Options", "nosniff")
		if err := next(c); err != nil {
			c.Error(err) // so that the status is known below
		}
		s.metrics.observe(c.Path(), c.Response().Status, time.Since(start))
		return nil
	}
}

// recoverPanics turns a panic into an answer and a log line. One that comes
// after the answer began must break the connection: the rest is missing.
func (s *Service) recoverPanics(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) (err error) {
		defer func() {
			cause := recover()
			if cause == nil {
				return
			}
			s.log.ErrorContext(c.Request().Context(), "panic in a query",
				slog.String("route", c.Path()), slog.Any("panic", cause), slog.String("stack", string(debug.Stack())))
			if c.Response().Committed {
				panic(http.ErrAbortHandler)
			}
			err = &failure{status: http.StatusInternalServerError, code: codeInternal, detail: internalDetail}
		}()
		return next(c)
	}
}

// fail answers every error; echo calls it and nothing else does.
func (s *Service) fail(err error, c echo.Context) {
	f := failureOf(err, c)
	if f.cause != nil && f.status >= http.StatusInternalServerError {
		s.quiet.Do(func() {
			s.log.WarnContext(c.Request().Context(), "query failed",
				slog.String("route", c.Path()), slog.String("code", f.code), slog.Any("error", f.cause))
		})
	}
	if !c.Response().Committed {
		f.write(c.Response())
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
			status: he.Code, code: codeMethodNotAllowed,
			detail: "only GET and HEAD are answered here",
		}
	}
	return &failure{status: he.Code, code: codeInternal, detail: http.StatusText(he.Code), cause: he.Internal}
}

func notFound(detail string) *failure {
	return &failure{status: http.StatusNotFound, code: codeNotFound, detail: detail}
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

func serveDocument(c echo.Context) error {
	if err := c.Blob(http.StatusOK, "application/json", apidoc.Document()); err != nil {
		return fmt.Errorf("write the document: %w", err)
	}
	return nil
}
