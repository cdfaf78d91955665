package collector

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"time"

	"github.com/theeye/theeye/collector/tracker"
	"github.com/theeye/theeye/shared/api"
	"github.com/theeye/theeye/shared/event"
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
	}, slices.Concat(s.segmentEndpoints(), s.snowplowEndpoints(), []router.Endpoint{
		{Method: http.MethodPost, Pattern: api.PathEvents, Handle: s.serveEvents(nativeDialect)},
		{Method: http.MethodPost, Pattern: api.PathValidate, Handle: s.serveValidate},
		{Method: http.MethodPost, Pattern: api.PathCloudEvents, Handle: s.serveEvents(cloudEventsDialect)},
		{Method: http.MethodOptions, Pattern: api.PathEvents, Handle: s.servePreflight},
		{Method: http.MethodOptions, Pattern: api.PathValidate, Handle: s.servePreflight},
		{Method: http.MethodOptions, Pattern: api.PathCloudEvents, Handle: s.servePreflight},
		{Method: http.MethodGet, Pattern: api.PathPixel, Handle: withoutHead(s.servePixel)},
		{Method: http.MethodGet, Pattern: api.PathTracker, Handle: tracker.ServeScript},
		{Method: http.MethodGet, Pattern: api.PathHealth, Handle: serveHealth},
	}))
}

// serveEvents accepts the events of a request in a dialect: the steps of the package
// comment from authenticate to answer.
func (s *Service) serveEvents(d dialect) router.Handler {
	return func(w http.ResponseWriter, r *http.Request) error {
		a, body, err := s.takeBody(r, d)
		if d.keepsRefused && errors.Is(err, event.ErrEmptyBatch) {
			return d.answer(w, nil)
		}
		if err != nil {
			return err
		}
		results, err := s.commitBody(a, body)
		if err != nil {
			return err
		}
		_ = http.NewResponseController(w).SetWriteDeadline(time.Now().Add(writeTimeout))
		return d.answer(w, results)
	}
}

// commitBody accepts and commits the events of a body, and returns their results.
// It releases the body before a client that may be slow reads the answer.
func (s *Service) commitBody(a authenticatedRequest, body requestBody) ([]result, error) {
	defer body.buffer.release()
	msgs, results := a.acceptEvents(body.events)
	if len(msgs) > 0 {
		// No answer before the acknowledgement, and no claim without it.
		if err := s.committer.commitMessages(a.key.ID, msgs, body.heldBytes(msgs)); err != nil {
			body.reservation.refund()
			return nil, err
		}
	}
	s.metrics.countEvents(results)
	return results, nil
}
