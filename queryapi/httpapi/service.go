package httpapi

import (
	"context"
	"log/slog"
	"net/http"
	"strings"
	"time"

	"github.com/theeye/theeye/queryapi/access"
	"github.com/theeye/theeye/queryapi/admin"
	"github.com/theeye/theeye/queryapi/analytics"
	"github.com/theeye/theeye/queryapi/events"
	"github.com/theeye/theeye/queryapi/export"
	"github.com/theeye/theeye/queryapi/live"
	"github.com/theeye/theeye/queryapi/problem"
	"github.com/theeye/theeye/shared/api"
	"github.com/theeye/theeye/shared/httpserver"
	"github.com/theeye/theeye/shared/httpserver/router"
	"github.com/theeye/theeye/shared/lastuse"
	"github.com/theeye/theeye/shared/registry"
)

// Patterns of the routes. Metrics and cursors name the calls by them.
const (
	routeEvents          = api.PathEvents
	routeEvent           = routeEvents + "/:event_id"
	routeTrace           = routeEvent + "/trace"
	routeSessions        = api.PathSessions
	routeSession         = routeSessions + "/:session_id"
	routeRejected        = api.PathRejected
	routeRejectedSummary = api.PathRejectedSummary
	routeExport          = api.PathExport
	routeLive            = api.PathLive
	routeOwnToken        = api.PathToken

	routeStatus         = api.PathStatus
	routeBackup         = api.PathBackup
	routeBackupPart     = routeBackup + "/:part"
	routeSchemas        = api.PathSchemas
	routeSchema         = routeSchemas + "/:category/:name"
	routeSchemaHistory  = routeSchema + "/history"
	routeSchemaValidate = routeSchema + "/validate"
	routeSchemaProposal = routeSchema + "/proposal"
	routePolicy         = api.PathPolicy
	routePolicyHistory  = api.PathPolicyHistory
	routeApplications   = api.PathApplications
	routeApplication    = routeApplications + "/:name"
	routeSettings       = routeApplication + "/settings"
	routeKeys           = routeApplication + "/keys"
	routeKey            = routeKeys + "/:id"
	routeTokens         = api.PathTokens
	routeToken          = routeTokens + "/:id"
	routeChanges        = api.PathChanges
	routeReplays        = api.PathReplays
	routeReplay         = routeReplays + "/:id"
	routeAudits         = api.PathAudits
	routeAudit          = routeAudits + "/:id"
	routeRetentions     = api.PathRetentions
	routeRetention      = routeRetentions + "/:id"
)

// service serves the requests. It is safe for concurrent use.
type service struct {
	events   *events.Finder
	admin    *admin.Admin
	registry *registry.Registry
	uses     *lastuse.Recorder
	timeout  time.Duration
	// analysts and operators are the slots of their requests in work.
	analysts, operators *slots
	// exports and streams are the slots of answers that may take long.
	exports, streams *slots
	store            export.Finder
	live             *live.Hub
	heartbeat        time.Duration
	log              *slog.Logger
	// analytics answers statistics, in slots of their own; nil without columns.
	analytics *analytics.Analytics
	stats     *slots
	// memory is that of the answers, shared between the tokens.
	memory *httpserver.Budget[string]
}

// handler serves one call for a principal. It returns an error only before it
// wrote anything of the answer.
type handler func(w http.ResponseWriter, r *http.Request, p access.Principal) error

// forEveryone admits requests with any token.
func (s *service) forEveryone(h handler) router.Handler {
	return s.admit(h, func(access.Principal) error { return nil })
}

// forOperators admits requests with an operator token.
func (s *service) forOperators(h handler) router.Handler {
	return s.admit(h, access.Principal.RequireOperator)
}

// admit returns the handler of a request that needs a valid token with the
// right role, and then a slot for a limited time. It holds the slot neither while
// its body arrives nor while its answer is written, so that slow clients keep no
// other waiting.
func (s *service) admit(h handler, authorize func(access.Principal) error) router.Handler {
	return func(w http.ResponseWriter, r *http.Request) error {
		p, err := s.authenticateToken(bearerToken(r.Header))
		if err == nil {
			err = authorize(p)
		}
		if err != nil {
			return err
		}
		a := s.newAnswer(r, p.ID)
		defer a.release()
		if r, err = receiveBody(r, a); err != nil {
			return err
		}
		if err := s.work(h, a, r, p); err != nil {
			return err
		}
		a.send(w)
		return nil
	}
}

// authenticateToken returns the principal of a token, and notes that it is in use.
func (s *service) authenticateToken(secret string) (access.Principal, error) {
	p, err := access.Authenticate(s.registry.Snapshot(), secret)
	if err == nil && s.uses != nil {
		s.uses.NoteUse(lastuse.Credential{ID: p.ID}, time.Now())
	}
	return p, err
}

// work makes the answer to a request, in a slot and within the time limit.
func (s *service) work(h handler, a *answer, r *http.Request, p access.Principal) error {
	free := s.analysts
	if p.RequireOperator() == nil {
		free = s.operators
	}
	if !free.takeSlot(p.ID) {
		return problem.New(api.CodeOverloaded, "too many queries of this token are in work; send fewer at a time")
	}
	defer free.freeSlot(p.ID)
	ctx, cancel := context.WithTimeout(events.WithMemory(r.Context(), a), s.timeout)
	defer cancel()
	err := h(a, r.WithContext(ctx), p)
	if err == nil {
		err = a.finishBody()
	}
	if err != nil {
		return failureOf(ctx, err)
	}
	return nil
}

// bearerToken returns the token of the one Authorization header, "" without
// one.
func bearerToken(h http.Header) string {
	values := h.Values("Authorization")
	if len(values) != 1 {
		return ""
	}
	scheme, secret, _ := strings.Cut(values[0], " ")
	if !strings.EqualFold(scheme, "Bearer") {
		return ""
	}
	return strings.TrimSpace(secret)
}

// withStore answers 503 until the store is prepared.
func (s *service) withStore(h handler) handler {
	return func(w http.ResponseWriter, r *http.Request, p access.Principal) error {
		if err := s.events.CheckPrepared(r.Context()); err != nil {
			return err
		}
		return h(w, r, p)
	}
}

// withRegistry answers 503 while NATS is disconnected.
func (s *service) withRegistry(h handler) handler {
	return func(w http.ResponseWriter, r *http.Request, p access.Principal) error {
		if err := s.admin.CheckConnected(); err != nil {
			return err
		}
		return h(w, r, p)
	}
}

// withColumns answers 503 where the service holds no columns.
func (s *service) withColumns(h handler) handler {
	return func(w http.ResponseWriter, r *http.Request, p access.Principal) error {
		if s.analytics == nil {
			return problem.New(api.CodeStarting, "this service holds no columns, from which statistics are answered")
		}
		return h(w, r, p)
	}
}
