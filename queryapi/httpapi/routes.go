package httpapi

import (
	"cmp"
	"log/slog"
	"net/http"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"golang.org/x/time/rate"

	"github.com/theeye/theeye/queryapi/admin"
	"github.com/theeye/theeye/queryapi/analytics"
	"github.com/theeye/theeye/queryapi/apidoc/swagger"
	"github.com/theeye/theeye/queryapi/events"
	"github.com/theeye/theeye/queryapi/export"
	"github.com/theeye/theeye/queryapi/live"
	"github.com/theeye/theeye/shared/api"
	"github.com/theeye/theeye/shared/daemon"
	"github.com/theeye/theeye/shared/httpserver"
	"github.com/theeye/theeye/shared/httpserver/router"
	"github.com/theeye/theeye/shared/lastuse"
	"github.com/theeye/theeye/shared/registry"
)

// Config configures the API. Every field is needed but Heartbeat and Uses.
type Config struct {
	Events   *events.Finder
	Admin    *admin.Admin
	Registry *registry.Registry
	// Uses notes the uses of tokens; nil notes none.
	Uses *lastuse.Recorder
	// Analytics answers statistics; without it they are answered 503.
	Analytics *analytics.Analytics
	// Store is read by exports, Live by live streams, which send something every
	// Heartbeat; 0 is 15 s.
	Store     export.Finder
	Live      *live.Hub
	Heartbeat time.Duration
	// Timeout bounds the work on one request.
	Timeout time.Duration
	// MaxInFlight bounds the requests in work of analysts, and those of operators;
	// one more is answered 503 at once.
	MaxInFlight int
	// Memory is that of all answers, shared between the tokens: of NewMemory.
	Memory   *httpserver.Budget[string]
	Latency  *prometheus.HistogramVec
	InFlight prometheus.Gauge
	Logger   *slog.Logger
}

// writeTimeout bounds the writing of a problem.
const writeTimeout = 10 * time.Second

// New returns the router of the API.
func New(c Config) *router.Router {
	s := &service{
		events: c.Events, admin: c.Admin, registry: c.Registry, uses: c.Uses,
		timeout: c.Timeout, analysts: newSlots(c.MaxInFlight), operators: newSlots(c.MaxInFlight),
		analytics: c.Analytics, stats: newBoundedSlots(maxStats, maxTokenStats),
		memory: c.Memory, exports: newBoundedSlots(maxExports, maxTokenExports), streams: newBoundedSlots(maxStreams, maxTokenStreams),
		store: c.Store, live: c.Live, heartbeat: cmp.Or(c.Heartbeat, defaultHeartbeat), log: c.Logger,
	}
	return router.New(router.Config{
		FailureOf: failureOf, WriteTimeout: writeTimeout, Latency: c.Latency, InFlight: c.InFlight,
		Logger: c.Logger, LogLimit: &rate.Sometimes{First: 1, Interval: time.Second},
	}, s.endpoints())
}

// endpoints returns the whole HTTP surface.
func (s *service) endpoints() []router.Endpoint {
	endpoints := []router.Endpoint{
		{Method: http.MethodGet, Pattern: routeStatus, Handle: s.forOperators(showValue(s.admin.Status))},
		{Method: http.MethodPost, Pattern: api.PathStatsVerify, Handle: s.forOperators(s.withStore(s.verifyColumns))},
		{Method: http.MethodGet, Pattern: routeBackup, Handle: s.forOperators(showValue(s.admin.Backup))},
		{Method: http.MethodGet, Pattern: routeBackupPart, Handle: s.writeBackupPart},
		{Method: http.MethodGet, Pattern: routeExport, Handle: s.writeExport},
		{Method: http.MethodGet, Pattern: routeLive, Handle: s.streamLive},
		{Method: http.MethodGet, Pattern: api.PathOpenAPI, Handle: serveDocument},
		{Method: http.MethodGet, Pattern: api.PathDocs, Handle: serveDocs(swagger.Index)},
		{Method: http.MethodGet, Pattern: routeOwnToken, Handle: s.forEveryone(s.showOwnToken)},
		{Method: http.MethodGet, Pattern: "/", Handle: redirectToUI},
		{Method: http.MethodGet, Pattern: api.PathUI, Handle: serveUI},
		{Method: http.MethodGet, Pattern: api.PathUI + "/:screen", Handle: serveUI},
		{Method: http.MethodGet, Pattern: api.PathUI + "/:screen/:id", Handle: serveUI},
		{Method: http.MethodGet, Pattern: api.PathUIAssets + "/:name", Handle: serveUIAsset},
		{Method: http.MethodGet, Pattern: api.PathHealth, Handle: serveHealth},
	}
	for _, name := range []string{swagger.Start, swagger.Bundle, swagger.Style} {
		endpoints = append(endpoints, router.Endpoint{
			Method: http.MethodGet, Pattern: api.PathDocs + "/" + name, Handle: serveDocs(name),
		})
	}
	endpoints = append(endpoints, router.Endpoint{
		Method: http.MethodPost, Pattern: api.PathStatsQuery, Handle: s.forEveryone(s.withStore(s.withColumns(s.answerBatch))),
	}, router.Endpoint{
		Method: http.MethodPost, Pattern: api.PathFunnel, Handle: s.forEveryone(s.withStore(s.withColumns(s.postFunnel))),
	}, router.Endpoint{
		Method: http.MethodGet, Pattern: api.PathFunnel, Handle: s.forEveryone(s.withStore(s.withColumns(s.getFunnel))),
	})
	for pattern, kind := range statsRoutes {
		endpoints = append(endpoints, router.Endpoint{
			Method: http.MethodGet, Pattern: pattern, Handle: s.forEveryone(s.withStore(s.withColumns(s.answerStats(kind)))),
		})
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
		routeSessions:        s.withColumns(s.listSessions),
		routeSession:         s.showSession,
		routeRejected:        s.listRejected,
		routeRejectedSummary: s.withColumns(s.summarizeRejected),
		routeSchemaProposal:  s.withColumns(s.proposeSchema),
	}
}

// adminHandlers are the calls of operators that need the registry, by route and
// method.
func (s *service) adminHandlers() map[string]map[string]handler {
	const get, put, post, remove = http.MethodGet, http.MethodPut, http.MethodPost, http.MethodDelete
	replays := jobCollection{s.admin.Replays(), routeReplays, routeReplay}
	audits := jobCollection{s.admin.Audits(), routeAudits, routeAudit}
	retentions := jobCollection{s.admin.Retentions(), routeRetentions, routeRetention}
	return map[string]map[string]handler{
		routeSchemas:        {get: showValue(s.admin.Schemas)},
		routeSchema:         {get: s.showSchema, put: s.putSchema, remove: s.deleteSchema},
		routeSchemaHistory:  {get: s.listSchemaVersions},
		routeSchemaValidate: {post: s.validateDraft},
		routePolicy:         {get: s.showPolicy, put: s.putPolicy, remove: s.deletePolicy},
		routePolicyHistory:  {get: s.listPolicyVersions},
		routeApplications:   {get: showValue(s.admin.Applications), post: s.createApplication},
		routeApplication:    {get: s.showApplication, put: s.putApplication, remove: s.deleteApplication},
		routeSettings:       {put: s.putSettings},
		routeKeys:           {post: s.createKey},
		routeKey:            {put: s.putKey, remove: s.deleteKey},
		routeTokens:         {get: showValue(s.admin.Tokens), post: s.createToken},
		routeToken:          {get: s.showToken, remove: s.deleteToken},
		routeChanges:        {get: s.listChanges},
		routeReplays:        {get: replays.listJobs, post: s.startReplay},
		routeReplay:         {get: replays.showJob, remove: replays.cancelJob},
		routeAudits:         {get: audits.listJobs, post: s.startAudit},
		routeAudit:          {get: audits.showJob, remove: audits.cancelJob},
		routeRetentions:     {get: retentions.listJobs, post: s.startRetention},
		routeRetention:      {get: retentions.showJob, remove: retentions.cancelJob},
	}
}

func serveHealth(w http.ResponseWriter, r *http.Request) error {
	daemon.Health().ServeHTTP(w, r)
	return nil
}
