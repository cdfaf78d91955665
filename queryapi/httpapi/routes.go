package httpapi

import (
	"fmt"
	"log/slog"
	"net/http"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"golang.org/x/time/rate"

	"github.com/theeye/theeye/queryapi/admin"
	"github.com/theeye/theeye/queryapi/apidoc"
	"github.com/theeye/theeye/queryapi/events"
	"github.com/theeye/theeye/shared/api"
	"github.com/theeye/theeye/shared/daemon"
	"github.com/theeye/theeye/shared/httpserver/router"
	"github.com/theeye/theeye/shared/registry"
)

// Config configures the API. Every field is needed.
type Config struct {
	Events   *events.Finder
	Admin    *admin.Admin
	Registry *registry.Registry
	// Timeout bounds the work on one request.
	Timeout time.Duration
	// MaxInFlight bounds the requests in flight; one more is answered 503 at
	// once.
	MaxInFlight int
	Latency     *prometheus.HistogramVec
	InFlight    prometheus.Gauge
	Logger      *slog.Logger
}

// New returns the router of the API.
func New(c Config) *router.Router {
	s := &service{
		events: c.Events, admin: c.Admin, registry: c.Registry,
		timeout: c.Timeout, slots: make(chan struct{}, c.MaxInFlight),
	}
	return router.New(router.Config{
		FailureOf: failureOf, Latency: c.Latency, InFlight: c.InFlight,
		Logger: c.Logger, LogLimit: &rate.Sometimes{First: 1, Interval: time.Second},
	}, s.endpoints())
}

// endpoints returns the whole HTTP surface.
func (s *service) endpoints() []router.Endpoint {
	endpoints := []router.Endpoint{
		{Method: http.MethodGet, Pattern: routeStatus, Handle: s.forOperators(showValue(s.admin.Status))},
		{Method: http.MethodGet, Pattern: api.PathOpenAPI, Handle: serveDocument},
		{Method: http.MethodGet, Pattern: api.PathHealth, Handle: serveHealth},
	}
	for pattern, h := range s.eventHandlers() {
		endpoints = append(endpoints, router.Endpoint{
			Method: http.MethodGet, Pattern: pattern, Handle: s.forEveryone(s.withStore(h)),
		})
	}
	for pattern, methods := range s.adminHandlers() {
		for method, h := range methods {
			endpoints = append(endpoints, router.Endpoint{
				Method: method, Pattern: pattern, Handle: s.forOperators(s.withRegistry(h)),
			})
		}
	}
	return endpoints
}

// eventHandlers are the questions of analysts, by route. All are GET.
func (s *service) eventHandlers() map[string]handler {
	return map[string]handler{
		routeEvents:          s.listEvents,
		routeEvent:           s.showEvent,
		routeTrace:           s.showTrace,
		routeSession:         s.showSession,
		routeRejected:        s.listRejected,
		routeRejectedSummary: s.summarizeRejected,
		routeTypes:           s.listTypes,
	}
}

// adminHandlers are the calls of operators that need the registry, by route and
// method.
func (s *service) adminHandlers() map[string]map[string]handler {
	const get, put, post, remove = http.MethodGet, http.MethodPut, http.MethodPost, http.MethodDelete
	replays := jobCollection{s.admin.Replays(), routeReplays, routeReplay}
	audits := jobCollection{s.admin.Audits(), routeAudits, routeAudit}
	return map[string]map[string]handler{
		routeSchemas:       {get: showValue(s.admin.Schemas)},
		routeSchema:        {get: s.showSchema, put: s.putSchema, remove: s.deleteSchema},
		routeSchemaHistory: {get: s.listSchemaVersions},
		routePolicy:        {get: s.showPolicy, put: s.putPolicy, remove: s.deletePolicy},
		routePolicyHistory: {get: s.listPolicyVersions},
		routeApplications:  {get: showValue(s.admin.Applications), post: s.createApplication},
		routeApplication:   {get: s.showApplication, put: s.putApplication, remove: s.deleteApplication},
		routeKeys:          {post: s.createKey},
		routeKey:           {put: s.putKey, remove: s.deleteKey},
		routeTokens:        {get: showValue(s.admin.Tokens), post: s.createToken},
		routeToken:         {get: s.showToken, remove: s.deleteToken},
		routeChanges:       {get: s.listChanges},
		routeReplays:       {get: replays.listJobs, post: s.startReplay},
		routeReplay:        {get: replays.showJob, remove: replays.cancelJob},
		routeAudits:        {get: audits.listJobs, post: s.startAudit},
		routeAudit:         {get: audits.showJob, remove: audits.cancelJob},
	}
}

func serveDocument(w http.ResponseWriter, _ *http.Request) error {
	w.Header().Set("Content-Type", api.ContentTypeJSON)
	w.WriteHeader(http.StatusOK)
	if _, err := w.Write(apidoc.Document()); err != nil {
		return fmt.Errorf("write the document: %w", err)
	}
	return nil
}

func serveHealth(w http.ResponseWriter, r *http.Request) error {
	daemon.Health().ServeHTTP(w, r)
	return nil
}
