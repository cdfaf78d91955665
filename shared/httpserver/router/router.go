package router

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"runtime/debug"
	"strconv"
	"time"

	"github.com/labstack/echo/v4"
	"github.com/prometheus/client_golang/prometheus"
	"golang.org/x/time/rate"

	"github.com/theeye/theeye/shared/api"
	"github.com/theeye/theeye/shared/httpserver"
)

// otherRoute is the route label of every request that no pattern matches, so
// that clients cannot create time series.
const otherRoute = "other"

// Handler serves one request. It returns an error only before it wrote
// anything of the answer.
type Handler func(w http.ResponseWriter, r *http.Request) error

// Endpoint is a method and path of the API. An endpoint of method GET also
// serves HEAD.
type Endpoint struct {
	Method  string
	Pattern string // see httpserver.Route
	Handle  Handler
}

// Config configures a Router.
type Config struct {
	// FailureOf returns the answer to an error of a handler. ctx is the
	// request's.
	FailureOf func(ctx context.Context, err error) *httpserver.Failure
	// Prepare sets headers of every answer, also of problems; nil sets none.
	Prepare func(h http.Header, r *http.Request)
	// NotFound serves the paths that no endpoint has; nil answers that there is
	// no such path.
	NotFound Handler
	// MethodNotAllowed returns the answer to a method that a path does not
	// have; nil is an answer that refers to the header Allow.
	MethodNotAllowed func(pattern string) *httpserver.Failure
	// WriteTimeout bounds the writing of a problem, in place of the server's
	// bound, which counts from the start of the request; 0 keeps that.
	WriteTimeout time.Duration

	// Latency is observed with the labels route (a pattern, or "other") and
	// status.
	Latency *prometheus.HistogramVec
	// InFlight counts the requests being served; nil does not count them.
	InFlight prometheus.Gauge

	// Logger gets panics and the causes of 5xx answers. Clients' mistakes are
	// not logged: they would flood the log.
	Logger *slog.Logger
	// LogLimit bounds the log lines about failed requests.
	LogLimit *rate.Sometimes
}

// Router is the handler of one API. It is safe for concurrent use.
type Router struct {
	Config

	echo     *echo.Echo
	patterns map[string]bool
	routes   []httpserver.Route
}

// New returns a router with the endpoints.
func New(c Config, endpoints []Endpoint) *Router {
	r := &Router{Config: c, echo: echo.New(), patterns: map[string]bool{}}
	if r.MethodNotAllowed == nil {
		r.MethodNotAllowed = referToAllow
	}
	r.echo.HTTPErrorHandler = r.writeFailure
	r.echo.Use(r.observeRequest, r.recoverPanic)
	for _, e := range endpoints {
		r.Add(e)
	}
	return r
}

// Add adds an endpoint. It must not be called while requests are served.
func (r *Router) Add(e Endpoint) {
	r.addMethod(e.Method, e)
	if e.Method == http.MethodGet {
		r.addMethod(http.MethodHead, e)
	}
}

func (r *Router) addMethod(method string, e Endpoint) {
	r.echo.Add(method, e.Pattern, func(c echo.Context) error { return e.Handle(c.Response(), c.Request()) })
	r.patterns[e.Pattern] = true
	r.routes = append(r.routes, httpserver.Route{Method: method, Pattern: e.Pattern, Handler: r})
}

// Routes returns the routes of the API, each with the router as its handler.
func (r *Router) Routes() []httpserver.Route { return r.routes }

// ServeHTTP answers a request, under the normal form of its path.
func (r *Router) ServeHTTP(w http.ResponseWriter, req *http.Request) {
	r.echo.ServeHTTP(w, httpserver.CleanPath(req, r.hasPath))
}

// hasPath reports whether an endpoint has an escaped path.
func (r *Router) hasPath(escaped string) bool {
	for pattern := range r.patterns {
		if httpserver.MatchPattern(pattern, escaped) {
			return true
		}
	}
	return false
}

// observeRequest measures a request and sets the common headers of its answer.
func (r *Router) observeRequest(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) error {
		start := time.Now()
		if r.InFlight != nil {
			r.InFlight.Inc()
			defer r.InFlight.Dec()
		}
		httpserver.SetCommonHeaders(c.Response().Header())
		if r.Prepare != nil {
			r.Prepare(c.Response().Header(), c.Request())
		}
		err := next(c)
		if r.NotFound != nil && isFrameworkError(err, http.StatusNotFound) {
			err = r.NotFound(c.Response(), c.Request())
		}
		if err != nil {
			c.Error(err) // writes the answer, so that its status is known below
		}
		route := c.Path()
		if !r.patterns[route] {
			route = otherRoute
		}
		r.Latency.WithLabelValues(route, strconv.Itoa(c.Response().Status)).Observe(time.Since(start).Seconds())
		return nil
	}
}

var errPanic = errors.New("panic")

// recoverPanic turns a panic of a handler into a log line and an internal
// failure. After the answer has begun it aborts the connection instead, since
// the rest of the answer is missing; http.ErrAbortHandler passes through.
func (r *Router) recoverPanic(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) (err error) {
		defer func() {
			cause := recover()
			switch cause {
			case nil:
				return
			case http.ErrAbortHandler:
				panic(cause)
			}
			r.Logger.LogAttrs(c.Request().Context(), slog.LevelError, "panic in a request",
				slog.String("route", c.Path()), slog.Any("panic", cause), slog.String("stack", string(debug.Stack())))
			if c.Response().Committed {
				panic(http.ErrAbortHandler)
			}
			err = httpserver.Internal(errPanic)
		}()
		return next(c)
	}
}

// writeFailure answers an error and logs the cause of a 5xx.
func (r *Router) writeFailure(err error, c echo.Context) {
	f := r.failureOf(err, c)
	if f.Cause != nil && f.Status >= http.StatusInternalServerError {
		r.LogLimit.Do(func() {
			r.Logger.WarnContext(c.Request().Context(), "request failed",
				slog.String("route", c.Path()), slog.String("code", f.Code), slog.Any("error", f.Cause))
		})
	}
	if c.Response().Committed {
		return
	}
	if r.WriteTimeout > 0 {
		_ = http.NewResponseController(c.Response()).SetWriteDeadline(time.Now().Add(r.WriteTimeout))
	}
	f.Write(c.Response())
}

// failureOf maps the errors of the framework; all others are the API's.
func (r *Router) failureOf(err error, c echo.Context) *httpserver.Failure {
	switch {
	case isFrameworkError(err, http.StatusNotFound):
		return httpserver.NoSuchPath()
	case isFrameworkError(err, http.StatusMethodNotAllowed):
		return r.MethodNotAllowed(c.Path())
	}
	return r.FailureOf(c.Request().Context(), err)
}

// isFrameworkError reports whether an error is the framework's, with this status.
func isFrameworkError(err error, status int) bool {
	var framework *echo.HTTPError
	return errors.As(err, &framework) && framework.Code == status
}

func referToAllow(string) *httpserver.Failure {
	return httpserver.NewFailure(http.StatusMethodNotAllowed, api.CodeMethodNotAllowed,
		"this path does not answer the method; Allow says which it answers")
}
