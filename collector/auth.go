package collector

import (
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/theeye/theeye/shared/api"
	"github.com/theeye/theeye/shared/format"
	"github.com/theeye/theeye/shared/httpserver"
	"github.com/theeye/theeye/shared/registry"
)

// authenticatedRequest is a request with a valid write key: who sends events,
// when, in which format, and the registry that they are checked with.
type authenticatedRequest struct {
	key      registry.Key
	snapshot *registry.Snapshot
	received time.Time
	// format is that of the route.
	format format.Format
}

// authenticate authenticates a request. If it succeeds, the page that sent the
// request may read every later answer.
func (s *Service) authenticate(w http.ResponseWriter, r *http.Request) (authenticatedRequest, error) {
	w.Header().Add("Vary", "Origin")
	snapshot, err := s.currentSnapshot()
	if err != nil {
		return authenticatedRequest{}, err
	}
	now := s.now().UTC()
	key, err := authenticateKey(snapshot.Access, r, now)
	if err != nil {
		return authenticatedRequest{}, err
	}
	allowReading(w.Header(), r.Header.Get("Origin"))
	return authenticatedRequest{key: key, snapshot: snapshot, received: now, format: format.Native}, nil
}

// currentSnapshot returns the registry. Before it is complete, requests are
// answered 503 rather than 401, which makes clients drop their events.
func (s *Service) currentSnapshot() (*registry.Snapshot, error) {
	if snapshot := s.registry.Snapshot(); snapshot != nil {
		return snapshot, nil
	}
	return nil, unavailable(api.CodeStarting, "the collector is starting", retrySoon, nil)
}

// currentAccess returns the write keys of the newest snapshot, which must
// exist.
func (s *Service) currentAccess() *registry.Access { return s.registry.Snapshot().Access }

// paramWriteKey is the query parameter that may carry a write key.
const paramWriteKey = "write_key"

// authenticateKey returns the write key of a request if the key may be used now
// and from the request's origin. A request may carry its key several times, but
// not two different keys.
func authenticateKey(access *registry.Access, r *http.Request, now time.Time) (registry.Key, error) {
	secret, err := findSecret(r)
	if err != nil {
		return registry.Key{}, err
	}
	key, ok := access.WriteKey(secret)
	switch {
	case !ok:
		// A token is no write key either and gets the answer of an unknown key.
		return registry.Key{}, httpserver.NewFailure(http.StatusUnauthorized, api.CodeUnauthorized, "the write key is not known here")
	case key.Disabled:
		return registry.Key{}, httpserver.NewFailure(http.StatusForbidden, api.CodeKeyDisabled, "the write key is disabled")
	case key.Expired(now):
		return registry.Key{}, httpserver.NewFailure(http.StatusForbidden, api.CodeKeyExpired, "the write key has expired")
	}
	return key, checkOrigin(key, r.Header)
}

// findSecret returns the one secret of a request.
func findSecret(r *http.Request) (string, error) {
	var secret string
	for _, s := range allSecrets(r) {
		switch {
		case s == "" || s == secret:
		case secret == "":
			secret = s
		default:
			return "", httpserver.NewFailure(http.StatusBadRequest, api.CodeSeveralKeys, "the request carries two different write keys")
		}
	}
	if secret == "" {
		return "", httpserver.NewFailure(http.StatusUnauthorized, api.CodeUnauthorized,
			"a write key is needed: Authorization: Bearer, X-Write-Key, Basic user name, or ?write_key=")
	}
	return secret, nil
}

// allSecrets returns the secrets in all places that may carry one.
func allSecrets(r *http.Request) []string {
	var found []string
	for _, value := range r.Header["Authorization"] {
		scheme, rest, _ := strings.Cut(value, " ")
		switch {
		case strings.EqualFold(scheme, "Bearer"):
			found = append(found, strings.TrimSpace(rest))
		case strings.EqualFold(scheme, "Basic"):
			one := http.Request{Header: http.Header{"Authorization": {value}}}
			user, _, _ := one.BasicAuth()
			found = append(found, user)
		}
	}
	found = append(found, r.Header[api.HeaderWriteKey]...)
	if strings.Contains(r.URL.RawQuery, paramWriteKey) {
		// An unreadable part of the query holds no key.
		query, _ := url.ParseQuery(r.URL.RawQuery)
		found = append(found, query[paramWriteKey]...)
	}
	return found
}

// The answer to a preflight request. Browsers cache it for at most two hours.
const (
	corsMethods = "POST"
	corsHeaders = "authorization, content-type, content-encoding, x-write-key"
	corsMaxAge  = "7200"
	// eventMethods is the header Allow of the paths that take events.
	eventMethods = "POST, OPTIONS"
)

// checkOrigin refuses a key that is used from an origin that its owner did not
// list. Origins are compared whole: "null" and similar names do not match.
func checkOrigin(key registry.Key, h http.Header) error {
	for _, origin := range h["Origin"] {
		// Browsers never send the header empty.
		if origin == "" || !key.AllowsOrigin(origin) {
			return httpserver.NewFailure(http.StatusForbidden, api.CodeOriginNotAllowed, "the write key may not be used from this origin")
		}
	}
	return nil
}

// allowReading lets the page that sent an allowed request read the answer.
func allowReading(h http.Header, origin string) {
	if origin == "" {
		return
	}
	h.Set("Access-Control-Allow-Origin", origin)
	h.Set("Access-Control-Expose-Headers", "Retry-After")
}

// servePreflight answers the preflight request of a browser. That carries no
// key, so it is granted if any application lists the origin; the request itself
// is checked against its key.
func (s *Service) servePreflight(w http.ResponseWriter, r *http.Request) error {
	h := w.Header()
	h.Set("Allow", eventMethods)
	h.Add("Vary", "Origin")
	h.Add("Vary", "Access-Control-Request-Method")
	h.Add("Vary", "Access-Control-Request-Headers")
	origin := r.Header.Get("Origin")
	if origin != "" && r.Header.Get("Access-Control-Request-Method") != "" {
		snapshot, err := s.currentSnapshot()
		if err != nil {
			return err
		}
		if !snapshot.Access.OriginListed(origin) {
			return httpserver.NewFailure(http.StatusForbidden, api.CodeOriginNotAllowed, "no application lists this origin")
		}
		h.Set("Access-Control-Allow-Origin", origin)
		h.Set("Access-Control-Allow-Methods", corsMethods)
		h.Set("Access-Control-Allow-Headers", corsHeaders)
		h.Set("Access-Control-Max-Age", corsMaxAge)
	}
	w.WriteHeader(http.StatusNoContent)
	return nil
}
