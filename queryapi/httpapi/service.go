package httpapi

import (
	"context"
	"net/http"
	"strings"
	"time"

	"github.com/theeye/theeye/queryapi/access"
	"github.com/theeye/theeye/queryapi/admin"
	"github.com/theeye/theeye/queryapi/events"
	"github.com/theeye/theeye/queryapi/problem"
	"github.com/theeye/theeye/shared/api"
	"github.com/theeye/theeye/shared/httpserver/router"
	"github.com/theeye/theeye/shared/registry"
)

// Patterns of the routes. Metrics and cursors name the calls by them.
const (
	routeEvents          = api.PathEvents
	routeEvent           = routeEvents + "/:event_id"
	routeTrace           = routeEvent + "/trace"
	routeSession         = api.PathSessions + "/:session_id"
	routeRejected        = api.PathRejected
	routeRejectedSummary = api.PathRejectedSummary
	routeTypes           = api.PathTypes

	routeStatus        = api.PathStatus
	routeSchemas       = api.PathSchemas
	routeSchema        = routeSchemas + "/:category/:name"
	routeSchemaHistory = routeSchema + "/history"
	routePolicy        = api.PathPolicy
	routePolicyHistory = api.PathPolicyHistory
	routeApplications  = api.PathApplications
	routeApplication   = routeApplications + "/:name"
	routeKeys          = routeApplication + "/keys"
	routeKey           = routeKeys + "/:id"
	routeTokens        = api.PathTokens
	routeToken         = routeTokens + "/:id"
	routeChanges       = api.PathChanges
	routeReplays       = api.PathReplays
	routeReplay        = routeReplays + "/:id"
	routeAudits        = api.PathAudits
	routeAudit         = routeAudits + "/:id"
)

// service serves the requests. It is safe for concurrent use.
type service struct {
	events   *events.Finder
	admin    *admin.Admin
	registry *registry.Registry
	timeout  time.Duration
	slots    chan struct{} // one for each request in flight
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
// right role, then a slot, and then ends within a time limit.
func (s *service) admit(h handler, authorize func(access.Principal) error) router.Handler {
	return func(w http.ResponseWriter, r *http.Request) error {
		p, err := access.Authenticate(s.registry.Snapshot(), bearerToken(r.Header))
		if err == nil {
			err = authorize(p)
		}
		if err != nil {
			return err
		}
		select {
		case s.slots <- struct{}{}:
			defer func() { <-s.slots }()
		default:
			return problem.New(api.CodeOverloaded, "too many queries are in flight")
		}
		ctx, cancel := context.WithTimeout(r.Context(), s.timeout)
		defer cancel()
		if err := h(w, r.WithContext(ctx), p); err != nil {
			return failureOf(ctx, err)
		}
		return nil
	}
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

// withRegistry answers 503 while NATS is disconnected, before it reads a body.
func (s *service) withRegistry(h handler) handler {
	return func(w http.ResponseWriter, r *http.Request, p access.Principal) error {
		if err := s.admin.CheckConnected(); err != nil {
			return err
		}
		return h(w, r, p)
	}
}
