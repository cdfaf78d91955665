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
	f := &fixture{latency: prometheus.NewHistogramVec(prometheus.HistogramOpts{Name: "seconds"}, []string{"route", "status"})}
	f.Router = router.New(router.Config{
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
	}, endpoints)
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
