package collector

import (
	"context"
	"net/http"
	"time"

	"github.com/theeye/theeye/shared/api"
	"github.com/theeye/theeye/shared/format"
	"github.com/theeye/theeye/shared/httpserver"
	"github.com/theeye/theeye/shared/httpserver/router"
	"github.com/theeye/theeye/shared/registry"
)

// writeTimeout bounds the writing of an answer, in place of the server's own
// bound, which counts from the request's start.
const writeTimeout = 10 * time.Second

// newRouter returns the whole HTTP surface.
func (s *Service) newRouter() *router.Router {
	return router.New(router.Config{
		FailureOf:        func(_ context.Context, err error) *httpserver.Failure { return failureOf(err) },
		MethodNotAllowed: methodNotAllowed, WriteTimeout: writeTimeout,
		Latency: s.metrics.seconds, Logger: s.log, LogLimit: &s.quiet,
	}, []router.Endpoint{
		{Method: http.MethodPost, Pattern: api.PathEvents, Handle: s.events},
		{Method: http.MethodPost, Pattern: api.PathValidate, Handle: s.validate},
		{Method: http.MethodOptions, Pattern: api.PathEvents, Handle: s.preflight},
		{Method: http.MethodOptions, Pattern: api.PathValidate, Handle: s.preflight},
		{Method: http.MethodGet, Pattern: api.PathHealth, Handle: serveHealth},
	})
}

// events is the collector's one purpose.
func (s *Service) events(w http.ResponseWriter, r *http.Request) error {
	a, err := s.admit(w, r)
	if err != nil {
		return err
	}
	if err := s.guard(); err != nil {
		return unavailable(api.CodeNoSpace, "the disk has no room", retryLater, err)
	}
	in, err := s.take(w, r, a)
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
	_ = http.NewResponseController(w).SetWriteDeadline(time.Now().Add(writeTimeout))
	return answerAccepted(w, results)
}

// admit authenticates a request. From then on its page may read the answers.
func (s *Service) admit(w http.ResponseWriter, r *http.Request) (admission, error) {
	w.Header().Add("Vary", "Origin")
	snapshot, err := s.snapshot()
	if err != nil {
		return admission{}, err
	}
	now := s.now().UTC()
	key, err := authenticate(snapshot.Access, r, now)
	if err != nil {
		return admission{}, err
	}
	exposeTo(w.Header(), r.Header.Get("Origin"))
	return admission{key: key, snapshot: snapshot, received: now, format: format.Native}, nil
}

// snapshot returns the registry. Before it is complete nobody is turned away:
// a 401 makes clients drop their events.
func (s *Service) snapshot() (*registry.Snapshot, error) {
	if snapshot := s.registry.Snapshot(); snapshot != nil {
		return snapshot, nil
	}
	return nil, unavailable(api.CodeStarting, "the collector is starting", retrySoon, nil)
}

// access is who may write by the newest snapshot, which there is.
func (s *Service) access() *registry.Access { return s.registry.Snapshot().Access }

// methodNotAllowed names the methods of a path.
func methodNotAllowed(pattern string) *httpserver.Failure {
	methods := allow
	if pattern == api.PathHealth {
		methods = "GET, HEAD"
	}
	f := httpserver.NewFailure(http.StatusMethodNotAllowed, api.CodeMethodNotAllowed, "the methods of this path are "+methods)
	f.Header = http.Header{"Allow": {methods}}
	return f
}

func serveHealth(w http.ResponseWriter, r *http.Request) error {
	return answer(w, http.StatusOK, []byte(`{"status":"ok"}`))
}
