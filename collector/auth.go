package collector

import (
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/theeye/theeye/shared/api"
	"github.com/theeye/theeye/shared/httpserver"
	"github.com/theeye/theeye/shared/lastuse"
	"github.com/theeye/theeye/shared/registry"
)

// authenticatedRequest is a request with a valid write key: who sends events,
// when, in which format, and the registry that they are checked with.
type authenticatedRequest struct {
	key      registry.Key
	snapshot *registry.Snapshot
	received time.Time
	dialect
}

// isKey reports whether a secret is a write key, of any application.
func (a authenticatedRequest) isKey(secret string) bool {
	_, known := a.snapshot.Access.WriteKey(secret)
	return known
}

// authenticate authenticates a request by the secrets of its header and its query,
// and by others that it carries.
func (s *Service) authenticate(r *http.Request, d dialect, others ...string) (authenticatedRequest, error) {
	snapshot, err := s.currentSnapshot()
	if err != nil {
		return authenticatedRequest{}, err
	}
	now := s.now().UTC()
	key, err := authenticateKey(snapshot.Access, r, now, others...)
	if err != nil {
		return authenticatedRequest{}, err
	}
	if err := d.checkEnabled(key); err != nil {
		return authenticatedRequest{}, err
	}
	s.uses.NoteUse(lastuse.Credential{Application: key.Application, ID: key.ID}, now)
	return authenticatedRequest{key: key, snapshot: snapshot, received: now, dialect: d}, nil
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
// and from the request's origin.
func authenticateKey(access *registry.Access, r *http.Request, now time.Time, others ...string) (registry.Key, error) {
	key, err := findKey(access, append(allSecrets(r), others...))
	switch {
	case err != nil:
		return registry.Key{}, err
	case key.Disabled:
		return registry.Key{}, httpserver.NewFailure(http.StatusForbidden, api.CodeKeyDisabled, "the write key is disabled")
	case key.Expired(now):
		return registry.Key{}, httpserver.NewFailure(http.StatusForbidden, api.CodeKeyExpired, "the write key has expired")
	}
	return key, checkOrigin(key, r.Header)
}

// unknownKey returns the failure of a secret that is not a write key.
func unknownKey(access *registry.Access, secret string) error {
	if _, isToken := access.Token(secret); isToken || strings.HasPrefix(secret, registry.TokenPrefix) {
		return httpserver.NewFailure(http.StatusUnauthorized, api.CodeTokenNotWriteKey,
			"this is a token, which reads and administers; events are sent with a write key, as theeye app create makes")
	}
	return httpserver.NewFailure(http.StatusUnauthorized, api.CodeUnauthorized, "the write key is not known here")
}

// maxSecrets bounds the different secrets of a request that are looked up.
const maxSecrets = 8

// findKey returns the key that one of the secrets of a request is. A request may
// carry its key several times, and other secrets beside it: a site's own Basic
// authentication, or a token for another service. Exactly one of them may be a
// key that is known.
func findKey(access *registry.Access, secrets []string) (found registry.Key, err error) {
	var seen []string
	known := 0
	for _, s := range secrets {
		if s == "" || slices.Contains(seen, s) {
			continue
		}
		if seen = append(seen, s); len(seen) > maxSecrets {
			return registry.Key{}, errSeveralKeys
		}
		if key, ok := access.WriteKey(s); ok {
			found = key
			known++
		}
	}
	switch {
	case known == 1:
		return found, nil
	case len(seen) == 0:
		return registry.Key{}, httpserver.NewFailure(http.StatusUnauthorized, api.CodeUnauthorized,
			"a write key is needed: Authorization: Bearer, X-Write-Key, Basic user name, or ?write_key=")
	case len(seen) == 1:
		return registry.Key{}, unknownKey(access, seen[0])
	}
	return registry.Key{}, errSeveralKeys
}

var errSeveralKeys = httpserver.NewFailure(http.StatusBadRequest, api.CodeSeveralKeys,
	"the request carries several secrets (Authorization, X-Write-Key, ?write_key=), and not exactly one of them is a write key that is known here")

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
