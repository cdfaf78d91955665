package queryapi_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/theeye/theeye/queryapi"
	"github.com/theeye/theeye/queryapi/apidoc"
	"github.com/theeye/theeye/shared/query"
	"github.com/theeye/theeye/shared/registry"
	"github.com/theeye/theeye/shared/store"
)

// Every answer has the headers that keep it out of caches and scripts.
func TestEveryAnswerHasTheCommonHeaders(t *testing.T) {
	fx := newFixture(t)
	for target, want := range map[string]int{
		"/v1/events": http.StatusOK, "/v1/events?x": http.StatusBadRequest, "/v1/events/none": http.StatusNotFound,
		"/nothing": http.StatusNotFound, "/v1/events/..%2f..%2fetc": http.StatusNotFound,
		"/openapi.json": http.StatusOK, "/healthz": http.StatusOK, "/metrics": http.StatusNotFound, "/debug/pprof/": http.StatusNotFound,
	} {
		for _, method := range []string{http.MethodGet, http.MethodHead} {
			resp, body := fx.do(method, operator, target)
			if resp.StatusCode != want || method == http.MethodHead && body != "" {
				t.Errorf("%s %s: %d %s", method, target, resp.StatusCode, body)
			}
			if resp.Header.Get("Cache-Control") != "no-store" || resp.Header.Get("X-Content-Type-Options") != "nosniff" {
				t.Errorf("%s %s: %v", method, target, resp.Header)
			}
			if resp.Header.Get("Access-Control-Allow-Origin") != "" {
				t.Errorf("%s %s allows other origins", method, target)
			}
		}
	}
	for _, method := range []string{http.MethodPut, http.MethodDelete, http.MethodPatch, "BREW"} {
		resp, body := fx.do(method, operator, "/v1/rejected")
		if resp.StatusCode != http.StatusMethodNotAllowed || !strings.Contains(resp.Header.Get("Allow"), "GET") {
			t.Errorf("%s: %d %v %s", method, resp.StatusCode, resp.Header, body)
		}
	}
	if resp, body := fx.do(http.MethodGet, "", "/openapi.json"); body != string(apidoc.Document()) || resp.StatusCode != http.StatusOK {
		t.Error("the document is not the one that answers are checked against")
	}
}

// broken is a store whose results are set by a test.
type broken struct {
	queryapi.Store
	events func(ctx context.Context) error

	mu    sync.Mutex
	ready func() error // the columns, too, call it: setReady once the service runs
}

// newBlocked returns a store whose reads of events send to entered, and wait until release
// is closed.
func newBlocked() (b *broken, entered <-chan struct{}, release chan<- struct{}) {
	in, out := make(chan struct{}), make(chan struct{})
	return &broken{events: func(context.Context) error {
		in <- struct{}{}
		<-out
		return nil
	}}, in, out
}

func (b *broken) setReady(f func() error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.ready = f
}

func (b *broken) Find(ctx context.Context, q query.Events) ([]*store.Document, error) {
	if q.Rejected {
		return b.Store.Find(ctx, q)
	}
	if err := b.events(ctx); err != nil {
		return nil, err
	}
	return b.Store.Find(ctx, q)
}

func (b *broken) Ready(ctx context.Context) error {
	b.mu.Lock()
	ready := b.ready
	b.mu.Unlock()
	if ready == nil {
		return b.Store.Ready(ctx)
	}
	return ready()
}

// Every failure of a query has its own answer, and none shows internals.
func TestStoreFailuresAreAnswered(t *testing.T) {
	secret := errors.New("mongodb://user:password@host")
	b := &broken{}
	var logs lockedBuffer
	fx := newFixture(t, func(c *queryapi.Config) {
		b.Store, c.Store = c.Store, b
		c.Logger = slog.New(slog.NewJSONHandler(&logs, nil))
	})
	for name, c := range map[string]struct {
		events func(context.Context) error
		status int
		code   string
	}{
		"away":    {func(context.Context) error { return errors.Join(store.ErrUnavailable, secret) }, 503, "store_unavailable"},
		"refuses": {func(context.Context) error { return errors.Join(store.ErrConfiguration, secret) }, 503, "store_unavailable"},
		"unknown": {func(context.Context) error { return secret }, 500, "internal"},
		"panics":  {func(context.Context) error { panic(secret) }, 500, "internal"},
	} {
		b.events = c.events
		status, got := fx.get(operator, "/v1/events")
		if status != c.status || got.Code != c.code || strings.Contains(got.raw, "password") {
			t.Errorf("%s: %d %s", name, status, got.raw)
		}
	}
	b.events = func(context.Context) error { return nil }
	if status, got := fx.get(operator, "/v1/events"); status != http.StatusOK {
		t.Errorf("it does not recover: %d %s", status, got.raw)
	}
	if lines := strings.Count(logs.String(), "request failed"); lines > 2 {
		t.Errorf("%d lines about one store", lines)
	}
}

func TestSlowQueryTimesOut(t *testing.T) {
	b := &broken{ready: func() error { return nil }}
	b.events = func(ctx context.Context) error {
		<-ctx.Done()
		return errors.Join(store.ErrUnavailable, ctx.Err())
	}
	fx := newFixture(t, func(c *queryapi.Config) { b.Store, c.Store, c.Timeout = c.Store, b, 20*time.Millisecond })
	if status, got := fx.get(operator, "/v1/events"); status != http.StatusGatewayTimeout || got.Code != "query_timeout" {
		t.Errorf("%d %s", status, got.raw)
	}
	// One that may read many events says what costs less.
	target := "/v1/events?filter=name%3Dx&session_id=" + aSession
	if status, got := fx.get(operator, target); status != http.StatusGatewayTimeout || got.Code != "query_timeout" || !strings.Contains(got.raw, `"advice":`) {
		t.Errorf("%s: %d %s", target, status, got.raw)
	}
}

// The query of a client that closes its connection is cancelled.
func TestQueryEndsWithItsClient(t *testing.T) {
	b := &broken{}
	entered, left := make(chan struct{}), make(chan struct{})
	b.events = func(ctx context.Context) error {
		close(entered)
		<-ctx.Done()
		close(left)
		return ctx.Err()
	}
	fx := newFixture(t, func(c *queryapi.Config) { b.Store, c.Store, c.MaxInFlight = c.Store, b, 1 })
	ctx, cancel := context.WithCancel(t.Context())
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, fx.base+"/v1/events", http.NoBody)
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+operator)
	go func() { <-entered; cancel() }()
	if resp, err := fx.client.Do(req); err == nil {
		_ = resp.Body.Close()
		t.Errorf("%d", resp.StatusCode)
	}
	select {
	case <-left:
	case <-time.After(10 * time.Second):
		t.Fatal("the query goes on")
	}
}

type lockedBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *lockedBuffer) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *lockedBuffer) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

// One query too many is refused at once, and the slot is free again after it.
func TestRejectsQueriesBeyondTheLimit(t *testing.T) {
	b, entered, release := newBlocked()
	fx := newFixture(t, func(c *queryapi.Config) { b.Store, c.Store, c.MaxInFlight = c.Store, b, 1 })
	var wg sync.WaitGroup
	wg.Go(func() {
		if status, got := fx.get(operator, "/v1/events"); status != http.StatusOK {
			t.Errorf("%d %s", status, got.raw)
		}
	})
	<-entered
	if status, got := fx.get(operator, "/v1/events"); status != http.StatusServiceUnavailable || got.Code != "overloaded" {
		t.Errorf("%d %s", status, got.raw)
	}
	// A request that is not admitted takes no slot, and health needs none.
	if status, _ := fx.get("wrong", "/v1/events"); status != http.StatusUnauthorized {
		t.Errorf("%d", status)
	}
	if status, _ := fx.get("", "/healthz"); status != http.StatusOK {
		t.Errorf("%d", status)
	}
	close(release)
	wg.Wait()
	if status, got := fx.get(operator, "/v1/rejected"); status != http.StatusOK {
		t.Errorf("the place is not free: %d %s", status, got.raw)
	}
}

// Queries with filters may read many events: a token has few of them in work, whatever
// their route, and others none the less.
func TestFilteredQueriesOfATokenAreBounded(t *testing.T) {
	b, entered, release := newBlocked()
	fx := newFixture(t, func(c *queryapi.Config) { b.Store, c.Store = c.Store, b })
	const filtered = "filter=name%3Dx&session_id=" + aSession // by a scan of the store
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			if status, got := fx.get(analyst, "/v1/events?"+filtered); status != http.StatusOK {
				t.Errorf("%d %s", status, got.raw)
			}
		})
		<-entered
	}
	for _, target := range []string{"/v1/events?" + filtered, "/v1/rejected?" + filtered, "/v1/stats/top?field=type"} {
		resp, body := fx.do(http.MethodGet, analyst, target)
		if resp.StatusCode != http.StatusTooManyRequests || resp.Header.Get("Retry-After") == "" || !strings.Contains(body, "too_many_queries") {
			t.Errorf("%s: %d %s", target, resp.StatusCode, body)
		}
	}
	if status, got := fx.get(analyst, "/v1/rejected"); status != http.StatusOK {
		t.Errorf("without a filter: %d %s", status, got.raw)
	}
	if status, got := fx.get(shopOnly, "/v1/rejected?"+filtered); status != http.StatusOK {
		t.Errorf("another token: %d %s", status, got.raw)
	}
	close(release)
	wg.Wait()
	if status, got := fx.get(analyst, "/v1/rejected?"+filtered); status != http.StatusOK {
		t.Errorf("the places are not free: %d %s", status, got.raw)
	}
}

// A store that was never prepared is not an empty one.
func TestUnpreparedStoreIsUnavailable(t *testing.T) {
	b := &broken{events: func(context.Context) error { return nil }}
	b.setReady(func() error { return store.ErrUnavailable })
	fx := newFixture(t, func(c *queryapi.Config) {
		b.Store, c.Store = c.Store, b
		c.ColumnsDir = "" // the columns ask every second
	})
	if status, got := fx.get(operator, "/v1/events"); status != http.StatusServiceUnavailable || got.Code != "starting" {
		t.Errorf("%d %s", status, got.raw)
	}
	if checks := fx.service.Ready(); checks[0].Err != nil || checks[1].Name != "store" || checks[1].Err == nil {
		t.Errorf("%v", checks)
	}
	b.setReady(nil)
	if status, got := fx.get(operator, "/v1/events"); status != http.StatusOK {
		t.Errorf("%d %s", status, got.raw)
	}
	// Once the store was prepared, queries do not check it again.
	b.setReady(func() error { t.Error("asked again"); return nil })
	if status, got := fx.get(operator, "/v1/events"); status != http.StatusOK {
		t.Errorf("%d %s", status, got.raw)
	}
	b.setReady(nil)
	for _, check := range fx.service.Ready() {
		if check.Err != nil {
			t.Errorf("%v", check)
		}
	}
}

// Before the first snapshot of the registry no token is checked: a 401 would make
// an analyst discard a good token.
func TestUnloadedRegistryIsUnavailable(t *testing.T) {
	fx := newFixture(t, func(c *queryapi.Config) {
		c.Registry = registry.New(registry.Config{JetStream: c.JetStream, Static: credentials(), Logger: c.Logger})
	})
	for _, token := range []string{operator, "wrong", ""} {
		if status, got := fx.get(token, "/v1/events"); status != http.StatusServiceUnavailable || got.Code != "starting" {
			t.Errorf("%q: %d %s", token, status, got.raw)
		}
	}
	if checks := fx.service.Ready(); checks[0].Name != "registry" || checks[0].Err == nil {
		t.Errorf("%v", checks)
	}
}

// Requests are counted by route, so that clients cannot create label values.
func TestMetricsCountByRoute(t *testing.T) {
	fx := newFixture(t)
	for _, target := range []string{"/v1/events/a", "/v1/events/b", "/v1/sessions/x", "/nothing/1", "/nothing/2", "/v1/events"} {
		fx.do(http.MethodGet, operator, target)
	}
	// A client can have read an answer before its request counts as done.
	eventually(t, "no request is in flight", func() bool {
		families, err := fx.metrics.Gather()
		for _, family := range families {
			if family.GetName() == "eye_queryapi_requests_in_flight" {
				return family.GetMetric()[0].GetGauge().GetValue() == 0
			}
		}
		return err != nil
	})
	families, err := fx.metrics.Gather()
	if err != nil {
		t.Fatal(err)
	}
	for _, family := range families {
		switch family.GetName() {
		case "eye_queryapi_request_seconds":
			// Two events not found, one session refused, two paths that are
			// none, one page.
			if n := len(family.GetMetric()); n != 4 {
				t.Errorf("%d series: %v", n, family.GetMetric())
			}
			if !strings.Contains(fmt.Sprint(family), `"other"`) {
				t.Errorf("%v", family)
			}
		case "eye_queryapi_requests_in_flight":
			if n := family.GetMetric()[0].GetGauge().GetValue(); n != 0 {
				t.Errorf("%v requests in flight", n)
			}
		case "eye_queryapi_registry_revision":
			if n := family.GetMetric()[0].GetGauge().GetValue(); n != 0 {
				t.Errorf("revision %v of an empty registry", n)
			}
		}
	}
	const columns = 16 // those of the columns
	if len(families) != 4+columns {
		t.Errorf("%d families", len(families))
	}
}

func TestNewRejectsIncompleteConfig(t *testing.T) {
	if _, err := queryapi.New(queryapi.Config{Metrics: prometheus.NewRegistry()}); err == nil {
		t.Error("a service without a store")
	}
	fx := newFixture(t)
	if _, err := queryapi.New(queryapi.Config{
		Listen: fx.service.Addr().String(), Registry: registry.New(registry.Config{}), Store: fx.store,
		Logger: slog.New(slog.DiscardHandler), Metrics: prometheus.NewRegistry(),
	}); err == nil {
		t.Error("a service on a taken address")
	}
}
