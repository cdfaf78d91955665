package collector

import (
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/theeye/theeye/shared/api"
	"github.com/theeye/theeye/shared/httpserver"
	"github.com/theeye/theeye/shared/registry"
)

// paramWriteKey is the query parameter that may carry a write key.
const paramWriteKey = "write_key"

// authenticate returns the write key of a request, which has one at least, all
// equal where there are several, and is allowed to use it now and from its
// origin.
func authenticate(access *registry.Access, r *http.Request, now time.Time) (registry.Key, error) {
	secret, err := credential(r)
	if err != nil {
		return registry.Key{}, err
	}
	key, ok := access.WriteKey(secret)
	switch {
	case !ok:
		// A token is no write key either: it answers like one that is unknown.
		return registry.Key{}, httpserver.NewFailure(http.StatusUnauthorized, api.CodeUnauthorized, "the write key is not known here")
	case key.Disabled:
		return registry.Key{}, httpserver.NewFailure(http.StatusForbidden, api.CodeKeyDisabled, "the write key is disabled")
	case key.Expired(now):
		return registry.Key{}, httpserver.NewFailure(http.StatusForbidden, api.CodeKeyExpired, "the write key has expired")
	}
	return key, checkOrigin(key, r.Header)
}

// credential returns the one secret of a request.
func credential(r *http.Request) (string, error) {
	var secret string
	for _, s := range candidates(r) {
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

// candidates are the secrets in all places where one may stand.
func candidates(r *http.Request) []string {
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
		// A part of the query that cannot be read holds no key.
		query, _ := url.ParseQuery(r.URL.RawQuery)
		found = append(found, query[paramWriteKey]...)
	}
	return found
}
