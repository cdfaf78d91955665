package queryapi

import (
	"net/http"
	"slices"
	"strings"

	"github.com/theeye/theeye/shared/registry"
)

// scope is what a token may see and do, by one snapshot of the registry.
type scope struct {
	// author is the id of the token: who a change of the registry is by.
	author string
	// operator tokens do everything.
	operator bool
	// applications are those the token may see; nil is every one.
	applications []string
	access       *registry.Access
}

// authenticate finds the token of a request in the registry's newest snapshot.
// Write keys are no tokens: they live in another table and do not read.
func authenticate(snapshot *registry.Snapshot, h http.Header) (scope, error) {
	if snapshot == nil {
		// A 401 now would make clients drop a good token.
		return scope{}, unavailable(codeStarting, "the registry is not loaded yet", retrySoon, nil)
	}
	secret, ok := bearer(h)
	if !ok {
		return scope{}, &failure{
			Status: http.StatusUnauthorized, Code: codeUnauthorized,
			Detail: "a query or operator token is needed, as Authorization: Bearer",
		}
	}
	token, ok := snapshot.Access.Token(secret)
	if !ok {
		return scope{}, &failure{
			Status: http.StatusUnauthorized, Code: codeUnauthorized,
			Detail: "the token is not valid here; write keys do not read",
		}
	}
	switch token.Role {
	case registry.Operator:
		return scope{author: token.ID, operator: true, access: snapshot.Access}, nil
	case registry.Analyst:
		return scope{author: token.ID, access: snapshot.Access, applications: token.Applications}, nil
	}
	return scope{}, &failure{
		Status: http.StatusForbidden, Code: codeForbidden,
		Detail: "the token's role does not query",
	}
}

// operatorsOnly refuses tokens that only read events.
func operatorsOnly(who scope) error {
	if who.operator {
		return nil
	}
	return &failure{Status: http.StatusForbidden, Code: codeForbidden, Detail: "an operator token is needed here"}
}

// everyRole is for calls that every token may make.
func everyRole(scope) error { return nil }

// bearer returns the one credential of the one Authorization header.
func bearer(h http.Header) (string, bool) {
	values := h.Values("Authorization")
	if len(values) != 1 {
		return "", false
	}
	scheme, secret, ok := strings.Cut(values[0], " ")
	secret = strings.TrimSpace(secret)
	return secret, ok && strings.EqualFold(scheme, "Bearer") && secret != ""
}

// restrict returns the applications that a request covers: the one it names,
// or all that the token may see (nil is every one). Naming another is refused
// alike whether that application exists or not.
func (s scope) restrict(application string) ([]string, error) {
	if application == "" {
		return s.applications, nil
	}
	if s.applications != nil && !slices.Contains(s.applications, application) {
		return nil, &failure{
			Status: http.StatusForbidden, Code: codeApplicationDenied,
			Detail: "the token may not read application " + application,
		}
	}
	return []string{application}, nil
}

// named is restrict for lookups by id, which need names: a token that may see
// everything gets the applications that the registry knows.
func (s scope) named(application string) ([]string, error) {
	names, err := s.restrict(application)
	if err != nil {
		return nil, err
	}
	if names == nil {
		names = s.access.Applications()
	}
	if len(names) > maxLookup {
		return nil, badRequest(codeTooManyApps, "parameter application is needed: there are more than %d applications", maxLookup)
	}
	return names, nil
}
