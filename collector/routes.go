package collector

import (
	"context"
	"net/http"
	"time"

	"github.com/theeye/theeye/shared/api"
	"github.com/theeye/theeye/shared/httpserver"
	"github.com/theeye/theeye/shared/httpserver/router"
)

// writeTimeout bounds the writing of a response. It replaces the server's
// bound, which counts from the start of the request.
const writeTimeout = 10 * time.Second

// newRouter returns the whole HTTP surface.
func (s *Service) newRouter() *router.Router {
	return router.New(router.Config{
		FailureOf: func(_ context.Context, err error) *httpserver.Failure { return failureOf(err) },
		Prepare:   s.AllowReading, NotFound: s.serveUnknownPath, MethodNotAllowed: methodNotAllowed, WriteTimeout: writeTimeout,
		Latency: s.metrics.requestSeconds, Logger: s.log, LogLimit: &s.logLimit,
	}, []router.Endpoint{
		{Method: http.MethodPost, Pattern: api.PathEvents, Handle: s.serveEvents},
		{Method: http.MethodPost, Pattern: api.PathValidate, Handle: s.serveValidate},
		{Method: http.MethodOptions, Pattern: api.PathEvents, Handle: s.servePreflight},
		{Method: http.MethodOptions, Pattern: api.PathValidate, Handle: s.servePreflight},
		{Method: http.MethodGet, Pattern: api.PathHealth, Handle: serveHealth},
	})
}

// serveEvents accepts the events of a request: the steps of the package comment
// from authenticate to answer.
func (s *Service) serveEvents(w http.ResponseWriter, r *http.Request) error {
	a, err := s.authenticate(r)
	if err != nil {
		return err
	}
	if err := s.guard(); err != nil {
		return unavailable(api.CodeNoSpace, "the disk has no room", retryLater, err)
	}
	body, err := s.readBody(r, a)
	if err != nil {
		return err
	}
	status, answer, err := s.commitBody(a, body)
	if err != nil {
		return err
	}
	_ = http.NewResponseController(w).SetWriteDeadline(time.Now().Add(writeTimeout))
	return writeJSON(w, status, answer)
}

// commitBody accepts and commits the events of a body, and returns the answer.
// It releases the body before a client that may be slow reads the answer.
func (s *Service) commitBody(a authenticatedRequest, body requestBody) (status int, answer []byte, err error) {
	defer body.buffer.release()
	msgs, results := a.acceptEvents(body.events)
	if len(msgs) > 0 {
		// No answer before the acknowledgement, and no claim without it.
		if err := s.committer.commitMessages(a.key.ID, msgs, int64(cap(body.buffer.data)+eventOverhead*len(msgs))); err != nil {
			body.reservation.refund()
			return 0, nil, err
		}
	}
	s.metrics.countEvents(results)
	status, answer = renderResults(results)
	return status, answer, nil
}

// methodNotAllowed returns a failure that names the methods of a path.
func methodNotAllowed(pattern string) *httpserver.Failure {
	methods := eventMethods
	if pattern == api.PathHealth {
		methods = "GET, HEAD"
	}
	f := httpserver.NewFailure(http.StatusMethodNotAllowed, api.CodeMethodNotAllowed, "the methods of this path are "+methods)
	f.Header = http.Header{"Allow": {methods}}
	return f
}

func serveHealth(w http.ResponseWriter, _ *http.Request) error {
	return writeJSON(w, http.StatusOK, []byte(`{"status":"ok"}`))
}
