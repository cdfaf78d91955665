package collector

import (
	"errors"
	"log/slog"
	"net/http"
	"time"

	"github.com/labstack/echo/v4"

	"github.com/theeye/theeye/shared/format"
	"github.com/theeye/theeye/shared/problem"
	"github.com/theeye/theeye/shared/registry"
)

// Paths of the API.
const (
	pathEvents   = "/v1/events"
	pathValidate = "/v1/validate"
	pathHealth   = "/healthz"
)

// writeTimeout bounds the writing of an answer, in place of the server's own
// bound, which counts from the request's start.
const writeTimeout = 10 * time.Second

// routes is the whole HTTP surface.
func (s *Service) routes() http.Handler {
	e := echo.New()
	e.HideBanner, e.HidePort = true, true
	// Nobody stands between: headers that claim another address are not
	// believed.
	e.IPExtractor = echo.ExtractIPDirect()
	e.HTTPErrorHandler = s.fail
	e.Use(s.observe, s.recoverPanics)
	e.POST(pathEvents, s.events)
	e.POST(pathValidate, s.validate)
	e.OPTIONS(pathEvents, s.preflight)
	e.OPTIONS(pathValidate, s.preflight)
	e.GET(pathHealth, serveHealth)
	e.HEAD(pathHealth, serveHealth)
	return e
}

// events is the collector's one purpose.
func (s *Service) events(c echo.Context) error {
	a, err := s.admit(c)
	if err != nil {
		return err
	}
	if err := s.guard(); err != nil {
		return unavailable(codeNoSpace, "the disk has no room", retryLater, err)
	}
	in, err := s.take(c, a)
	if err != nil {
		return err
	}
	defer in.body.release()
	msgs, results := a.accept(in.batch)
	if len(msgs) > 0 {
		// No answer before the acknowledgement, and no claim without it.
		if err := s.committer.commit(msgs, int64(cap(in.body.text)+overhead*len(msgs))); err != nil {
			in.charged.giveBack()
			return err
		}
	}
	s.metrics.count(results)
	_ = http.NewResponseController(c.Response()).SetWriteDeadline(time.Now().Add(writeTimeout))
	return answerAccepted(c, results)
}

// admit authenticates a request. From then on its page may read the answers.
func (s *Service) admit(c echo.Context) (admission, error) {
	c.Response().Header().Add("Vary", "Origin")
	snapshot, err := s.snapshot()
	if err != nil {
		return admission{}, err
	}
	now := s.now().UTC()
	key, err := authenticate(snapshot.Access, c.Request(), now)
	if err != nil {
		return admission{}, err
	}
	exposeTo(c.Response().Header(), c.Request().Header.Get("Origin"))
	return admission{key: key, snapshot: snapshot, received: now, format: format.Native}, nil
}

// snapshot returns the registry. Before it is complete nobody is turned away:
// a 401 makes clients drop their events.
func (s *Service) snapshot() (*registry.Snapshot, error) {
	if snapshot := s.registry.Snapshot(); snapshot != nil {
		return snapshot, nil
	}
	return nil, unavailable(codeStarting, "the collector is starting", retrySoon, nil)
}

// access is who may write by the newest snapshot, which there is.
func (s *Service) access() *registry.Access { return s.registry.Snapshot().Access }

// observe measures every request and sets the headers of every answer.
func (s *Service) observe(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) error {
		start := time.Now()
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
		return problem.Recover(c.Request().Context(), s.log, c.Path(),
			func() bool { return c.Response().Committed },
			func() error { return next(c) })
	}
}

// fail answers every error; echo calls it and nothing else does. Clients'
// mistakes are counted, not logged: they would flood the log.
func (s *Service) fail(err error, c echo.Context) {
	f := failureIn(err, c)
	if f.Cause != nil && f.Status >= http.StatusInternalServerError {
		s.quiet.Do(func() {
			s.log.WarnContext(c.Request().Context(), "requests fail",
				slog.String("route", c.Path()), slog.String("code", f.Code), slog.Any("error", f.Cause))
		})
	}
	if !c.Response().Committed {
		_ = http.NewResponseController(c.Response()).SetWriteDeadline(time.Now().Add(writeTimeout))
		f.Write(c.Response())
	}
}

// failureIn knows echo's own errors too.
func failureIn(err error, c echo.Context) *problem.Failure {
	var he *echo.HTTPError
	if !errors.As(err, &he) {
		return failureOf(err)
	}
	switch he.Code {
	case http.StatusNotFound:
		return problem.NewFailure(http.StatusNotFound, codeNotFound, "there is nothing at this path")
	case http.StatusMethodNotAllowed:
		methods := allow
		if c.Path() == pathHealth {
			methods = "GET, HEAD"
		}
		f := problem.NewFailure(he.Code, codeMethodNotAllowed, "the methods of this path are "+methods)
		f.Header = http.Header{"Allow": {methods}}
		return f
	}
	return failureOf(err)
}

func serveHealth(c echo.Context) error {
	return answer(c, http.StatusOK, []byte(`{"status":"ok"}`))
}
