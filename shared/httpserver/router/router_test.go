package router_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"
	"golang.org/x/time/rate"

	"github.com/theeye/theeye/shared/api"
	"github.com/theeye/theeye/shared/httpserver"
	"github.com/theeye/theeye/shared/httpserver/router"
)

var (
	errOwn   = errors.New("own")
	errStore = errors.New("store down")
)

type fixture struct {
	*router.Router
	log     bytes.Buffer
	latency *prometheus.HistogramVec
}

// answer is a recorded answer, or an aborted connection.
type answer struct {
	*httptest.ResponseRecorder
	aborted bool
	code    string
}

func newFixture(endpoints ...router.Endpoint) *fixture {
	return newConfiguredFixture(func(*router.Config) {}, endpoints...)
}

// newConfiguredFixture returns a fixture whose configuration change has changed.
func newConfiguredFixture(change func(*router.Config), endpoints ...router.Endpoint) *fixture {
	f := &fixture{latency: prometheus.NewHistogramVec(prometheus.HistogramOpts{Name: "seconds"}, []string{"route", "status"})}
	c := router.Config{
		FailureOf: func(_ context.Context, err error) *httpserver.Failure {
			var failure *httpserver.Failure
			switch {
			case errors.As(err, &failure):
				return failure
			case errors.Is(err, errOwn):
				return httpserver.NewFailure(http.StatusTeapot, "own", err.Error())
			}
			return httpserver.Internal(err)
		},
		Latency: f.latency, InFlight: prometheus.NewGauge(prometheus.GaugeOpts{Name: "in_flight"}),
		Logger:   slog.New(slog.NewTextHandler(&f.log, nil)),
		LogLimit: &rate.Sometimes{Every: 1},
	}
	change(&c)
	f.Router = router.New(c, endpoints)
	return f
}

func get(pattern string, handle router.Handler) router.Endpoint {
	return router.Endpoint{Method: http.MethodGet, Pattern: pattern, Handle: handle}
}

func (f *fixture) ask(t *testing.T, method, target string) (a answer) {
	t.Helper()
	a.ResponseRecorder = httptest.NewRecorder()
	defer func() {
		if cause := recover(); cause != nil {
			err, _ := cause.(error)
			if a.aborted = errors.Is(err, http.ErrAbortHandler); !a.aborted {
				t.Errorf("it panics with %v", cause)
			}
		}
	}()
	f.ServeHTTP(a, httptest.NewRequestWithContext(t.Context(), method, target, nil))
	var problem struct{ Code string }
	if a.Header().Get("Content-Type") == api.ContentTypeProblem {
		if err := json.Unmarshal(a.Body.Bytes(), &problem); err != nil {
			t.Errorf("%s: %v", a.Body, err)
		}
	}
	a.code = problem.Code
	return a
}

func TestEveryAnswerHasTheCommonHeaders(t *testing.T) {
	f := newFixture(get("/v1/x", func(w http.ResponseWriter, _ *http.Request) error {
		w.WriteHeader(http.StatusNoContent)
		return nil
	}))
	for _, target := range []string{"/v1/x", "/nowhere"} {
		a := f.ask(t, "GET", target)
		if a.Header().Get("Cache-Control") != "no-store" || a.Header().Get("X-Content-Type-Options") != "nosniff" {
			t.Errorf("%s: header %v", target, a.Header())
		}
	}
}

func TestErrorsBecomeProblems(t *testing.T) {
	f := newFixture(
		get("/own", func(http.ResponseWriter, *http.Request) error { return errOwn }),
		get("/down", func(http.ResponseWriter, *http.Request) error {
			return httpserver.Unavailable("store_unavailable", "d", time.Second, errStore)
		}),
	)
	if a := f.ask(t, "GET", "/own"); a.Code != http.StatusTeapot || a.code != "own" || f.log.Len() > 0 {
		t.Errorf("an error of the handler: %d %q, log %q", a.Code, a.code, &f.log)
	}
	a := f.ask(t, "GET", "/down")
	if a.Code != http.StatusServiceUnavailable || a.code != "store_unavailable" || a.Header().Get("Retry-After") != "1" {
		t.Errorf("a failure: %d %q %v", a.Code, a.code, a.Header())
	}
	for _, part := range []string{"request failed", "/down", "store_unavailable", "store down"} {
		if !strings.Contains(f.log.String(), part) {
			t.Errorf("the log lacks %q: %s", part, &f.log)
		}
	}
}

func TestUnknownPathsAndMethods(t *testing.T) {
	f := newFixture(get("/v1/things/:id", func(http.ResponseWriter, *http.Request) error { return nil }))
	if a := f.ask(t, "GET", "/v1/nothing"); a.Code != http.StatusNotFound || a.code != api.CodeNotFound {
		t.Errorf("unknown path: %d %q", a.Code, a.code)
	}
	a := f.ask(t, "DELETE", "/v1/things/7")
	if a.Code != http.StatusMethodNotAllowed || a.code != api.CodeMethodNotAllowed || !strings.Contains(a.Header().Get("Allow"), "GET") {
		t.Errorf("unknown method: %d %q %v", a.Code, a.code, a.Header())
	}
	if a := f.ask(t, "HEAD", "/v1/things/7"); a.Code != http.StatusOK {
		t.Errorf("HEAD: %d", a.Code)
	}
}

func TestNotFoundServesUnknownPaths(t *testing.T) {
	f := newConfiguredFixture(func(c *router.Config) {
		c.Prepare = func(h http.Header, r *http.Request) { h.Set("Prepared", r.Method) }
		c.NotFound = func(w http.ResponseWriter, r *http.Request) error {
			if r.URL.Path == "/error" {
				return errOwn
			}
			w.WriteHeader(http.StatusNoContent)
			return nil
		}
	}, router.Endpoint{Method: http.MethodGet, Pattern: "/known", Handle: func(http.ResponseWriter, *http.Request) error { return httpserver.NoSuchPath() }})
	for target, want := range map[string]int{"GET /nowhere": 204, "GET /error": http.StatusTeapot, "GET /known": 404, "POST /known": 405} {
		method, path, _ := strings.Cut(target, " ")
		if got := f.ask(t, method, path); got.Code != want || got.Header().Get("Prepared") != method {
			t.Errorf("%s answers %d %v, want %d", target, got.Code, got.Header(), want)
		}
	}
}

// A client must not be able to create time series.
func TestRouteLabelsAreThePatterns(t *testing.T) {
	f := newFixture(get("/v1/things/:id", func(http.ResponseWriter, *http.Request) error { return nil }))
	for _, target := range []string{"/v1/things/1", "/v1/things/2", "/nowhere", "/nowhere/else"} {
		f.ask(t, "GET", target)
	}
	var routes []string
	if n := testutil.CollectAndCount(f.latency); n != 2 {
		t.Errorf("%d series", n)
	}
	for _, r := range f.Routes() {
		routes = append(routes, r.Method+" "+r.Pattern)
		if r.Handler != f.Router {
			t.Errorf("%s %s is served by %v", r.Method, r.Pattern, r.Handler)
		}
	}
	if diff := cmp.Diff([]string{"GET /v1/things/:id", "HEAD /v1/things/:id"}, routes); diff != "" {
		t.Error(diff)
	}
}

func TestPanicBecomesAnInternalFailure(t *testing.T) {
	f := newFixture(get("/v1/x", func(http.ResponseWriter, *http.Request) error { panic("lost its way") }))
	if a := f.ask(t, "GET", "/v1/x"); a.Code != http.StatusInternalServerError || a.code != api.CodeInternal || a.aborted {
		t.Errorf("answer %d %q, aborted %v", a.Code, a.code, a.aborted)
	}
	for _, part := range []string{"lost its way", "/v1/x", "router_test.go"} {
		if !strings.Contains(f.log.String(), part) {
			t.Errorf("the log lacks %q: %s", part, &f.log)
		}
	}
}

func TestPanicAfterTheAnswerBeganAbortsTheConnection(t *testing.T) {
	f := newFixture(get("/v1/x", func(w http.ResponseWriter, _ *http.Request) error {
		w.WriteHeader(http.StatusOK)
		panic("half way")
	}))
	if a := f.ask(t, "GET", "/v1/x"); !a.aborted || !strings.Contains(f.log.String(), "half way") {
		t.Errorf("aborted %v, log %q", a.aborted, &f.log)
	}
}

func TestAbortPassesThrough(t *testing.T) {
	for _, begun := range []bool{false, true} {
		f := newFixture(get("/v1/x", func(w http.ResponseWriter, _ *http.Request) error {
			if begun {
				w.WriteHeader(http.StatusOK)
			}
			panic(http.ErrAbortHandler)
		}))
		if a := f.ask(t, "GET", "/v1/x"); !a.aborted || f.log.Len() > 0 {
			t.Errorf("begun %v: aborted %v, log %q", begun, a.aborted, &f.log)
		}
	}
}

// observations returns the count of each series of the latency.
func (f *fixture) observations(t *testing.T) map[string]uint64 {
	t.Helper()
	registry := prometheus.NewRegistry()
	registry.MustRegister(f.latency)
	families, err := registry.Gather()
	if err != nil {
		t.Fatal(err)
	}
	counts := map[string]uint64{}
	for _, family := range families {
		for _, m := range family.GetMetric() {
			counts[m.GetLabel()[0].GetValue()+" "+m.GetLabel()[1].GetValue()] = m.GetHistogram().GetSampleCount()
		}
	}
	return counts
}

func TestLatencyIsObservedByRouteAndStatus(t *testing.T) {
	f := newFixture(
		get("/v1/things/:id", func(w http.ResponseWriter, _ *http.Request) error { w.WriteHeader(http.StatusAccepted); return nil }),
		get("/v1/own", func(http.ResponseWriter, *http.Request) error { return errOwn }),
		get("/v1/lost", func(http.ResponseWriter, *http.Request) error { panic("lost") }),
	)
	for _, target := range []string{"/v1/things/1", "/v1/things/2", "/v1/own", "/v1/lost", "/nowhere"} {
		f.ask(t, "GET", target)
	}
	f.ask(t, "PUT", "/v1/own")
	want := map[string]uint64{
		"/v1/things/:id 202": 2, "/v1/own 418": 1, "/v1/own 405": 1, "/v1/lost 500": 1, "other 404": 1,
	}
	if diff := cmp.Diff(want, f.observations(t)); diff != "" {
		t.Errorf("observations (-want +got):\n%s", diff)
	}
}

func TestInFlightCountsTheRequestsBeingServed(t *testing.T) {
	gauge := prometheus.NewGauge(prometheus.GaugeOpts{Name: "in_flight"})
	serving := 0.0
	endpoints := []router.Endpoint{
		get("/v1/x", func(http.ResponseWriter, *http.Request) error { serving = testutil.ToFloat64(gauge); return nil }),
		get("/v1/abort", func(http.ResponseWriter, *http.Request) error { panic(http.ErrAbortHandler) }),
	}
	f := newConfiguredFixture(func(c *router.Config) { c.InFlight = gauge }, endpoints...)
	f.ask(t, "GET", "/v1/x")
	f.ask(t, "GET", "/v1/abort")
	if after := testutil.ToFloat64(gauge); serving != 1 || after != 0 {
		t.Errorf("%v in flight in a handler, %v after it", serving, after)
	}
	uncounted := newConfiguredFixture(func(c *router.Config) { c.InFlight = nil }, endpoints...)
	if a := uncounted.ask(t, "GET", "/v1/x"); a.Code != http.StatusOK {
		t.Errorf("without a gauge: %d", a.Code)
	}
}

func TestAPIAnswersUnknownMethods(t *testing.T) {
	f := newConfiguredFixture(func(c *router.Config) {
		c.MethodNotAllowed = func(pattern string) *httpserver.Failure {
			return httpserver.NewFailure(http.StatusMethodNotAllowed, "own", "no such method of "+pattern)
		}
	}, get("/v1/things/:id", func(http.ResponseWriter, *http.Request) error { return nil }))
	a := f.ask(t, "PATCH", "/v1/things/7")
	if a.code != "own" || !strings.Contains(a.Body.String(), "no such method of /v1/things/:id") {
		t.Errorf("%d %s", a.Code, a.Body)
	}
}

// The failure of a panic is not one that the API chooses.
func TestPanicIsNotAnErrorOfTheHandler(t *testing.T) {
	f := newConfiguredFixture(func(c *router.Config) {
		mapped := c.FailureOf
		c.FailureOf = func(ctx context.Context, err error) *httpserver.Failure {
			if failure := mapped(ctx, err); failure.Status != http.StatusInternalServerError || errors.As(err, &failure) {
				return failure
			}
			return httpserver.NewFailure(http.StatusTeapot, "own", "of an unknown error")
		}
	}, get("/v1/x", func(http.ResponseWriter, *http.Request) error { panic("lost") }))
	if a := f.ask(t, "GET", "/v1/x"); a.Code != http.StatusInternalServerError || a.code != api.CodeInternal {
		t.Errorf("%d %s", a.Code, a.Body)
	}
}

// Mistakes of clients would flood the log.
func TestOnlyFailuresOfTheServiceAreLogged(t *testing.T) {
	for status, logged := range map[int]bool{400: false, 404: false, 499: false, 500: true, 503: true} {
		for _, cause := range []error{nil, errStore} {
			f := newFixture(get("/v1/x", func(http.ResponseWriter, *http.Request) error {
				return &httpserver.Failure{Status: status, Code: "own", Cause: cause}
			}))
			f.ask(t, "GET", "/v1/x")
			if got := f.log.Len() > 0; got != (logged && cause != nil) {
				t.Errorf("%d by %v: log %q", status, cause, &f.log)
			}
		}
	}
}

func TestLogIsLimited(t *testing.T) {
	f := newConfiguredFixture(func(c *router.Config) { c.LogLimit = &rate.Sometimes{First: 2} },
		get("/v1/x", func(http.ResponseWriter, *http.Request) error { return errStore }))
	for range 5 {
		if a := f.ask(t, "GET", "/v1/x"); a.Code != http.StatusInternalServerError {
			t.Errorf("%d", a.Code)
		}
	}
	if n := strings.Count(f.log.String(), "request failed"); n != 2 {
		t.Errorf("%d lines: %s", n, &f.log)
	}
}

// An answer that has begun is not followed by a problem.
func TestErrorAfterTheAnswerBeganAddsNothing(t *testing.T) {
	f := newFixture(get("/v1/x", func(w http.ResponseWriter, _ *http.Request) error {
		_, err := w.Write([]byte("begun"))
		return errors.Join(err, errStore)
	}))
	if a := f.ask(t, "GET", "/v1/x"); a.Code != http.StatusOK || a.Body.String() != "begun" || !strings.Contains(f.log.String(), "store down") {
		t.Errorf("%d %q, log %q", a.Code, a.Body, &f.log)
	}
}

// deadlineRecorder records the deadline of a connection.
type deadlineRecorder struct {
	*httptest.ResponseRecorder
	deadline time.Time
}

func (r *deadlineRecorder) SetWriteDeadline(t time.Time) error { r.deadline = t; return nil }

func TestProblemIsWrittenWithinTheWriteTimeout(t *testing.T) {
	for _, timeout := range []time.Duration{0, time.Hour} {
		f := newConfiguredFixture(func(c *router.Config) { c.WriteTimeout = timeout },
			get("/v1/x", func(http.ResponseWriter, *http.Request) error { return errOwn }))
		w := &deadlineRecorder{ResponseRecorder: httptest.NewRecorder()}
		before := time.Now()
		f.ServeHTTP(w, httptest.NewRequestWithContext(t.Context(), "GET", "/v1/x", nil))
		if timeout == 0 {
			if !w.deadline.IsZero() {
				t.Errorf("the bound of the server is replaced by %v", w.deadline)
			}
			continue
		}
		if w.deadline.Before(before.Add(timeout)) || w.deadline.After(time.Now().Add(timeout)) {
			t.Errorf("the deadline is %v", w.deadline)
		}
	}
}

func TestFailureIsChosenWithTheContextOfTheRequest(t *testing.T) {
	type key struct{}
	var got any
	f := newConfiguredFixture(func(c *router.Config) {
		c.FailureOf = func(ctx context.Context, err error) *httpserver.Failure {
			got = ctx.Value(key{})
			return httpserver.Internal(err)
		}
	}, get("/v1/x", func(http.ResponseWriter, *http.Request) error { return errOwn }))
	ctx := context.WithValue(t.Context(), key{}, "of the request")
	f.ServeHTTP(httptest.NewRecorder(), httptest.NewRequestWithContext(ctx, "GET", "/v1/x", nil))
	if got != "of the request" {
		t.Errorf("the context has %v", got)
	}
}
